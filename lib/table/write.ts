// Rows out: CSV (RFC 4180), JSON lines, and npy (float64 matrix: categories as the index of their value, booleans as 0 and 1, dates as milliseconds since 1970).

import type { Codec, Value } from './codec.ts';
import { dateFormat } from './dates.ts';

export const rowFormats = ['csv', 'jsonl', 'npy'] as const;
export type RowFormat = (typeof rowFormats)[number];

export interface RowWriter {
  /** What stands before the rows. */
  head(rows: number): Uint8Array;
  /** Some rows as bytes. */
  rows(rows: readonly (readonly Value[])[]): Uint8Array;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The writer of a format for the columns of `codec`. */
export function rowWriter(format: RowFormat, codec: Codec): RowWriter {
  if (format === 'npy') return npyWriter(codec);
  if (format === 'jsonl') {
    const keys = codec.names.map((name) => JSON.stringify(name));
    const line = (row: readonly Value[]) => `{${row.map((value, i) => `${keys[i]}:${JSON.stringify(value)}`).join(',')}}\n`;
    return { head: () => new Uint8Array(0), rows: (rows) => bytes(rows.map(line).join('')) };
  }
  const line = (row: readonly Value[]) => `${row.map(csvField).join(',')}\n`;
  return { head: () => bytes(line(codec.names)), rows: (rows) => bytes(rows.map(line).join('')) };
}

/** A field, quoted where a reader would otherwise split, trim or lose it. */
export function csvField(value: Value): string {
  const text = String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** npy 1.0: magic, version, header length (little-endian u16), a Python literal padded to 64 bytes, then little-endian float64 rows. */
function npyWriter(codec: Codec): RowWriter {
  const columns = codec.record.columns;
  const units = columns.map((column) => (column.encoding === 'value' && column.format !== null ? dateFormat(column.format) : null));
  const indices = columns.map((column) => ('values' in column ? new Map(column.values.map((value, i) => [value, i])) : null));
  return {
    head(rows) {
      const header = `{'descr': '<f8', 'fortran_order': False, 'shape': (${rows}, ${columns.length}), }`;
      const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
      const out = new Uint8Array(10 + padded.length);
      out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
      out.set(bytes(padded), 10);
      return out;
    },
    rows(rows) {
      const view = new DataView(new ArrayBuffer(rows.length * columns.length * 8));
      rows.forEach((row, r) => {
        row.forEach((value, c) => {
          const unit = units[c];
          const number = unit
            ? (unit.parse(value as string) ?? Number.NaN) * unit.unit
            : (indices[c]?.get(String(value)) ?? (typeof value === 'string' ? Number.NaN : Number(value)));
          view.setFloat64((r * columns.length + c) * 8, number, true);
        });
      });
      return new Uint8Array(view.buffer);
    },
  };
}
