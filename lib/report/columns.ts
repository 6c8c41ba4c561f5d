// Decoded rows, column by column, as the report needs them: numbers and dates as numbers, everything else as text.

import type { Codec, Value } from '../table/codec.ts';
import { dateFormat } from '../table/dates.ts';

export type Rows = readonly (readonly Value[])[];

export interface NumericColumn {
  readonly name: string;
  readonly kind: 'number' | 'integer' | 'date';
  readonly numeric: true;
  /** Dates: milliseconds since 1970. */
  readonly real: Float64Array;
  readonly synthetic: Float64Array;
}
export interface LabelledColumn {
  readonly name: string;
  readonly kind: string;
  readonly numeric: false;
  readonly real: readonly string[];
  readonly synthetic: readonly string[];
}
export type ReportColumn = NumericColumn | LabelledColumn;

/** One entry per column that varies, in the order of the table. */
export function columnsOf(codec: Codec, real: Rows, synthetic: Rows): ReportColumn[] {
  return codec.record.columns.flatMap((column, c): ReportColumn[] => {
    if (column.encoding === 'constant') return [];
    if (column.encoding !== 'value') {
      const texts = (rows: Rows) => rows.map((row) => String(row[c]));
      return [{ name: column.name, kind: column.kind, numeric: false, real: texts(real), synthetic: texts(synthetic) }];
    }
    const format = column.format === null ? null : dateFormat(column.format);
    const numbers = (rows: Rows) => Float64Array.from(rows, (row) => (format ? (format.parse(String(row[c])) ?? Number.NaN) * format.unit : Number(row[c])));
    return [{ name: column.name, kind: column.kind, numeric: true, real: numbers(real), synthetic: numbers(synthetic) }];
  });
}
