// What docs/choosing.md advises, measured: paths, couplings, solvers at equal work. `node bench/tables/run.mjs choices [seeds] [parts]` writes bench/results/choices.json, row by row.
// Of `parts` (paths,couplings,solvers) what is not named stays as it is stored, and a row that is stored is not measured again: take it out of the file for that.
// Energy distances (U statistic, in units of the root mean square distance of two rows, x 1000; 0 = perfect) of 8000 samples to 8000 fresh rows; mean of the seeds.

import { synthetic } from '../../lib/data/synthetic.ts';
import {
  adamw,
  bosh3,
  type Coupling,
  condOT,
  cosine,
  dopri5,
  euler,
  eulerMaruyama,
  heun,
  independent,
  interpolant,
  linearVP,
  type Model,
  midpoint,
  minibatchOT,
  mlp,
  type Path,
  partialOT,
  polynomial,
  rk4,
  type Solver,
  sinkhorn,
  stochasticHeun,
  type TrainOptions,
  train,
  tsit5,
  unbalancedOT,
  vp,
  warmupCosine,
} from '../../lib/index.ts';
import { energyDistance, moments } from '../../lib/metrics/index.ts';
import { openRows, type Row } from './rows.ts';

const seeds = Array.from({ length: Number(process.argv[2] ?? 1) }, (_, i) => i + 1);
const parts = (process.argv[3] ?? 'paths,couplings,solvers').split(',');
const sets = ['moons', 'checkerboard'] as const;
const rows = 8000;
const steps = 4000;
const draw = (set: (typeof sets)[number], seed: number): Float32Array => synthetic(set, { n: rows, seed }).x;
const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

const models = new Map<string, Model>();
async function trained(set: (typeof sets)[number], seed: number, options: Partial<TrainOptions>, name: string): Promise<Model> {
  const key = `${set} ${seed} ${name}`;
  const known = models.get(key);
  if (known) return known;
  const model = await train({
    data: synthetic(set, { n: 10_000, seed }).x,
    columns: 2,
    network: mlp({ hidden: [128, 128, 128] }),
    optimiser: adamw({ lr: warmupCosine({ peak: 2e-3, warmup: 100, steps }) }),
    steps,
    validation: 0,
    threads: 1,
    seed,
    ...options,
  });
  models.set(key, model);
  return model;
}
async function distance(model: Model, set: (typeof sets)[number], seed: number, solver: Solver): Promise<number> {
  const fresh = draw(set, 1000 + seed);
  const { x } = await model.sample({ n: rows, seed: 50 + seed, solver, threads: 1 });
  const unit = Math.sqrt(2 * moments(fresh, 2).std.reduce((sum, s) => sum + s * s, 0));
  return (1000 / unit) * energyDistance(x, fresh, 2, { statistic: 'U' });
}
const rowsOf = openRows('bench/results/choices.json', { steps, seeds: seeds.length });
const fill: typeof rowsOf = async (part, names, measure) => {
  if (parts.includes(part === 'tolerances' || part === 'noisy' ? 'solvers' : part)) await rowsOf(part, names, measure);
};
interface Choice {
  readonly options: Partial<TrainOptions>;
  /** Trained as the row of this name is, and sampled along another path. */
  readonly trained?: string;
  readonly along?: Path;
}
async function laws(part: string, cells: Readonly<Record<string, Choice>>): Promise<void> {
  const work = { '1 Euler': euler({ steps: 1 }), '8 Euler': euler({ steps: 8 }), '50 midpoint': midpoint({ steps: 50 }) };
  await fill(part, Object.keys(cells), async (name) => {
    const { options, trained: as = name, along } = cells[name] as Choice;
    const line: Row = {};
    for (const set of sets)
      for (const [solver, how] of Object.entries(work)) {
        const values: number[] = [];
        for (const seed of seeds) {
          const model = await trained(set, seed, options, as);
          values.push(await distance(along ? model.withPath(along) : model, set, seed, how));
        }
        line[`${set}, ${solver}`] = mean(values);
      }
    return line;
  });
}

const on = (path: Path): Choice => ({ options: { path } });
const by = (coupling: Coupling): Choice => ({ options: { coupling } });
await laws('paths', {
  'condOT()': { options: {} },
  'cosine()': on(cosine()),
  // The Gaussian baseline: docs/math.md.
  'cosine(), withPath(condOT())': { ...on(cosine()), trained: 'cosine()', along: condOT() },
  'condOT(), withPath(cosine())': { options: {}, trained: 'condOT()', along: cosine() },
  'linearVP()': on(linearVP()),
  'vp()': on(vp()),
  'polynomial({ power: 2 })': on(polynomial({ power: 2 })),
  'condOT({ sigma: 0.1 })': on(condOT({ sigma: 0.1 })),
  "interpolant({ gamma: 'brownian', scale: 0.5 })": on(interpolant({ gamma: 'brownian', scale: 0.5 })),
  'interpolant()': on(interpolant()),
  "interpolant({ shape: 'encoderDecoder' })": on(interpolant({ shape: 'encoderDecoder' })),
});
await laws('couplings', {
  'independent()': by(independent()),
  'minibatchOT()': by(minibatchOT()),
  'sinkhorn()': by(sinkhorn()),
  "sinkhorn({ rounding: 'permutation' })": by(sinkhorn({ rounding: 'permutation' })),
  'unbalancedOT()': by(unbalancedOT()),
  'partialOT()': by(partialOT()),
});

const known = new Map<Model, Float32Array>();
/** Root mean square error of the samples against 400 steps of rk4, in units of the data's spread, and the evaluations that a row took; means of both sets and all seeds. */
async function solved(solver: Solver): Promise<{ error: number; evaluations: number }> {
  const runs: { error: number; evaluations: number }[] = [];
  for (const set of sets)
    for (const seed of seeds) {
      const model = await trained(set, seed, {}, 'condOT()');
      const options = { n: 2000, seed: 9, threads: 1 };
      const exact = known.get(model) ?? (await model.sample({ ...options, solver: rk4({ steps: 400 }) })).x;
      known.set(model, exact);
      const { x, nfe } = await model.sample({ ...options, solver });
      const spread = Math.sqrt(mean(Array.from(moments(exact, 2).std, (s) => s * s)));
      runs.push({ error: Math.sqrt(mean(Array.from(x, (value, i) => (value - (exact[i] as number)) ** 2))) / spread, evaluations: nfe });
    }
  return { error: mean(runs.map((run) => run.error)), evaluations: mean(runs.map((run) => run.evaluations)) };
}
const stages = (make: typeof euler): number => make({ steps: 1 }).b.length;
const fixed: Readonly<Record<string, typeof euler>> = { euler, midpoint, heun, rk4 };
await fill('solvers', Object.keys(fixed), async (name) => {
  const make = fixed[name] as typeof euler;
  const line: Row = {};
  for (const nfe of [8, 16, 32, 64, 128]) line[`${nfe} evaluations`] = (await solved(make({ steps: nfe / stages(make) }))).error;
  return line;
});
const adaptive = { bosh3, dopri5, tsit5 };
await fill('tolerances', Object.keys(adaptive), async (name) => {
  const line: Row = {};
  for (const tolerance of [1e-2, 1e-3, 1e-4, 1e-5]) {
    const { error, evaluations } = await solved(adaptive[name as keyof typeof adaptive]({ rtol: tolerance, atol: tolerance }));
    [line[`${tolerance}, error`], line[`${tolerance}, evaluations`]] = [error, evaluations];
  }
  return line;
});
// Laws, not rows: energy distances, as with noise every row takes another way.
const noisy = { midpoint, eulerMaruyama, stochasticHeun };
await fill('noisy', Object.keys(noisy), async (name) => {
  const make = noisy[name as keyof typeof noisy] as typeof euler;
  const line: Row = {};
  for (const nfe of [16, 64, 256]) {
    const values: number[] = [];
    for (const set of sets)
      for (const seed of seeds) values.push(await distance(await trained(set, seed, {}, 'condOT()'), set, seed, make({ steps: nfe / stages(make) })));
    line[`${nfe} evaluations`] = mean(values);
  }
  return line;
});
