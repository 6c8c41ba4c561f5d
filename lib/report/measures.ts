// The numbers of a report, each with what chance alone gives at this many rows: two samples of one distribution are not equal either.
//   KS        sup |F - G|; chance at 95 %: 1.358 sqrt(1/n + 1/m)                          (Smirnov 1948)
//   TV        1/2 sum |p - q|; by chance on average 1/2 sum sqrt(2/pi) sqrt(p (1 - p) (1/n + 1/m))
//   W1        integral |F - G| dx, in the column's own unit and in its standard deviations
//   C2ST      accuracy of a classifier between real and synthetic rows, on rows that it was not fitted to; chance: 1/2, give or take its standard error
//   r         |rho - rho'| of Pearson's correlation; chance at 95 %: 1.96 (1 - rho^2) sqrt(1/n + 1/m)

import { type C2stResult, wasserstein1d } from '../metrics/index.ts';
import type { Codec } from '../table/codec.ts';
import { compareRows, pearson } from '../table/compare.ts';
import { columnsOf, type LabelledColumn, type NumericColumn, type Rows } from './columns.ts';
import { type NearestRecord, nearestRecord } from './nearest.ts';

export interface ColumnMeasure {
  readonly name: string;
  readonly kind: string;
  readonly measure: 'KS' | 'TV';
  /** In [0, 1]; 0 = equal. The complement, 1 - distance, is SDMetrics' KSComplement or TVComplement. */
  readonly distance: number;
  /** The distance that two samples of one distribution reach by chance at these row counts. */
  readonly chance: number;
  /** 1-D Wasserstein distance in the column's unit (dates: days); null for categories. */
  readonly wasserstein: number | null;
  /** The same in standard deviations of the real column. */
  readonly wassersteinRelative: number | null;
}

/** A category value that no synthetic row has, and how many rows were to be expected. */
export interface MissingValue {
  readonly column: string;
  readonly value: string;
  readonly expected: number;
}

export interface Measures {
  readonly rows: { readonly real: number; readonly synthetic: number; readonly heldOut: number };
  readonly columns: readonly ColumnMeasure[];
  readonly correlation: {
    readonly names: readonly string[];
    readonly real: readonly (readonly number[])[];
    readonly synthetic: readonly (readonly number[])[];
    readonly largest: { readonly a: string; readonly b: string; readonly error: number; readonly chance: number } | null;
  };
  /** Synthetic rows equal to a real row in every column; `heldOut`: held-out real rows that equal a training row. */
  readonly copies: { readonly synthetic: number; readonly heldOut: number; readonly continuous: boolean };
  readonly nearest: NearestRecord | null;
  /** Classifier two-sample test; null for fewer than 50 rows. */
  readonly c2st: C2stResult | null;
  /** Category values: known, drawn at least once, drawn though never seen. */
  readonly coverage: { readonly known: number; readonly drawn: number; readonly missing: readonly MissingValue[]; readonly unseen: number };
}

/** Compares decoded rows (values in the order of codec.names); `heldOut` are indices of real rows that were not trained on. */
export function measure(codec: Codec, real: Rows, synthetic: Rows, heldOut: readonly number[] = [], c2st: C2stResult | null = null): Measures {
  const compared = compareRows(codec, real, synthetic);
  const columns = columnsOf(codec, real, synthetic);
  const spread = Math.sqrt(1 / real.length + 1 / synthetic.length);
  const numeric = columns.filter((column): column is NumericColumn => column.numeric);
  const labels = columns.filter((column): column is LabelledColumn => !column.numeric);
  const measures = compared.columns.map((one, i): ColumnMeasure => {
    const column = columns[i]!;
    if (!column.numeric) return { ...one, chance: totalVariationByChance(column.real, spread), wasserstein: null, wassersteinRelative: null };
    const distance = wasserstein1d(column.real, column.synthetic);
    const deviation = standardDeviation(column.real);
    const unit = column.kind === 'date' ? 86_400_000 : 1;
    return { ...one, chance: 1.358 * spread, wasserstein: distance / unit, wassersteinRelative: deviation > 0 ? distance / deviation : null };
  });
  const matrix = (side: 'real' | 'synthetic') => numeric.map((a) => numeric.map((b) => (a === b ? 1 : pearson(a[side], b[side]))));
  const held = new Set(heldOut);
  const training = heldOut.length > 0 ? new Set(real.flatMap((row, i) => (held.has(i) ? [] : [JSON.stringify(row)]))) : new Set<string>();
  const worst = compared.correlation;
  return {
    rows: { real: real.length, synthetic: synthetic.length, heldOut: heldOut.length },
    columns: measures,
    correlation: {
      names: numeric.map((column) => column.name),
      real: matrix('real'),
      synthetic: matrix('synthetic'),
      largest: worst && { a: worst.a, b: worst.b, error: worst.error, chance: 1.96 * (1 - worst.real ** 2) * spread },
    },
    copies: {
      synthetic: compared.exactCopies,
      heldOut: heldOut.reduce((sum, i) => sum + (real[i] && training.has(JSON.stringify(real[i])) ? 1 : 0), 0),
      continuous: numeric.length > 0,
    },
    c2st,
    nearest: nearestRecord(columns, real.length, synthetic.length, heldOut),
    coverage: coverage(labels),
  };
}

function coverage(labels: readonly LabelledColumn[]): Measures['coverage'] {
  let [known, drawn, unseen] = [0, 0, 0];
  const missing: MissingValue[] = [];
  for (const column of labels) {
    const real = new Map<string, number>();
    for (const value of column.real) real.set(value, (real.get(value) ?? 0) + 1);
    const made = new Set(column.synthetic);
    known += real.size;
    for (const [value, n] of real) {
      if (made.has(value)) drawn++;
      else missing.push({ column: column.name, value, expected: (n / column.real.length) * column.synthetic.length });
    }
    for (const value of made) if (!real.has(value)) unseen++;
  }
  return { known, drawn, missing: missing.sort((a, b) => b.expected - a.expected), unseen };
}

function totalVariationByChance(values: readonly string[], spread: number): number {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum += Math.sqrt((count / values.length) * (1 - count / values.length));
  return 0.5 * Math.sqrt(2 / Math.PI) * sum * spread;
}

function standardDeviation(values: Float64Array): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
}
