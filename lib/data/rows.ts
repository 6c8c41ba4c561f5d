// Rows as users hold them (number[][], typed rows, one flat typed array) -> row-major Float32Array pieces, every value checked and named when it is wrong.

import { amount, argumentError, counted, FlowError, passX, show } from '../errors.ts';
import { integer } from '../options.ts';
import { rowLimit } from './limits.ts';

/** A table of numbers: rows of equal length, or one flat row-major array whose width is known from elsewhere. */
export type Matrix = readonly (readonly number[] | Float32Array | Float64Array)[] | Float32Array | Float64Array;
/** Names of the columns, or how many there are. */
export type Columns = number | readonly string[];

/** Values per piece when large tables are converted between turns of the event loop. */
const pieceValues = 1 << 18;

export interface Width {
  readonly width: number;
  readonly names: readonly string[] | null;
}

/** A `columns` option: names (different, not empty) or a count; undefined stays undefined. */
export function checkColumns(value: unknown, path: string): Width | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return { width: integer(value, path, 1, 65_536), names: null };
  if (!Array.isArray(value) || value.length === 0 || value.length > 65_536) throw argumentError('ERR_FLOW_TYPE', path, 'column names or a count', value);
  const names = value.map((name: unknown, i) => {
    if (typeof name !== 'string' || name === '') throw argumentError('ERR_FLOW_TYPE', `${path}[${i}]`, 'a column name', name);
    return name;
  });
  names.forEach((name, i) => {
    if (names.indexOf(name) !== i) throw argumentError('ERR_FLOW_CONFIG', `${path}[${i}]`, 'different names', name);
  });
  return { width: names.length, names: Object.freeze(names) };
}

/** Rows and width of a matrix; of an array of rows the first row tells the width. */
export function measure(value: unknown, path: string, columns?: Width): { rows: number; width: number } {
  if (value instanceof Float32Array || value instanceof Float64Array) {
    if (columns === undefined) {
      throw argumentError('ERR_FLOW_TYPE', path, 'rows of numbers', value, 'Of a flat array the width is not known: give columns (names or a count) as well.');
    }
    if (value.length % columns.width !== 0) {
      throw argumentError('ERR_FLOW_SHAPE', path, `a multiple of ${columns.width} values`, amount(value.length, 'value'));
    }
    return { rows: limit(value.length / columns.width, columns.width, path), width: columns.width };
  }
  if (!Array.isArray(value)) {
    const hint = passX(value, columns === undefined ? ', and columns: how many values a row has' : '');
    throw argumentError('ERR_FLOW_TYPE', path, 'rows of numbers: number[][], or a Float32Array with columns', value, hint);
  }
  if (value.length === 0) return { rows: 0, width: columns?.width ?? 0 };
  const width = rowLength(value[0], `${path}[0]`, columns?.width);
  if (columns !== undefined && width !== columns.width) throw shapeError(path, columns.width, width);
  if (width === 0) throw argumentError('ERR_FLOW_SHAPE', `${path}[0]`, 'at least one number', value[0]);
  return { rows: limit(value.length, width, path), width };
}

/** `data: expected [n, 12], got [n, 13]`. */
export function shapeError(path: string, expected: number, received: number, hint?: string): FlowError {
  const fields = { path, expected: `[n, ${expected}]`, received: `[n, ${received}]`, hint };
  return new FlowError('ERR_FLOW_SHAPE', `${path}: expected ${fields.expected}, got ${fields.received}.${hint ? ` ${hint}` : ''}`, fields);
}

function limit(rows: number, width: number, path: string): number {
  if (rows * width > rowLimit) throw argumentError('ERR_FLOW_LIMIT', path, `at most ${rowLimit} values`, rows * width);
  return rows;
}

function rowLength(row: unknown, path: string, width: number | undefined): number {
  if (Array.isArray(row) || row instanceof Float32Array || row instanceof Float64Array) return row.length;
  const dim = width === undefined ? '' : ` of ${counted(width, 'number')}`;
  let hint: string | undefined;
  if (typeof row === 'number') hint = 'For one column write data.map((x) => [x]).';
  else if (typeof row === 'object' && row !== null) {
    const keys = Object.keys(row).filter((key) => typeof (row as Record<string, unknown>)[key] === 'number' && /^[A-Za-z_$][\w$]*$/.test(key));
    if (keys.length > 0 && keys.length <= 20)
      hint = `Use ${path
        .replace(/\[\d+\]$/, '')
        .split('.')
        .at(-1)}.map((p) => [${keys.map((key) => `p.${key}`).join(', ')}]).`;
  }
  throw argumentError('ERR_FLOW_TYPE', path, `a row${dim}: number[] or Float32Array`, row, hint);
}

/** The values of rows [first, first + count) as a fresh Float32Array. */
export function convert(value: Matrix, width: number, first: number, count: number, path: string, names: readonly string[] | null = null): Float32Array {
  const out = new Float32Array(count * width);
  if (value instanceof Float32Array || value instanceof Float64Array) {
    if (value.length < (first + count) * width)
      throw new FlowError('ERR_FLOW_STATE', `${path}: its buffer was transferred or resized while it was read.`, { path });
    out.set(value.subarray(first * width, (first + count) * width));
  } else {
    for (let i = 0; i < count; i++) {
      const row = value[first + i] as ArrayLike<unknown>;
      const found = rowLength(row, `${path}[${first + i}]`, width);
      if (found !== width)
        throw argumentError('ERR_FLOW_SHAPE', `${path}[${first + i}]`, `a row of ${counted(width, 'number')}, as the rows before`, amount(found, 'number'));
      for (let j = 0; j < width; j++) {
        const x = row[j];
        if (typeof x !== 'number') throw argumentError('ERR_FLOW_TYPE', place(path, first + i, j, names), 'a number', x);
        out[i * width + j] = x;
      }
    }
  }
  const bad = out.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0) {
    const [i, j] = [first + Math.floor(bad / width), bad % width];
    const original = Array.isArray(value) ? (value[i] as ArrayLike<number>)[j] : (value as Float64Array)[i * width + j];
    const finite = Number.isFinite(original);
    const hint = finite ? 'Give the column in a smaller unit.' : 'Leave the row out, or put a number there.';
    const expected = finite ? 'a number that float32 can hold' : 'a finite number';
    const fields = { path: place(path, i, j, names), expected, received: show(original), hint };
    throw new FlowError('ERR_FLOW_NONFINITE', `${fields.path} is ${fields.received}: expected ${expected}. ${hint}`, fields);
  }
  return out;
}

function place(path: string, row: number, column: number, names: readonly string[] | null): string {
  return `${path}[${row}][${column}]${names ? ` (${JSON.stringify(names[column])})` : ''}`;
}

/** All rows at once, for what is small or must be atomic. */
export function toMatrix(value: unknown, path: string, columns?: Width): { values: Float32Array; rows: number; width: number } {
  const { rows, width } = measure(value, path, columns);
  return { values: convert(value as Matrix, width, 0, rows, path, columns?.names ?? null), rows, width };
}

/** Pieces of whole rows with a turn of the event loop between them. */
export async function* pieces(value: Matrix, rows: number, width: number, path: string, names: readonly string[] | null): AsyncGenerator<Float32Array> {
  const each = Math.max(1, Math.floor(pieceValues / width));
  for (let first = 0; first < rows; first += each) {
    if (first > 0) await new Promise((resolve) => setImmediate(resolve));
    yield convert(value, width, first, Math.min(each, rows - first), path, names);
  }
}
