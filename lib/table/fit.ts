// A table to a model: schema and codec from lib/table, training from lib/training; the codec travels in the model's record. The defaults below are for tables.

import { headCount, resolveObjective, spanKind } from '../losses/objective.ts';
import type { C2stResult } from '../metrics/index.ts';
import type { Model } from '../model/model.ts';
import { lower } from '../network/lower.ts';
import { mlp } from '../network/mlp.ts';
import type { Program } from '../network/ops.ts';
import type { ConditionSpec, NetworkSpec } from '../network/spec.ts';
import { adamw } from '../optimisers/adamw.ts';
import { warmupCosine } from '../optimisers/schedules.ts';
import type { TrainOptions } from '../training/options.ts';
import { train } from '../training/train.ts';
import { checkFit, checkTable } from './arguments.ts';
import { tableC2st } from './c2st.ts';
import type { Codec } from './codec.ts';
import { compareRows, type TableComparison } from './compare.ts';
import { tableDefaults } from './defaults.ts';
import { type PreparedTable, type PrepareOptions, prepareTable } from './prepare.ts';
import type { RowSource } from './rows.ts';
import { sampleTable } from './sample.ts';

export interface TableTrainOptions {
  /** Widths of the hidden layers, each 1 .. 65536. @default [256, 256, 256] */
  readonly hidden?: readonly number[] | undefined;
  /** The whole network, instead of `hidden`. */
  readonly network?: NetworkSpec | undefined;
  /** Optimiser steps, >= 1. @default 5000 */
  readonly steps?: number | undefined;
  /** Rows of a batch; rows occur several times in one, with fresh noise, when there are fewer; 1 .. 2^20. @default 512 */
  readonly batchSize?: number | undefined;
  /** Highest rate of the schedule: warm-up over 2 % of the steps, then half a cosine to zero; in [0, 1000]. @default 2e-3 */
  readonly lr?: number | undefined;
  /** How noise and rows are joined; with a target, 'minibatchOT' couples within each class. @default 'independent' */
  readonly coupling?: TrainOptions['coupling'] | undefined;
  /** What is learned: the velocity; also the score, for stochastic sampling; or average velocities, for few steps. @default 'velocity' */
  readonly objective?: TrainOptions['objective'] | undefined;
  /** How often a row is shown without its target, in [0, 1), so that sampleTable can be guided. @default 0 */
  readonly dropCondition?: number | undefined;
  /** Decay of the running mean of the weights that becomes the model, in [0, 1); 0 = off. @default 0.999 */
  readonly ema?: number | undefined;
  /** Share of rows held out for the validation loss, in [0, 0.9]. @default 0.1 */
  readonly validation?: number | undefined;
  /** Arithmetic of the network's products. @default 'f32' */
  readonly precision?: TrainOptions['precision'] | undefined;
  /** Decides initial weights, batches, times and noise: the same seed gives the same model. @default 0 */
  readonly seed?: number | bigint | undefined;
  /** 1 .. 1024; the result does not depend on it. @default the physical cores available */
  readonly threads?: number | undefined;
  /** Aborting saves a checkpoint (if one is asked for) and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** A file name, or when and how to save. @default none */
  readonly checkpoint?: TrainOptions['checkpoint'] | undefined;
  /** Called about ten times a second. */
  readonly onProgress?: TrainOptions['onProgress'] | undefined;
  /** Called once when a checkpoint was found. */
  readonly onResume?: TrainOptions['onResume'] | undefined;
}

/** The network that `options` ask for. */
export function tableNetwork(options: TableTrainOptions): NetworkSpec {
  return options.network ?? mlp({ hidden: [...(options.hidden ?? tableDefaults.hidden)], residual: false, norm: false });
}

/** What the condition of a table model holds: the target column, if there is one. */
export function tableCondition({ target }: Codec, { dropCondition = 0 }: TableTrainOptions): ConditionSpec | null {
  return target ? { numbers: 0, classes: [target.values.length], ...(dropCondition > 0 ? { drop: dropCondition } : {}) } : null;
}

/** The network as it is trained: with a second head or a span where the objective needs one. */
export function tableProgram(codec: Codec, options: TableTrainOptions): Program {
  const network = tableNetwork(options);
  const objective = resolveObjective(options.objective, 'options.objective');
  const span = spanKind(objective);
  return lower(span === undefined ? network : { ...network, span }, codec.width, tableCondition(codec, options), headCount(objective));
}

/** Trains on a prepared table. The model's record carries the codec. */
export function trainTable(prepared: PreparedTable, options: TableTrainOptions = {}): Promise<Model> {
  const { codec, data, labels } = prepared;
  const steps = options.steps ?? tableDefaults.steps;
  const defined = <K extends keyof TrainOptions>(key: K, value: TrainOptions[K] | undefined) => (value === undefined ? {} : { [key]: value });
  return train({
    data,
    ...(labels && codec.target ? { condition: { labels, classes: codec.target.values.length } } : {}),
    normalise: codec.standardised,
    network: tableNetwork(options),
    optimiser: adamw({ lr: warmupCosine({ peak: options.lr ?? tableDefaults.lr, warmup: Math.ceil(steps / 50), steps }) }),
    steps,
    batchSize: options.batchSize ?? tableDefaults.batchSize,
    ema: options.ema ?? tableDefaults.ema,
    validation: options.validation ?? tableDefaults.validation,
    seed: options.seed ?? 0,
    table: codec.record,
    ...defined('dropCondition', options.dropCondition),
    ...defined('coupling', options.coupling),
    ...defined('objective', options.objective),
    ...defined('precision', options.precision),
    ...defined('threads', options.threads),
    ...defined('signal', options.signal),
    ...defined('checkpoint', options.checkpoint),
    ...defined('onProgress', options.onProgress),
    ...defined('onResume', options.onResume),
  });
}

export interface ReportCard extends TableComparison {
  /** Classifier two-sample test of the same rows, at most 2000 of each; null for fewer than 50. */
  readonly c2st: C2stResult | null;
}

/** How close a model comes to the table it was fitted on: as many rows as are compared, at most 20,000, from `seed`. */
export async function reportCard(
  model: Model,
  prepared: PreparedTable,
  options: { seed?: number; threads?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<ReportCard> {
  const rows: (readonly (string | number | boolean)[])[] = [];
  const { seed = 1, threads, signal } = options;
  for await (const batch of sampleTable(model, { n: prepared.realRows.length, seed, threads, signal })) rows.push(...batch.rows);
  const { codec, realRows } = prepared;
  return { ...compareRows(codec, realRows, rows), c2st: await tableC2st(codec, realRows, rows, { threads, signal }) };
}

/**
 * Fits a model to a table: a file (CSV, JSON, JSON lines), objects in memory, or a RowSource.
 * @throws FlowError at once for what is no table, an unknown option, and options of the table. Rejects with ERR_FLOW_CSV_CELL, ERR_FLOW_CSV_SHAPE, ERR_FLOW_CONFIG, ERR_FLOW_IO,
 * and all that train() throws: it is called once the table is read.
 * @example const model = await fitTable('people.csv', { seed: 1 }); await model.save('people.safetensors');
 */
export function fitTable(
  table: string | RowSource | Iterable<Record<string, unknown>>,
  options: Omit<PrepareOptions, 'onProgress'> & TableTrainOptions = {},
): Promise<Model> {
  const checked = checkFit(options) as typeof options; // each option is read once
  return prepareAndTrain(checkTable(table), checked);
}

async function prepareAndTrain(table: RowSource | Promise<RowSource>, checked: Omit<PrepareOptions, 'onProgress'> & TableTrainOptions): Promise<Model> {
  const source = await table;
  const { nulls, keep, drop, columns, target, signal } = checked;
  const given = { nulls, keep, drop, columns, target, signal };
  const prepared = await prepareTable(source, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as PrepareOptions);
  try {
    return await trainTable(prepared, checked);
  } finally {
    prepared.data.dispose();
  }
}
