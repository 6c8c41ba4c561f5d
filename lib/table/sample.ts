// Rows out of a table model: batches of noise go through the model, the codec turns them into values. Row i of a seed is the same row however many are asked for.

import { following } from '../abort.ts';
import { FlowError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import type { Guidance } from '../network/guidance.ts';
import type { SamplingPrecision } from '../precision.ts';
import { Random } from '../random.ts';
import type { Solver } from '../solvers/solver.ts';
import { checkTableSample } from './arguments.ts';
import { Codec, type Value } from './codec.ts';
import { parseCodec } from './codec-parse.ts';

export interface TableSampleOptions {
  /** Rows in all. */
  readonly n: number;
  /** Seed of the rows, an integer >= 0. @default 0 */
  readonly seed?: number | bigint;
  /** Index of the first row of the seed. @default 0 */
  readonly firstRow?: number;
  /** How the flow is integrated. @default midpoint({ steps: 50 }) */
  readonly solver?: Solver | undefined;
  /** Value of the target column for every row; without it classes are drawn as often as they were seen. */
  readonly given?: string | undefined;
  /** How strongly to follow the target, for models fitted with dropCondition: 1 plainly, above 1 stronger; not 0. @default 1 */
  readonly guidance?: Guidance | undefined;
  /** Arithmetic of the network, as in model.sample(). @default 'f32' */
  readonly precision?: SamplingPrecision | undefined;
  /** Rows per batch, 1 .. 2^24; the rows do not depend on it, unless a solver has one step for all of them. @default 16384 */
  readonly batchRows?: number | undefined;
  /** 1 .. 1024; the rows do not depend on it. @default the physical cores available */
  readonly threads?: number | undefined;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface TableBatch {
  readonly firstRow: number;
  readonly rows: readonly (readonly Value[])[];
  /** Network evaluations per row. */
  readonly nfe: number;
}

/** The codec of a table model; throws ERR_FLOW_CONFIG for a model of plain matrices. */
export function tableCodec(model: Model): Codec {
  if (model.record.table === null) {
    throw new FlowError('ERR_FLOW_CONFIG', 'model: was trained on a plain matrix; it has no table columns. Use model.sample().', {
      path: 'model',
      expected: 'a table model',
    });
  }
  const codec = new Codec(parseCodec(model.record.table));
  const classes = codec.target ? 1 : 0;
  if (codec.width !== model.record.dimension || (model.record.condition?.classes.length ?? 0) !== classes) {
    throw new FlowError('ERR_FLOW_CHECKPOINT', `table.width: ${codec.width} columns, but the network makes ${model.record.dimension}.`, {
      path: 'table.width',
    });
  }
  return codec;
}

/** Stream of the class draws, apart from the noise. */
const classStream = 0xc1a55;

/**
 * Batches of decoded rows in order; the next one is computed while the caller writes this one.
 * @throws FlowError at once: ERR_FLOW_CONFIG for a model that was not fitted to a table, or an unknown `given`. The first batch rejects with what model.sample() throws.
 * @example for await (const { rows } of sampleTable(model, { n: 1000, seed: 1 })) console.log(rows[0]);
 */
export function sampleTable(model: Model, options: TableSampleOptions): AsyncGenerator<TableBatch> {
  const checked = checkTableSample(model, options);
  const codec = tableCodec(model);
  return batches(model, codec, checked.given === undefined ? null : classOf(codec, checked.given), checked);
}

/** `fixed`: the class of every row; null: drawn. */
async function* batches(model: Model, codec: Codec, fixed: number | null, checked: TableSampleOptions): AsyncGenerator<TableBatch> {
  const { n, seed = 0, firstRow = 0, solver, guidance, precision, batchRows = 16_384, threads, signal: outer } = checked;
  const { signal, end } = following(outer);
  const start = (first: number) => {
    const rows = Math.min(batchRows, n - first);
    const labels = codec.target ? drawClasses(codec, fixed, seed, firstRow + first, rows) : null;
    const run = model.sample({
      n: rows,
      seed,
      firstRow: firstRow + first,
      ...(solver ? { solver } : {}),
      ...(labels ? { condition: { labels } } : {}),
      ...(guidance === undefined ? {} : { guidance }),
      ...(precision === undefined ? {} : { precision }),
      ...(threads === undefined ? {} : { threads }),
      signal,
    });
    run.catch(() => undefined); // a failure is met where it is awaited
    return { rows, labels, run };
  };
  try {
    let next = n > 0 ? start(0) : null;
    for (let first = 0; next !== null; first += batchRows) {
      const { rows, labels, run } = next;
      const { x, nfe, unfinished, status } = await run;
      if (unfinished > 0) throw unfinishedRows(firstRow + first + status.findIndex((code) => code !== 0), unfinished);
      next = first + rows < n ? start(first + rows) : null;
      yield { firstRow: firstRow + first, rows: Array.from({ length: rows }, (_, i) => codec.decodeRow(x, i, labels?.[i] ?? -1)), nfe };
    }
  } finally {
    end(); // a caller who leaves early does not pay for the batch ahead
  }
}

/** A row that ended early is no row of the table. */
function unfinishedRows(row: number, count: number): FlowError {
  const hint = 'Raise maxSteps, or loosen rtol and atol.';
  const message = `row ${row} and ${count - 1} more of its batch did not come to their last time within the solver's maxSteps and minStep. ${hint}`;
  return new FlowError('ERR_FLOW_SOLVER', message, { path: `rows[${row}]`, expected: 'finished solves', received: `${count} unfinished`, hint });
}

function classOf(codec: Codec, given: string): number {
  if (codec.target) return codec.classOf(given);
  throw new FlowError('ERR_FLOW_CONFIG', 'given: this model has no condition. Fit it with --target COLUMN to choose that column when sampling.', {
    path: 'given',
    expected: 'a model fitted with --target',
  });
}

/** The class of each row: the given one, or drawn by the frequencies seen, from (seed, row). */
function drawClasses(codec: Codec, fixed: number | null, seed: number | bigint, firstRow: number, rows: number): Uint16Array {
  const out = new Uint16Array(rows);
  if (fixed !== null) return out.fill(fixed);
  const counts = codec.target?.counts ?? [];
  const total = counts.reduce((sum, c) => sum + c, 0);
  for (let i = 0; i < rows; i++) {
    let left = new Random(seed, classStream, firstRow + i).uniform() * total;
    let k = 0;
    while (k < counts.length - 1 && left >= (counts[k] as number)) left -= counts[k++] as number;
    out[i] = k;
  }
  return out;
}
