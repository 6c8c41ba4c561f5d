// A table as a stream of row batches that can be read more than once: the first pass infers the schema, the second encodes. Memory does not grow with the rows.

import { FlowError } from '../errors.ts';
import type { Cell } from './cells.ts';

/** Some rows in file order. `rows[i]` is data row `firstRow + i` (1 = the first row after the header); cells beyond its end are missing. */
export interface RowBatch {
  readonly firstRow: number;
  readonly rows: readonly (readonly Cell[])[];
  /** Line of the file each row ends on; null for rows that come from memory. */
  readonly lines: readonly number[] | null;
  /** Bytes of the source read so far, for progress. */
  readonly bytesRead: number;
}

export interface RowSource {
  /** File name for messages. */
  readonly name: string;
  /** Size in bytes when known, for progress. */
  readonly bytes: number | null;
  /** Column names; for JSON it may grow while the first pass runs. */
  readonly header: readonly string[];
  batches(): AsyncIterable<RowBatch>;
}

/** Bounds that hold on hostile input: rows handed on at once, characters of a field, bytes of a line, columns. */
export const rowsPerBatch = 4096;
export const largestField = 1 << 20;
export const largestLine = 4 << 20;
export const mostColumns = 10_000;

/** Wraps file-system failures of a reading stream as ERR_FLOW_IO; passes FlowErrors on. */
export function readError(error: unknown, file: string): FlowError {
  if (error instanceof FlowError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown error';
  return new FlowError('ERR_FLOW_IO', `${file}: cannot be read (${code}).`, { path: file, received: code, cause: error });
}
