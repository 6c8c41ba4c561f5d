// A diffusion sigma(t) on [0, 1], given as a function or as values, and its running variance F(t) = integral from 0 to t of sigma^2: five-point Gauss-Legendre rules
// on 2048 cells, exact for polynomials of degree 9 on each. Values stand at equidistant times; between them runs the monotone cubic of Fritsch and Butland
// (SIAM J. Sci. Stat. Comput. 5, 1984), which stays between its neighbours, so that a positive diffusion stays positive.

import { amount, argumentError } from '../errors.ts';
import { finite, numbersOf } from '../options.ts';
import { scalar } from './scalar.ts';

/** sigma(t) as one number, a function of t in [0, 1], or values at equidistant times from 0 to 1. */
export type Diffusion = number | ((t: number) => number) | ArrayLike<number>;

export interface RunningVariance {
  sigma(t: number): number;
  /** F(t), t in [0, 1]. */
  until(t: number): number;
  /** F(1). */
  readonly total: number;
}

/** Smallest and largest sigma(t). */
export const [least, most] = [1e-3, 100];

const cells = 2048;
const [inner, outer] = [Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3, Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3];
const points = [-outer, -inner, 0, inner, outer];
const weights = [
  (322 - 13 * Math.sqrt(70)) / 900,
  (322 + 13 * Math.sqrt(70)) / 900,
  128 / 225,
  (322 + 13 * Math.sqrt(70)) / 900,
  (322 - 13 * Math.sqrt(70)) / 900,
];

/** @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG naming the t or the value. */
export function runningVariance(value: unknown, path: string): RunningVariance {
  const sigma = typeof value === 'function' ? scalar(value, path) : monotoneCubic(checkedValues(value, path));
  const square = (t: number): number => {
    const s = sigma(t);
    if (s < least || s > most) throw argumentError('ERR_FLOW_RANGE', `${path}(${t})`, `a number in [${least}, ${most}]`, s);
    return s * s;
  };
  const integral = (from: number, to: number): number =>
    0.5 * (to - from) * points.reduce((sum, p, i) => sum + (weights[i] as number) * square(0.5 * (from + to + p * (to - from))), 0);
  const sums = new Float64Array(cells + 1);
  for (let k = 0; k < cells; k++) sums[k + 1] = (sums[k] as number) + integral(k / cells, (k + 1) / cells);
  square(0);
  square(1);
  return {
    sigma,
    until: (t) => {
      const k = Math.min(Math.floor(t * cells), cells);
      return (sums[k] as number) + (t === k / cells ? 0 : integral(k / cells, t));
    },
    total: sums[cells] as number,
  };
}

function checkedValues(value: unknown, path: string): readonly number[] {
  const expected = 'a number, a function of t, or numbers at equidistant times from 0 to 1';
  const values = numbersOf(value, path, expected);
  if (values.length < 2) throw argumentError('ERR_FLOW_SHAPE', path, 'at least two numbers, at times from 0 to 1', amount(values.length, 'number'));
  return values.map((v, i) => finite(v, `${path}[${i}]`, least, most));
}

/** Through values at equidistant times from 0 to 1, without overshooting. */
export function monotoneCubic(values: readonly number[]): (t: number) => number {
  const n = values.length - 1;
  const at = (k: number): number => values[k] as number;
  const rise = (k: number): number => at(k + 1) - at(k);
  const middle = (p: number, q: number): number => (p * q > 0 ? (2 * p * q) / (p + q) : 0);
  /** One-sided three-point slope, held to the side of the data. */
  const end = (p: number, q: number): number => {
    const slope = (3 * p - q) / 2;
    return slope * p <= 0 ? 0 : p * q <= 0 && Math.abs(slope) > 3 * Math.abs(p) ? 3 * p : slope;
  };
  const slopes = values.map((_, k) => {
    if (n === 1) return rise(0);
    return k === 0 ? end(rise(0), rise(1)) : k === n ? end(rise(n - 1), rise(n - 2)) : middle(rise(k - 1), rise(k));
  });
  return (t) => {
    const k = Math.min(Math.max(Math.floor(t * n), 0), n - 1);
    const s = Math.min(Math.max(t * n - k, 0), 1);
    const r = 1 - s;
    return r * r * ((1 + 2 * s) * at(k) + s * (slopes[k] as number)) + s * s * ((1 + 2 * r) * at(k + 1) - r * (slopes[k + 1] as number));
  };
}
