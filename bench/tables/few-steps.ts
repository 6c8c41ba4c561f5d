// Few steps: W2 of samples in 1 and 4 steps beside that in 100 steps (shortcuts: 128) of the same network, on the tasks of table 2 of arXiv 2307.03672 (version 'runner').
//   node bench/tables/run.mjs few-steps [recipe] [task] [seeds] [rows]     recipe: meanFlow, shortcut, reflow, meanFlow+OT or shortcut+OT; task: one of moons, scurve, ..., or all
// The first three learn from 50,000 pairs of noise and sample that a teacher makes, a flow with minibatch optimal transport; with +OT the network is trained on such
// transport itself, without a teacher. W2 is exact, between `rows` samples and as many fresh rows; the floor is that of two draws of the data. Fails where one step is
// beyond 1.5 times the many.

import { type SyntheticName, synthetic } from '../../lib/data/synthetic.ts';
import {
  adamw,
  euler,
  type Model,
  meanFlow,
  midpoint,
  mlp,
  type Objective,
  reflow,
  shortcut,
  type TrainOptions,
  train,
  warmupCosine,
  wasserstein2,
} from '../../lib/index.ts';

const [recipe = 'meanFlow', only = 'all'] = process.argv.slice(2);
const seeds = Number(process.argv[4] ?? 1);
const rows = Number(process.argv[5] ?? 10_000);
const [teaching, pairs] = [10_000, 50_000];
const steps = recipe.endsWith('+OT') ? 8_000 : 12_000;
const objectives: Readonly<Record<string, Objective>> = {
  meanFlow: meanFlow({ instant: 0.5 }),
  shortcut: shortcut({ instant: 0.5, teacher: 'current' }),
  reflow: { name: 'velocity' },
};
const objective = objectives[recipe.replace('+OT', '')] as Objective;
const most = objective.name === 'shortcut' ? 128 : 100;
const draw = (name: SyntheticName, n: number, seed: number): Float32Array => synthetic(name, { n, seed, version: 'runner' }).x;
const tasks: readonly { readonly from: SyntheticName | null; readonly to: SyntheticName }[] = [
  { from: null, to: 'moons' },
  { from: null, to: 'scurve' },
  { from: null, to: '8gaussians' },
  { from: '8gaussians', to: 'moons' },
];

const settings = (steps: number, batchSize: number, seed: number) =>
  ({
    network: mlp({ hidden: [128, 128, 128], time: 'raw' }),
    optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }),
    threads: 1,
    validation: 0,
    batchSize,
    steps,
    seed,
  }) satisfies Partial<TrainOptions>;

/** A model of the recipe for one task. */
async function learn(from: SyntheticName | null, to: SyntheticName, seed: number): Promise<Model> {
  const start = from === null ? {} : { source: lists(draw(from, 10_000, 50 + seed)) };
  const task = { data: draw(to, 10_000, seed), columns: 2, coupling: 'minibatchOT', ...start } as const;
  if (recipe.endsWith('+OT')) return train({ ...task, ...settings(steps, 512, seed), objective });
  const teacher = await train({ ...task, ...settings(teaching, 256, seed) });
  const student = { ...settings(steps, 512, seed), objective };
  const solver = midpoint({ steps: 40 });
  if (from === null) return reflow(teacher, { ...student, pairs, solver });
  const source = lists(draw(from, pairs, 5000 + seed));
  const { x } = await teacher.sample({ source, solver });
  return train({ ...student, data: x, columns: 2, source: { rows: source, paired: true } });
}

console.log(`${recipe}, ${steps} steps of batch 512, MLP 3x128, W2 of ${rows} rows`);
console.log(`| task | seed | 1 step | 4 | ${most} | floor | 1 / ${most} | s of one thread |\n|---|---|---|---|---|---|---|---|`);
let outside = 0;
for (const { from, to } of tasks) {
  if (only !== 'all' && only !== (from === null ? to : `${from}-${to}`)) continue;
  for (let seed = 1; seed <= seeds; seed++) {
    const before = process.cpuUsage().user;
    const model = await learn(from, to, seed);
    const seconds = (process.cpuUsage().user - before) / 1e6;
    const fresh = draw(to, rows, 1000 + seed);
    const at = async (k: number): Promise<number> => {
      const begin = from === null ? { n: rows, seed: 100 + seed } : { source: lists(draw(from, rows, 200 + seed)) };
      return wasserstein2((await model.sample({ ...begin, solver: euler({ steps: k }) })).x, fresh, 2);
    };
    const [one, four, many] = [await at(1), await at(4), await at(most)];
    const floor = await wasserstein2(draw(to, rows, 2000 + seed), fresh, 2);
    if (one / many > 1.5) outside++;
    const figures = [one, four, many, floor].map((v) => v.toFixed(3)).join(' | ');
    console.log(`| ${from ?? 'N'} -> ${to} | ${seed} | ${figures} | ${(one / many).toFixed(2)} | ${seconds.toFixed(0)} |`);
  }
}
console.log(outside === 0 ? `all within 1.5 times the ${most} steps` : `${outside} beyond 1.5 times the ${most} steps`);
process.exit(outside === 0 ? 0 : 1);

function lists(flat: Float32Array): number[][] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
}
