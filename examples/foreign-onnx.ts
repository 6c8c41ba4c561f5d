// A velocity model that was trained elsewhere: any ONNX file that maps (x, t) to dx/dt is a sampler here, with every solver. Needs `npm install onnxruntime-node`.
import { writeFile } from 'node:fs/promises';
import { euler, inspectOnnx, loadOnnx, rk4 } from 'flowmatch';
import { gaussianField } from './support/gaussian-field.ts';

const [mean, deviation] = [[3, -1] as const, 0.5];
const bytes = gaussianField(mean, deviation);
await writeFile('foreign.onnx', bytes);
const info = inspectOnnx(bytes);
console.log(`inputs ${info.inputs.map(({ name }) => name).join(', ')}; opset ${info.opset}`);

const model = await loadOnnx('foreign.onnx');
const n = 2000;
const noise = Float32Array.from({ length: 2 * n }, (_, i) => Math.sin(i * 12.9898) * 2);
for (const solver of [euler({ steps: 20 }), rk4({ steps: 20 })]) {
  const { x, nfe } = await model.sample({ source: noise, n, solver });
  // The flow of this field is known: it carries z to mean + deviation z.
  let worst = 0;
  for (let i = 0; i < x.length; i++) worst = Math.max(worst, Math.abs(x[i]! - (mean[i % 2]! + deviation * noise[i]!)));
  console.log(`${solver.name}: ${nfe} evaluations a row, off by at most ${worst.toExponential(1)}`);
  if (worst > (solver.name === 'rk4' ? 1e-3 : 0.2)) throw new Error(`${solver.name} is off by ${worst}`);
}
model.dispose();
