// What fitTable and sampleTable are given, checked before anything is read: each wrong option is named.

import { argumentError } from '../errors.ts';
import { Model } from '../model/model.ts';
import { checkGuidance } from '../network/guidance.ts';
import { checkSeed, checkSignal, finite, integer, ownFields, record } from '../options.ts';
import { rowsSource } from './json.ts';
import type { RowSource } from './rows.ts';
import type { TableSampleOptions } from './sample.ts';
import { openTable } from './source.ts';

const fitKeys = [
  'nulls',
  'keep',
  'drop',
  'columns',
  'target',
  'hidden',
  'network',
  'steps',
  'batchSize',
  'lr',
  'dropCondition',
  'coupling',
  'objective',
  'ema',
  'validation',
  'seed',
  'threads',
  'signal',
  'checkpoint',
  'onProgress',
  'onResume',
] as const;

/** Options that are read here rather than by train(). */
export function checkFit(options: unknown): { readonly [key in (typeof fitKeys)[number]]?: unknown } {
  const given = record(options, 'options', fitKeys);
  for (const key of ['nulls', 'keep', 'drop'] as const) checkTexts(given[key], `options.${key}`);
  if (given.columns !== undefined) {
    if (typeof given.columns !== 'object' || given.columns === null)
      throw argumentError('ERR_FLOW_TYPE', 'options.columns', 'kinds by column name', given.columns);
    const kinds = ownFields(given.columns, 'options.columns');
    checkTexts(Object.values(kinds), 'options.columns');
    given.columns = kinds;
  }
  if (given.target !== undefined && typeof given.target !== 'string') throw argumentError('ERR_FLOW_TYPE', 'options.target', 'a column name', given.target);
  if (given.hidden !== undefined && !Array.isArray(given.hidden)) throw argumentError('ERR_FLOW_TYPE', 'options.hidden', 'an array of widths', given.hidden);
  if (given.steps !== undefined) integer(given.steps, 'options.steps', 1);
  if (given.lr !== undefined) finite(given.lr, 'options.lr', 0, 1000);
  checkSignal(given.signal);
  return given;
}

function checkTexts(value: unknown, path: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value) || !Array.from(value).every((one) => typeof one === 'string')) throw argumentError('ERR_FLOW_TYPE', path, 'texts', value);
}

/** A file, objects in memory, or a RowSource, as a RowSource. @throws FlowError for anything else, at once; a file that cannot be read rejects */
export function checkTable(table: unknown): RowSource | Promise<RowSource> {
  if (typeof table === 'string') return openTable(table);
  const source = Object(table) as Partial<RowSource> & Partial<Iterable<unknown>>;
  if (typeof source.batches === 'function' && Array.isArray(source.header)) return table as RowSource;
  if (table instanceof Map || table instanceof Set || ArrayBuffer.isView(table) || !iterable(source)) {
    throw argumentError('ERR_FLOW_TYPE', 'table', 'a file name, an array of objects, or a RowSource', table);
  }
  return rowsSource(once(source as Iterable<unknown>) ? [...(source as Iterable<unknown>)] : (table as Iterable<unknown>)); // the rows are read twice
}

/** Whether it can be walked once only, as a generator. */
function once(value: Iterable<unknown>): boolean {
  return Object.is(value[Symbol.iterator](), value);
}

/** Whether it hands out an iterator; none is started. */
function iterable(value: Partial<Iterable<unknown>>): boolean {
  return typeof value[Symbol.iterator] === 'function' && typeof Object(value[Symbol.iterator]?.()).next === 'function';
}

/** Arguments of sampleTable, each option read once; solver, precision and threads are checked by model.sample(). */
export function checkTableSample(model: unknown, options: unknown): TableSampleOptions {
  if (!(model instanceof Model)) throw argumentError('ERR_FLOW_TYPE', 'model', 'a Model', model);
  const given = record(options, 'options', ['n', 'seed', 'firstRow', 'solver', 'given', 'guidance', 'precision', 'batchRows', 'threads', 'signal']);
  integer(given.n, 'options.n', 0);
  if (given.batchRows !== undefined) integer(given.batchRows, 'options.batchRows', 1, 2 ** 24);
  if (given.firstRow !== undefined) integer(given.firstRow, 'options.firstRow', 0, 2 ** 48);
  checkSeed(given.seed, 'options.seed');
  checkSignal(given.signal);
  if (given.given !== undefined && typeof given.given !== 'string')
    throw argumentError('ERR_FLOW_TYPE', 'options.given', 'a value of the target column', given.given);
  const guidance = checkGuidance(given.guidance, 'options.guidance', model.record.condition);
  if (guidance?.scale === 0)
    throw argumentError('ERR_FLOW_RANGE', 'options.guidance', 'a weight other than 0, which draws rows of no class', given.guidance, 'Use model.sample().');
  return { ...given, guidance: guidance ? { scale: guidance.scale, interval: [guidance.from, guidance.to] } : undefined } as unknown as TableSampleOptions;
}
