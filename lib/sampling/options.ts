// What sampling can be told, and what it gives: natively, and through ONNX as far as a graph allows.

import type { SamplingCondition } from '../data/condition.ts';
import type { Matrix } from '../data/rows.ts';
import type { Guidance } from '../network/guidance.ts';
import type { SamplingPrecision } from '../precision.ts';
import type { Solver } from '../solvers/solver.ts';
import type { SolverName } from '../solvers/solvers.ts';

export interface IntegrateOptions {
  /**
   * A solver or the name of one; equal steps over the path's times unless it has a grid or chooses its steps.
   * @default midpoint({ steps: 50 }), euler({ steps: 1 }) for average velocities, and what distil() made the model for
   */
  readonly solver?: Solver | SolverName;
  /** What to condition on: one row for all samples, or one row per sample. Required exactly when the model was trained with a condition. */
  readonly condition?: SamplingCondition;
  /**
   * How strongly to follow the condition, for models trained with dropCondition: v = (1 - w) v_null + w v_given. 1 is the plain condition, above 1 stronger; 0 is
   * unconditional (and needs no condition). { scale, interval: [a, b] } guides at times t in [a, b] only. Guided evaluations count twice in nfe. @default 1
   */
  readonly guidance?: Guidance;
  /** Seed of the start noise and of a stochastic solver, an integer >= 0. @default 0 */
  readonly seed?: number | bigint;
  /** Intermediate states to keep: how many frames (>= 2, both ends included), or times: of the solver's grid, or any with error control. @default none */
  readonly saveAt?: number | readonly number[];
  /** Arithmetic of the network: from 'f32' over 'f32-amx' and 'bf16x3' to 'bf16', the least accurate and fastest. @default 'f32' */
  readonly precision?: SamplingPrecision;
  /** Threads, 1 .. 1024; the result does not depend on it. @default the physical cores available */
  readonly threads?: number;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
export interface SampleOptions extends IntegrateOptions {
  /** Rows to draw. @default the rows of `source`, else of `condition`, else 1 */
  readonly n?: number;
  /** Number of the first row: rows 100.. of a seed are the same whether or not rows 0.. were drawn with them. @default 0 */
  readonly firstRow?: number;
  /** Start rows instead of drawn noise: noise as `encode` returns it, or source rows in data units for a model trained from source rows. */
  readonly source?: Matrix;
}

/** Always all fields. Matrices are row-major Float32Array. */
export interface SampleResult {
  /** (rows, dimension) final states, in data units when sampling. */
  readonly x: Float32Array;
  readonly rows: number;
  readonly dimension: number;
  /** Names of the columns, or null. */
  readonly columns: readonly string[] | null;
  /** Number of the first row within its seed. */
  readonly firstRow: number;
  /** Network evaluations per row up to the last state: with error control the mean over rows. 0 for no rows. */
  readonly nfe: number;
  /** (rows) evaluations of each row. */
  readonly nfePerRow: Int32Array;
  /** (rows) how each row ended: 0 = at its last time, else early and `x` holds the last state it had (`rowStatus`). Fixed steps always give 0. */
  readonly status: Uint8Array;
  /** Rows whose status is not 0. */
  readonly unfinished: number;
  /** Times of the frames asked for by `saveAt`; empty without it. */
  readonly times: Float64Array;
  /** (times.length, rows, dimension) states at `times`; empty without `saveAt`. */
  readonly saved: Float32Array;
}

export const sampleKeys = ['n', 'solver', 'seed', 'firstRow', 'condition', 'guidance', 'source', 'saveAt', 'precision', 'threads', 'signal'] as const;
/** Names that newcomers try, and what is written here instead. */
export const samplingElsewhere = {
  steps: 'solver: midpoint({ steps: 50 })',
  rtol: 'solver: dopri5({ rtol: 1e-5 })',
  atol: 'solver: dopri5({ atol: 1e-5 })',
  noise: 'solver: stochasticHeun({ noise })',
  rows: 'n',
  samples: 'n',
  count: 'n',
  labels: 'condition: { labels }',
  classes: 'condition: { labels }',
  cfg: 'guidance',
  scale: 'guidance',
} as const;
export const encodeKeys = ['solver', 'seed', 'condition', 'guidance', 'saveAt', 'precision', 'threads', 'signal'] as const;
