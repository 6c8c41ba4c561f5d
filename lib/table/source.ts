// Opens a table by its file name: CSV, a JSON array of objects, or JSON lines.

import { existsSync, statSync } from 'node:fs';
import { fileError } from '../errors.ts';
import { csvSource } from './csv.ts';
import { jsonSource } from './json.ts';
import type { RowSource } from './rows.ts';

export interface SourceOptions {
  /** `csv`, `json` (an array of objects) or `jsonl`. @default by the file's extension; anything unknown is CSV */
  readonly format?: 'csv' | 'json' | 'jsonl' | undefined;
  /** Field delimiter of CSV, one character. @default detected among `,` `;` tab and `|` */
  readonly delimiter?: string | undefined;
}

/** Opens a CSV, JSON or JSON-lines file. Throws ERR_FLOW_IO when it cannot be read, ERR_FLOW_CSV_SHAPE when its header is unusable. */
export async function openTable(file: string, options: SourceOptions = {}): Promise<RowSource> {
  if (!existsSync(file)) {
    const expected = 'a CSV, JSON or JSON-lines file';
    throw fileError('ERR_FLOW_IO', file, 'there is no such file', { expected, received: 'nothing', hint: 'Check the path.' });
  }
  if (statSync(file).isDirectory())
    throw fileError('ERR_FLOW_IO', file, 'is a folder', { expected: 'a file', received: 'a folder', hint: 'Name a file in it.' });
  const format = options.format ?? (/\.(jsonl|ndjson)$/i.test(file) ? 'jsonl' : /\.json$/i.test(file) ? 'json' : 'csv');
  return format === 'csv' ? await csvSource(file, options.delimiter) : jsonSource(file, format);
}
