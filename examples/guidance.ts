// Classifier-free guidance: two overlapping classes, trained with the condition dropped now and then, sampled plainly, guided, and without a class.
import { exportOnnx, loadOnnx, mlp, train } from 'flowmatch';

// Class k lies around (2k - 1, 0) with standard deviation 1: the two overlap.
const n = 8000;
const wave = (i: number): number => Math.sqrt(-2 * Math.log(((i * 0.6180339887) % 1) * 0.999 + 5e-4)) * Math.cos(2 * Math.PI * ((i * 0.7548776662) % 1));
const labels = Array.from({ length: n }, (_, i) => i % 2);
const data = labels.map((label, i) => [2 * label - 1 + wave(2 * i + 1), wave(2 * i + 2)]);
const model = await train({ data, condition: { labels }, dropCondition: 0.15, network: mlp({ hidden: [64, 64, 64] }), steps: 2500, seed: 1 });

const options = { n: 4000, seed: 2, condition: 1 } as const;
const meanOf = (x: Float32Array): number => x.reduce((sum, v, i) => sum + (i % 2 === 0 ? v : 0), 0) / (x.length / 2);
const wrongSide = (x: Float32Array): number => x.filter((v, i) => i % 2 === 0 && v < 0).length / (x.length / 2);
for (const guidance of [0, 1, 2, { scale: 3, interval: [0.2, 0.8] }] as const) {
  const { x, nfe } = await model.sample({ ...options, guidance });
  const share = (100 * wrongSide(x)).toFixed(1);
  console.log(`guidance ${JSON.stringify(guidance)}: mean ${meanOf(x).toFixed(2)}, ${share} % on the other class's side, ${nfe} evaluations a row`);
}
const plain = await model.sample(options);
const guided = await model.sample({ ...options, guidance: 2 });
const none = await model.sample({ n: 4000, seed: 2, guidance: 0 });
if (!(meanOf(guided.x) > meanOf(plain.x) + 0.2 && Math.abs(meanOf(plain.x) - 1) < 0.2 && Math.abs(meanOf(none.x)) < 0.2))
  throw new Error('guidance does not act');
if (!(wrongSide(guided.x) < 0.6 * wrongSide(plain.x))) throw new Error('guidance does not separate the classes');

// The exported graph takes the scale of each call.
await exportOnnx(model, 'guided.onnx', { guidance: 'input' });
const onnx = await loadOnnx('guided.onnx');
const same = await onnx.sample({ ...options, guidance: 2 });
const worst = same.x.reduce((most, v, i) => Math.max(most, Math.abs(v - guided.x[i]!)), 0);
console.log(`onnxruntime: largest difference ${worst.toExponential(1)}`);
onnx.dispose();
if (worst > 1e-3) throw new Error('the exported graph draws other rows');
