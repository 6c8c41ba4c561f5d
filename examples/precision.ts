// Precisions: train in bf16, sample in each precision, and see how far the rows move from those of f32.
import { info, mlp, type SamplingPrecision, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 4000, seed: 1 });
const model = await train({ data, columns: 2, network: mlp({ hidden: [128, 128, 128] }), steps: 1500, seed: 1, precision: 'bf16' });
console.log(`bfloat16 products by: ${info().bf16}; trained in ${model.info().training['precision']}`);

const { x: reference } = await model.sample({ n: 5000, seed: 2 });
const away = new Map<SamplingPrecision, number>();
for (const precision of ['f32-amx', 'bf16x3', 'bf16'] as const) {
  const started = performance.now();
  const { x } = await model.sample({ n: 5000, seed: 2, precision });
  const mean = Math.sqrt(x.reduce((sum, v, i) => sum + (v - reference[i]!) ** 2, 0) / x.length);
  away.set(precision, mean);
  console.log(`${precision.padEnd(7)} ${(performance.now() - started).toFixed(0)} ms, rows move by ${mean.toExponential(1)}`);
}
if (!(away.get('f32-amx')! < 1e-4 && away.get('bf16x3')! < 1e-3 && away.get('bf16')! < 0.05)) throw new Error('a precision is less accurate than it promises');
