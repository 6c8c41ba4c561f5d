// JSON rows in, streaming: an array of objects, or one object per line. Each element is cut out by counting brackets outside strings, then parsed alone.

import { createReadStream, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { FlowError, show } from '../errors.ts';
import type { Cell } from './cells.ts';
import { largestField, largestLine, mostColumns, type RowBatch, type RowSource, readError, rowsPerBatch } from './rows.ts';
import { Utf8Check } from './utf8.ts';

/** A JSON file of objects; its header is the union of their keys in order of appearance. */
export function jsonSource(file: string, format: 'json' | 'jsonl'): RowSource {
  const columns = new Columns();
  return {
    name: file,
    bytes: statSync(file).size,
    header: columns.header,
    batches: () => batchObjects(elements(file, format), columns, file),
  };
}

/** Objects (or a function that makes a fresh iterator of them) held by the caller. */
export function rowsSource(rows: Iterable<unknown> | (() => AsyncIterable<unknown>), name = 'rows'): RowSource {
  const columns = new Columns();
  async function* walk(): AsyncGenerator<Element> {
    for await (const value of typeof rows === 'function' ? rows() : rows) yield { value, line: null, bytes: 0 };
  }
  return { name, bytes: null, header: columns.header, batches: () => batchObjects(walk(), columns, name) };
}

class Columns {
  readonly header: string[] = [];
  readonly index = new Map<string, number>();

  at(name: string, row: number, file: string): number {
    let i = this.index.get(name);
    if (i === undefined) {
      i = this.header.length;
      if (i === mostColumns) throw new FlowError('ERR_FLOW_LIMIT', `${file}: more than ${mostColumns} columns by row ${row}.`, { path: `row ${row}` });
      this.index.set(name, i);
      this.header.push(name);
    }
    return i;
  }
}

interface Element {
  readonly value: unknown;
  readonly line: number | null;
  readonly bytes: number;
}

async function* batchObjects(source: AsyncIterable<Element>, columns: Columns, file: string): AsyncGenerator<RowBatch> {
  let rows: Cell[][] = [];
  let lines: number[] | null = [];
  let firstRow = 1;
  let read = 0;
  for await (const { value, line, bytes } of source) {
    const row = firstRow + rows.length;
    rows.push(cells(value, row, columns, file));
    if (line === null) lines = null;
    else lines?.push(line);
    read = bytes;
    if (rows.length === rowsPerBatch) {
      yield { firstRow, rows, lines, bytesRead: read };
      firstRow += rows.length;
      rows = [];
      lines = [];
    }
  }
  if (rows.length > 0) yield { firstRow, rows, lines, bytesRead: read };
}

/** One object as cells in header order; nested values become their JSON text (and so a column that is left out). */
function cells(value: unknown, row: number, columns: Columns, file: string): Cell[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw new FlowError('ERR_FLOW_CSV_SHAPE', `row ${row}: expected an object with a value per column, got ${show(value)} (${file}).`, {
      path: `row ${row}`,
      expected: 'an object {column: value}',
      received: show(value),
    });
  }
  const out: Cell[] = [];
  for (const [name, cell] of Object.entries(value)) {
    const i = columns.at(name, row, file);
    while (out.length <= i) out.push(null);
    out[i] = toCell(cell, row, name);
  }
  return out;
}

function toCell(value: unknown, row: number, name: string): Cell {
  const path = `row ${row}, column ${JSON.stringify(name)}`;
  if (value === null || value === undefined || typeof value === 'boolean') return value ?? null;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw new FlowError('ERR_FLOW_CSV_CELL', `${path}: expected a finite number, got ${value}. Use null for a missing value.`, {
      path,
      expected: 'a finite number',
      received: String(value),
    });
  }
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  let text: string | undefined;
  try {
    text = typeof value === 'string' ? value : JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined || value instanceof Date) {
    throw new FlowError('ERR_FLOW_CSV_CELL', `${path}: expected a number, text, boolean, date or null, got ${show(value)}.`, {
      path,
      expected: 'a plain value',
      received: show(value),
    });
  }
  if (text.length > largestField)
    throw new FlowError('ERR_FLOW_LIMIT', `${path}: a value of ${text.length} characters; at most ${largestField} are read.`, { path });
  return text;
}

/** The elements of the file, one parsed value at a time. */
async function* elements(file: string, format: 'json' | 'jsonl'): AsyncGenerator<Element> {
  const input = createReadStream(file, { highWaterMark: 1 << 18 });
  const cutter = new Cutter(file, format);
  const utf8 = new Utf8Check(file);
  const decoder = new StringDecoder('utf8');
  let bytes = 0;
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      utf8.push(chunk);
      bytes += chunk.length;
      for (const { text, line } of cutter.push(decoder.write(chunk))) yield { value: parseElement(text, line, file), line, bytes };
    }
    utf8.end();
    for (const { text, line } of cutter.end()) yield { value: parseElement(text, line, file), line, bytes };
  } catch (error) {
    throw readError(error, file);
  } finally {
    input.destroy();
  }
}

function parseElement(text: string, line: number, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FlowError('ERR_FLOW_CSV_SHAPE', `line ${line} of ${file}: not valid JSON (${(error as Error).message.slice(0, 80)}).`, {
      path: `line ${line}`,
      expected: 'JSON',
      cause: error,
    });
  }
}

/** Cuts a stream of text into the elements of a top-level array (`json`), or into lines (`jsonl`). */
class Cutter {
  private readonly file: string;
  private readonly format: 'json' | 'jsonl';
  private rest = '';
  private scanned = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private opened = false;
  private closed = false;
  private line = 1;

  constructor(file: string, format: 'json' | 'jsonl') {
    this.file = file;
    this.format = format;
  }

  *push(chunk: string): Generator<{ text: string; line: number }> {
    let text = this.rest + chunk;
    if (this.line === 1 && this.scanned === 0 && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    let start = 0;
    for (let i = this.scanned; i < text.length; i++) {
      const c = text.charCodeAt(i);
      if (c === 10) this.line++;
      if (this.format === 'jsonl') {
        if (c !== 10) continue;
        const line = text.slice(start, i).trim();
        start = i + 1;
        if (line !== '') yield { text: line, line: this.line - 1 };
      } else if (this.inString) {
        if (this.escaped) this.escaped = false;
        else if (c === 92) this.escaped = true;
        else if (c === 34) this.inString = false;
      } else if (c === 34) this.inString = true;
      else if (c === 91 || c === 123) {
        this.depth++;
        if (!this.opened) {
          if (c !== 91 || text.slice(start, i).trim() !== '') throw this.error('an array of objects: [ {...}, ... ]');
          this.opened = true;
          start = i + 1;
        }
      } else if (c === 93 || c === 125) {
        this.depth--;
        if (this.depth === 0) {
          const last = text.slice(start, i).trim();
          start = i + 1;
          this.closed = true;
          if (last !== '') yield { text: last, line: this.line };
        }
      } else if (c === 44 && this.depth === 1) {
        yield { text: text.slice(start, i).trim(), line: this.line };
        start = i + 1;
      }
    }
    this.rest = text.slice(start);
    this.scanned = this.rest.length;
    if (this.closed && this.rest.trim() !== '') throw this.error('nothing after the closing ]');
    if (this.rest.length > largestLine) {
      throw new FlowError('ERR_FLOW_LIMIT', `line ${this.line} of ${this.file}: a row of more than ${largestLine} characters.`, { path: `line ${this.line}` });
    }
  }

  *end(): Generator<{ text: string; line: number }> {
    const text = this.rest.trim();
    if (this.format === 'jsonl') {
      if (text !== '') yield { text, line: this.line };
    } else if (!this.opened) throw this.error('an array of objects: [ {...}, ... ]');
    else if (!this.closed) throw this.error('a closing ], the file ends early');
  }

  private error(expected: string): FlowError {
    return new FlowError('ERR_FLOW_CSV_SHAPE', `line ${this.line} of ${this.file}: expected ${expected}. One object per line? Name it .jsonl.`, {
      path: `line ${this.line}`,
      expected,
    });
  }
}
