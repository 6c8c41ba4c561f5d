// Few steps: W2 of samples in 1, 2 and 4 steps beside that in 100 steps of the same network, on the tasks of table 2 of arXiv 2307.03672 (version 'runner').
//   node bench/tables/run.mjs few-steps [steps] [seeds] [rows]
// Average velocities (objective: meanFlow) with minibatch optimal transport; W2 is exact, between `rows` samples and as many fresh rows; the floor is that of two
// draws of the data. Fails where one step is beyond 1.5 times the 100 steps.

import { type SyntheticName, synthetic } from '../../lib/data/synthetic.ts';
import { adamw, euler, meanFlow, mlp, train, warmupCosine, wasserstein2 } from '../../lib/index.ts';

const steps = Number(process.argv[2] ?? 20_000);
const seeds = Number(process.argv[3] ?? 1);
const rows = Number(process.argv[4] ?? 10_000);
const draw = (name: SyntheticName, n: number, seed: number): Float32Array => synthetic(name, { n, seed, version: 'runner' }).x;
const tasks: readonly { readonly from: SyntheticName | null; readonly to: SyntheticName }[] = [
  { from: null, to: 'moons' },
  { from: null, to: 'scurve' },
  { from: null, to: '8gaussians' },
  { from: '8gaussians', to: 'moons' },
];

console.log(`mean flow with minibatchOT(), ${steps} steps of batch 512, MLP 3x128`);
console.log('| task | seed | 1 step | 2 | 4 | 100 | floor | 1 / 100 | s |\n|---|---|---|---|---|---|---|---|---|');
let outside = 0;
for (const { from, to } of tasks) {
  for (let seed = 1; seed <= seeds; seed++) {
    const start = performance.now();
    const model = await train({
      data: draw(to, 10_000, seed),
      columns: 2,
      ...(from === null ? {} : { source: pairs(draw(from, 10_000, 50 + seed)) }),
      objective: meanFlow({ instant: 0.5 }),
      coupling: 'minibatchOT',
      network: mlp({ hidden: [128, 128, 128], time: 'raw' }),
      optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }),
      validation: 0,
      batchSize: 512,
      steps,
      seed,
    });
    const seconds = (performance.now() - start) / 1000;
    const fresh = draw(to, rows, 1000 + seed);
    const at = async (k: number): Promise<number> => {
      const begin = from === null ? { n: rows, seed: 100 + seed } : { source: pairs(draw(from, rows, 200 + seed)) };
      return wasserstein2((await model.sample({ ...begin, solver: euler({ steps: k }) })).x, fresh, 2);
    };
    const [one, two, four, many] = [await at(1), await at(2), await at(4), await at(100)];
    const floor = await wasserstein2(draw(to, rows, 2000 + seed), fresh, 2);
    const ratio = one / many;
    if (ratio > 1.5) outside++;
    const figures = [one, two, four, many, floor].map((v) => v.toFixed(3)).join(' | ');
    console.log(`| ${from ?? 'N'} -> ${to} | ${seed} | ${figures} | ${ratio.toFixed(2)} | ${seconds.toFixed(1)} |`);
  }
}
console.log(outside === 0 ? 'all within 1.5 times the 100 steps' : `${outside} beyond 1.5 times the 100 steps`);
process.exit(outside === 0 ? 0 : 1);

function pairs(flat: Float32Array): number[][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
}
