// Does a model repeat its training rows? Exact copies, and the Euclidean distance to the closest record (DCR). Scale the columns first.

import { rowCount, type Values } from './rows.ts';

/** Number of synthetic rows that equal some real row in every column. */
export function exactCopies(real: Values, synthetic: Values, columns: number): number {
  const key = (x: Values, r: number): string => x.subarray(r * columns, (r + 1) * columns).join(' ');
  const known = new Set<string>();
  for (let r = 0; r < rowCount(real, columns, 'real'); r++) known.add(key(real, r));
  let copies = 0;
  for (let r = 0; r < rowCount(synthetic, columns, 'synthetic'); r++) if (known.has(key(synthetic, r))) copies++;
  return copies;
}

export interface ClosestOptions {
  /** Leave out the row of the same index: distances within one table. @default false */
  readonly excludeSelf?: boolean;
}

/** For each row of `rows` the distance to the closest row of `records`, (rows). O(n m d), with an early way out of each sum. */
export function closestDistances(records: Values, rows: Values, columns: number, options: ClosestOptions = {}): Float64Array {
  const [n, m] = [rowCount(records, columns, 'records'), rowCount(rows, columns, 'rows')];
  const out = new Float64Array(m);
  for (let r = 0; r < m; r++) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      if (options.excludeSelf && i === r) continue;
      let square = 0;
      for (let c = 0; c < columns && square < best; c++) {
        const difference = (rows[r * columns + c] as number) - (records[i * columns + c] as number);
        square += difference * difference;
      }
      if (square < best) best = square;
    }
    out[r] = Math.sqrt(best);
  }
  return out;
}

/** The median; the mean of the two middle values when there are two. */
export function median(x: Values): number {
  const sorted = x.slice().sort();
  const rows = rowCount(x, 1, 'x');
  return ((sorted[Math.floor((rows - 1) / 2)] as number) + (sorted[Math.floor(rows / 2)] as number)) / 2;
}

/** DCRBaselineProtection (SDMetrics): min(median DCR of the synthetic rows / median DCR of random rows, 1); 1 = as far from the records as chance. */
export function baselineProtection(records: Values, synthetic: Values, random: Values, columns: number): number {
  const baseline = median(closestDistances(records, random, columns));
  return Math.min(median(closestDistances(records, synthetic, columns)) / baseline, 1);
}
