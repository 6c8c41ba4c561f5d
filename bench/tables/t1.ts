// Table 2 of arXiv 2307.03672: flows in the plane by several methods, their W2 to fresh rows and their normalised path energy.
// SELU 3x64 on [x, t], AdamW 1e-3 with decay 1e-5, batch 512, 20,000 steps on 10,000 rows, 100 Euler steps, 10,000 samples against 10,000 fresh rows.
// Generators: version `runner` (`runner-twodim` between moons and 8 gaussians), which the published path energies single out.
// `ours` keeps data, steps, batch and the 100 evaluations, and changes the training alone: see `ours` below.

import { synthetic } from '../../lib/data/synthetic.ts';
import type { SyntheticName } from '../../lib/data/synthetic-names.ts';
import {
  adamw,
  condOT,
  euler,
  eulerMaruyama,
  type MlpOptions,
  type Model,
  midpoint,
  minibatchOT,
  mlp,
  type Solver,
  schrodingerBridge,
  scoreAndFlow,
  sinkhorn,
  type TrainOptions,
  train,
  warmupCosine,
} from '../../lib/index.ts';
import { normalisedPathEnergy, pathEnergy, wasserstein2, wasserstein2Squared } from '../../lib/metrics/index.ts';
import type { Task } from './published.ts';
import type { Cell } from './store.ts';

const rows = 10_000;
const published: MlpOptions = { hidden: [64, 64, 64], activation: 'selu', time: 'raw', residual: false, norm: false };
const base = { columns: 2, normalise: false, validation: 0, ema: 0, clip: 0, batchSize: 512, threads: 1 } as const;

interface Method {
  readonly options?: (steps: number) => Partial<TrainOptions>;
  readonly network?: MlpOptions;
  readonly solver?: Solver;
  /** Of the samples whose W2 is taken, where it is not `solver`; path energies are those of the flow. */
  readonly stochastic?: Solver;
  /** Train once more on (start, end) pairs of the first model. */
  readonly reflow?: boolean;
  /** Only from normal noise. */
  readonly gaussian?: boolean;
}
/**
 * Of methods on a bridge: the variance of their target grows without bound towards both ends, and the last weights at a constant rate are as noisy. N -> scurve,
 * one seed, W2 of [SF]2M-I by its flow and its stochastic sampler: last weights .41 and .60, mean weights .14 and .16, rate let down to 0 .16 and .18 (published
 * .20, by the weights of the least validation loss).
 */
const meanWeights = { ema: 0.999 } as const;
export const methods: Readonly<Record<string, Method>> = {
  'I-CFM': {},
  'OT-CFM': { options: () => ({ coupling: minibatchOT() }) },
  FM: { options: () => ({ path: condOT({ sigmaMin: 0.1 }) }), gaussian: true },
  RF: { reflow: true },
  'SB-CFM': { options: () => ({ ...meanWeights, path: schrodingerBridge({ sigma: 1 }), coupling: sinkhorn({ regularisation: { absolute: 2 } }) }) },
  '[SF]2M-Exact': {
    options: () => ({ ...meanWeights, objective: scoreAndFlow({ sigma: 1 }), coupling: minibatchOT() }),
    stochastic: eulerMaruyama({ steps: 100 }),
  },
  // The papers do not say sigma; 1 is that of SB-CFM in the published configurations.
  '[SF]2M-Exact, sigma 0.5': {
    options: () => ({ ...meanWeights, objective: scoreAndFlow({ sigma: 0.5 }), coupling: minibatchOT() }),
    stochastic: eulerMaruyama({ steps: 100 }),
    gaussian: true,
  },
  '[SF]2M-I': { options: () => ({ ...meanWeights, objective: scoreAndFlow({ sigma: 1 }) }), stochastic: eulerMaruyama({ steps: 100 }) },
  ours: {
    // Wider, SiLU with residuals and norm; OT; rows and noise z-scored; learning rate warmed up and let down to 0; mean weights; midpoint instead of Euler.
    network: { hidden: [128, 128, 128], activation: 'silu', residual: true, norm: true },
    options: (steps) => ({
      coupling: minibatchOT(),
      normalise: true,
      time: 'stratified',
      optimiser: adamw({ lr: warmupCosine({ peak: 2e-3, warmup: 200, steps }) }),
      ema: 0.999,
      clip: 1,
    }),
    solver: midpoint({ steps: 50 }),
  },
};

interface Ends {
  readonly source: SyntheticName | null;
  readonly target: SyntheticName;
  readonly version: string;
}
const name = (word: string): SyntheticName => word as SyntheticName;
export function ends(task: Task): Ends {
  const [from = '', to = ''] = task.split('->');
  return { source: from === 'N' ? null : name(from), target: name(to), version: from === 'N' ? 'runner' : 'runner-twodim' };
}
const draw = (set: SyntheticName, version: string, seed: number): Float32Array => synthetic(set, { n: rows, seed, version }).x;
const normal = (seed: number): Float32Array => synthetic('normal', { n: rows, seed }).x;

/** Squared W2 between source and target, and W2 between two draws of the target: what the figures are normalised by, and what no method can beat. */
export async function reference(task: Task, seed: number): Promise<Cell> {
  const { source, target, version } = ends(task);
  const fresh = draw(target, version, 1000 + seed);
  const from = source === null ? normal(4000 + seed) : draw(source, version, 4000 + seed);
  const figures = {
    w2Squared: await wasserstein2Squared(from, draw(target, version, 5000 + seed), 2),
    floor: await wasserstein2(draw(target, version, 2000 + seed), fresh, 2),
    ...balancedFigure(target, await balancedReference(target, version, seed, draw(target, version, 2000 + seed))),
  };
  return { method: 'reference', task, seed, figures, nfe: 0, seconds: 0, steps: 0 };
}

export async function cell(method: string, task: Task, seed: number, steps: number, w2Squared: number): Promise<Cell> {
  const how = methods[method] as Method;
  const { source, target, version } = ends(task);
  const data = draw(target, version, seed);
  const from = source === null ? {} : { source: draw(source, version, 3000 + seed) };
  const start = performance.now();
  let model: Model = await train({
    ...base,
    data,
    ...from,
    network: mlp(how.network ?? published),
    optimiser: adamw({ lr: 1e-3, weightDecay: 1e-5 }),
    steps,
    seed,
    ...how.options?.(steps),
  });
  if (how.reflow) model = await again(model, source === null ? normal(6000 + seed) : draw(source, version, 3000 + seed), steps, seed);
  const seconds = (performance.now() - start) / 1000;

  const begin = source === null ? (model.record.source === 'rows' ? normal(7000 + seed) : null) : draw(source, version, 7000 + seed);
  const solver = how.solver ?? euler({ steps: 100 });
  const draws = { n: rows, seed: 100 + seed, threads: 1, ...(begin && { source: begin }) };
  const flow = await model.sample({ ...draws, solver, saveAt: solver.steps + 1 });
  const sampled = how.stochastic ? await model.sample({ ...draws, solver: how.stochastic }) : flow;
  const fresh = draw(target, version, 1000 + seed);
  const figures = {
    w2: await wasserstein2(sampled.x, fresh, 2),
    npe: normalisedPathEnergy(pathEnergy(flow.saved, flow.times, 2), w2Squared),
    ...balancedFigure(target, await balancedReference(target, version, seed, sampled.x)),
  };
  return { method, task, seed, figures, nfe: sampled.nfe, seconds, steps };
}

/** Reflow (arXiv 2209.03003): a second model learns the straight lines between starts and where the first model takes them. */
async function again(first: Model, starts: Float32Array, steps: number, seed: number): Promise<Model> {
  const carried = await first.sample({ n: rows, source: starts, solver: euler({ steps: 100 }), threads: 1 });
  return await train({
    ...base,
    data: carried.x,
    source: { rows: starts, paired: true },
    network: mlp(published),
    optimiser: adamw({ lr: 1e-3, weightDecay: 1e-5 }),
    steps,
    seed: 1_000_000 + seed,
  });
}

/** W2 to a reference with equally many rows of each of the 8 modes: without the chance of their counts, which rules W2 there. */
async function balancedReference(target: SyntheticName, version: string, seed: number, x: Float32Array): Promise<number | null> {
  if (target !== '8gaussians') return null;
  const { x: many, labels } = synthetic(target, { n: 2 * rows, seed: 8000 + seed, version });
  const counts = new Int32Array(8);
  const kept: number[] = [];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] as number;
    if ((counts[label] as number) < rows / 8) {
      counts[label] = (counts[label] as number) + 1;
      kept.push(many[2 * i] as number, many[2 * i + 1] as number);
    }
  }
  return await wasserstein2(x, Float32Array.from(kept), 2);
}
const balancedFigure = (target: SyntheticName, value: number | null): Record<string, number> =>
  target === '8gaussians' && value !== null ? { w2Balanced: value } : {};
