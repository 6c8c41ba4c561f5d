// Distance to the closest record (Gower): the mean over columns of |a - b| / (range of the real column) for numbers and of "differs" for categories.
// Synthetic rows that sit much closer to training rows than unseen real rows do were learnt by heart. Source: DCR, SDMetrics (METHOD 2.14).

import { median } from '../metrics/index.ts';
import type { ReportColumn } from './columns.ts';

/** Rows compared at most: of synthetic or held-out rows, and of training rows. */
const mostQueries = 1500;
const mostTargets = 20_000;

/** Rows as points: numeric coordinates over the range, category codes apart. */
interface Points {
  readonly count: number;
  readonly numbers: readonly Float64Array[];
  readonly codes: readonly Int32Array[];
}

export function pointsOf(columns: readonly ReportColumn[], side: 'real' | 'synthetic', rows: readonly number[]): Points {
  const numbers: Float64Array[] = [];
  const codes: Int32Array[] = [];
  for (const column of columns) {
    if (column.numeric) {
      const low = column.real.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
      const range = column.real.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - low || 1;
      numbers.push(Float64Array.from(rows, (i) => (column[side][i]! - low) / range));
    } else {
      const index = new Map<string, number>();
      for (const value of [...column.real, ...column.synthetic]) if (!index.has(value)) index.set(value, index.size);
      codes.push(Int32Array.from(rows, (i) => index.get(column[side][i]!)!));
    }
  }
  return { count: rows.length, numbers, codes };
}

/** Evenly spaced rows of 0 .. count - 1. */
const spread = (count: number, most: number): number[] =>
  Array.from({ length: Math.min(count, most) }, (_, k) => Math.floor(((k + 0.5) * count) / Math.min(count, most)));

/** For each query the distance to the nearest target; `own[i]` is a target to skip (the row itself), or -1. */
export function nearestDistances(queries: Points, targets: Points, own: readonly number[] | null = null): Float64Array {
  const out = new Float64Array(queries.count);
  const width = Math.max(1, queries.numbers.length + queries.codes.length);
  const sum = new Float64Array(targets.count);
  for (let i = 0; i < queries.count; i++) {
    sum.fill(0);
    for (const [c, values] of targets.numbers.entries()) {
      const at = queries.numbers[c]![i]!;
      for (let j = 0; j < targets.count; j++) sum[j]! += Math.abs(values[j]! - at);
    }
    for (const [c, values] of targets.codes.entries()) {
      const at = queries.codes[c]![i]!;
      for (let j = 0; j < targets.count; j++) if (values[j] !== at) sum[j]! += 1;
    }
    let least = Number.POSITIVE_INFINITY;
    for (let j = 0; j < targets.count; j++) if (sum[j]! < least && j !== own?.[i]) least = sum[j]!;
    out[i] = least / width;
  }
  return out;
}

export interface NearestRecord {
  /** Median distance of synthetic rows to the nearest training row over that of `reference` rows; null when the latter is 0. */
  readonly ratio: number | null;
  readonly synthetic: number;
  readonly real: number;
  /** `hold-out`: real rows the model did not train on. `leave-one-out`: each real row against all the others. */
  readonly reference: 'hold-out' | 'leave-one-out';
}

/** `heldOut`: indices of real rows that were not trained on; fewer than 20 and each real row is held against the others instead. */
export function nearestRecord(columns: readonly ReportColumn[], real: number, synthetic: number, heldOut: readonly number[]): NearestRecord | null {
  if (real < 3 || synthetic < 1 || columns.length === 0) return null;
  const apart = heldOut.length >= 20 && real - heldOut.length >= 20;
  const held = new Set(apart ? heldOut : []);
  const all = Array.from({ length: real }, (_, i) => i).filter((i) => !held.has(i));
  const training = spread(all.length, mostTargets).map((i) => all[i]!);
  const targets = pointsOf(columns, 'real', training);
  const made = nearestDistances(pointsOf(columns, 'synthetic', spread(synthetic, mostQueries)), targets);
  const asked = apart ? spread(heldOut.length, mostQueries).map((i) => heldOut[i]!) : spread(training.length, mostQueries).map((i) => training[i]!);
  const own = apart ? null : spread(training.length, mostQueries);
  const reference = nearestDistances(pointsOf(columns, 'real', asked), targets, own);
  const [a, b] = [median(made), median(reference)];
  return { ratio: b > 0 ? a / b : null, synthetic: a, real: b, reference: apart ? 'hold-out' : 'leave-one-out' };
}
