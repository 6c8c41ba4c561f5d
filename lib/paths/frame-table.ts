// The frame as a function of time, for readers that choose their own times (adaptive solvers, SDEs, graphs whose grid is an input): cubics on intervals that are
// halved until each column is within 1e-8 of what it stands for (relative to 1, a hundredth of its largest value and its own). Near an end where a column grows as 1 / (1 - t) the intervals shrink; a few hundred do.

import type { Frame, FrameRow } from './frame.ts';

/** Piecewise cubics of several functions: on [times[k], times[k+1]], s = (t - times[k]) / (times[k+1] - times[k]), column j is c0 + s (c1 + s (c2 + s c3)). */
export interface Cubics {
  /** (n + 1), rising. */
  readonly times: Float64Array;
  /** (n, 4 width): the four coefficients of each column in turn. */
  readonly coefficients: Float64Array;
}

const tolerance = 1e-8;
/** Coarsest and finest intervals, as halvings of the whole. */
const [coarse, fine] = [4, 14];
/** Within an interval, where the cubic is held against the functions. */
const probes = [1 / 6, 1 / 2, 5 / 6];

/** The cubic through values at s = 0, 1/3, 2/3, 1. */
function cubic([p, q, r, w]: readonly [number, number, number, number]): [number, number, number, number] {
  return [p, (-11 * p + 18 * q - 9 * r + 2 * w) / 2, (9 * (2 * p - 5 * q + 4 * r - w)) / 2, (9 * (-p + 3 * q - 3 * r + w)) / 2];
}

const polynomial = (c: ArrayLike<number>, at: number, s: number): number =>
  (c[at] as number) + s * ((c[at + 1] as number) + s * ((c[at + 2] as number) + s * (c[at + 3] as number)));

/** Smooth functions of t as cubics on [from, to]. */
export function cubicsOf(sample: (t: number) => readonly number[], from: number, to: number): Cubics {
  const width = sample(from).length;
  const largest = new Float64Array(width);
  for (let k = 0; k <= 64; k++) {
    for (const [f, v] of sample(from + ((to - from) * k) / 64).entries()) largest[f] = Math.max(largest[f] as number, Math.abs(v));
  }
  const times: number[] = [from];
  const coefficients: number[] = [];
  const cover = (left: number, right: number, depth: number): void => {
    const at = (s: number): readonly number[] => sample(s === 1 ? right : left + s * (right - left));
    const [p, q, r, w] = [at(0), at(1 / 3), at(2 / 3), at(1)];
    const own = Array.from({ length: width }, (_, f) => cubic([p[f], q[f], r[f], w[f]] as [number, number, number, number])).flat();
    const fits = (s: number): boolean =>
      at(s).every((v, f) => Math.abs(v - polynomial(own, 4 * f, s)) <= tolerance * (Math.abs(v) + Math.max(1, 0.01 * (largest[f] as number))));
    if (depth < coarse || (depth < fine && !probes.every(fits))) {
      const middle = 0.5 * (left + right);
      cover(left, middle, depth + 1);
      cover(middle, right, depth + 1);
      return;
    }
    times.push(right);
    coefficients.push(...own);
  };
  cover(from, to, 0);
  return { times: Float64Array.from(times), coefficients: Float64Array.from(coefficients) };
}

/** All columns at t, held to the ends. */
export function readCubics({ times, coefficients }: Cubics, t: number): number[] {
  const n = times.length - 1;
  const width = coefficients.length / (4 * n);
  let [low, high] = [0, n - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((times[middle] as number) <= t) low = middle;
    else high = middle - 1;
  }
  const [left, right] = [times[low] as number, times[low + 1] as number];
  const s = Math.min(Math.max((t - left) / (right - left), 0), 1);
  return Array.from({ length: width }, (_, f) => polynomial(coefficients, 4 * (low * width + f), s));
}

const tables = new WeakMap<Frame, Cubics>();

/** Columns a, tau, b, c of a frame's slope on [from, to]; null for the identity. Made once per frame. */
export function frameTable(frame: Frame): Cubics | null {
  if (frame.identity) return null;
  const known = tables.get(frame);
  if (known) return known;
  const table = cubicsOf(
    (t) => {
      const { a, tau, b, c } = frame.slope(t);
      return [a, tau, b, c];
    },
    frame.from,
    frame.to,
  );
  tables.set(frame, table);
  return table;
}

/** The row that a reader of the table sees at t. */
export function frameAt(table: Cubics, t: number): FrameRow {
  const [a, tau, b, c] = readCubics(table, t) as [number, number, number, number];
  return { a, tau, b, c };
}
