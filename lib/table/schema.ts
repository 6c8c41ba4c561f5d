// Schema inference: one pass over the rows, then one decision per column: what it is, how wide it gets, or why it is left out.
// Kinds: number, integer, date (one standardised value each), category and boolean (one-hot), constant (no width: reproduced as it is).

import { FlowError, show } from '../errors.ts';
import { nearest } from '../options.ts';
import { booleanOf, type Cell, isZeroPadded, missingTest, numberOf } from './cells.ts';
import { dateFormat, dateFormats } from './dates.ts';
import type { RowSource } from './rows.ts';
import { type BadCell, ColumnScan } from './scan.ts';

export type ColumnKind = 'number' | 'integer' | 'date' | 'category' | 'boolean';

export interface SchemaOptions {
  /** Texts read as missing, besides the empty cell, NA, N/A, n/a, #N/A, null, NULL, None, NaN and nan. @default [] */
  readonly nulls?: readonly string[];
  /** Columns to keep although they look like identifiers or have many values. @default [] */
  readonly keep?: readonly string[];
  /** Columns to leave out. @default [] */
  readonly drop?: readonly string[];
  /** Kinds by column name, overriding inference; a date may name its pattern, e.g. `date:DD/MM/YYYY`. @default {} */
  readonly columns?: Readonly<Record<string, string>>;
}

/** What inference decided about one column. */
export interface ColumnSchema {
  readonly name: string;
  readonly kind: ColumnKind | 'constant' | 'left out';
  readonly missing: number;
  /** Different values, or null when there were too many to count. */
  readonly distinct: number | null;
  /** Why it is left out, or anything the reader should know; '' otherwise. */
  readonly note: string;
  /** Values of a category or boolean in order; the one value of a constant. */
  readonly values: readonly string[];
  /** True when the values were numbers (few integers), booleans or typed cells: they come back as such in JSON. */
  readonly scan: ColumnScan;
  readonly format: string | null;
}

export interface Schema {
  readonly columns: readonly ColumnSchema[];
  readonly rows: number;
  /** Tests whether a cell is missing. */
  readonly isMissing: (cell: Cell | undefined) => boolean;
}

/** Values beyond which a text column is left out unless kept, and beyond which it cannot be kept. */
export const manyValues = 100;
export const mostValues = 1000;
const fewIntegers = 8;

/** Reads `source` once and decides every column. Throws ERR_FLOW_CSV_CELL for a cell that spoils a numeric or date column. */
export async function inferSchema(
  source: RowSource,
  options: SchemaOptions = {},
  onProgress?: (progress: { rows: number; bytesRead: number; bytes: number | null }) => void,
): Promise<Schema> {
  const isMissing = missingTest(options.nulls);
  const scans: ColumnScan[] = [];
  let rows = 0;
  for await (const batch of source.batches()) {
    for (let r = 0; r < batch.rows.length; r++) {
      const row = batch.rows[r] as readonly Cell[];
      const line = batch.lines?.[r] ?? null;
      while (scans.length < source.header.length) {
        scans.push(new ColumnScan(source.header[scans.length] as string, Math.max(64, Math.min(2 * mostValues, Math.floor(200_000 / source.header.length)))));
      }
      for (let c = 0; c < row.length; c++) {
        const cell = row[c] as Cell;
        if (isMissing(cell)) continue;
        scans[c]?.add(typeof cell === 'string' ? cell.trim() : (cell as number | boolean), batch.firstRow + r, line);
      }
    }
    rows += batch.rows.length;
    onProgress?.({ rows, bytesRead: batch.bytesRead, bytes: source.bytes });
  }
  if (rows === 0) throw new FlowError('ERR_FLOW_CSV_SHAPE', `${source.name}: no rows.`, { path: source.name, expected: 'at least 2 rows', received: '0 rows' });
  checkNames(options, source.header);
  return { columns: scans.map((scan) => decide(scan, rows, options, source.name)), rows, isMissing };
}

function checkNames(options: SchemaOptions, header: readonly string[]): void {
  const named = [
    ...(options.keep ?? []).map((name) => ['keep', name] as const),
    ...(options.drop ?? []).map((name) => ['drop', name] as const),
    ...Object.keys(options.columns ?? {}).map((name) => ['columns', name] as const),
  ];
  for (const [option, name] of named) checkColumn(name, option, header);
}

/** Throws ERR_FLOW_CONFIG with a did-you-mean when `name` is no column. */
export function checkColumn(name: string, option: string, header: readonly string[]): void {
  if (header.includes(name)) return;
  const near = nearest(name, header);
  throw new FlowError(
    'ERR_FLOW_CONFIG',
    `${option}: there is no column ${show(name)}.${near ? ` Did you mean "${near}"?` : ` Columns: ${header.slice(0, 20).join(', ')}.`}`,
    {
      path: option,
      expected: 'a column name',
      received: name,
    },
  );
}

function decide(scan: ColumnScan, rows: number, options: SchemaOptions, file: string): ColumnSchema {
  const n = scan.count;
  const overflow = scan.overflowedAt !== null;
  const base = {
    name: scan.name,
    missing: rows - n,
    distinct: overflow ? null : scan.distinct.size,
    scan,
    format: null as string | null,
    values: [] as string[],
    note: '',
  };
  const leftOut = (note: string): ColumnSchema => ({ ...base, kind: 'left out', note });
  if (options.drop?.includes(scan.name)) return leftOut('left out as asked');
  if (n === 0) return leftOut('every cell is missing');
  const keep = options.keep?.includes(scan.name) ?? false;
  const asked = options.columns !== undefined && Object.hasOwn(options.columns, scan.name) ? options.columns[scan.name] : undefined;
  if (asked !== undefined) return decideAsked(asked, scan, base, file);
  if (scan.distinct.size === 1 && !overflow) return { ...base, kind: 'constant', values: [...scan.distinct.keys()], note: 'one value; reproduced as it is' };
  if (scan.booleans === n) return categories('boolean', scan, base);
  if (scan.numbers >= 0.9 * n && scan.zeroPadded === 0) {
    if (scan.numbers < n) throw badCell(scan.name, 'a number', scan.notNumber as BadCell, file);
    return decideNumber(scan, base, keep);
  }
  const date = bestDate(scan);
  if (date >= 0 && fits(scan, date) >= 0.9 * n && n >= 3) {
    if (fits(scan, date) < n) throw badCell(scan.name, `a date like ${dateFormats[date]?.format(0)}`, scan.notDate as BadCell, file);
    return { ...base, kind: 'date', format: dateFormats[date]?.pattern as string };
  }
  return decideText(scan, base, keep);
}

type Base = Omit<ColumnSchema, 'kind'>;

function decideNumber(scan: ColumnScan, base: Base, keep: boolean): ColumnSchema {
  const allIntegers = scan.integers === scan.count && scan.lattice.decimals === 0;
  const different = scan.share === 1;
  if (!keep && allIntegers && scan.count >= 5 && scan.counts)
    return { ...base, kind: 'left out', note: `counts the rows; use --keep ${quoteName(scan.name)} to learn it` };
  if (!keep && allIntegers && scan.count >= 20 && different && /(^|[\s_.-])(id|uuid|guid|key|index|idx)$|[a-z](Id|ID)$/.test(scan.name)) {
    return { ...base, kind: 'left out', note: `looks like an identifier; use --keep ${quoteName(scan.name)} or fill it with faker` };
  }
  if (allIntegers && base.distinct !== null && base.distinct <= fewIntegers && scan.count >= 10 * base.distinct) {
    return { ...categories('integer', scan, base), note: `${base.distinct} values, each learnt as a category` };
  }
  return { ...base, kind: allIntegers ? 'integer' : 'number' };
}

function decideText(scan: ColumnScan, base: Base, keep: boolean): ColumnSchema {
  const n = scan.count;
  const share = scan.share;
  const many = base.distinct === null ? 'too many' : String(base.distinct);
  if (keep) {
    if (base.distinct !== null && base.distinct <= mostValues) return categories('category', scan, base);
    throw new FlowError(
      'ERR_FLOW_LIMIT',
      `column ${quote(scan.name)}: ${many} different texts; at most ${mostValues} can be learnt as categories. Leave it out.`,
      {
        path: `column ${quote(scan.name)}`,
        expected: `at most ${mostValues} values`,
        received: many,
      },
    );
  }
  const numeric = almostNumbers(scan);
  const pattern = [...scan.distinct.keys()].slice(0, 20).every((text) => /@|^[0-9a-f-]{32,36}$/i.test(text));
  if ((n >= 8 && share === 1) || (share > 0.5 && n >= 20) || (pattern && share > 0.2)) {
    return { ...base, kind: 'left out', note: numeric || `looks like an identifier; use --keep ${quoteName(scan.name)} or fill it with faker` };
  }
  if (base.distinct === null || base.distinct > manyValues)
    return { ...base, kind: 'left out', note: numeric || `${many} different texts; use --keep ${quoteName(scan.name)} to learn them` };
  const rare = [...scan.distinct.values()].filter((count) => count === 1).length;
  const note = rare > 0 && n >= 50 ? `${rare === 1 ? 'one value occurs' : `${rare} values occur`} only once` : '';
  return { ...categories('category', scan, base), note: numeric || missingSign(scan) || note };
}

/** A word about the one value without a letter or a digit, such as `.` or `-`, which often stands for a missing cell; '' otherwise. */
function missingSign(scan: ColumnScan): string {
  const [sign, ...more] = [...scan.distinct.keys()].filter((text) => !/[\p{L}\p{N}]/u.test(text));
  if (sign === undefined || more.length > 0 || scan.distinct.size < 3) return '';
  return `${quote(sign)} is learnt as a value; if it stands for a missing cell, say --null ${quoteName(sign)}`;
}

function categories(kind: ColumnKind, scan: ColumnScan, base: Base): ColumnSchema {
  const values = [...scan.distinct.keys()];
  if (kind === 'integer') values.sort((a, b) => Number(a) - Number(b));
  else values.sort((a, b) => (a < b ? -1 : 1));
  return { ...base, kind, values };
}

/** A word about texts that their writer may have meant as numbers; '' otherwise. */
function almostNumbers(scan: ColumnScan): string {
  const bad = scan.notNumber;
  if (bad === null) return '';
  const texts = scan.overflowedAt === null ? [...scan.distinct.keys()] : [bad.text];
  const comma = texts.find((text) => text.includes(',')); // 1,5 and 1,234,567
  if (comma !== undefined && texts.every((text) => /^[+-]?\d+(,\d+)*(\.\d+)?$/.test(text)))
    return `read as text, as ${quote(comma)} has a comma; write numbers like 1234.5`;
  return scan.numbers >= 0.5 * scan.count && scan.zeroPadded === 0
    ? `read as text, as row ${bad.row} is ${show(bad.text)}; treat that as missing with --null ${quoteName(bad.text)} to learn numbers`
    : '';
}

const fits = (scan: ColumnScan, format: number): number => scan.dates[format]?.value.n ?? 0;

/** The format that fits most cells; the first of equals. */
function bestDate(scan: ColumnScan): number {
  let best = 0;
  for (let i = 1; i < scan.dates.length; i++) if (fits(scan, i) > fits(scan, best)) best = i;
  return fits(scan, best) > 0 ? best : -1;
}

function decideAsked(asked: string, scan: ColumnScan, base: Base, file: string): ColumnSchema {
  if (asked === 'number' || asked === 'integer') {
    const bad = scan.notNumber;
    if (bad) throw badCell(scan.name, 'a number', bad, file);
    if (asked === 'integer' && scan.integers < scan.count)
      throw new FlowError('ERR_FLOW_CONFIG', `columns.${scan.name}: has numbers that are not integers.`, { path: `columns.${scan.name}` });
    return { ...base, kind: asked };
  }
  if (asked === 'category') return decideText(scan, base, true);
  if (asked === 'boolean') {
    if (scan.booleans < scan.count)
      throw badCell(scan.name, 'true or false', scan.notNumber ?? { row: 1, line: null, text: [...scan.distinct.keys()][0] ?? '' }, file);
    return categories('boolean', scan, base);
  }
  if (asked === 'date' || asked.startsWith('date:')) {
    const found = bestDate(scan);
    const pattern = asked === 'date' ? dateFormats[found]?.pattern : asked.slice(5);
    if (pattern === undefined) throw badCell(scan.name, 'a date like 2024-05-01', scan.notDate as BadCell, file);
    return { ...base, kind: 'date', format: dateFormat(pattern).pattern };
  }
  const kinds = ['number', 'integer', 'category', 'boolean', 'date', 'date:PATTERN'];
  const near = nearest(asked, kinds);
  throw new FlowError(
    'ERR_FLOW_CONFIG',
    `columns.${scan.name}: expected one of ${kinds.join(', ')}, got ${show(asked)}.${near ? ` Did you mean "${near}"?` : ''}`,
    {
      path: `columns.${scan.name}`,
      expected: kinds.join(', '),
      received: asked,
    },
  );
}

const quote = (name: string) => JSON.stringify(name);
const quoteName = (name: string) => (/^[\w.-]+$/.test(name) ? name : `"${name}"`);

/** `row 4182, column "hp": expected a number, got "?". Treat it as missing with --null "?"`. */
export function badCell(name: string, expected: string, cell: BadCell, file: string): FlowError {
  const path = `row ${cell.row}, column ${quote(name)}`;
  const got = show(cell.text);
  const at = cell.line === null ? '' : ` (line ${cell.line} of ${file})`;
  const hint = `Treat it as missing with --null ${got}`;
  const tooLarge =
    numberOf(cell.text) === undefined &&
    Number.isFinite(Number(cell.text)) &&
    cell.text !== '' &&
    !isZeroPadded(cell.text) &&
    booleanOf(cell.text) === undefined;
  return new FlowError('ERR_FLOW_CSV_CELL', `${path}: expected ${expected}${tooLarge ? ' of at most 1e30 written plainly' : ''}, got ${got}. ${hint}${at}`, {
    path,
    expected,
    received: got,
    hint,
  });
}
