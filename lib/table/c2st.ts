// A classifier two-sample test of decoded rows: numbers and dates as numbers, categories as indicators of the values of the real rows.

import { type C2stResult, c2st } from '../metrics/index.ts';
import type { Codec, Value } from './codec.ts';
import { dateFormat } from './dates.ts';

type Rows = readonly (readonly Value[])[];

/** Rows of each side that are compared at most, passes over them, and the widest layer: a few seconds for a wide table. */
const [mostRows, epochs, widest] = [2000, 50, 128];

/** How well a network tells `synthetic` from `real`; null with fewer than 50 rows of either, or nothing that varies. */
export async function tableC2st(
  codec: Codec,
  real: Rows,
  synthetic: Rows,
  options: { readonly seed?: number | bigint; readonly threads?: number | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<C2stResult | null> {
  const [some, made] = [spread(real), spread(synthetic)];
  const features = codec.record.columns.flatMap((column, c): ((value: readonly Value[]) => number)[] => {
    if (column.encoding === 'constant') return [];
    if (column.encoding === 'value') {
      const format = column.format === null ? null : dateFormat(column.format);
      return [(row) => (format ? (format.parse(String(row[c])) ?? 0) : Number(row[c]))];
    }
    return [...new Set(some.map((row) => row[c]))].slice(1).map((known) => (row) => (row[c] === known ? 1 : 0));
  });
  if (some.length < 50 || made.length < 50 || features.length === 0) return null;
  const flat = (rows: Rows) => Float64Array.from(rows.flatMap((row) => features.map((feature) => feature(row))));
  const width = Math.min(10 * features.length, widest);
  const { threads, signal, seed = 0 } = options;
  return c2st(flat(some), flat(made), features.length, {
    hidden: [width, width],
    epochs,
    seed,
    ...(threads === undefined ? {} : { threads }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** At most `mostRows` rows, evenly spaced. */
function spread(rows: Rows): Rows {
  const count = Math.min(rows.length, mostRows);
  return Array.from({ length: count }, (_, k) => rows[Math.floor(((k + 0.5) * rows.length) / count)] as readonly Value[]);
}
