// The options of train() and Trainer: every default and range in one place, every option checked before anything starts.

import type { Coupling, OptimalCoupling } from '../couplings/coupling.ts';
import { type CouplingName, resolveCoupling } from '../couplings/couplings.ts';
import { mostCoupledRows } from '../couplings/optimal.ts';
import type { TrainingCondition } from '../data/condition.ts';
import { Dataset } from '../data/dataset.ts';
import { type Columns, checkColumns, type Matrix, type Width } from '../data/rows.ts';
import { argumentError, type FlowError } from '../errors.ts';
import { type Loss, resolveLoss } from '../losses/loss.ts';
import { type Objective, resolveObjective, spanKind } from '../losses/objective.ts';
import { type LossWeight, resolveWeight } from '../losses/weight.ts';
import { checkFile } from '../model/model.ts';
import { checkNetwork, mlp } from '../network/mlp.ts';
import type { NetworkSpec } from '../network/spec.ts';
import { resolveOptimiser } from '../optimisers/adamw.ts';
import type { AdamW } from '../optimisers/optimiser.ts';
import { checkSeed, checkSignal, choice, finite, integer, record } from '../options.ts';
import { checkFrame, isBridge, type Prediction, trainedKinds } from '../paths/frame.ts';
import type { Path } from '../paths/path.ts';
import { type KnownPath, resolvePath } from '../paths/paths.ts';
import { bridgeOf, diffusionOf } from '../paths/schrodinger-bridge.ts';
import { type TrainingPrecision, trainingPrecision } from '../precision.ts';
import type { TimeLaw } from '../times/time-law.ts';
import { resolveTime } from '../times/times.ts';

/**
 * Start rows of the flow: drawn on their own for each data row, or row by row (`paired`). `noise`: they are noise as `encode` returns it, not rows in data units;
 * the model draws its own noise then. Such rows are paired always.
 */
export type SourceRows = Matrix | Dataset | { readonly rows: Matrix | Dataset; readonly paired?: boolean; readonly noise?: boolean };

export interface CheckpointOptions {
  /** One file, replaced atomically; when it exists, training resumes from it. It is a model file as well. */
  readonly file: string;
  /** Seconds between saves, >= 0. @default 30, unless everySteps is given */
  readonly everySeconds?: number;
  /** Steps between saves, >= 1. */
  readonly everySteps?: number;
  /** false starts over and replaces the file. @default true */
  readonly resume?: boolean;
  /** When a save fails: go on and try again at the next one ('continue': progress and a process warning tell), or reject ('stop'). @default 'continue' */
  readonly onError?: 'continue' | 'stop';
}

export interface Progress {
  /** Optimiser steps done. */
  readonly step: number;
  readonly steps: number;
  /** The loss in network coordinates (with mse() the mean squared error per element of what the network predicts), mean over the last 100 steps. */
  readonly loss: number;
  /** The latest loss over the held-out rows, with the weights that model() returns, fixed times and noise; null without any yet. */
  readonly validationLoss: number | null;
  readonly learningRate: number;
  readonly stepsPerSecond: number;
  /** Seconds to go. */
  readonly eta: number;
  /** Step of the last checkpoint written or read, or null. */
  readonly checkpointStep: number | null;
  /** Why the last attempt to save failed, or null. */
  readonly checkpointError: FlowError | null;
}

/** What a run resumed from. */
export interface Resumed {
  readonly file: string;
  readonly step: number;
  /** SHA-256 that names the content of the checkpoint. */
  readonly hash: string;
  /** Seconds since it was written. */
  readonly age: number;
}

export interface TrainOptions {
  /** Rows to learn: number[][], typed rows, a Dataset, or a flat Float32Array with `columns`. Copied; leave it unchanged until the first progress. */
  readonly data: Matrix | Dataset;
  /** Column names, or their count for a flat array. @default the data's own */
  readonly columns?: Columns;
  /** Rows beside the data: numbers, or { numbers, labels }. @default none */
  readonly condition?: TrainingCondition;
  /** How often a row is shown without its condition, in [0, 1): such a model can be guided when sampling. 0.1 to 0.2 are usual. @default 0 */
  readonly dropCondition?: number;
  /** Where flows start: 'gaussian', or rows in data units (which must be given again when sampling), or noise that belongs to each row. @default 'gaussian' */
  readonly source?: 'gaussian' | SourceRows;
  /** z-score all columns, or those marked true; constant columns come out exactly constant. Numbers of the condition follow unless this is false. @default true */
  readonly normalise?: boolean | readonly boolean[];
  /** The velocity network. @default mlp() */
  readonly network?: NetworkSpec;
  /** The probability path. @default condOT() */
  readonly path?: Path;
  /**
   * What the network learns to say of a state: the velocity, the data it leads to ('x1'), or the noise it comes from. Sampling turns it into the velocity, with an exact
   * last step for x1, and a start at alpha / sigma = 1/512 for noise. @default 'velocity'
   */
  readonly prediction?: Prediction;
  /**
   * What is learned: the velocity; velocity and score together on a bridge, for stochastic sampling: scoreAndFlow(); average velocities for few steps:
   * meanFlow() or shortcut().
   * @default 'velocity'
   */
  readonly objective?: Objective | Objective['name'];
  /** How the error of a row is counted: mse(), pseudoHuber(), adaptive(). @default mse() */
  readonly loss?: Loss | 'mse' | 'pseudoHuber' | 'adaptive';
  /** Weight w(t) of the loss: minSNR(), edm(), or a function of t with values >= 0. @default none */
  readonly weight?: LossWeight | 'minSNR' | 'edm' | ((t: number) => number);
  /** How noise and data rows are joined: independent(); by transport, for straighter flows: minibatchOT(), sinkhorn(), unbalancedOT(), partialOT(); or a function of your own, called every step (the slow lane). @default independent */
  readonly coupling?: Coupling | CouplingName;
  /** How training times are drawn. @default 'uniform' */
  readonly time?: TimeLaw | 'uniform' | 'stratified' | 'logitNormal';
  /** How weights follow the gradient, with its learning rate or schedule. @default adamw({ lr: 1e-3 }) */
  readonly optimiser?: AdamW;
  /** Arithmetic of the network's products; 'bf16' is faster where the CPU multiplies bfloat16. Losses of validation are f32. @default 'f32' */
  readonly precision?: TrainingPrecision;
  /** Rows per step, 1 .. 2^20; may exceed the number of rows, which then occur several times with fresh noise. @default 256 */
  readonly batchSize?: number;
  /** Draw rows with replacement instead of once per epoch. @default false */
  readonly replacement?: boolean;
  /** Optimiser steps, >= 1. @default 20_000 */
  readonly steps?: number;
  /** Decay of the running mean of the weights that becomes the model, in [0, 1); 0 = off. Warm-up: min(ema, (1 + n) / (10 + n)). @default 0.999 */
  readonly ema?: number;
  /** Largest gradient norm, > 0; 0 = no clipping. @default 1 */
  readonly clip?: number;
  /** Fraction of rows held out, in [0, 0.9]; at most 4096 rows; none when it comes to less than one row. @default 0.1 */
  readonly validation?: number;
  /** Steps between evaluations of the held-out rows, >= 1. @default 500 */
  readonly evaluateEvery?: number;
  /** Early stopping: evaluations without improvement before training ends with the best weights; 0 = off. @default 0 */
  readonly patience?: number;
  /** Decides initial weights, batches, times and noise: the same seed gives the same model, bit for bit. @default 0 */
  readonly seed?: number | bigint;
  /** 1 .. 1024; the result does not depend on it. @default the physical cores available */
  readonly threads?: number;
  /** Aborting saves a checkpoint (if one is asked for) and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called about ten times a second. An error thrown here ends training. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called once when a checkpoint was found. */
  readonly onResume?: (resumed: Resumed) => void;
  /** A file name, or when and how to save. @default none */
  readonly checkpoint?: string | CheckpointOptions;
  /** Kept in the model as it is (JSON): how table columns are encoded. Set by table tools. @default null */
  readonly table?: unknown;
}

/** An objective whose score is of a known diffusion: sigma, or sigma sqrt(dAlpha) of the path where it varies. */
type SettledObjective =
  | Exclude<Objective, { readonly name: 'scoreAndFlow' }>
  | { readonly name: 'scoreAndFlow'; readonly sigma: number; readonly varies?: true };

/** Checked options with their defaults. */
export interface Settings {
  readonly data: unknown;
  readonly columns: Width | undefined;
  readonly condition: unknown;
  readonly dropCondition: number;
  readonly source: { readonly rows: unknown; readonly paired: boolean; readonly noise: boolean } | null;
  readonly normalise: boolean | readonly boolean[];
  readonly network: NetworkSpec;
  readonly path: KnownPath;
  readonly prediction: Prediction;
  readonly objective: SettledObjective;
  readonly loss: Loss;
  readonly weight: LossWeight | null;
  readonly coupling: Coupling;
  readonly time: TimeLaw;
  readonly optimiser: AdamW;
  readonly precision: TrainingPrecision;
  readonly batchSize: number;
  readonly replacement: boolean;
  readonly steps: number;
  readonly ema: number;
  readonly clip: number;
  readonly validation: number;
  readonly evaluateEvery: number;
  readonly patience: number;
  readonly seed: bigint;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onResume: ((resumed: Resumed) => void) | undefined;
  readonly checkpoint:
    | (Required<Omit<CheckpointOptions, 'everySteps' | 'everySeconds'>> & { readonly everySteps: number; readonly everySeconds: number })
    | null;
  readonly table: unknown;
}

export const trainingKeys = [
  'data',
  'columns',
  'condition',
  'dropCondition',
  'source',
  'normalise',
  'network',
  'path',
  'prediction',
  'objective',
  'loss',
  'weight',
  'coupling',
  'time',
  'optimiser',
  'precision',
  'batchSize',
  'replacement',
  'steps',
  'ema',
  'clip',
  'validation',
  'evaluateEvery',
  'patience',
  'seed',
  'threads',
  'signal',
  'onProgress',
  'onResume',
  'checkpoint',
  'table',
] as const satisfies readonly (keyof TrainOptions)[];

/** Names that newcomers try, and what is written here instead. */
const elsewhere = {
  dim: 'columns: their names or their count',
  dimension: 'columns: their names or their count',
  width: 'columns: their names or their count',
  lr: 'optimiser: adamw({ lr: 1e-3 })',
  learningRate: 'optimiser: adamw({ lr: 1e-3 })',
  optimizer: 'optimiser: adamw({ lr: 1e-3 })',
  epochs: 'steps: one step is one batch',
  iterations: 'steps',
  batch: 'batchSize',
  hidden: 'network: mlp({ hidden: [256, 256] })',
  activation: "network: mlp({ activation: 'silu' })",
  x: 'data',
  file: 'checkpoint: { file }',
} as const;

/** Whether the native step couples by optimal transport. */
export function isOptimal(coupling: Coupling): coupling is OptimalCoupling {
  return 'optimal' in coupling;
}

/** @throws FlowError naming the option. */
export function checkOptions(options: unknown): Settings {
  const given = record(options, 'options', trainingKeys, elsewhere);
  if (given.data === undefined || given.data === null) throw argumentError('ERR_FLOW_TYPE', 'options.data', 'rows of numbers, or a Dataset', given.data);
  const precision = trainingPrecision(given.precision, 'options.precision');
  const wanted = resolveObjective(given.objective, 'options.objective');
  const bridge = wanted.name === 'scoreAndFlow' && given.path === undefined;
  const path = bridge ? bridgeOf(wanted.sigma, 'options.objective.sigma') : resolvePath(given.path, 'options.path');
  const objective = wanted.name === 'scoreAndFlow' ? settleScore(wanted.sigma, path, bridge) : wanted;
  const prediction = choice(given.prediction ?? 'velocity', 'options.prediction', trainedKinds);
  checkFrame(path, prediction, path, 'options.prediction');
  const source = checkSource(given.source);
  if (source !== null && path.sourceScale !== 1 && path.at(path.tMin).gamma === 0)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.source',
      `'gaussian', as the path ${path.name} scales its noise`,
      'rows',
      'Use a path whose source has scale 1, such as condOT().',
    );
  const coupling = resolveCoupling(given.coupling, 'options.coupling');
  const batchSize = integer(given.batchSize ?? 256, 'options.batchSize', 1, 2 ** 20);
  if (isOptimal(coupling)) {
    if (batchSize > mostCoupledRows)
      throw argumentError(
        'ERR_FLOW_RANGE',
        'options.batchSize',
        `at most ${mostCoupledRows} with ${coupling.name.split(' ')[0]}()`,
        batchSize,
        'Its cost grows as B^2 to B^3.',
      );
    if ((coupling.optimal.batch ?? batchSize) % batchSize !== 0)
      throw argumentError('ERR_FLOW_RANGE', 'options.coupling.batch', `a multiple of the batch size ${batchSize}`, coupling.optimal.batch);
    if (source?.paired)
      throw argumentError(
        'ERR_FLOW_CONFIG',
        'options.coupling',
        'independent(), as the source rows are paired',
        coupling.name,
        'Pairs leave nothing to couple.',
      );
  }
  if (objective.name === 'scoreAndFlow') checkScore(given, path);
  const network = given.network === undefined ? mlp() : checkNetwork(given.network, 'options.network');
  const weight = resolveWeight(given.weight, 'options.weight');
  if (weight?.constants && isBridge(path)) {
    const hint = 'It is made for errors of x1, and states here have three terms: the velocity does not tell x1.';
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.weight',
      `nothing, or a function of t, as the path ${path.name} adds fresh noise (gamma > 0)`,
      weight.name,
      hint,
    );
  }
  const time = resolveTime(given.time, 'options.time');
  const span = spanKind(objective);
  if (network.span !== undefined && network.span !== span)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.network.span',
      `${span ?? 'nothing'} with this objective`,
      network.span,
      'Leave it out: the objective sets it.',
    );
  if (span !== undefined) checkSpans(`${objective.name}()`, path, prediction, weight, time);
  return {
    data: given.data,
    columns: checkColumns(given.columns, 'options.columns'),
    condition: given.condition,
    dropCondition: checkDrop(given.dropCondition, given.condition),
    source,
    normalise: checkNormalise(given.normalise),
    network: span === undefined ? network : Object.freeze({ ...network, span }),
    path,
    prediction,
    objective,
    loss: resolveLoss(given.loss, 'options.loss'),
    weight,
    coupling,
    time,
    optimiser: resolveOptimiser(given.optimiser, 'options.optimiser'),
    precision,
    batchSize,
    replacement: flag(given.replacement, 'options.replacement'),
    steps: integer(given.steps ?? 20_000, 'options.steps', 1),
    ema: finite(given.ema ?? 0.999, 'options.ema', 0, 1 - 2 ** -24),
    clip: finite(given.clip ?? 1, 'options.clip', 0),
    validation: finite(given.validation ?? 0.1, 'options.validation', 0, 0.9),
    evaluateEvery: integer(given.evaluateEvery ?? 500, 'options.evaluateEvery', 1),
    patience: integer(given.patience ?? 0, 'options.patience', 0),
    seed: checkSeed(given.seed, 'options.seed'),
    threads: given.threads === undefined ? 0 : integer(given.threads, 'options.threads', 1, 1024),
    signal: checkSignal(given.signal),
    onProgress: callback(given.onProgress, 'options.onProgress'),
    onResume: callback(given.onResume, 'options.onResume'),
    checkpoint: checkCheckpoint(given.checkpoint),
    table: checkTable(given.table),
  };
}

/** Average velocities are told of velocities, over the whole of [0, 1], every pair of times counting alike. */
function checkSpans(name: string, path: Path, prediction: Prediction, weight: LossWeight | null, time: TimeLaw): void {
  const hint = 'Average velocities are learned from the velocities of a path over [0, 1].';
  if (prediction !== 'velocity') throw argumentError('ERR_FLOW_CONFIG', 'options.prediction', `'velocity' with ${name}`, prediction, hint);
  if (path.tMin !== 0 || path.tMax !== 1) throw argumentError('ERR_FLOW_CONFIG', 'options.path', `a path over [0, 1] with ${name}`, path.name, hint);
  if (weight !== null) throw argumentError('ERR_FLOW_CONFIG', 'options.weight', `nothing with ${name}`, weight.name, 'A row has two times.');
  if (time.importance) throw argumentError('ERR_FLOW_CONFIG', 'options.time', 'a law without importance weights', time.name, 'A row has two times.');
}

function flag(value: unknown, path: string, preset = false): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError('ERR_FLOW_TYPE', path, 'true or false', value);
  return value ?? preset;
}

function checkDrop(value: unknown, condition: unknown): number {
  const path = 'options.dropCondition';
  const drop = finite(value ?? 0, path, 0, 1 - 2 ** -24);
  if (drop > 0 && (condition === undefined || condition === null)) throw argumentError('ERR_FLOW_CONFIG', path, '0, as there is no condition', value);
  return drop;
}

/** The diffusion that the score head is measured by: the number given, or that of the bridge that the path is. */
function settleScore(sigma: unknown, path: KnownPath, bridge: boolean): SettledObjective {
  if (sigma !== undefined && typeof sigma !== 'number' && !bridge) {
    const hint = 'Leave the path out, or give sigma(t) to it: path: schrodingerBridge({ sigma }).';
    throw argumentError('ERR_FLOW_CONFIG', 'options.objective.sigma', 'a number beside a path', sigma, hint);
  }
  const own = typeof sigma === 'number' ? null : diffusionOf(path);
  return Object.freeze({
    name: 'scoreAndFlow',
    sigma: typeof sigma === 'number' ? sigma : (own?.sigma ?? 1),
    ...(own?.varies ? { varies: true as const } : {}),
  });
}

/** The loss of score and flow is its own, and needs the noise of a bridge. */
function checkScore(given: { readonly prediction?: unknown; readonly loss?: unknown; readonly weight?: unknown }, path: KnownPath): void {
  for (const name of ['prediction', 'loss', 'weight'] as const) {
    if (given[name] !== undefined && given[name] !== 'velocity' && given[name] !== 'mse' && (given[name] as { name?: unknown })?.name !== 'mse')
      throw argumentError('ERR_FLOW_CONFIG', `options.${name}`, 'nothing, as scoreAndFlow() has its own', given[name]);
  }
  if (!(path.at(0.5).gamma > 0))
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.path',
      'a path with fresh noise for scoreAndFlow()',
      path.name,
      'Use schrodingerBridge() or interpolant().',
    );
}

function callback<T>(value: unknown, path: string): ((value: T) => void) | undefined {
  if (value !== undefined && typeof value !== 'function') throw argumentError('ERR_FLOW_TYPE', path, 'a function', value);
  return value as ((value: T) => void) | undefined;
}

function checkSource(value: unknown): Settings['source'] {
  if (value === undefined || value === 'gaussian') return null;
  if (typeof value === 'string') choice(value, 'options.source', ['gaussian']);
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Dataset) return { rows: value, paired: false, noise: false };
  const given = record(value, 'options.source', ['rows', 'paired', 'noise']);
  if (given.rows === undefined) throw argumentError('ERR_FLOW_TYPE', 'options.source.rows', 'rows of numbers, or a Dataset', given.rows);
  const noise = flag(given.noise, 'options.source.noise');
  const paired = flag(given.paired, 'options.source.paired', noise);
  if (noise && !paired)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.source.paired',
      'true, or nothing, as the rows are noise',
      paired,
      "Noise of no row in particular is 'gaussian'.",
    );
  return { rows: given.rows, paired, noise };
}

function checkNormalise(value: unknown): boolean | readonly boolean[] {
  if (!Array.isArray(value)) return flag(value, 'options.normalise', true);
  return value.map((mark: unknown, j) => {
    if (typeof mark !== 'boolean') throw argumentError('ERR_FLOW_TYPE', `options.normalise[${j}]`, 'true or false', mark);
    return mark;
  });
}

function checkCheckpoint(value: unknown): Settings['checkpoint'] {
  if (value === undefined) return null;
  const given = typeof value === 'string' ? { file: value } : record(value, 'options.checkpoint', ['file', 'everySeconds', 'everySteps', 'resume', 'onError']);
  const { everySeconds, everySteps, resume, onError } = given as { [key in keyof CheckpointOptions]?: unknown };
  const seconds = everySeconds ?? (everySteps === undefined ? 30 : undefined);
  return {
    file: checkFile(given.file, 'options.checkpoint.file'),
    everySeconds: seconds === undefined ? Number.POSITIVE_INFINITY : finite(seconds, 'options.checkpoint.everySeconds', 0),
    everySteps: everySteps === undefined ? Number.POSITIVE_INFINITY : integer(everySteps, 'options.checkpoint.everySteps', 1),
    resume: flag(resume, 'options.checkpoint.resume', true),
    onError: choice(onError ?? 'continue', 'options.checkpoint.onError', ['continue', 'stop']),
  };
}

/** A deep copy as JSON: what a model file can hold. */
function checkTable(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw argumentError('ERR_FLOW_TYPE', 'options.table', 'plain JSON data', value);
  return JSON.parse(text);
}
