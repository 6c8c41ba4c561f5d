// Negative log-likelihood of fresh rows against the entropy of the law they come from: how many nats a trained flow gives away. `node bench/tables/run.mjs nll [steps]`
// writes bench/results/tables/nll.jsonl. Entropies: the checkerboard is uniform on 8 squares of area 1 / .45^2 (ln(8 / .2025) = 3.676 nats); the moons are a curve
// blurred by a normal, whose density is a mean over the curve's points, and whose entropy the mean of -ln density over fresh rows (the same rows as the model's).

import { writeFileSync } from 'node:fs';
import { type SyntheticName, synthetic } from '../../lib/data/synthetic.ts';
import { adamw, mlp, rk4, stratified, train, warmupCosine } from '../../lib/index.ts';
import { fileOf } from './store.ts';

const steps = Number(process.argv[2] ?? 20_000);
const rows = 4000;

/** -ln density of the moons (version `runner`: both coordinates doubled, noise .05) at each row. */
function moonsSurprise(x: Float32Array): number[] {
  const std = 0.1;
  const points = 2000;
  return Array.from({ length: x.length / 2 }, (_, i) => {
    let density = 0;
    for (let k = 0; k < points; k++) {
      const angle = (Math.PI * (k + 0.5)) / points;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (const [px, py] of [
        [2 * c - 1, 2 * s - 1],
        [2 * (1 - c) - 1, 2 * (0.5 - s) - 1],
      ] as const)
        density += Math.exp(-(((x[2 * i] as number) - px) ** 2 + ((x[2 * i + 1] as number) - py) ** 2) / (2 * std * std));
    }
    return -Math.log(density / (2 * points * 2 * Math.PI * std * std));
  });
}
const mean = (values: ArrayLike<number>): number =>
  (Array.prototype.reduce.call(values, (sum, v) => (sum as number) + (v as number), 0) as number) / values.length;
const laws: { name: SyntheticName; version: string; surprise: (x: Float32Array) => number }[] = [
  { name: 'moons', version: 'runner', surprise: (x) => mean(moonsSurprise(x)) },
  { name: 'checkerboard', version: 'v1', surprise: () => Math.log(8 / 0.45 ** 2) },
];

const lines: string[] = [];
for (const { name, version, surprise } of laws) {
  const start = performance.now();
  const model = await train({
    data: synthetic(name, { n: 100_000, seed: 1, version }).x,
    columns: 2,
    network: mlp({ hidden: [128, 128, 128] }),
    optimiser: adamw({ lr: warmupCosine({ peak: 2e-3, warmup: 200, steps }) }),
    time: stratified(),
    batchSize: 512,
    steps,
    validation: 0,
    seed: 1,
    threads: 1,
  });
  const seconds = (performance.now() - start) / 1000;
  const fresh = synthetic(name, { n: rows, seed: 2, version }).x;
  const { logDensity } = await model.logDensity(
    Array.from({ length: rows }, (_, i) => [fresh[2 * i] as number, fresh[2 * i + 1] as number]),
    { solver: rk4({ steps: 50 }) },
  );
  const nll = -mean(logDensity);
  const entropy = surprise(fresh);
  lines.push(JSON.stringify({ set: name, version, steps, nll, entropy, gapPerDimension: (nll - entropy) / 2, seconds }));
  console.log(
    `${name}: NLL ${nll.toFixed(4)}, entropy ${entropy.toFixed(4)}, ${((nll - entropy) / 2).toFixed(4)} nats per dimension too many; ${seconds.toFixed(0)} s`,
  );
}
writeFileSync(fileOf('nll'), `${lines.join('\n')}\n`);
