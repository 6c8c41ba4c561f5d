// The second pass: rows become chunks of network columns. Rows with a missing cell in a learnt column are left out and counted, per column.

import { FlowError } from '../errors.ts';
import type { Cell } from './cells.ts';
import type { Codec } from './codec.ts';
import { type RowSource, rowsPerBatch } from './rows.ts';

export interface EncodedChunk {
  /** (rows, codec.width) row-major. */
  readonly data: Float32Array;
  /** Class per row; null without a target. */
  readonly labels: Float32Array | null;
  readonly rows: number;
  /** The rows as they were read, and their numbers (1 = the first after the header). */
  readonly cells: readonly (readonly Cell[])[];
  readonly numbers: readonly number[];
  readonly bytesRead: number;
}

/** Counts what encoding left out. */
export interface MissingCount {
  rows: number;
  /** Rows left out because of this column (a row may count for several). */
  readonly byColumn: Map<string, number>;
}

/** Encodes `source` in chunks of at most 4096 rows; fills `missing`. */
export async function* encodeRows(
  source: RowSource,
  codec: Codec,
  isMissing: (cell: Cell | undefined) => boolean,
  missing: MissingCount,
): AsyncGenerator<EncodedChunk> {
  const columns = codec.record.columns;
  let position: number[] = [];
  const learnt = columns.map((column) => column.encoding !== 'constant');
  for await (const batch of source.batches()) {
    if (position.length === 0) position = columnPositions(codec, source);
    const data = new Float32Array(Math.min(batch.rows.length, rowsPerBatch) * codec.width);
    const labels = codec.target ? new Float32Array(batch.rows.length) : null;
    let kept = 0;
    const cells: (readonly Cell[])[] = [];
    const numbers: number[] = [];
    for (let r = 0; r < batch.rows.length; r++) {
      const row = batch.rows[r] as readonly Cell[];
      let whole = true;
      for (let c = 0; c < columns.length; c++) {
        if (!learnt[c] || !isMissing(row[position[c] as number])) continue;
        whole = false;
        const name = (columns[c] as { name: string }).name;
        missing.byColumn.set(name, (missing.byColumn.get(name) ?? 0) + 1);
      }
      if (!whole) {
        missing.rows++;
        continue;
      }
      const label = codec.encodeRow(row, position, data, kept * codec.width, { row: batch.firstRow + r, line: batch.lines?.[r] ?? null, file: source.name });
      if (labels) labels[kept] = label;
      cells.push(row);
      numbers.push(batch.firstRow + r);
      kept++;
    }
    if (kept > 0)
      yield { data: data.subarray(0, kept * codec.width), labels: labels?.subarray(0, kept) ?? null, rows: kept, cells, numbers, bytesRead: batch.bytesRead };
  }
}

/** Where each codec column stands in the source. Throws ERR_FLOW_CSV_SHAPE when one is not there. */
function columnPositions(codec: Codec, source: RowSource): number[] {
  return codec.record.columns.map((column) => {
    const at = source.header.indexOf(column.name);
    if (at >= 0 || column.encoding === 'constant') return at;
    throw new FlowError(
      'ERR_FLOW_CSV_SHAPE',
      `${source.name}: no column "${column.name}", which the model was fitted with. It has: ${source.header.slice(0, 12).join(', ')}.`,
      {
        path: 'header',
        expected: column.name,
      },
    );
  });
}
