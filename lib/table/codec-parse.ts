// Reads the codec record of a model file: every field is checked, so that a damaged or hostile file is an error and not a surprise.

import { FlowError, show } from '../errors.ts';
import type { CodecColumn, TableCodec } from './codec.ts';
import { dateFormats } from './dates.ts';
import { type ColumnKind, mostValues } from './schema.ts';

const kinds: readonly ColumnKind[] = ['number', 'integer', 'date', 'category', 'boolean'];

/** A codec record from a model file: every field checked, so that a damaged or hostile file is an error and not a surprise. */
export function parseCodec(value: unknown): TableCodec {
  const fail = (path: string, expected: string, received: unknown): never => {
    throw new FlowError('ERR_FLOW_CHECKPOINT', `table.${path}: expected ${expected}, got ${show(received)}.`, {
      path: `table.${path}`,
      expected,
      received: show(received),
    });
  };
  const table = value as Partial<TableCodec> | null;
  if (typeof table !== 'object' || table === null) return fail('', 'a table codec', value);
  if (table.version !== 1)
    throw new FlowError('ERR_FLOW_VERSION', `table.version: this release reads 1, the file has ${show(table.version)}. Update flowmatch.`, {
      path: 'table.version',
    });
  if (!Array.isArray(table.columns) || !Array.isArray(table.leftOut)) return fail('columns', 'arrays `columns` and `leftOut`', table.columns);
  let first = 0;
  let targets = 0;
  const number = (x: unknown): x is number => typeof x === 'number' && Number.isFinite(x);
  for (const [i, column] of (table.columns as CodecColumn[]).entries()) {
    const at = `columns[${i}]`;
    if (typeof column !== 'object' || column === null || typeof column.name !== 'string') return fail(at, 'a column with a name', column);
    if (column.first !== first) fail(`${at}.first`, String(first), column.first);
    if (column.encoding === 'constant') {
      if (column.width !== 0 || !['string', 'number', 'boolean'].includes(typeof column.value)) fail(at, 'a constant', column);
    } else if (column.encoding === 'onehot' || column.encoding === 'condition') {
      const good =
        Array.isArray(column.values) &&
        column.values.length >= 2 &&
        column.values.length <= 2 * mostValues &&
        column.values.every((v) => typeof v === 'string');
      if (!good || column.width !== (column.encoding === 'onehot' ? column.values.length : 0))
        fail(`${at}.values`, 'the labels, as many as `width`', column.values);
      if (
        column.encoding === 'condition' &&
        ++targets &&
        (!Array.isArray(column.counts) || column.counts.length !== column.values.length || !column.counts.every(number))
      ) {
        fail(`${at}.counts`, 'a count per label', column.counts);
      }
    } else if (column.encoding === 'value') {
      if (column.width !== 1 || !number(column.min) || !number(column.max) || column.min > column.max) fail(at, 'min <= max', `${column.min}, ${column.max}`);
      if (!number(column.offset) || !number(column.scale) || column.scale <= 0) fail(at, 'a finite offset and a positive scale', column.scale);
      if (!['none', 'log', 'asinh'].includes(column.transform)) fail(`${at}.transform`, 'none, log or asinh', column.transform);
      const grid = column.grid;
      if (grid !== null && !(Number.isInteger(grid?.decimals) && grid.decimals >= 0 && grid.decimals <= 12 && Number.isSafeInteger(grid.step) && grid.step > 0))
        fail(`${at}.grid`, 'decimals and step', grid);
      const format = dateFormats.find(({ pattern }) => pattern === column.format);
      if (column.kind === 'date' ? !format : column.format !== null) fail(`${at}.format`, 'a known date pattern', column.format);
      if (format && Math.max(-column.min, column.max) * format.unit > 8.64e15) fail(`${at}.max`, 'a date', column.max);
    } else fail(`${at}.encoding`, 'value, onehot, condition or constant', (column as { encoding?: unknown }).encoding);
    if (column.encoding !== 'constant' && !kinds.includes(column.kind)) fail(`${at}.kind`, kinds.join(', '), column.kind);
    first += column.width;
  }
  if (targets > 1 || table.width !== first) fail('width', String(first), table.width);
  return table as TableCodec;
}
