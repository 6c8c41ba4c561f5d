// Figure 1 of arXiv 2503.10636: 8 gaussians -> moons with a condition, one Euler step against adaptive steps. Squared W2 of 10,000 samples to 10,000 targets.
// Adam 3e-4, 20,000 steps of 256 rows cut from OT batches of 1024; conditions: the moon, or the x coordinate of the target itself; generators: version `torchcfm`.
// The network of the paper (residual blocks 128-512-128, 395 k parameters) is met by its size: layers of 256 with residuals.

import { synthetic } from '../../lib/data/synthetic.ts';
import { adamw, dopri5, euler, independent, minibatchOT, mlp, type SampleOptions, type TrainOptions, train } from '../../lib/index.ts';
import { wasserstein2Squared } from '../../lib/metrics/index.ts';
import type { Cell } from './store.ts';

const rows = 10_000;
const many = 200_000; // the paper draws fresh rows at every step; 20,000 steps of 256 pass these 25 times
const version = 'torchcfm';
type Condition = 'no condition' | 'class' | 'x';

/** One column of the figure, `FM, class` for instance, with one seed; the adaptive solve has both tolerances at 1e-4. */
export async function cell(column: string, seed: number, steps: number): Promise<Cell> {
  const [coupling, kind] = column.split(', ') as [string, Condition];
  const { x: data, labels } = synthetic('moons', { n: many, seed, version });
  const couplings = {
    FM: () => independent(),
    C2OT: () => minibatchOT({ batch: 1024 }),
    OT: () => minibatchOT({ batch: 1024, ...(kind !== 'no condition' && { ignoreCondition: true }) }),
  };
  const start = performance.now();
  const model = await train({
    data,
    columns: 2,
    source: synthetic('8gaussians', { n: many, seed: 3000 + seed, version }).x,
    ...given(kind, data, labels),
    normalise: false,
    validation: 0,
    network: mlp({ hidden: [256, 256, 256, 256, 256, 256], activation: 'gelu', time: 'raw', residual: true, norm: false }),
    optimiser: adamw({ lr: 3e-4 }),
    coupling: couplings[coupling as keyof typeof couplings](),
    batchSize: 256,
    ema: 0,
    clip: 0,
    steps,
    seed,
    threads: 1,
  });
  const seconds = (performance.now() - start) / 1000;
  const fresh = synthetic('moons', { n: rows, seed: 1000 + seed, version });
  const source = synthetic('8gaussians', { n: rows, seed: 7000 + seed, version }).x;
  const options = { source, threads: 1, ...given(kind, fresh.x, fresh.labels) };
  const one = await model.sample({ ...options, solver: euler({ steps: 1 }) });
  const adaptive = await model.sample({ ...options, solver: dopri5({ rtol: 1e-4, atol: 1e-4 }) });
  const figures = {
    euler1: await wasserstein2Squared(one.x, fresh.x, 2),
    adaptive: await wasserstein2Squared(adaptive.x, fresh.x, 2),
  };
  return { method: column, task: '8gaussians->moons', seed, figures, nfe: adaptive.nfe, seconds, steps };
}

/** Squared W2 of two draws of the target. */
export async function floor(seed: number): Promise<Cell> {
  const draw = (s: number): Float32Array => synthetic('moons', { n: rows, seed: s, version }).x;
  const figures = { floor: await wasserstein2Squared(draw(2000 + seed), draw(1000 + seed), 2) };
  return { method: 'reference', task: '8gaussians->moons', seed, figures, nfe: 0, seconds: 0, steps: 0 };
}

function given(kind: Condition, x: Float32Array, labels: Int32Array): Pick<TrainOptions & SampleOptions, 'condition'> {
  if (kind === 'no condition') return {};
  if (kind === 'class') return { condition: { labels } };
  return { condition: x.filter((_, i) => i % 2 === 0) };
}
