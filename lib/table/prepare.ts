// A table made ready for training: schema, codec, the encoded rows in a native Dataset, and a bounded random sample of real rows for the report card.

import { Dataset } from '../data/dataset.ts';
import { FlowError } from '../errors.ts';
import { Codec, codecOf, type Value } from './codec.ts';
import { encodeRows, type MissingCount } from './encode.ts';
import { Reservoir } from './reservoir.ts';
import type { RowSource } from './rows.ts';
import { inferSchema, type Schema, type SchemaOptions } from './schema.ts';

export interface PrepareOptions extends SchemaOptions {
  /** A category or boolean column that becomes the condition: `sample --given "column=value"`. */
  readonly target?: string | undefined;
  readonly onProgress?: (progress: { readonly pass: 1 | 2; readonly rows: number; readonly bytesRead: number; readonly bytes: number | null }) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface PreparedTable {
  readonly schema: Schema;
  readonly codec: Codec;
  /** (rows, codec.width) encoded rows, native memory. */
  readonly data: Dataset;
  /** Class of each row; null without a target. */
  readonly labels: Uint16Array | null;
  /** Rows that can be learnt from. */
  readonly rows: number;
  readonly missing: MissingCount;
  /** At most 20,000 decoded rows, drawn evenly (all when there are no more): for comparison in memory, never stored. */
  readonly realRows: readonly (readonly Value[])[];
}

export const mostRealRows = 20_000;

/** Two passes over the source: infer, then encode. Throws the schema's errors, and ERR_FLOW_CSV_SHAPE when fewer than two whole rows are left. */
export async function prepareTable(source: RowSource, options: PrepareOptions = {}): Promise<PreparedTable> {
  const { target, onProgress, signal } = options;
  const schema = await inferSchema(source, options, (p) => {
    signal?.throwIfAborted();
    onProgress?.({ pass: 1, ...p });
  });
  const codec = new Codec(codecOf(schema, target));
  const data = new Dataset({ columns: codec.networkNames });
  const missing: MissingCount = { rows: 0, byColumn: new Map() };
  const labels: number[] = [];
  const kept = new Reservoir<Value[]>(mostRealRows);
  try {
    for await (const chunk of encodeRows(source, codec, schema.isMissing, missing)) {
      signal?.throwIfAborted();
      data.append(chunk.data);
      for (let i = 0; i < chunk.rows; i++) {
        const label = chunk.labels?.[i] ?? -1;
        if (chunk.labels) labels.push(label);
        kept.offer(() => codec.decodeRow(chunk.data, i, label));
      }
      onProgress?.({ pass: 2, rows: data.rows, bytesRead: chunk.bytesRead, bytes: source.bytes });
    }
    if (data.rows < 2) throw tooFewRows(source, data.rows, missing);
  } catch (error) {
    data.dispose();
    throw error;
  }
  return { schema, codec, data, labels: codec.target ? Uint16Array.from(labels) : null, rows: data.rows, missing, realRows: kept.items };
}

function tooFewRows(source: RowSource, rows: number, missing: MissingCount): FlowError {
  const [worst] = [...missing.byColumn].sort((a, b) => b[1] - a[1]);
  const hint = worst ? `Column "${worst[0]}" is missing in ${worst[1]} rows; try --drop ${JSON.stringify(worst[0])}.` : '';
  const left = rows === 0 ? 'no row is' : 'only one row is';
  return new FlowError('ERR_FLOW_CSV_SHAPE', `${source.name}: ${left} whole; a model needs at least two rows without missing cells. ${hint}`.trim(), {
    path: source.name,
    expected: 'at least 2 whole rows',
    received: String(rows),
    hint,
  });
}
