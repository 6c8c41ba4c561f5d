// Small tables for the tests: text in a temporary file, or rows in memory, through schema, codec and encoder.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { FlowError, type FlowErrorCode } from '../../lib/errors.ts';
import { Codec, codecOf, type Value } from '../../lib/table/codec.ts';
import { encodeRows, type MissingCount } from '../../lib/table/encode.ts';
import { rowsSource } from '../../lib/table/json.ts';
import type { RowSource } from '../../lib/table/rows.ts';
import { inferSchema, type SchemaOptions } from '../../lib/table/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowmatch-table-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A temporary file with this content. */
export function file(content: string | Uint8Array, extension = 'csv'): string {
  const path = join(folder, `t${files++}.${extension}`);
  writeFileSync(path, content);
  return path;
}

/** Every row of a source as cells. */
export async function readAll(source: RowSource): Promise<unknown[][]> {
  const out: unknown[][] = [];
  for await (const batch of source.batches()) out.push(...(batch.rows as unknown[][]));
  return out;
}

/** The error a promise rejects with; fails when it is not a FlowError of this code. */
export async function errorOf(promise: Promise<unknown>, code: FlowErrorCode): Promise<FlowError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FlowError && error.code === code) return error;
    throw error;
  }
  throw new Error(`expected ${code}, nothing was thrown`);
}

/** Schema, codec, encoded matrix and decoded rows of a table. */
export async function roundTrip(input: RowSource | Record<string, unknown>[], options: SchemaOptions & { target?: string } = {}) {
  const source = Array.isArray(input) ? rowsSource(input) : input;
  const schema = await inferSchema(source, options);
  const codec = new Codec(codecOf(schema, options.target));
  const missing: MissingCount = { rows: 0, byColumn: new Map() };
  const decoded: Value[][] = [];
  const data: number[] = [];
  for await (const chunk of encodeRows(source, codec, schema.isMissing, missing)) {
    for (const z of chunk.data) data.push(z);
    for (let i = 0; i < chunk.rows; i++) decoded.push(codec.decodeRow(chunk.data, i, chunk.labels?.[i] ?? -1));
  }
  return { schema, codec, missing, decoded, data };
}
