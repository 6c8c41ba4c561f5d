// What docs/choosing.md advises, measured: paths, couplings, solvers at equal work, precisions. `node bench/tables/run.mjs choices [seeds] [parts]` writes
// bench/results/choices.json; of `parts` (paths,couplings,solvers) what is not named stays as it is stored.
// Energy distances (U statistic, in units of the root mean square distance of two rows, x 1000; 0 = perfect) of 8000 samples to 8000 fresh rows; mean of the seeds.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { synthetic } from '../../lib/data/synthetic.ts';
import {
  adamw,
  bosh3,
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

const seeds = Array.from({ length: Number(process.argv[2] ?? 3) }, (_, i) => i + 1);
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
type Table = Record<string, Record<string, number>>;
async function table(part: string, cells: Record<string, Partial<TrainOptions>>, solvers: Record<string, Solver>): Promise<Table> {
  const out: Table = {};
  if (!parts.includes(part)) return out;
  for (const [name, options] of Object.entries(cells)) {
    const line: Record<string, number> = {};
    for (const set of sets)
      for (const [solver, how] of Object.entries(solvers)) {
        const values: number[] = [];
        for (const seed of seeds) values.push(await distance(await trained(set, seed, options, name), set, seed, how));
        line[`${set}, ${solver}`] = mean(values);
      }
    out[name] = line;
    console.error(name, JSON.stringify(line));
  }
  return out;
}

const work = { '1 Euler': euler({ steps: 1 }), '8 Euler': euler({ steps: 8 }), '50 midpoint': midpoint({ steps: 50 }) };
const paths = await table(
  'paths',
  {
    'condOT()': {},
    'cosine()': { path: cosine() },
    'linearVP()': { path: linearVP() },
    'vp()': { path: vp() },
    'polynomial({ power: 2 })': { path: polynomial({ power: 2 }) },
    'condOT({ sigma: 0.1 })': { path: condOT({ sigma: 0.1 }) },
    "interpolant({ gamma: 'brownian', scale: 0.5 })": { path: interpolant({ gamma: 'brownian', scale: 0.5 }) },
    'interpolant()': { path: interpolant() },
    "interpolant({ shape: 'encoderDecoder' })": { path: interpolant({ shape: 'encoderDecoder' }) },
  },
  work,
);
const couplings = await table(
  'couplings',
  {
    'independent()': { coupling: independent() },
    'minibatchOT()': { coupling: minibatchOT() },
    'sinkhorn()': { coupling: sinkhorn() },
    "sinkhorn({ rounding: 'permutation' })": { coupling: sinkhorn({ rounding: 'permutation' }) },
    'unbalancedOT()': { coupling: unbalancedOT() },
    'partialOT()': { coupling: partialOT() },
  },
  work,
);

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
const solvers: Table = {};
const tolerances: Table = {};
const noisy: Table = {};
if (parts.includes('solvers')) {
  const perStep = (make: typeof euler): number => make({ steps: 1 }).b.length;
  for (const [name, make] of Object.entries({ euler, midpoint, heun, rk4 })) {
    const line: Record<string, number> = {};
    for (const nfe of [8, 16, 32, 64, 128]) line[`${nfe} evaluations`] = (await solved(make({ steps: nfe / perStep(make) }))).error;
    solvers[name] = line;
  }
  for (const [name, make] of Object.entries({ bosh3, dopri5, tsit5 })) {
    const line: Record<string, number> = {};
    for (const tolerance of [1e-2, 1e-3, 1e-4, 1e-5]) {
      const { error, evaluations } = await solved(make({ rtol: tolerance, atol: tolerance }));
      [line[`${tolerance}, error`], line[`${tolerance}, evaluations`]] = [error, evaluations];
    }
    tolerances[name] = line;
  }
  // Laws, not rows: energy distances, as with noise every row takes another way.
  for (const [name, make] of Object.entries({ midpoint, eulerMaruyama, stochasticHeun })) {
    const line: Record<string, number> = {};
    for (const nfe of [16, 64, 256]) {
      const values: number[] = [];
      for (const set of sets)
        for (const seed of seeds)
          values.push(await distance(await trained(set, seed, {}, 'condOT()'), set, seed, make({ steps: nfe / perStep(make as typeof euler) })));
      line[`${nfe} evaluations`] = mean(values);
    }
    noisy[name] = line;
  }
  console.error(JSON.stringify({ solvers, tolerances, noisy }));
}

const file = 'bench/results/choices.json';
const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
if (parts.length < 3 && before['seeds'] !== undefined && before['seeds'] !== seeds.length)
  throw new Error(`the other parts of ${file} are means of ${before['seeds']} seeds, these of ${seeds.length}`);
const measured = Object.fromEntries(
  Object.entries({ paths, couplings, solvers, tolerances, noisy }).filter(([part]) =>
    parts.includes(part === 'tolerances' || part === 'noisy' ? 'solvers' : part),
  ),
);
mkdirSync('bench/results', { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...before, steps, seeds: seeds.length, ...measured }, null, 2)}\n`);
