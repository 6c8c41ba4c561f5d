// What every metric reads: row-major matrices of finite numbers, checked once.

import { argumentError, counted, passX } from '../errors.ts';
import { integer } from '../options.ts';

/** A flat row-major matrix. */
export type Values = Float32Array | Float64Array;

/** Number of rows of a (rows, columns) matrix; throws ERR_FLOW_SHAPE, ERR_FLOW_TYPE or ERR_FLOW_NONFINITE. */
export function rowCount(x: unknown, columns: number, path: string, least = 1): number {
  if (!(x instanceof Float32Array || x instanceof Float64Array)) throw argumentError('ERR_FLOW_TYPE', path, 'a Float32Array or Float64Array', x, passX(x));
  if (typeof columns !== 'number')
    throw argumentError('ERR_FLOW_TYPE', 'columns', 'an integer', columns, 'How many values a row has comes third, before the options.');
  integer(columns, 'columns', 1, 1_000_000);
  const rows = counted(least, 'row');
  const of = counted(columns, 'column');
  if (x.length % columns !== 0)
    throw argumentError('ERR_FLOW_SHAPE', path, `rows of ${of}`, x, `${x.length} is no multiple of ${columns}: check ${path} and columns.`);
  if (x.length < least * columns) throw argumentError('ERR_FLOW_SHAPE', path, `at least ${rows} of ${of}`, x);
  const bad = x.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw argumentError('ERR_FLOW_NONFINITE', `${path}, row ${Math.floor(bad / columns)}, column ${bad % columns}`, 'a finite number', x[bad]);
  return x.length / columns;
}

/** Column `c` as float64. */
export function column(x: Values, columns: number, c: number): Float64Array {
  return Float64Array.from({ length: x.length / columns }, (_, r) => x[r * columns + c] as number);
}
