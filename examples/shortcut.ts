// As many evaluations as there is time for: one model of two moons that takes 1, 2, 4, ... or 128 steps, natively and as an ONNX graph without a loop.
import { adamw, euler, exportOnnx, loadOnnx, mlp, shortcut, synthetic, train, warmupCosine, wasserstein2 } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 6000, seed: 1, version: 'runner' });
const { x: fresh } = synthetic('moons', { n: 2000, seed: 2, version: 'runner' });
const steps = 3000;
const model = await train({
  data,
  columns: ['x', 'y'],
  objective: shortcut({ instant: 0.5 }),
  coupling: 'minibatchOT',
  network: mlp({ hidden: [64, 64, 64], time: 'raw' }),
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }),
  steps,
  seed: 1,
});
for (const k of [1, 4, 128]) {
  const { x, nfe } = await model.sample({ n: 2000, seed: 7, solver: euler({ steps: k }) });
  const distance = await wasserstein2(x, fresh, 2);
  console.log(`${nfe} evaluation${nfe > 1 ? 's' : ''} per sample: W2 ${distance.toFixed(3)} to fresh rows`);
  if (distance > 0.35) throw new Error('the samples are far from the moons');
}
await exportOnnx(model, 'shortcut.onnx', { steps: 4 });
const onnx = await loadOnnx('shortcut.onnx');
const [native, exported] = [await model.sample({ n: 100, seed: 7, solver: euler({ steps: 4 }) }), await onnx.sample({ n: 100, seed: 7 })];
const off = Math.max(...native.x.map((v, i) => Math.abs(v - (exported.x[i] as number))));
console.log(`shortcut.onnx: the same rows in 4 steps within ${off.toExponential(0)}, no loop among its operators: ${!('Loop' in onnx.info.operators)}`);
onnx.dispose();
if (off > 1e-4) throw new Error('the exported graph differs');
