// Score and flow together: a bridge between two point clouds, learnt from couples of minibatch optimal transport, walked with noise forth and back.
import { eulerMaruyama, heun, mlp, scoreAndFlow, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 4000, seed: 1 });
const { x: circle } = synthetic('8gaussians', { n: 4000, seed: 2 });
const source = circle.map((v) => v / 3);
const model = await train({
  data,
  columns: 2,
  source,
  coupling: 'minibatchOT',
  objective: scoreAndFlow({ sigma: 0.5 }),
  network: mlp({ hidden: [64, 64, 64] }),
  steps: 2000,
  batchSize: 128,
  seed: 1,
});

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
check('the flow', (await model.sample({ source, solver: heun({ steps: 40 }) })).x, data);
check('the bridge', (await model.sample({ source, solver: eulerMaruyama({ steps: 100 }), seed: 1 })).x, data);
check('and back', (await model.encode(data, { solver: eulerMaruyama({ steps: 100 }), seed: 1 })).x, source);
