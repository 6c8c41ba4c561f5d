// How likely a table model finds the rows of a table: the log-density of each encoded row, batch by batch. Numbers count in the units in which the model sees
// them (after log, asinh or offset of the codec), categories as columns of +-1, whole numbers as if they were real: good for ordering rows, not a probability.

import type { Model } from '../model/model.ts';
import type { DensityOptions } from '../sampling/density.ts';
import { type Cell, missingTest } from './cells.ts';
import { encodeRows, type MissingCount } from './encode.ts';
import type { RowSource } from './rows.ts';
import { tableCodec } from './sample.ts';

export interface ScoredRows {
  /** Number of each row in the table, 1 = the first after the header. */
  readonly numbers: readonly number[];
  /** Its cells as they were read. */
  readonly cells: readonly (readonly Cell[])[];
  readonly logDensity: Float64Array;
  readonly standardError: Float64Array;
  readonly bytesRead: number;
}

export interface ScoreTableOptions extends Pick<DensityOptions, 'method' | 'probes' | 'seed' | 'solver' | 'precision' | 'threads' | 'signal'> {
  /** Texts that stand for a missing cell. */
  readonly nulls?: readonly string[];
  /** Rows scored at once, where each row's density depends on nothing but the row: 'exact', and steps that are the row's own. @default those read at once */
  readonly batchRows?: number;
}

/** Scores every whole row; rows with a missing cell in a learnt column are counted in `missing` and left out. */
export async function* scoreTable(model: Model, source: RowSource, options: ScoreTableOptions, missing: MissingCount): AsyncGenerator<ScoredRows> {
  const { nulls = [], batchRows = Number.POSITIVE_INFINITY, ...density } = options;
  const codec = tableCodec(model);
  let bytesBefore = 0;
  for await (const { data, labels, cells, numbers, rows, bytesRead } of encodeRows(source, codec, missingTest(nulls), missing)) {
    for (let first = 0; first < rows; first += batchRows) {
      const end = Math.min(rows, first + batchRows);
      const condition = labels === null ? {} : { condition: { labels: Array.from(labels.subarray(first, end)) } };
      const values = data.slice(first * codec.width, end * codec.width);
      const { logDensity, standardError } = await model.logDensity(values, { ...density, ...condition });
      const read = bytesBefore + ((bytesRead - bytesBefore) * end) / rows;
      yield { numbers: numbers.slice(first, end), cells: cells.slice(first, end), logDensity, standardError, bytesRead: read };
    }
    bytesBefore = bytesRead;
  }
}
