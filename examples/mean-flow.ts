// One evaluation per sample, learned directly: average velocities of two moons, in one step and in four, natively and as an ONNX graph without a loop.
import { adamw, euler, exportOnnx, loadOnnx, meanFlow, mlp, synthetic, train, warmupCosine, wasserstein2 } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 6000, seed: 1, version: 'runner' });
const { x: fresh } = synthetic('moons', { n: 2000, seed: 2, version: 'runner' });
const steps = 3000;
const model = await train({
  data,
  columns: ['x', 'y'],
  objective: meanFlow({ instant: 0.5 }),
  coupling: 'minibatchOT',
  network: mlp({ hidden: [64, 64, 64], time: 'raw' }),
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }),
  steps,
  seed: 1,
});
for (const k of [1, 4]) {
  const { x, nfe } = await model.sample({ n: 2000, seed: 7, solver: euler({ steps: k }) });
  const distance = await wasserstein2(x, fresh, 2);
  console.log(`${nfe} evaluation${nfe > 1 ? 's' : ''} per sample: W2 ${distance.toFixed(3)} to fresh rows`);
  if (distance > 0.35) throw new Error('the samples are far from the moons');
}
await exportOnnx(model, 'mean-flow.onnx');
const onnx = await loadOnnx('mean-flow.onnx');
const [native, exported] = [await model.sample({ n: 100, seed: 7 }), await onnx.sample({ n: 100, seed: 7 })];
const off = Math.max(...native.x.map((v, i) => Math.abs(v - (exported.x[i] as number))));
console.log(`mean-flow.onnx: the same rows within ${off.toExponential(0)}, no loop among its operators: ${!('Loop' in onnx.info.operators)}`);
onnx.dispose();
if (off > 1e-4) throw new Error('the exported graph differs');
