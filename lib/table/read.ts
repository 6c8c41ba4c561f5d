// Real rows read through a model's own codec: for comparison with generated ones. At most `most` rows are kept, drawn evenly, the same at every run.

import { missingTest } from './cells.ts';
import type { Codec, Value } from './codec.ts';
import { encodeRows, type MissingCount } from './encode.ts';
import { Reservoir } from './reservoir.ts';
import type { RowSource } from './rows.ts';

export interface RealRows {
  readonly rows: readonly (readonly Value[])[];
  /** Whole rows in the source. */
  readonly total: number;
  readonly missing: MissingCount;
}

/** Throws ERR_FLOW_CSV_SHAPE for a missing column, ERR_FLOW_CSV_CELL for a cell the codec does not know. */
export async function readRealRows(
  source: RowSource,
  codec: Codec,
  options: { readonly nulls?: readonly string[]; readonly most: number; readonly signal?: AbortSignal },
): Promise<RealRows> {
  const missing: MissingCount = { rows: 0, byColumn: new Map() };
  const kept = new Reservoir<Value[]>(options.most);
  let total = 0;
  for await (const chunk of encodeRows(source, codec, missingTest(options.nulls), missing)) {
    options.signal?.throwIfAborted();
    for (let i = 0; i < chunk.rows; i++) kept.offer(() => codec.decodeRow(chunk.data, i, chunk.labels?.[i] ?? -1));
    total += chunk.rows;
  }
  return { rows: kept.items, total, missing };
}
