// Dataset: rows in native memory, appended in chunks. What is appended is copied; the caller's arrays are free again at once.

import { amount, argumentError, FlowError } from '../errors.ts';
import type { Binding, NativeDataset } from '../native/binding.ts';
import { native } from '../native/load.ts';
import { record } from '../options.ts';
import { type Columns, checkColumns, type Matrix, measure, pieces, toMatrix, type Width } from './rows.ts';

// Set by the class below, which alone can reach its private fields.
let handle: (dataset: Dataset) => NativeDataset;

export interface DatasetOptions {
  /** Names of the columns, or how many there are (1 .. 65536). */
  readonly columns: Columns;
}

/**
 * Rows of numbers for training, for tables that do not fit in one array or arrive in pieces. A trainer takes its own normalised copy: a Dataset can serve many.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_CONFIG for bad columns; ERR_FLOW_PLATFORM without the addon.
 * @example const data = new Dataset({ columns: ['height', 'weight'] }); for await (const chunk of source) data.append(chunk);
 */
export class Dataset {
  #native: NativeDataset | null;
  readonly #width: Width;

  constructor(options: DatasetOptions) {
    const given = record(options, 'options', ['columns']);
    const width = checkColumns(given.columns, 'options.columns');
    if (width === undefined) throw argumentError('ERR_FLOW_TYPE', 'options.columns', 'column names or a count', given.columns);
    this.#width = width;
    this.#native = new (native().Dataset)(width.width);
  }

  /**
   * Appends whole rows: number[][], typed rows, or a flat typed array of a multiple of `dimension` values. On an error nothing is appended.
   * @throws FlowError ERR_FLOW_SHAPE for ragged rows, ERR_FLOW_NONFINITE naming row and column, ERR_FLOW_TYPE, ERR_FLOW_DISPOSED.
   */
  append(rows: Matrix): this {
    const store = handle(this);
    const { values } = toMatrix(rows, 'rows', this.#width);
    store.append(values);
    return this;
  }

  /** Rows appended so far. */
  get rows(): number {
    return handle(this).rows;
  }
  /** Columns of a row. */
  get dimension(): number {
    return this.#width.width;
  }
  /** Names of the columns, or null when only their number was given. */
  get columns(): readonly string[] | null {
    return this.#width.names;
  }

  /** SHA-256 (hex) of the rows: what a checkpoint remembers of its data. */
  async hash(): Promise<string> {
    return handle(this).hash().done;
  }

  /** Frees the native memory; trainers keep their copies. Idempotent. */
  dispose(): void {
    this.#native?.dispose();
    this.#native = null;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  static {
    handle = (dataset) => {
      const store = dataset.#native;
      if (store === null) throw new FlowError('ERR_FLOW_DISPOSED', 'dataset: it was disposed.', { path: 'dataset' });
      return store;
    };
  }
}

/** Data of a trainer in native memory of its own, with what was measured on the way. */
export interface Prepared extends Width {
  readonly store: NativeDataset;
  readonly rows: number;
  /** SHA-256 of the rows as given, before normalisation. */
  readonly hash: string;
}

/** Copies rows or a Dataset into a fresh native dataset, piece by piece, leaving turns to the event loop. */
export async function prepare(value: unknown, path: string, columns: Width | undefined, binding: Binding, signal?: AbortSignal): Promise<Prepared> {
  const from = value instanceof Dataset ? handle(value) : null;
  const width = value instanceof Dataset ? { width: value.dimension, names: columns?.names ?? value.columns } : undefined;
  const { rows, width: found } = from && width ? { rows: from.rows, width: width.width } : measure(value, path, columns);
  if (columns !== undefined && found !== columns.width)
    throw argumentError('ERR_FLOW_SHAPE', path, `rows of ${columns.width} columns`, amount(found, 'column'));
  if (rows === 0) throw argumentError('ERR_FLOW_SHAPE', path, 'at least one row', value);
  const names = width?.names ?? columns?.names ?? null;
  const store = new binding.Dataset(found);
  try {
    const source = from ? copies(from, rows, found) : pieces(value as Matrix, rows, found, path, names);
    for await (const piece of source) {
      signal?.throwIfAborted();
      store.append(piece);
    }
    return { store, rows, width: found, names, hash: await store.hash().done };
  } catch (error) {
    store.dispose();
    throw error;
  }
}

async function* copies(from: NativeDataset, rows: number, width: number): AsyncGenerator<Float32Array> {
  const each = Math.max(1, Math.floor((1 << 18) / width));
  for (let first = 0; first < rows; first += each) {
    if (first > 0) await new Promise((resolve) => setImmediate(resolve));
    yield from.read(first, Math.min(each, rows - first));
  }
}
