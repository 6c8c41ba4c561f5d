// The codec: a plain JSON record that turns table rows into network columns and back. It keeps names, categories, ranges and lattices, never a row.
//   number, integer, date   one column: z = T(x) - offset, T = identity, log or asinh(x / s); the model's normaliser standardises it afterwards
//   category, boolean, few integers   one-hot at +-1 (Chen et al., arXiv 2208.04202), decoded by argmax
//   constant   no column
// Decoding inverts T, clips to the range seen and rounds to the lattice seen (39.1 stays 39.1, multiples of 25 stay multiples of 25).
// Heavy tails: a positive column whose skewness is above 1.5 and at least halves under the logarithm is learnt as its logarithm; another column with skewness above 3 in
// size as asinh(x / s). Clipping puts what a model draws beyond the range on its ends; measured on the penguins that is below 1 % of the rows.

import { FlowError, show } from '../errors.ts';
import { booleanOf, type Cell, numberOf } from './cells.ts';
import { type DateFormat, dateFormat, dateFormats } from './dates.ts';
import { badCell, type ColumnSchema, checkColumn, type Schema } from './schema.ts';

export type Transform = 'none' | 'log' | 'asinh';

export interface ValueColumn {
  readonly name: string;
  readonly kind: 'number' | 'integer' | 'date';
  readonly encoding: 'value';
  /** Index of its first network column, and how many it has. */
  readonly first: number;
  readonly width: 1;
  /** Range seen, in its own units (a date: whole units of its format since 1970). */
  readonly min: number;
  readonly max: number;
  readonly transform: Transform;
  /** s of asinh(x / s); 1 otherwise. */
  readonly scale: number;
  readonly offset: number;
  /** Values are (min + k * step) with min, step integers of 10^-decimals; null = any number. */
  readonly grid: { readonly decimals: number; readonly step: number } | null;
  readonly format: string | null;
}

export interface LabelColumn {
  readonly name: string;
  readonly kind: 'category' | 'boolean' | 'integer';
  /** `condition`: given to the network as a class, not generated (`--target`). */
  readonly encoding: 'onehot' | 'condition';
  readonly first: number;
  readonly width: number;
  readonly values: readonly string[];
  /** Rows of each value seen; of a `condition` column only, to draw it when it is not given. */
  readonly counts: readonly number[] | null;
}

export interface ConstantColumn {
  readonly name: string;
  readonly kind: 'constant';
  readonly encoding: 'constant';
  readonly first: number;
  readonly width: 0;
  readonly value: string | number | boolean;
}

export type CodecColumn = ValueColumn | LabelColumn | ConstantColumn;

export interface TableCodec {
  readonly version: 1;
  readonly columns: readonly CodecColumn[];
  /** Network columns in all. */
  readonly width: number;
  readonly leftOut: readonly { readonly name: string; readonly reason: string }[];
}

export type Value = string | number | boolean;

/** The codec of an inferred schema; `target` names the category that becomes the condition. */
export function codecOf(schema: Schema, target?: string): TableCodec {
  const columns: CodecColumn[] = [];
  let first = 0;
  if (target !== undefined) {
    checkColumn(
      target,
      'target',
      schema.columns.map((column) => column.name),
    );
    const kind = schema.columns.find((column) => column.name === target);
    if (kind && kind.values.length < 2) {
      throw new FlowError(
        'ERR_FLOW_CONFIG',
        `target: "${target}" is ${kind.kind === 'left out' ? `left out (${kind.note})` : `${/^[aeiou]/.test(kind.kind) ? 'an' : 'a'} ${kind.kind} column`}; a target is a category or boolean.`,
        {
          path: 'target',
          expected: 'a category or boolean column',
          received: kind.kind,
        },
      );
    }
  }
  for (const column of schema.columns) {
    if (column.kind === 'left out') continue;
    const made = columnOf(column, first, column.name === target);
    columns.push(made);
    first += made.width;
  }
  if (first === 0) {
    throw new FlowError(
      'ERR_FLOW_CSV_SHAPE',
      `no column is left to learn: ${schema.columns
        .map((c) => `${c.name} (${c.note || c.kind})`)
        .slice(0, 8)
        .join('; ')}.`,
      {
        path: 'header',
        expected: 'at least one column that varies',
      },
    );
  }
  const leftOut = schema.columns.filter((column) => column.kind === 'left out').map(({ name, note }) => ({ name, reason: note }));
  return { version: 1, columns, width: first, leftOut };
}

function columnOf(column: ColumnSchema, first: number, isTarget: boolean): CodecColumn {
  const { name, kind, scan, values } = column;
  if (kind === 'constant') {
    const text = values[0] as string;
    const number = scan.zeroPadded === 0 ? numberOf(text) : undefined;
    return { name, kind, encoding: 'constant', first, width: 0, value: number ?? booleanOf(text) ?? text };
  }
  if (values.length > 0) {
    const labelKind = kind as LabelColumn['kind'];
    const unique = kind === 'boolean' ? ['false', 'true'] : kind === 'integer' ? [...new Set(values.map((text) => String(Number(text))))] : values;
    const counts = unique.map((value) => [...scan.distinct].reduce((sum, [text, count]) => sum + (labelOf(text, labelKind) === value ? count : 0), 0));
    return isTarget
      ? { name, kind: labelKind, encoding: 'condition', first, width: 0, values: unique, counts }
      : { name, kind: labelKind, encoding: 'onehot', first, width: unique.length, values: unique, counts: null };
  }
  const dateIndex = dateFormats.findIndex((format) => format.pattern === column.format);
  const from = kind === 'date' ? scan.dates[dateIndex] : scan;
  if (!from)
    throw new FlowError('ERR_FLOW_CONFIG', `columns.${name}: date patterns are ${dateFormats.map((f) => f.pattern).join(', ')}.`, { path: `columns.${name}` });
  const { min, max } = from.value;
  const transform = kind === 'date' ? 'none' : transformOf(scan);
  const far = Math.max(Math.abs(min), Math.abs(max)) > 1000 * (max - min);
  return {
    name,
    kind: kind as ValueColumn['kind'],
    encoding: 'value',
    first,
    width: 1,
    min,
    max,
    transform,
    scale: transform === 'asinh' ? Math.abs(scan.value.mean) || scan.value.std / 10 : 1,
    offset: kind === 'date' || (far && transform === 'none') ? min : 0,
    grid: from.lattice.grid,
    format: column.format,
  };
}

function transformOf(scan: ColumnSchema['scan']): Transform {
  const skewness = scan.value.skewness;
  if (scan.count < 20) return 'none';
  if (scan.value.min > 0 && skewness > 1.5 && Math.abs(scan.log.skewness) < skewness / 2) return 'log';
  return Math.abs(skewness) > 3 ? 'asinh' : 'none';
}

const labelOf = (text: string, kind: LabelColumn['kind']): string =>
  kind === 'boolean' ? text.toLowerCase() : kind === 'integer' ? String(Number(text)) : text;

/** A codec at work: encodes rows of cells, decodes rows of numbers. */
export class Codec {
  readonly record: TableCodec;
  /** Names of the generated table's columns, in the order of the source. */
  readonly names: readonly string[];
  /** The condition column, when the model was fitted with a target. */
  readonly target: LabelColumn | null;
  private readonly formats: readonly (DateFormat | null)[];
  private readonly indices: readonly (Map<string, number> | null)[];

  constructor(record: TableCodec) {
    this.record = record;
    this.names = record.columns.map((column) => column.name);
    this.target = record.columns.find((column): column is LabelColumn => column.encoding === 'condition') ?? null;
    this.formats = record.columns.map((column) => (column.encoding === 'value' && column.format !== null ? dateFormat(column.format) : null));
    this.indices = record.columns.map((column) => ('values' in column ? new Map(column.values.map((value, i) => [value, i])) : null));
  }

  /** Network columns per row. */
  get width(): number {
    return this.record.width;
  }

  /** One name per network column: `hp`, `sex=MALE`. */
  get networkNames(): string[] {
    return this.record.columns.flatMap((column) =>
      column.encoding === 'onehot' ? column.values.map((value) => `${column.name}=${value}`) : column.width === 1 ? [column.name] : [],
    );
  }

  /** true for the network columns the normaliser should standardise; one-hot columns stay at +-1. */
  get standardised(): boolean[] {
    return this.record.columns.flatMap((column) => Array.from({ length: column.width }, () => column.encoding === 'value'));
  }

  /** Writes row `cells` (indexed by `position`, codec order) to out[at ..]; returns its class (-1 without a target). Cells must not be missing. */
  encodeRow(
    cells: readonly (Cell | undefined)[],
    position: readonly number[],
    out: Float32Array,
    at: number,
    place: { row: number; line: number | null; file: string },
  ): number {
    let label = -1;
    this.record.columns.forEach((column, i) => {
      if (column.encoding === 'constant') return;
      const cell = cells[position[i] as number];
      const text = typeof cell === 'string' ? cell.trim() : String(cell);
      if ('min' in column) {
        const value = column.kind === 'date' ? this.formats[i]?.parse(text) : typeof cell === 'number' ? cell : numberOf(text);
        if (value === undefined)
          throw badCell(column.name, column.kind === 'date' ? `a date like ${column.format}` : 'a number', { ...place, text }, place.file);
        out[at + column.first] = forward(column, value);
        return;
      }
      const index = this.indices[i]?.get(labelOf(text, column.kind));
      if (index === undefined) throw badCell(column.name, `one of ${column.values.slice(0, 6).join(', ')}`, { ...place, text }, place.file);
      if (column.encoding === 'condition') label = index;
      else for (let k = 0; k < column.width; k++) out[at + column.first + k] = k === index ? 1 : -1;
    });
    return label;
  }

  /** Row `i` of x (n, width) as values in the order of `names`; `label` is the class of the condition column. */
  decodeRow(x: Float32Array, i: number, label = -1): Value[] {
    const at = i * this.width;
    return this.record.columns.map((column, c) => {
      if (column.encoding === 'constant') return column.value;
      if ('values' in column) {
        let best = column.encoding === 'condition' ? label : 0;
        for (let k = 1; k < column.width; k++) if ((x[at + column.first + k] as number) > (x[at + column.first + best] as number)) best = k;
        return typed(column, best);
      }
      const value = backward(column, x[at + column.first] as number);
      return column.kind === 'date' ? (this.formats[c] as DateFormat).format(value) : value;
    });
  }

  /** The class index of a value of the condition column, or ERR_FLOW_CONFIG with the known ones. */
  classOf(value: string): number {
    const target = this.target;
    const index = target ? target.values.indexOf(labelOf(value.trim(), target.kind)) : -1;
    if (target && index >= 0) return index;
    throw new FlowError('ERR_FLOW_CONFIG', `given: "${target?.name}" has the values ${target?.values.slice(0, 12).join(', ')}; got ${show(value)}.`, {
      path: 'given',
      expected: target?.values.join(', '),
      received: value,
    });
  }
}

function typed(column: LabelColumn, index: number): Value {
  const text = column.values[index] as string;
  return column.kind === 'boolean' ? text === 'true' : column.kind === 'integer' ? Number(text) : text;
}

function forward(column: ValueColumn, x: number): number {
  if (column.transform === 'log') return Math.log(Math.max(x, column.min > 0 ? column.min : Number.MIN_VALUE)) - column.offset;
  if (column.transform === 'asinh') return Math.asinh(x / column.scale) - column.offset;
  return x - column.offset;
}

/** Inverse of `forward`, on the lattice and within the range seen. A value that is not a number becomes the minimum. */
export function backward(column: ValueColumn, z: number): number {
  const w = z + column.offset;
  const x = column.transform === 'log' ? Math.exp(w) : column.transform === 'asinh' ? Math.sinh(w) * column.scale : w;
  const { min, max, grid } = column;
  if (!(x > min)) return min;
  if (x >= max) return max;
  if (grid === null) return Math.min(max, Math.max(min, column.kind === 'number' ? Number(x.toPrecision(7)) : Math.round(x)));
  const power = 10 ** grid.decimals;
  const origin = Math.round(min * power);
  const k = Math.round((x * power - origin) / grid.step);
  return Math.min(max, (origin + k * grid.step) / power);
}
