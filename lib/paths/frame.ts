// The frame: how a network that was trained to predict one thing on one path P gives the slope of the states of another path Q at its time r,
//   slope = b x + c net(tau, a x).
// Both paths have the same states but for their scale and clock: at tau with rho_P(tau) = rho_Q(r), rho = alpha / sigma, a state x of Q is a x on P, a = sigma_P / sigma_Q
// (= alpha_P / alpha_Q), and what P says of (x1, x0) there holds on Q as well. So one row of four numbers does for every prediction, for a change of path, for
// the drift of an SDE and for a step that is taken exactly (mix.ts): nothing downstream knows which of them it is. Source: arXiv 2412.06264, section 4.

import { argumentError } from '../errors.ts';
import { mix } from './mix.ts';
import type { PathPoint } from './path.ts';
import { type KnownPath, restorePath, type StoredPath } from './restore.ts';

/** What a network may be trained to say. */
export const trainedKinds = ['velocity', 'x1', 'noise'] as const;
export type Prediction = (typeof trainedKinds)[number];

/** result = b x + c net(tau, a x). */
export interface FrameRow {
  readonly a: number;
  readonly tau: number;
  readonly b: number;
  readonly c: number;
}

/**
 * Where a prediction does not tell the velocity (noise at alpha = 0, x1 at sigma = 0), the slope is not used: times stay where rho is between this and its inverse.
 * What a start at rho leaves out is rho times the mean of the data (0 in normalised columns), and rho^2 / 2 of its variance; the network's error grows there by 1 / rho.
 */
export const edge = 1 / 512;

export interface Frame {
  /** The path that states and times are of. */
  readonly path: KnownPath;
  readonly prediction: Prediction;
  /** No rows are needed: slope = net(t, x). */
  readonly identity: boolean;
  /** Whether a differs from 1 anywhere: states of two different paths. */
  readonly scales: boolean;
  /** Times between which the slope is integrated, also by solvers that choose their own. */
  readonly from: number;
  readonly to: number;
  /** The last time that a fixed grid reaches; beyond `to` by an exact step. Equal to `to`, but for x1. */
  readonly top: number;
  /** Standard deviation of drawn noise at `from`. */
  readonly startScale: number;
  /** A x1 + S x0 as the network tells them at (t, x). Not finite at a time where it does not tell. */
  mix(t: number, A: number, S: number): FrameRow;
  /** dx/dt; inside [from, to] always finite. */
  slope(t: number): FrameRow;
  /** The drift u + g^2 / 2 score of an SDE with noise g dW and the same marginals. */
  drift(t: number, g: number): FrameRow;
  /** grad log p_t. */
  score(t: number): FrameRow;
  /** Whether an interval that ends at `next` (to or before, top, or 1 where it closes) is taken in one exact step: across what lies beyond `to`, and for x1 always the last. */
  exact(next: number): boolean;
  /** The state at `next` > t if x1 and x0 are what the network says at t: the linear (DDIM) step. next = 1 is alpha = 1, sigma = 0 where the path ends before. */
  step(t: number, next: number): FrameRow;
  /** Whether a step from `top` to 1 completes the path. */
  readonly closes: boolean;
}

/** Whether a path adds fresh noise. */
export const isBridge = (path: KnownPath): boolean => [0.25, 0.5, 0.75].some((u) => path.at(path.tMin + u * (path.tMax - path.tMin)).gamma !== 0);
const ratio = ({ alpha, sigma }: PathPoint): number => (sigma === 0 ? Number.POSITIVE_INFINITY : alpha / sigma);
const determinant = ({ alpha, sigma, dAlpha, dSigma }: PathPoint): number => dAlpha * sigma - alpha * dSigma;

/** @throws FlowError ERR_FLOW_CONFIG where a path with fresh noise (gamma > 0) is asked for more than its own velocity. */
export function checkFrame(trained: KnownPath, prediction: Prediction, path: KnownPath, where: string): void {
  const bridge = isBridge(trained) ? trained : isBridge(path) ? path : null;
  if (bridge === null || (prediction === 'velocity' && path === trained)) return;
  const hint = 'Its states have three terms; a prediction of one and the state do not tell the others.';
  throw argumentError('ERR_FLOW_CONFIG', where, "prediction 'velocity' on the path itself, as it adds fresh noise (gamma > 0)", bridge.name, hint);
}

/** The frame of a network trained to say `prediction` on `trained`, sampled along `path`. */
export function makeFrame(trained: KnownPath, prediction: Prediction, path: KnownPath = trained, where = 'path'): Frame {
  checkFrame(trained, prediction, path, where);
  const same = path === trained;
  const identity = same && prediction === 'velocity';
  const bridge = isBridge(trained);

  const meeting = (t: number): { tau: number; point: PathPoint; own: PathPoint; scale: number } => {
    const own = path.at(t);
    if (same) return { tau: t, point: own, own, scale: 1 };
    const tau = trained.timeOf(ratio(own));
    const point = trained.at(tau);
    return { tau, point, own, scale: own.sigma >= own.alpha ? own.sigma / point.sigma : own.alpha / point.alpha };
  };
  const row = (t: number, form: (own: PathPoint) => readonly [number, number]): FrameRow => {
    const { tau, point, own, scale } = meeting(t);
    const by = mix(prediction, point, ...form(own));
    return { a: 1 / scale, tau, b: by.x / scale, c: by.value };
  };

  const base = same ? path.tMin : Math.max(path.tMin, path.timeOf(ratio(trained.at(trained.tMin))));
  const top = same ? path.tMax : Math.min(path.tMax, path.timeOf(ratio(trained.at(trained.tMax))));
  const slope = identity ? (t: number): FrameRow => ({ a: 1, tau: t, b: 0, c: 1 }) : (t: number): FrameRow => row(t, ({ dAlpha, dSigma }) => [dAlpha, dSigma]);
  /** Where the prediction hardly says anything of the velocity: the network's error would be multiplied by more than 1 / edge. Looked at a little inside as well. */
  const silent = (end: number, other: number): boolean =>
    [end, end + 1e-4 * (other - end)].some((t) => !(Math.abs(slope(t).c) <= Math.max(1, path.at(t).sigma) / edge));
  const from = silent(base, top) ? Math.max(base, path.timeOf(edge)) : base;
  const to = silent(top, base) ? Math.min(top, path.timeOf(1 / edge)) : top;
  const goal = (next: number): readonly [number, number] => {
    if (next > path.tMax) return [1, 0];
    const { alpha, sigma } = path.at(next);
    return [alpha, sigma];
  };
  const made: Frame = {
    path,
    prediction,
    identity,
    scales: !same,
    from,
    to,
    top,
    startScale: from === path.tMin ? (path.sourceScale ?? 1) : path.at(from).sigma,
    mix: (t, A, S) => row(t, () => [A, S]),
    slope,
    drift: (t, g) => row(t, ({ dAlpha, dSigma, sigma }) => [dAlpha, dSigma - (g * g) / (2 * sigma)]),
    score: (t) => row(t, ({ sigma }) => [0, -1 / sigma]),
    exact: (next) => next > to || (prediction === 'x1' && next >= top),
    step: (t, next) => {
      if (bridge) return { a: 1, tau: t, b: 1, c: next - t };
      const [A, S] = goal(next);
      return row(t, () => [A, S]);
    },
    closes: top < 1 && (bridge || determinant(meeting(top).point) > 0),
  };
  return Object.freeze(made);
}

const frames = new WeakMap<object, Frame>();

/** The frame of a model record: its path and prediction, and the path it is sampled along where that is another. */
export function frameOf(model: { readonly path: StoredPath; readonly prediction: Prediction; readonly samplingPath?: StoredPath | null }): Frame {
  const known = frames.get(model);
  if (known) return known;
  const restored = (stored: StoredPath, where: string): KnownPath => {
    const path = restorePath(stored, where);
    return (path.sourceScale ?? 1) === stored.sourceScale ? path : Object.freeze({ ...path, sourceScale: stored.sourceScale }); // as the record says
  };
  const trained = restored(model.path, 'path');
  const frame = makeFrame(trained, model.prediction, model.samplingPath ? restored(model.samplingPath, 'samplingPath') : trained, 'samplingPath');
  frames.set(model, frame);
  return frame;
}

/** Times fitted into [from, top], none between `to` and `top` where the slope is not known (an exact step leads across), and 1 after them where the path closes. */
export function throughFrame({ to, top, closes }: Frame, fitted: { readonly grid: Float64Array; readonly closes: boolean }): Float64Array {
  const grid = to < top ? fitted.grid.map((t) => (t > to && t < top ? to : t)).filter((t, k, all) => k === 0 || t !== all[k - 1]) : fitted.grid;
  return fitted.closes && closes ? Float64Array.from([...grid, 1]) : grid;
}

/** Rows [a, tau, b, c] of every stage of a fixed grid, (steps * stages, 4), row-major; null where none are needed. The grid may end with 1 after frame.top. */
export function stageRows(
  frame: Frame,
  { b, c }: { readonly b: readonly number[]; readonly c: readonly number[] },
  grid: ArrayLike<number>,
): Float64Array | null {
  const [stages, steps] = [b.length, grid.length - 1];
  const time = (k: number): number => grid[k] as number;
  const exact = (k: number): boolean => time(k + 1) > time(k) && frame.exact(time(k + 1));
  if (frame.identity && !Array.from({ length: steps }, (_, k) => exact(k)).some(Boolean)) return null;
  const rows = new Float64Array(steps * stages * 4);
  const acting = b.reduce((last, weight, i) => (weight === 0 ? last : i), 0);
  for (let k = 0; k < steps; k++) {
    const [t, h] = [time(k), time(k + 1) - time(k)];
    if (exact(k)) {
      // The last stage that counts sees the state itself, as all other slopes are 0: x + h b_i slope = b x + c net(tau, a x).
      const { a, tau, b: onX, c: onNet } = frame.step(t, time(k + 1));
      const gain = 1 / (h * (b[acting] as number));
      for (let i = 0; i < stages; i++) rows.set(i === acting ? [a, tau, gain * (onX - 1), gain * onNet] : [1, t, 0, 0], (k * stages + i) * 4);
      continue;
    }
    for (let i = 0; i < stages; i++) {
      const at = t + (c[i] as number) * h;
      const { a, tau, b: onX, c: onNet } = frame.slope(at);
      rows.set([a, tau, onX, onNet], (k * stages + i) * 4);
    }
  }
  return rows;
}
