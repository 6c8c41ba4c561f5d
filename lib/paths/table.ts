// A path as a table: n equidistant nodes on [tMin, tMax], twelve numbers each (six values, six t-derivatives), cubic Hermite between them.
// On [t_k, t_k + h], s = (t - t_k) / h: f = (1+2s)(1-s)^2 f_k + s(1-s)^2 h f'_k + s^2(3-2s) f_{k+1} - s^2(1-s) h f'_{k+1}.

import { argumentError } from '../errors.ts';
import type { Path, PathPoint } from './path.ts';

export const pathFields = ['alpha', 'sigma', 'gamma', 'dAlpha', 'dSigma', 'dGamma'] as const;

/** A path that every reader takes from its table: the user's own function is not called again. */
export interface TablePath extends Path {
  readonly sourceScale: number;
  /** The t at which alpha / sigma = rho, for rho in [0, Infinity], clamped to [tMin, tMax]; found by root finding. */
  timeOf(rho: number): number;
  /** (n, 12). */
  readonly table: Float64Array;
}

/** The point at t, clamped to [tMin, tMax]. */
export function hermite(table: Float64Array, tMin: number, tMax: number, t: number): PathPoint {
  const intervals = table.length / 12 - 1;
  const position = Math.min(Math.max((t - tMin) / (tMax - tMin), 0), 1) * intervals;
  const k = Math.min(Math.floor(position), intervals - 1);
  const s = position - k;
  const h = (tMax - tMin) / intervals;
  const r = 1 - s;
  const weights = [(1 + 2 * s) * r * r, s * r * r * h, s * s * (3 - 2 * s), -s * s * r * h] as const;
  const at = (field: number, node: number): number => table[(k + node) * 12 + field] as number;
  const value = (f: number): number => weights[0] * at(f, 0) + weights[1] * at(f + 6, 0) + weights[2] * at(f, 1) + weights[3] * at(f + 6, 1);
  return { alpha: value(0), sigma: value(1), gamma: value(2), dAlpha: value(3), dSigma: value(4), dGamma: value(5) };
}

/** A path read from its table, as stored in a model file. Throws ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE or ERR_FLOW_RANGE. */
export function tablePath(name: string, tMin: number, tMax: number, sourceScale: number, table: Float64Array, path = 'path'): TablePath {
  if (!(table instanceof Float64Array) || table.length < 24 || table.length % 12 !== 0) {
    throw argumentError('ERR_FLOW_SHAPE', `${path}.table`, 'a Float64Array of n x 12 numbers, n >= 2', table);
  }
  const bad = table.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw argumentError('ERR_FLOW_NONFINITE', `${path}.table[${bad}]`, 'a finite number', table[bad]);
  if (!(tMin >= 0 && tMax <= 1 && tMin < tMax)) throw argumentError('ERR_FLOW_RANGE', `${path}.tMin`, '0 <= tMin < tMax <= 1', tMin);
  const at = (t: number): PathPoint => hermite(table, tMin, tMax, t);
  return Object.freeze({ name, tMin, tMax, sourceScale, table, at, timeOf: (rho: number) => timeOfRatio(at, tMin, tMax, rho) });
}

/** The root of alpha - rho sigma, which rises through 0 once where rho = alpha / sigma rises: Newton steps kept inside a bracket. */
function timeOfRatio(at: (t: number) => PathPoint, tMin: number, tMax: number, rho: number): number {
  const [onAlpha, onSigma] = rho > 1 ? [1 / rho, 1] : [1, rho];
  const excess = (p: PathPoint): number => onAlpha * p.alpha - onSigma * p.sigma;
  let [low, high] = [tMin, tMax];
  if (excess(at(low)) >= 0) return low;
  if (excess(at(high)) <= 0) return high;
  let t = 0.5 * (low + high);
  for (let k = 0; k < 100; k++) {
    const point = at(t);
    const value = excess(point);
    if (value > 0) high = t;
    else low = t;
    let next = t - value / (onAlpha * point.dAlpha - onSigma * point.dSigma);
    if (Math.abs(next - t) <= 1e-16 + 2e-16 * t) return Math.min(Math.max(next, low), high);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (next === t) return t;
    t = next;
  }
  return t;
}
