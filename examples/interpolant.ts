// Stochastic interpolants between two clouds of points: fresh noise on the way, none at the ends, so that the flow leads from the one to the other themselves.
// With a score beside the velocity the same model walks with noise, forth and back.
import { eulerMaruyama, heun, interpolant, mlp, scoreAndFlow, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 4000, seed: 1 });
const { x: circle } = synthetic('8gaussians', { n: 4000, seed: 2 });
const source = circle.map((v) => v / 3);

const momentsOf = (x: Float32Array): number[] =>
  [0, 1].flatMap((c) => {
    const column = x.filter((_, i) => i % 2 === c);
    const mean = column.reduce((a, b) => a + b, 0) / column.length;
    return [mean, Math.sqrt(column.reduce((a, b) => a + (b - mean) ** 2, 0) / column.length)];
  });
const check = (name: string, x: Float32Array, wanted: Float32Array): void => {
  const [got, want] = [momentsOf(x), momentsOf(wanted)];
  console.log(`${name}: means and deviations ${got.map((v) => v.toFixed(2)).join(', ')} (${want.map((v) => v.toFixed(2)).join(', ')} wanted)`);
  if (got.some((v, i) => Math.abs(v - want[i]!) > 0.2)) throw new Error(name);
};

const paths = {
  'linear, sine': interpolant({ scale: 0.5 }),
  'encoder-decoder': interpolant({ shape: 'encoderDecoder' }),
  'functions of your own': interpolant({ alpha: (t) => t * t * (3 - 2 * t), sigma: (t) => 1 - t * t * (3 - 2 * t), gamma: (t) => t * (1 - t) }),
};
const common = { data, columns: 2, source, network: mlp({ hidden: [64, 64, 64] }), steps: 2000, batchSize: 256, seed: 1 } as const;
for (const [name, path] of Object.entries(paths)) {
  const model = await train({ ...common, path });
  check(name, (await model.sample({ source, solver: heun({ steps: 40 }) })).x, data);
}

const stirred = await train({ ...common, path: paths['linear, sine'], objective: scoreAndFlow() });
const solver = eulerMaruyama({ steps: 100, noise: () => 0.4 });
check('with noise', (await stirred.sample({ source, solver, seed: 1 })).x, data);
check('and back', (await stirred.encode(data, { solver, seed: 1 })).x, source);
