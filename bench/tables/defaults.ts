// Which defaults train() should have: one change at a time against the house defaults, on synthetic sets and on the numbers of a small real table.
//   node bench/tables/run.mjs defaults [seeds] [only names containing this] [--all]
// Figure: energy distance (U statistic, in units of the spread of the data, x 1000; 0 = perfect, may be negative by chance) of 4000 samples to fresh rows.
// --all adds two sets that tell less: 8gaussians (near its noise of 0.3) and the penguins. The penguins have 112 fresh rows only, so that differences below 10 mean nothing there.

import { readFileSync } from 'node:fs';
import { synthetic } from '../../lib/data/synthetic.ts';
import { adamw, logitNormal, type MlpOptions, midpoint, mlp, stratified, type TrainOptions, train, warmupCosine } from '../../lib/index.ts';
import { energyDistance, moments } from '../../lib/metrics/index.ts';
import { Random } from '../../lib/random.ts';

interface Variant {
  readonly name: string;
  readonly network?: MlpOptions;
  readonly options?: Partial<TrainOptions>;
}
const steps = 2000;
const base: MlpOptions = { hidden: [128, 128, 128], residual: false, norm: false };
const cosine = (peak: number) => adamw({ lr: warmupCosine({ peak, warmup: 100, steps }) });
const variants: readonly Variant[] = [
  { name: 'base: silu 3x128, fourier 8, lr 1e-3, ema .999, uniform, batch 256' },
  { name: 'together: stratified, cosine 2e-3', options: { time: 'stratified', optimiser: cosine(2e-3) } },
  { name: 'lr warm-up cosine, peak 2e-3', options: { optimiser: cosine(2e-3) } },
  { name: 'ema off', options: { ema: 0 } },
  { name: 'ema .99', options: { ema: 0.99 } },
  { name: 'times stratified', options: { time: 'stratified' } },
  { name: 'times logit-normal', options: { time: logitNormal() } },
  { name: 'time raw', network: { time: 'raw' } },
  { name: 'gelu', network: { activation: 'gelu' } },
  { name: '3x256', network: { hidden: [256, 256, 256] } },
  { name: 'residual and norm', network: { residual: true, norm: true } },
  { name: 'residual alone', network: { residual: true } },
  { name: 'norm alone', network: { norm: true } },
  { name: 'residual and norm, zero output', network: { residual: true, norm: true, zeroOutput: true } },
  { name: 'residual and norm, lr 2e-3', network: { residual: true, norm: true }, options: { optimiser: adamw({ lr: 2e-3 }) } },
  { name: 'residual and norm, cosine 2e-3', network: { residual: true, norm: true }, options: { optimiser: cosine(2e-3) } },
  { name: 'residual and norm, gelu', network: { residual: true, norm: true, activation: 'gelu' } },
  { name: 'residual and norm, 3x256', network: { residual: true, norm: true, hidden: [256, 256, 256] } },
  { name: 'residual and norm, ema .99', network: { residual: true, norm: true }, options: { ema: 0.99 } },
  { name: 'residual and norm, stratified', network: { residual: true, norm: true }, options: { time: 'stratified' } },
  { name: 'zero output', network: { zeroOutput: true } },
  { name: 'lr 2e-3', options: { optimiser: adamw({ lr: 2e-3 }) } },
  { name: 'time fourier 3', network: { time: { kind: 'fourier', frequencies: 3 } } },
  { name: 'lr warm-up cosine, peak 4e-3', options: { optimiser: cosine(4e-3) } },
  { name: 'together: stratified, cosine 2e-3, ema .99', options: { time: 'stratified', optimiser: cosine(2e-3), ema: 0.99 } },
  { name: 'lr 5e-4', options: { optimiser: adamw({ lr: 5e-4 }) } },
  { name: 'lr warm-up cosine, peak 1e-3', options: { optimiser: cosine(1e-3) } },
  { name: 'times stratified logit-normal', options: { time: stratified(logitNormal()) } },
  { name: 'time sinusoid 128', network: { time: 'sinusoid' } },
  { name: 'tanh', network: { activation: 'tanh' } },
  { name: '3x64', network: { hidden: [64, 64, 64] } },
  { name: 'weight decay 1e-2', options: { optimiser: adamw({ weightDecay: 1e-2 }) } },
  { name: 'batch 512', options: { batchSize: 512 } },
];

/** The four measurements of the penguins, shuffled: most for training, the rest to compare with. */
function penguins(seed: number): { data: Float32Array; fresh: Float32Array; columns: number } {
  const [header = '', ...lines] = readFileSync('examples/data/penguins.csv', 'utf8').trim().split(/\r?\n/);
  const names = header.split(',');
  const numeric = names.flatMap((_, c) => (lines.some((line) => Number.parseFloat(line.split(',')[c] ?? '') > 10) ? [c] : []));
  const random = new Random(seed, 0x70656e67);
  const rows = lines
    .map((line) => numeric.map((c) => Number.parseFloat(line.split(',')[c] ?? '')))
    .filter((row) => row.every(Number.isFinite))
    .map((row) => ({ row, key: random.uniform() }))
    .sort((a, b) => a.key - b.key)
    .map(({ row }) => row);
  const scale = moments(Float64Array.from(rows.flat()), numeric.length);
  const flat = (part: number[][]) =>
    Float32Array.from(part.flat(), (v, i) => (v - (scale.mean[i % numeric.length] as number)) / (scale.std[i % numeric.length] as number));
  return { data: flat(rows.slice(0, 230)), fresh: flat(rows.slice(230)), columns: numeric.length };
}

const toy = (name: 'moons' | 'checkerboard' | '8gaussians') => (seed: number) => ({
  data: synthetic(name, { n: 10_000, seed }).x,
  fresh: synthetic(name, { n: 4000, seed: 1000 + seed }).x,
  columns: 2,
});
const sets = process.argv.includes('--all')
  ? { moons: toy('moons'), checkerboard: toy('checkerboard'), '8gaussians': toy('8gaussians'), penguins }
  : { moons: toy('moons'), checkerboard: toy('checkerboard') };

const seeds = Number(process.argv[2] ?? 2);
const only = process.argv[3]?.startsWith('--') ? '' : (process.argv[3] ?? '');
console.log(
  `${steps} steps, ${seeds} seed(s)\n| variant | ${Object.keys(sets).join(' | ')} | moons + checkerboard | training s |\n|---|${'---|'.repeat(Object.keys(sets).length + 2)}`,
);
for (const variant of variants.filter(({ name }) => name.startsWith('base') || name.includes(only))) {
  const cells: number[] = [];
  let seconds = 0;
  for (const make of Object.values(sets)) {
    let sum = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      const { data, fresh, columns } = make(seed);
      const options = { data, columns, network: mlp({ ...base, ...variant.network }), steps, validation: 0, seed, threads: 1, ...variant.options };
      const start = performance.now();
      const model = await train(options);
      seconds += (performance.now() - start) / 1000;
      const { x } = await model.sample({ n: 4000, seed: 50 + seed, solver: midpoint({ steps: 40 }), threads: 1 });
      const unit = 1000 / energyScale(fresh, columns);
      sum += unit * energyDistance(x, fresh, columns, { statistic: 'U' });
    }
    cells.push(sum / seeds);
  }
  const sum = cells.slice(0, 2).reduce((total, cell) => total + cell, 0);
  console.log(`| ${variant.name} | ${cells.map((cell) => cell.toFixed(2)).join(' | ')} | ${sum.toFixed(2)} | ${seconds.toFixed(0)} |`);
}

/** Root mean square distance of two rows. */
function energyScale(x: Float32Array, columns: number): number {
  return Math.sqrt(2 * moments(x, columns).std.reduce((sum, s) => sum + s * s, 0));
}
