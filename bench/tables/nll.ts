// Negative log-likelihood of fresh rows against the law they come from: how many nats a trained flow gives away, and whether its density integrates to one.
// The floor is the mean of -ln density of the law over the same rows (lib/data/densities.ts), so that the chance of the draw is on both sides.

import { syntheticDensity } from '../../lib/data/densities.ts';
import { synthetic } from '../../lib/data/synthetic.ts';
import { adamw, type MlpOptions, type Model, mlp, power, rk4, stratified, type TimeLaw, train, warmupCosine } from '../../lib/index.ts';
import type { Cell } from './store.ts';

export const nllTasks = ['moons', 'checkerboard'] as const;
export type NllTask = (typeof nllTasks)[number];

interface Recipe {
  readonly network: MlpOptions;
  readonly steps: number;
  readonly lr: number;
  readonly time: TimeLaw;
  /** Corners of the square that is integrated over: low, high. */
  readonly box: readonly [number, number];
}
const deep: MlpOptions = { hidden: [128, 128, 128, 128, 128, 128], residual: true, norm: true };
/** The edges of the checkerboard's squares want depth and late times: there the score, by which errors of the velocity count, is large. */
const recipes: Readonly<Record<NllTask, Recipe>> = {
  moons: { network: { hidden: [128, 128, 128] }, steps: 20_000, lr: 2e-3, time: stratified(), box: [-4.2, 4.2] },
  checkerboard: { network: deep, steps: 60_000, lr: 4e-3, time: stratified(power({ exponent: 1 })), box: [-5.4, 5.4] },
};

const rows = 8000;
/** Grid points along a side: closer than the width of the moons' noise, 0.1. */
const side = 150;
const solver = rk4({ steps: 30 });

export async function cell(task: NllTask, seed: number): Promise<Cell> {
  const { network, steps, lr, time, box } = recipes[task];
  const start = performance.now();
  const model = await train({
    data: synthetic(task, { n: 200_000, seed }).x,
    columns: 2,
    network: mlp(network),
    optimiser: adamw({ lr: warmupCosine({ peak: lr, warmup: 500, steps }) }),
    time,
    batchSize: 512,
    steps,
    validation: 0,
    seed,
    threads: 1,
  });
  const seconds = (performance.now() - start) / 1000;
  const fresh = synthetic(task, { n: rows, seed: 1000 + seed }).x;
  const nll = -mean((await model.logDensity(fresh, { solver, threads: 1 })).logDensity);
  const floor = -mean(syntheticDensity(task)?.logDensity(fresh) as Float64Array);
  const figures = { nll, floor, gap: (nll - floor) / 2, integral: await integral(model, box) };
  model.dispose();
  return { method: 'flow', task, seed, figures, nfe: 4 * 30, seconds, steps };
}

/** Midpoint rule over the square. */
async function integral(model: Model, [low, high]: readonly [number, number]): Promise<number> {
  const h = (high - low) / side;
  const points = Float32Array.from({ length: 2 * side * side }, (_, i) => {
    const k = i >> 1;
    return low + h * ((i % 2 === 0 ? k % side : Math.floor(k / side)) + 0.5);
  });
  const { logDensity } = await model.logDensity(points, { solver, threads: 1 });
  return logDensity.reduce((sum, ln) => sum + Math.exp(ln), 0) * h * h;
}

const mean = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0) / values.length;
