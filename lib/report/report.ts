// report(): a table model and the real table -> the page and its numbers. Real rows are read once as a stream; at most 20,000 of them are kept, in memory only.

import type { Model } from '../model/model.ts';
import { integer, record } from '../options.ts';
import { writeWhole } from '../plot/index.ts';
import type { Solver } from '../solvers/solver.ts';
import { tableC2st } from '../table/c2st.ts';
import type { Value } from '../table/codec.ts';
import { mostRealRows } from '../table/prepare.ts';
import { readRealRows } from '../table/read.ts';
import type { RowSource } from '../table/rows.ts';
import { sampleTable, tableCodec } from '../table/sample.ts';
import { splitRows } from '../training/split.ts';
import { version } from '../version.ts';
import { lossHistory } from './history.ts';
import { type Measures, measure } from './measures.ts';
import { reportPage } from './page.ts';
import { type Verdict, verdicts } from './verdicts.ts';

export interface ReportOptions {
  /** Synthetic rows to draw. @default as many as real rows, 1000 to 10,000 */
  readonly n?: number;
  /** Seed of the synthetic rows. @default 0 */
  readonly seed?: number | bigint;
  /** @default the model's own default */
  readonly solver?: Solver;
  /** Heading of the page. @default `Report: ` and the table's name */
  readonly title?: string;
  /** Texts that stand for a missing value, besides the usual ones. @default [] */
  readonly nulls?: readonly string[];
  /** Facts shown under the heading, before those of the model. @default [] */
  readonly facts?: readonly (readonly [string, string])[];
  /** Called once, when the real rows are read and sampling begins. */
  readonly onDraw?: (rows: number) => void;
  /** @default the physical cores available */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface Report {
  /** A self-contained page. */
  readonly html: string;
  readonly measures: Measures;
  /** The report card: each number with its meaning. */
  readonly verdicts: readonly Verdict[];
}

const keys = ['n', 'seed', 'solver', 'title', 'nulls', 'facts', 'onDraw', 'threads', 'signal'] as const;

/**
 * Compares synthetic rows of a table model with the real table.
 * @param table The real rows, e.g. `await openTable('people.csv')`.
 * @throws FlowError ERR_FLOW_CONFIG (not a table model, unknown option), ERR_FLOW_CSV_SHAPE, ERR_FLOW_CSV_CELL for a table that does not fit the model
 */
export async function report(model: Model, table: RowSource, options: ReportOptions = {}): Promise<Report> {
  const o = record(options, 'options', keys) as ReportOptions;
  const codec = tableCodec(model);
  const { nulls = [], solver, threads, signal, seed = 0 } = o;
  const real = await readRealRows(table, codec, { nulls, most: mostRealRows, ...(signal ? { signal } : {}) });
  const n = o.n === undefined ? Math.min(10_000, Math.max(1000, real.rows.length)) : integer(o.n, 'options.n', 1, 1_000_000);
  o.onDraw?.(n);
  const synthetic: (readonly Value[])[] = [];
  let nfe = 0;
  for await (const batch of sampleTable(model, { n, seed, solver, threads, signal })) {
    for (const row of batch.rows) synthetic.push(row);
    nfe = batch.nfe;
  }
  const { training } = model.record;
  // A sample of a longer table has lost the order that the split refers to.
  const heldOut = real.rows.length === real.total ? heldOutRows(training, real.total) : [];
  const apart = await tableC2st(codec, real.rows, synthetic, { seed, threads, signal });
  const measures = measure(codec, real.rows, synthetic, heldOut, apart);
  const { network, hash } = model.info();
  const facts = [
    ...(o.facts ?? []),
    ['network', network],
    ...(['steps', 'seed'] as const).flatMap((key) => (training[key] === undefined ? [] : [[key === 'seed' ? 'training seed' : key, words(training[key])]])),
    ['sampling seed', String(seed)],
    ['evaluations a row', String(nfe)],
    ...(hash === null ? [] : [['sha', hash.slice(0, 12)]]),
    ['flowmatch', version],
  ] as (readonly [string, string])[];
  const html = reportPage({
    title: o.title ?? `Report: ${table.name.split(/[\\/]/).at(-1) ?? 'table'}`,
    facts,
    codec,
    real: real.rows,
    synthetic,
    measures,
    history: lossHistory(training),
    leftOut: real.missing,
  });
  return { html, measures, verdicts: verdicts(measures) };
}

/**
 * Writes the report of `report()` to one HTML file; it appears whole or not at all.
 * @throws FlowError as report(); ERR_FLOW_IO
 * @example await writeReport(await Model.load('people.safetensors'), await openTable('people.csv'), 'report.html')
 */
export async function writeReport(model: Model, table: RowSource, file: string, options: ReportOptions = {}): Promise<Report> {
  const made = await report(model, table, options);
  await writeWhole(file, made.html);
  return made;
}

const words = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en-GB') : String(value));

/**
 * The rows that training held out: the split is a function of seed and row count. With another table of the same length these are rows like any others:
 * none of them was trained on, so the comparison stays fair.
 */
function heldOutRows(training: Readonly<Record<string, unknown>>, rows: number): number[] {
  const { rows: trained, validationRows, seed } = training;
  if (trained !== rows || typeof validationRows !== 'number' || validationRows < 1 || !/^\d{1,20}$/.test(String(seed))) return [];
  return [...splitRows(rows, (validationRows + 0.5) / rows, BigInt(String(seed))).validation];
}
