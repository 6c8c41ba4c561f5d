// What a stochastic solver does at each stage and step: dX = [u + g^2/2 s] dt + g dW, the drift being one more row of the frame (frame.ts). Run backwards,
// dX = [-u + g^2/2 s] dtau + g dW: only the sign of the score turns. Source: Song et al., arXiv 2011.13456; Ma et al., arXiv 2401.08740, section 2.

import { argumentError } from '../errors.ts';
import { type Frame, frameOf, type Prediction, stageRows } from './frame.ts';
import type { PathPoint } from './path.ts';
import type { StoredPath } from './restore.ts';

/** What is read of a stochastic solver (solvers/solver.ts). */
interface Stirred {
  readonly name: string;
  readonly b: readonly number[];
  readonly c: readonly number[];
  readonly noise?: { readonly usual?: boolean; variance(t: number, point: PathPoint): number };
}

/** What is read of a model (model/record.ts). */
interface Trained {
  readonly path: StoredPath;
  readonly prediction: Prediction;
  readonly samplingPath?: StoredPath | null;
  readonly source: 'gaussian' | 'rows';
  readonly score?: { readonly sigma: number; readonly varies?: true };
  readonly training: Readonly<Record<string, unknown>>;
}

export interface Stirring {
  /** (K * s, 4) rows [a, tau, b, c]: drift = b x + c net(tau, a x). */
  readonly rows: Float64Array;
  /** (K) standard deviation of each step's noise; 0 = a step of the flow. */
  readonly noise: Float64Array;
  /** The network that the rows are around says v + head * s; 0 = the velocity alone. */
  readonly head: number;
}

/**
 * Drift and noise of every step of `grid`. A step is one of the flow where it is exact, where the noise or the score has no finite value at one of its stages
 * (sigma = 0, or memoryless noise at alpha = 0), and where it is the last one, so that no noise is left on the result.
 */
export function stirring(frame: Frame, solver: Stirred, grid: ArrayLike<number>): Stirring {
  const { b, c, noise: schedule } = solver;
  const [stages, steps] = [b.length, grid.length - 1];
  const time = (k: number, i: number): number => (grid[k] as number) + (c[i] as number) * ((grid[k + 1] as number) - (grid[k] as number));
  const flow = stageRows(frame, solver, grid);
  const rows =
    flow ??
    Float64Array.from({ length: 4 * steps * stages }, (_, i) => [1, time(Math.floor(i / 4 / stages), Math.floor(i / 4) % stages), 0, 1][i % 4] as number);
  const noise = new Float64Array(steps);
  for (let k = 0; schedule !== undefined && k < steps - 1; k++) {
    const h = (grid[k + 1] as number) - (grid[k] as number);
    if (h > 0 && frame.exact(grid[k + 1] as number)) continue;
    const stirred = c.map((_, i) => {
      const t = time(k, i);
      const point = frame.path.at(t);
      const variance = schedule.variance(t, point);
      const { a, tau, b: onX, c: onNet } = frame.mix(t, point.dAlpha, point.dSigma - (Math.sign(h) * variance) / (2 * point.sigma));
      return { row: [a, tau, onX, onNet], variance };
    });
    if (!stirred.every(({ row, variance }) => Number.isFinite(variance) && row.every(Number.isFinite))) continue;
    const deviation = Math.sqrt(Math.abs(h) * stirred.reduce((sum, { variance }, i) => sum + (b[i] as number) * variance, 0));
    if (deviation === 0) continue;
    noise[k] = deviation;
    stirred.forEach(({ row }, i) => {
      rows.set(row, 4 * (k * stages + i));
    });
  }
  return { rows, noise, head: 0 };
}

/**
 * That of a network with a score head s = sigma(t)^2 / 2 grad log p_t: v + k s and sqrt(k) sigma(t) dW for a constant k, which is 1 unless another noise g(t) = sqrt(k)
 * sigma(t) is asked for. A step's noise has the variance k times the integral of sigma(t)^2, which of a bridge is k F1 times the rise of alpha. The last step of a rising
 * grid is x + (1 - t) (v + s), the mean of the data given the state, when k = 1.
 */
function bridgeStirring(frame: Frame, solver: Stirred, grid: ArrayLike<number>, { sigma, varies }: NonNullable<Trained['score']>): Stirring {
  const { b, c, noise: schedule } = solver;
  const [stages, steps] = [b.length, grid.length - 1];
  const time = (k: number): number => grid[k] as number;
  const share = (k: number): number => {
    const point = frame.path.at(time(k));
    return schedule?.usual ? 1 : (schedule?.variance(time(k), point) ?? 0) / (sigma * sigma * (varies ? point.dAlpha : 1));
  };
  const shares = Array.from({ length: steps }, (_, k) => share(k));
  const head = shares[0] as number;
  if (!Number.isFinite(head) || shares.some((v) => Math.abs(v - head) > (varies ? 1e-5 : 1e-9) * head)) {
    const hint = varies
      ? 'Write noise: sigma, the function that the bridge was made with, or leave the noise out.'
      : `Write noise: () => ${sigma}, or leave the noise out.`;
    const expected = `${varies ? "a constant times the bridge's sigma(t)" : 'the same noise at all t'}, as the model was trained by scoreAndFlow`;
    throw argumentError('ERR_FLOW_CONFIG', 'options.solver.noise', expected, solver.name, hint);
  }
  const clock = (k: number): number => (varies ? frame.path.at(time(k)).alpha : time(k));
  const flow = stageRows(frame, solver, grid);
  const at = (i: number): number =>
    time(Math.floor(i / stages)) + (c[i % stages] as number) * (time(Math.floor(i / stages) + 1) - time(Math.floor(i / stages)));
  const rows = flow ?? Float64Array.from({ length: 4 * steps * stages }, (_, i) => [1, at(Math.floor(i / 4)), 0, 1][i % 4] as number);
  const noise = Float64Array.from({ length: steps }, (_, k) => (k === steps - 1 ? 0 : Math.sqrt(head * sigma * sigma * Math.abs(clock(k + 1) - clock(k)))));
  return { rows, noise, head: Math.sign(time(steps) - time(0)) * head };
}

/** How the noise of a model was joined to its data, in words, where it was not drawn independently of them: then the velocity does not tell the score. */
export function joined({ training }: Pick<Trained, 'training'>): string | null {
  const { coupling, source } = training;
  if (typeof coupling === 'string' && coupling !== 'independent') return `the coupling ${coupling}`;
  return source === 'paired noise' ? 'noise that belongs to each row' : null;
}

/** That of a model. @throws FlowError ERR_FLOW_CONFIG where its predictions do not tell the score */
export function stirRows(model: Trained, solver: Stirred, grid: ArrayLike<number>): Stirring {
  const frame = frameOf(model);
  if (model.score !== undefined) return bridgeStirring(frame, solver, grid, model.score);
  const refuse = (why: string, hint: string): Error =>
    argumentError('ERR_FLOW_CONFIG', 'options.solver', `a solver without noise, as ${why}: it does not tell the score`, solver.name, hint);
  if (model.source === 'rows') throw refuse('the model starts from rows', 'Train with objective: scoreAndFlow(), or use heun() or another solver of the flow.');
  const pairs = joined(model);
  if (pairs !== null)
    throw refuse(`the model was trained with ${pairs}`, 'Train with independent(), or with objective: scoreAndFlow(), for stochastic sampling.');
  for (let k = 0; k < grid.length; k++) {
    const { gamma, dGamma } = frame.path.at(grid[k] as number);
    if (gamma !== 0 || dGamma !== 0) throw refuse(`the path ${frame.path.name} adds noise of its own`, 'Use heun() or another solver of the flow.');
  }
  return stirring(frame, solver, grid);
}
