// CSV in, streaming (csv-parse): byte order mark, quotes, delimiter detection, line numbers in errors, and bounds that hold on hostile files.

import { createReadStream, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform } from 'node:stream';
import type { CsvError } from 'csv-parse';
import { startsAsModelFile, startsAsOnnx } from '../data/file-kind.ts';
import { FlowError, fileError } from '../errors.ts';
import type { Cell } from './cells.ts';
import { largestField, largestLine, mostColumns, type RowBatch, type RowSource, readError, rowsPerBatch } from './rows.ts';
import { Utf8Check } from './utf8.ts';

const delimiters = [',', ';', '\t', '|'] as const;

/** A CSV file whose first record is the header. */
export async function csvSource(file: string, delimiter?: string): Promise<RowSource> {
  const head = await readHead(file);
  const separator = delimiter ?? detectDelimiter(head);
  const bytes = statSync(file).size;
  let header: string[] | null = null;
  const first = records(file, separator, null)[Symbol.asyncIterator]();
  try {
    const found = await first.next();
    header = found.done ? null : found.value.record.map((name, i) => name.trim() || `column ${i + 1}`);
  } finally {
    await first.return?.(undefined);
  }
  if (header === null) throw new FlowError('ERR_FLOW_CSV_SHAPE', `${file}: no header line; the file is empty.`, { path: file, expected: 'a header line' });
  checkHeader(header, file);
  const names = header;
  return { name: file, bytes, header: names, batches: () => batches(file, separator, names) };
}

function checkHeader(header: readonly string[], file: string): void {
  if (header.length > mostColumns) {
    throw new FlowError('ERR_FLOW_LIMIT', `${file}: ${header.length} columns; at most ${mostColumns} are read.`, {
      path: 'header',
      received: String(header.length),
    });
  }
  const seen = new Map<string, number>();
  header.forEach((name, i) => {
    const other = seen.get(name);
    if (other !== undefined) {
      throw new FlowError('ERR_FLOW_CSV_SHAPE', `${file}: columns ${other + 1} and ${i + 1} have the same name "${name}". Rename one.`, {
        path: `header, column ${i + 1}`,
        expected: 'different names',
        received: name,
      });
    }
    seen.set(name, i);
  });
}

/** Rows after the header, in batches; every row has as many cells as the header. */
async function* batches(file: string, delimiter: string, header: readonly string[]): AsyncGenerator<RowBatch> {
  let rows: Cell[][] = [];
  let lines: number[] = [];
  let firstRow = 1;
  let read = 0;
  let row = 0;
  for await (const { record, line, bytes } of records(file, delimiter, header)) {
    if (row++ === 0) continue; // the header
    rows.push(record);
    lines.push(line);
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

interface Parsed {
  readonly record: string[];
  readonly line: number;
  readonly bytes: number;
}

/** Every record but empty lines, the header first; shape is checked against `header` when given. Lines are counted here: csv-parse's own counter costs as much as parsing. */
async function* records(file: string, delimiter: string, header: readonly string[] | null): AsyncGenerator<Parsed> {
  const input = createReadStream(file, { highWaterMark: 1 << 18 });
  const guard = lineGuard(file);
  const { parse } = await import('csv-parse'); // only a program that reads CSV pays for its loading
  const parser = parse({ delimiter, bom: true, relax_column_count: true, max_record_size: largestLine });
  input.on('error', (error) => guard.destroy(error));
  guard.on('error', (error) => parser.destroy(error));
  input.pipe(guard).pipe(parser);
  let [row, line, seen] = [0, 0, 0];
  try {
    for await (const record of parser as AsyncIterable<string[]>) {
      line++;
      seen++;
      if (record.length === 1 && record[0] === '') continue;
      for (let i = 0; i < record.length; i++) {
        const field = record[i] as string;
        if (field.length > largestField) throw tooLong(row, i, field.length);
        for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) line++;
      }
      if (header !== null && record.length !== header.length) throw wrongShape(row, line, record.length, header.length, file);
      yield { record, line, bytes: parser.info.bytes };
      row++;
    }
  } catch (error) {
    const code = (error as CsvError).code;
    throw typeof code === 'string' && /^(CSV|INVALID)_/.test(code)
      ? malformed(error as CsvError, row + unseen(error as CsvError, seen), file)
      : readError(error, file);
  } finally {
    input.destroy();
    guard.destroy();
    parser.destroy();
  }
}

/** Records that were parsed before the error and not handed on yet. */
function unseen(error: CsvError, seen: number): number {
  return typeof error['records'] === 'number' ? Math.max(0, error['records'] - seen) : 0;
}

function wrongShape(row: number, line: number, fields: number, expected: number, file: string): FlowError {
  const counted = `${fields} field${fields === 1 ? '' : 's'}`;
  const hint = 'Quote fields that contain the delimiter.';
  return new FlowError('ERR_FLOW_CSV_SHAPE', `row ${row}: ${counted}, header has ${expected} (line ${line} of ${file}). ${hint}`, {
    path: `row ${row}`,
    expected: `${expected} fields`,
    received: counted,
    hint,
  });
}

function tooLong(row: number, field: number, length: number): FlowError {
  const path = `row ${row}, column ${field + 1}`;
  return new FlowError('ERR_FLOW_LIMIT', `${path}: a field of ${length} characters; at most ${largestField} are read.`, { path, received: String(length) });
}

/** Passes bytes through; stops a file that is not UTF-8, and one whose line never ends before it becomes millions of fields. */
function lineGuard(file: string): Transform {
  let length = 0;
  const utf8 = new Utf8Check(file);
  const checked = (check: () => void, done: (error?: Error | null, chunk?: Buffer) => void, chunk?: Buffer): void => {
    try {
      check();
    } catch (error) {
      done(error as Error);
      return;
    }
    done(null, chunk);
  };
  return new Transform({
    flush: (done) => checked(() => utf8.end(), done),
    transform(chunk: Buffer, _encoding, done) {
      const end = chunk.includes(10) ? 10 : 13;
      const first = chunk.indexOf(end);
      if (first < 0) length += chunk.length;
      if (first < 0 ? length > largestLine : length + first > largestLine) {
        done(
          new FlowError('ERR_FLOW_LIMIT', `${file}: a line of more than ${largestLine} bytes. Is this a CSV file?`, {
            path: file,
            expected: `lines of at most ${largestLine} bytes`,
          }),
        );
        return;
      }
      if (first >= 0) length = chunk.length - 1 - chunk.lastIndexOf(end);
      checked(() => utf8.push(chunk), done, chunk);
    },
  });
}

function malformed(error: CsvError, row: number, file: string): FlowError {
  const line = typeof error['lines'] === 'number' ? error['lines'] : '?';
  const what: Record<string, string> = {
    CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed',
    CSV_INVALID_CLOSING_QUOTE: 'a quoted field goes on after its closing quote; write a quote inside a field as two quotes',
    INVALID_OPENING_QUOTE: 'a quote in the middle of an unquoted field; quote the whole field and double the quotes inside',
    CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: 'a quoted field goes on after its closing quote',
    CSV_MAX_RECORD_SIZE: `a record of more than ${largestLine} bytes; is a quote left open?`,
  };
  const code = error.code === 'CSV_MAX_RECORD_SIZE' ? 'ERR_FLOW_LIMIT' : 'ERR_FLOW_CSV_SHAPE';
  return new FlowError(code, `row ${row}: ${what[error.code] ?? error.message} (line ${line} of ${file}).`, {
    path: `row ${row}`,
    received: error.code,
    cause: error,
  });
}

async function readHead(file: string): Promise<string> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw readError(error, file);
  });
  try {
    const buffer = new Uint8Array(1 << 16);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    if (buffer.subarray(0, bytesRead).includes(0)) {
      const kind = startsAsModelFile(buffer) ? 'a model file' : startsAsOnnx(buffer) ? 'an ONNX file' : null;
      if (kind !== null) {
        const hint = 'Name a table here: CSV, JSON or JSON lines.';
        throw fileError('ERR_FLOW_CSV_SHAPE', file, `is ${kind}, not a table`, { expected: 'a table', received: kind, hint });
      }
      throw new FlowError('ERR_FLOW_CSV_SHAPE', `${file}: contains zero bytes. Is it a text file? UTF-16 is not read; save it as UTF-8.`, {
        path: file,
        expected: 'UTF-8 text',
      });
    }
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } catch (error) {
    throw readError(error, file);
  } finally {
    await handle.close();
  }
}

/** The candidate that splits the first lines into the same number of fields, more than one; of several the one that splits most. */
export function detectDelimiter(text: string): string {
  const counts = delimiters.map(() => [0]);
  let quoted = false;
  let lines = 0;
  for (let i = 0; i < text.length && lines < 20; i++) {
    const c = text[i] as string;
    if (c === '"') quoted = !quoted;
    else if (!quoted && c === '\n') {
      lines++;
      if (i + 1 < text.length) for (const count of counts) count.push(0);
    } else if (!quoted) {
      const which = delimiters.indexOf(c as (typeof delimiters)[number]);
      const count = counts[which];
      if (count) count[count.length - 1] = (count[count.length - 1] as number) + 1;
    }
  }
  let best = ',';
  let most = 0;
  counts.forEach((count, which) => {
    const inHeader = count[0] as number;
    const full = text.length < 1 << 15 ? count : count.slice(0, Math.max(1, count.length - 1));
    const agreeing = full.filter((n) => n === inHeader).length / full.length;
    const score = inHeader === 0 ? 0 : agreeing * 1000 + Math.min(inHeader, 999);
    if (score > most) [best, most] = [delimiters[which] as string, score];
  });
  return best;
}
