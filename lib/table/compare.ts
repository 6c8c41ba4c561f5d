// How far two tables of the same codec are apart, by definitions that need no tuning (METHOD 2.14, after SDMetrics):
//   number, date   Kolmogorov-Smirnov distance   sup |F - G|
//   category       total variation               1/2 sum |p - q|
//   pairs          |rho - rho'| of Pearson's correlation over the numeric columns
//   copies         generated rows equal to a real row in every column

import type { Codec, Value } from './codec.ts';
import { dateFormat } from './dates.ts';

export interface ColumnDistance {
  readonly name: string;
  readonly kind: string;
  /** `KS` or `TV`, both in [0, 1], 0 = equal. */
  readonly measure: 'KS' | 'TV';
  readonly distance: number;
}

export interface TableComparison {
  readonly columns: readonly ColumnDistance[];
  /** The pair of numeric columns whose correlation differs most; null with fewer than two. */
  readonly correlation: { readonly a: string; readonly b: string; readonly real: number; readonly synthetic: number; readonly error: number } | null;
  readonly exactCopies: number;
  /** Values that a synthetic category has and the real one has not; 0 by construction, counted all the same. */
  readonly unseenValues: number;
  readonly rows: { readonly real: number; readonly synthetic: number };
}

type Rows = readonly (readonly Value[])[];

/** Compares decoded rows (values in the order of codec.names). */
export function compareRows(codec: Codec, real: Rows, synthetic: Rows): TableComparison {
  const columns: ColumnDistance[] = [];
  const numeric: { name: string; real: Float64Array; synthetic: Float64Array }[] = [];
  let unseenValues = 0;
  codec.record.columns.forEach((column, c) => {
    if (column.encoding === 'constant') return;
    if (column.encoding === 'value') {
      const format = column.format === null ? null : dateFormat(column.format);
      const numbers = (rows: Rows) => Float64Array.from(rows, (row) => (format ? (format.parse(row[c] as string) as number) : (row[c] as number)));
      const pair = { name: column.name, real: numbers(real), synthetic: numbers(synthetic) };
      numeric.push(pair);
      columns.push({ name: column.name, kind: column.kind, measure: 'KS', distance: kolmogorovSmirnov(pair.real, pair.synthetic) });
      return;
    }
    const [p, q] = [shares(real, c), shares(synthetic, c)];
    for (const value of q.keys()) if (!p.has(value)) unseenValues++;
    let sum = 0;
    for (const value of new Set([...p.keys(), ...q.keys()])) sum += Math.abs((p.get(value) ?? 0) - (q.get(value) ?? 0));
    columns.push({ name: column.name, kind: column.kind, measure: 'TV', distance: sum / 2 });
  });
  return {
    columns,
    correlation: worstCorrelation(numeric),
    exactCopies: exactCopies(real, synthetic),
    unseenValues,
    rows: { real: real.length, synthetic: synthetic.length },
  };
}

function shares(rows: Rows, c: number): Map<Value, number> {
  const out = new Map<Value, number>();
  for (const row of rows) out.set(row[c] as Value, (out.get(row[c] as Value) ?? 0) + 1 / rows.length);
  return out;
}

/** sup |F_a - F_b| of two samples. */
export function kolmogorovSmirnov(a: Float64Array, b: Float64Array): number {
  const x = a.slice().sort();
  const y = b.slice().sort();
  let [i, j, worst] = [0, 0, 0];
  while (i < x.length && j < y.length) {
    const at = Math.min(x[i] as number, y[j] as number);
    while (i < x.length && (x[i] as number) <= at) i++;
    while (j < y.length && (y[j] as number) <= at) j++;
    worst = Math.max(worst, Math.abs(i / x.length - j / y.length));
  }
  return worst;
}

/** Pearson's correlation; 0 when one of them is constant. */
export function pearson(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  const mean = (v: Float64Array) => v.reduce((sum, x) => sum + x, 0) / n;
  const [ma, mb] = [mean(a), mean(b)];
  let [aa, bb, ab] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [(a[i] as number) - ma, (b[i] as number) - mb];
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

function worstCorrelation(columns: readonly { name: string; real: Float64Array; synthetic: Float64Array }[]): TableComparison['correlation'] {
  let worst: TableComparison['correlation'] = null;
  columns.forEach((a, i) => {
    for (const b of columns.slice(i + 1)) {
      const [real, synthetic] = [pearson(a.real, b.real), pearson(a.synthetic, b.synthetic)];
      const error = Math.abs(real - synthetic);
      if (worst === null || error > worst.error) worst = { a: a.name, b: b.name, real, synthetic, error };
    }
  });
  return worst;
}

function exactCopies(real: Rows, synthetic: Rows): number {
  const seen = new Set<string>();
  for (const row of real) seen.add(JSON.stringify(row));
  let copies = 0;
  for (const row of synthetic) if (seen.has(JSON.stringify(row))) copies++;
  return copies;
}
