// One evaluation per sample: straighten a flow, distil it to a single Euler step, and ship that as ONNX.
import { stat } from 'node:fs/promises';
import { adamw, distil, euler, exportOnnx, type Model, mlp, reflow, synthetic, train, warmupCosine } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 6000, seed: 1, version: 'runner' });
const steps = 2000;
const common = { network: mlp({ hidden: [64, 64, 64] }), optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }), steps } as const;

const teacher = await train({ data, columns: ['x', 'y'], seed: 1, ...common });
const straight = await reflow(teacher, { pairs: 20_000, seed: 2, ...common });
const short = await distil(straight, { samplingSteps: 1, pairs: 20_000, seed: 3, ...common });

/** Mean distance to the nearest of 2000 data rows: small where samples lie on the moons. */
const away = (x: Float32Array) => {
  let sum = 0;
  for (let i = 0; i < x.length; i += 2) {
    let nearest = Number.POSITIVE_INFINITY;
    for (let j = 0; j < 4000; j += 2)
      nearest = Math.min(nearest, Math.hypot((x[i] as number) - (data[j] as number), (x[i + 1] as number) - (data[j + 1] as number)));
    sum += nearest;
  }
  return sum / (x.length / 2);
};
for (const [name, model] of [
  ['teacher', teacher],
  ['after reflow', straight],
  ['distilled', short],
] satisfies [string, Model][]) {
  const at = async (k: number) => away((await model.sample({ n: 1000, seed: 7, solver: euler({ steps: k }) })).x);
  console.log(`${name}: ${(await at(1)).toFixed(3)} from the data by one step, ${(await at(50)).toFixed(3)} by fifty`);
}
const { x } = await short.sample({ n: 1000, seed: 7 }); // by the one step it was distilled for
if (away(x) > 0.1) throw new Error('one step does not reach the moons');
await exportOnnx(short, 'one-step.onnx');
console.log(`one-step.onnx: ${(await stat('one-step.onnx')).size} bytes, one evaluation per sample`);
