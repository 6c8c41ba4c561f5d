// Six functions of t as the table that the native core reads: equidistant nodes on [tMin, tMax], values and t-derivatives (see table.ts).

import { argumentError } from '../errors.ts';
import { hermite, pathFields } from './table.ts';

/** The six fields of a path (pathFields) at t. */
export type Sample = (t: number) => readonly number[];

/** Nodes of the table of a smooth path, and of one that is steep somewhere: near an end where a field has no bound. */
export const nodes = 2049;
export const fineNodes = 8 * (nodes - 1) + 1;

/** Five equidistant points around t inside [tMin, tMax], and the weights of the derivative at t of what is known there. */
function stencil(t: number, h: number, tMin: number, tMax: number): { readonly at: readonly number[]; readonly weights: readonly number[] } {
  const centre = Math.min(Math.max(t, tMin + 2 * h), tMax - 2 * h);
  // Weights of the derivative at offset p (in units of h) from the centre of five equidistant points.
  const p = (t - centre) / h;
  const weights = [
    (4 * p ** 3 - 6 * p ** 2 - 2 * p + 2) / 24,
    (-16 * p ** 3 + 12 * p ** 2 + 32 * p - 16) / 24,
    (24 * p ** 3 - 60 * p) / 24,
    (-16 * p ** 3 - 12 * p ** 2 + 32 * p + 16) / 24,
    (4 * p ** 3 + 6 * p ** 2 - 2 * p - 2) / 24,
  ];
  return { at: weights.map((_, i) => centre + (i - 2) * h), weights };
}

/** Five-point difference of field f at t, from points inside [tMin, tMax] only. */
export function difference(sample: Sample, f: number, t: number, h: number, tMin: number, tMax: number): number {
  const { at, weights } = stencil(t, h, tMin, tMax);
  return weights.reduce((sum, w, i) => sum + w * (sample(at[i] as number)[f] as number), 0) / h;
}

/** The derivatives of alpha, sigma, gamma are the stated ones; those of the stated ones are differences. */
export function tabulate(sample: Sample, tMin: number, tMax: number, nodes: number): Float64Array {
  const table = new Float64Array(nodes * 12);
  const h = (tMax - tMin) / (nodes - 1);
  for (let k = 0; k < nodes; k++) {
    const t = k === nodes - 1 ? tMax : tMin + k * h;
    const point = sample(t);
    const { at, weights } = stencil(t, h / 8, tMin, tMax);
    const around = at.map(sample);
    const second = [3, 4, 5].map((f) => weights.reduce((sum, w, i) => sum + w * (around[i]?.[f] as number), 0) / (h / 8));
    table.set([...point, point[3] as number, point[4] as number, point[5] as number, ...second], k * 12);
  }
  return table;
}

/** Largest value of each field on 65 equidistant points. */
export function scaleOf(sample: Sample, tMin: number, tMax: number): number[] {
  const values = Array.from({ length: 65 }, (_, k) => sample(tMin + ((tMax - tMin) * k) / 64));
  return pathFields.map((_, f) => Math.max(...values.map((v) => Math.abs(v[f] as number))));
}

/** The table that agrees with the functions to 1e-6 of each field's largest value between its nodes: of 2049 nodes, or else of 16385. @throws FlowError ERR_FLOW_CONFIG */
export function fittingTable(sample: Sample, tMin: number, tMax: number, path: string): Float64Array {
  const scale = scaleOf(sample, tMin, tMax);
  const coarse = tabulate(sample, tMin, tMax, nodes);
  if (missed(coarse, sample, tMin, tMax, scale) === null) return coarse;
  const table = tabulate(sample, tMin, tMax, fineNodes);
  const miss = missed(table, sample, tMin, tMax, scale);
  if (miss === null) return table;
  const hint = 'Smooth the function; where it takes tMin and tMax, they may leave the steep part out.';
  const expected = `a smooth function (the table of ${fineNodes} nodes misses it by ${miss.error.toPrecision(2)})`;
  throw argumentError('ERR_FLOW_CONFIG', `${path}(${miss.t}).${miss.field}`, expected, miss.exact, hint);
}

/** The first place between two nodes where a table misses the function; null where it does nowhere. */
function missed(table: Float64Array, sample: Sample, tMin: number, tMax: number, scale: readonly number[]) {
  const intervals = table.length / 12 - 1;
  for (let k = 0; k < intervals; k++) {
    const t = tMin + ((k + 0.5) * (tMax - tMin)) / intervals;
    const exact = sample(t);
    const read = hermite(table, tMin, tMax, t);
    for (const [f, field] of pathFields.entries()) {
      const error = Math.abs(read[field] - (exact[f] as number));
      if (error > 1e-6 * Math.max(scale[f] as number, 1e-3)) return { t, field, error, exact: exact[f] as number };
    }
  }
  return null;
}
