// Distances between two samples of one column: Kolmogorov-Smirnov, total variation, one-dimensional Wasserstein, range measures.

import { argumentError } from '../errors.ts';
import { rowCount, type Values } from './rows.ts';

/** Largest difference of the two empirical distribution functions, in [0, 1]. */
export function ksDistance(x: Values, y: Values): number {
  const [n, m] = [rowCount(x, 1, 'x'), rowCount(y, 1, 'y')];
  const [p, q] = [x.slice().sort(), y.slice().sort()];
  let [i, j, worst] = [0, 0, 0];
  while (i < n && j < m) {
    const at = Math.min(p[i] as number, q[j] as number);
    while (i < n && (p[i] as number) <= at) i++;
    while (j < m && (q[j] as number) <= at) j++;
    worst = Math.max(worst, Math.abs(i / n - j / m));
  }
  return worst;
}

/** KSComplement (SDMetrics): 1 - ksDistance; 1 = the same distribution. */
export function ksComplement(real: Values, synthetic: Values): number {
  return 1 - ksDistance(real, synthetic);
}

/** Total variation of the category frequencies, half the sum of |p - q|, in [0, 1]. */
export function totalVariation(x: readonly unknown[] | Int32Array, y: readonly unknown[] | Int32Array): number {
  if (x.length === 0 || y.length === 0) throw argumentError('ERR_FLOW_SHAPE', x.length === 0 ? 'x' : 'y', 'at least one value', x.length === 0 ? x : y);
  const difference = new Map<unknown, number>();
  for (const value of x) difference.set(value, (difference.get(value) ?? 0) + 1 / x.length);
  for (const value of y) difference.set(value, (difference.get(value) ?? 0) - 1 / y.length);
  let sum = 0;
  for (const d of difference.values()) sum += Math.abs(d);
  return sum / 2;
}

/** TVComplement (SDMetrics): 1 - totalVariation; 1 = the same frequencies. */
export function tvComplement(real: readonly unknown[] | Int32Array, synthetic: readonly unknown[] | Int32Array): number {
  return 1 - totalVariation(real, synthetic);
}

/** One-dimensional Wasserstein distance W_p = (integral over u of |F^-1(u) - G^-1(u)|^p)^(1/p), exact for any sizes. @default p = 1 */
export function wasserstein1d(x: Values, y: Values, p = 1): number {
  const [n, m] = [rowCount(x, 1, 'x'), rowCount(y, 1, 'y')];
  const [a, b] = [x.slice().sort(), y.slice().sort()];
  let [i, j, sum] = [0, 0, 0];
  // u runs over the common refinement of i/n and j/m, counted in units of 1/(n m).
  let at = 0;
  while (i < n && j < m) {
    const next = Math.min((i + 1) * m, (j + 1) * n);
    sum += (next - at) * Math.abs((a[i] as number) - (b[j] as number)) ** p;
    at = next;
    if (next === (i + 1) * m) i++;
    if (next === (j + 1) * n) j++;
  }
  return (sum / (n * m)) ** (1 / p);
}

/** BoundaryAdherence (SDMetrics): share of synthetic values inside [min, max] of the real ones. */
export function boundaryAdherence(real: Values, synthetic: Values): number {
  const [least, most] = range(real, 'real');
  const rows = rowCount(synthetic, 1, 'synthetic');
  let inside = 0;
  for (const v of synthetic) if (v >= least && v <= most) inside++;
  return inside / rows;
}

/** RangeCoverage (SDMetrics): 1 minus the uncovered share of the real range at both ends, at least 0; NaN for a constant column. */
export function rangeCoverage(real: Values, synthetic: Values): number {
  const [least, most] = range(real, 'real');
  const [low, high] = range(synthetic, 'synthetic');
  if (most === least) return Number.NaN;
  return Math.max(0, 1 - Math.max(0, (low - least) / (most - least)) - Math.max(0, (most - high) / (most - least)));
}

function range(x: Values, path: string): [number, number] {
  rowCount(x, 1, path);
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of x) [least, most] = [Math.min(least, v), Math.max(most, v)];
  return [least, most];
}
