// What train() and Trainer can be told: every option with its shape, range and default. They are checked one by one in fields.ts, against each other in together.ts.

import type { Coupling } from '../couplings/coupling.ts';
import type { CouplingName } from '../couplings/couplings.ts';
import type { TrainingCondition } from '../data/condition.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Columns, Matrix } from '../data/rows.ts';
import type { FlowError } from '../errors.ts';
import type { Loss } from '../losses/loss.ts';
import type { Objective } from '../losses/objective.ts';
import type { LossWeight } from '../losses/weight.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { AdamW } from '../optimisers/optimiser.ts';
import type { Prediction } from '../paths/frame.ts';
import type { Path } from '../paths/path.ts';
import type { TrainingPrecision } from '../precision.ts';
import type { TimeLaw } from '../times/time-law.ts';

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
