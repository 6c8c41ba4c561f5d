// Few steps: W2 of samples in 1 and 4 Euler steps beside that in 100 (shortcuts: 128) of the same network, on the tasks of table 2 of arXiv 2307.03672.
// Three recipes learn from 50,000 pairs of noise and sample that a teacher makes, a flow with minibatch optimal transport; those with +OT learn on such transport itself.
// W2 is exact, between 10,000 samples and as many fresh rows; the floor is that of two draws of the target.

import { synthetic } from '../../lib/data/synthetic.ts';
import type { SyntheticName } from '../../lib/data/synthetic-names.ts';
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
import type { Task } from './published.ts';
import type { Cell } from './store.ts';
import { ends } from './t1.ts';

const rows = 10_000;
const pairs = 50_000;
const teaching = 10_000;

interface Recipe {
  readonly objective: Objective;
  /** On the pairs of a teacher; otherwise on minibatch transport. */
  readonly teacher: boolean;
  readonly steps: number;
}
const mean = meanFlow({ instant: 0.5 });
const short = shortcut({ instant: 0.5, teacher: 'current' });
export const recipes: Readonly<Record<string, Recipe>> = {
  meanFlow: { objective: mean, teacher: true, steps: 12_000 },
  shortcut: { objective: short, teacher: true, steps: 12_000 },
  reflow: { objective: { name: 'velocity' }, teacher: true, steps: 12_000 },
  'meanFlow+OT': { objective: mean, teacher: false, steps: 8_000 },
  'shortcut+OT': { objective: short, teacher: false, steps: 8_000 },
};

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

export async function cell(method: string, task: Task, seed: number): Promise<Cell> {
  const { objective, steps } = recipes[method] as Recipe;
  const { source, target, version } = ends(task);
  const draw = (name: SyntheticName, s: number, n = rows): Float32Array => synthetic(name, { n, seed: s, version }).x;
  const before = process.cpuUsage().user;
  const model = await learn(method, task, seed);
  const seconds = (process.cpuUsage().user - before) / 1e6;
  const fresh = draw(target, 1000 + seed);
  const at = async (k: number): Promise<number> => {
    const begin = source === null ? { n: rows, seed: 100 + seed } : { source: draw(source, 200 + seed) };
    return wasserstein2((await model.sample({ ...begin, solver: euler({ steps: k }), threads: 1 })).x, fresh, 2);
  };
  const nfe = objective.name === 'shortcut' ? 128 : 100;
  const figures = { one: await at(1), four: await at(4), many: await at(nfe), floor: await wasserstein2(draw(target, 2000 + seed), fresh, 2) };
  return { method, task, seed, figures, nfe, seconds, steps };
}

async function learn(method: string, task: Task, seed: number): Promise<Model> {
  const { objective, teacher, steps } = recipes[method] as Recipe;
  const { source, target, version } = ends(task);
  const start = source === null ? {} : { source: synthetic(source, { n: rows, seed: 50 + seed, version }).x };
  const data = { data: synthetic(target, { n: rows, seed, version }).x, columns: 2, coupling: 'minibatchOT', ...start } as const;
  const student = { ...settings(steps, 512, seed), objective };
  if (!teacher) return train({ ...data, ...student });
  const first = await train({ ...data, ...settings(teaching, 256, seed) });
  const solver = midpoint({ steps: 40 });
  if (source === null) return reflow(first, { ...student, pairs, solver });
  const from = synthetic(source, { n: pairs, seed: 5000 + seed, version }).x;
  const { x } = await first.sample({ source: from, solver, threads: 1 });
  return train({ ...student, data: x, columns: 2, source: { rows: from, paired: true } });
}
