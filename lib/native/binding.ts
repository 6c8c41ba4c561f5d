// The treaty: every type that crosses between TypeScript and the addon. native/binding/ implements it; nothing else names it in C++.
// Matrices are row-major Float32Array. Inputs are copied on entry; outputs are fresh. Arguments are checked on both sides.

/** A running native job. `done` settles on this environment's event loop; `stop()` asks it to end early (status 'stopped'), and is idempotent. */
export interface Job<T> {
  readonly done: Promise<T>;
  stop(): void;
}

/** Arithmetic of the network; absent = 'f32'. 'f32-amx' and 'bf16x3' are products of bfloat16 parts with AMX, and f32 without. */
export type NativePrecision = 'f32' | 'f32-amx' | 'bf16x3' | 'bf16';

export interface NativeInfo {
  readonly treaty: number;
  readonly isa: string;
  readonly available: readonly string[];
  /** Kernels of bfloat16 products: 'amx', 'avx512bf16' or 'fallback' (operands rounded, f32 fma). */
  readonly bf16: string;
  /** Precisions that have kernels of their own here. */
  readonly precisions: { readonly training: readonly ('f32' | 'bf16')[]; readonly sampling: readonly NativePrecision[] };
  /** Physical cores this process may use; the default of every `threads`. */
  readonly threads: number;
  readonly compiler: string;
}

export interface NativeDataset {
  readonly columns: number;
  readonly rows: number;
  /** Appends whole rows (a multiple of `columns` values). Throws ERR_FLOW_NONFINITE naming row and column; then nothing was appended. */
  append(rows: Float32Array): void;
  /** Column means and population standard deviations over the named rows (all when omitted), accumulated in double. */
  moments(rows?: Uint32Array): Job<{ mean: Float64Array; std: Float64Array }>;
  /** In place: z = (x - shift) / scale. Stopped, it rejects: the rows stand as they were or, when some were mapped already, are all gone. */
  normalise(shift: Float32Array, scale: Float32Array): Job<void>;
  /** SHA-256 (hex) of columns, rows and the bytes as they stand. */
  hash(): Job<string>;
  /** A copy of rows [first, first + count). */
  read(first: number, count: number): Float32Array;
  dispose(): void;
}

/** Six scalar functions of t. condOT is closed form; a table holds n >= 2 equidistant nodes on [tMin, tMax], 6 values and 6 derivatives each. */
export type NativePath =
  | { readonly kind: 'condOT'; readonly sigmaMin: number }
  | {
      readonly kind: 'table';
      readonly tMin: number;
      readonly tMax: number /** (n, 12): alpha sigma gamma dAlpha dSigma dGamma, then the t-derivative of each (for Hermite). */;
      readonly nodes: Float64Array;
    };

/**
 * The frame v(t, x) = b x + c net(tau, a x) as a function of t, for solvers that choose their own times (lib/paths/frame-table.ts): on
 * [times[k], times[k+1]], with s = (t - times[k]) / (times[k+1] - times[k]), each column is c0 + s (c1 + s (c2 + s c3)); beyond the ends, their values.
 */
export interface NativeFrame {
  /** (n + 1), rising. */
  readonly times: Float64Array;
  /** (n, 16): four coefficients of each of a, tau, b, c. */
  readonly coefficients: Float64Array;
}

/** t = quantile(u); `stratified`: u_i = (i + U) / B, shuffled over the batch. */
export interface NativeTimes {
  readonly stratified: boolean;
  readonly tMin: number;
  readonly tMax: number;
  /** Quantile values at equidistant u in [0, 1] (linear between), or null for uniform on [tMin, tMax]. */
  readonly quantiles: Float64Array | null;
}

/**
 * What the network learns to say and how a row is counted: with q = |v - target|^2 and d columns, the mean over rows of w(t) times q / d (mse),
 * sqrt(q + c^2) - c (pseudoHuber), or q / (q + c)^power, no gradient through the divisor (adaptive).
 */
export interface NativeObjective {
  readonly target: 'velocity' | 'x1' | 'noise';
  readonly loss: 'mse' | 'pseudoHuber' | 'adaptive';
  readonly c: number;
  readonly power: number;
  /** w >= 0 at equidistant t in [times.tMin, times.tMax], linear between; null = 1. */
  readonly weights: Float64Array | null;
  /** w is divided by the density of t, relative to the uniform one: times dt/du of the quantiles. */
  readonly importance: boolean;
  /** Score and flow: the program's output joins two heads v and s (rows, 2 d), and |lambda s + eps|^2, lambda = 2 gamma / sigma^2, joins |v - u|^2. `varies`: sigma^2 dAlpha for sigma^2. */
  readonly score?: { readonly sigma: number; readonly varies?: boolean };
}

/** A number above 0, or that multiple of the mean squared distance of the rows that are coupled. */
export interface NativeStrength {
  readonly value: number;
  readonly absolute: boolean;
}
/** Entropic: drawn per x1 row, or one permutation; with `marginal` unbalanced. Partial: the pairs of least cost of a share `mass` in (0, 1] of the rows. */
export type NativePlan =
  | {
      readonly kind: 'entropic';
      readonly regularisation: NativeStrength;
      /** What leaving a marginal costs, times KL; absent: marginals are held. Not with `permutation`. */
      readonly marginal?: NativeStrength;
      readonly permutation: boolean;
      readonly iterations: number;
      readonly tolerance: number;
    }
  | { readonly kind: 'partial'; readonly mass: number };

/** Minibatch transport: x0 rows joined to x1 rows within the batch. `condition`: aware of the condition, whose last `labels` columns are classes. */
export interface NativeCoupling {
  readonly kind: 'ot';
  readonly condition: boolean;
  readonly labels: number;
  /** Rows coupled at once and then cut into batches: a multiple of batchSize, at most 4096. @default batchSize */
  readonly batch?: number;
  /** Absent: the exact permutation. */
  readonly plan?: NativePlan;
}

export interface TrainerRequest {
  readonly program: Int32Array;
  readonly constants: Float32Array;
  /** Initial parameters, logical layout (Program offsets); a full NativeFloats is taken over, and disposed by that. */
  readonly parameters: Float32Array | NativeFloats;
  readonly data: NativeDataset;
  /** x0 rows drawn from here instead of N(0, I); same width as data. */
  readonly source: NativeDataset | null;
  /** With `sourcePaired`, row i of source belongs to row i of data; otherwise drawn on its own. */
  readonly sourcePaired: boolean;
  /** Row i belongs to row i of data. */
  readonly condition: NativeDataset | null;
  readonly trainRows: Uint32Array;
  readonly validationRows: Uint32Array;
  readonly path: NativePath;
  readonly times: NativeTimes;
  /** Absent or null: the velocity, mean squared error, every row alike. */
  readonly objective?: NativeObjective | null;
  /** Absent or null: rows are joined as they are drawn. Batches of at most 4096 rows; runPaired's indices stand above it. */
  readonly coupling?: NativeCoupling | null;
  /** Absent or null: never. Else each row of a batch has its condition replaced by `row` (c) with this probability in [0, 1), after the coupling. */
  readonly dropCondition?: { readonly probability: number; readonly row: Float32Array } | null;
  /**
   * Absent or null: velocities. Else the network says the average velocity u(x, t, s) over the span s, the last column of its condition, which is not in `condition`:
   * a share `instant` of the rows has s = 0. Mean flow: the others have two times in order; target v + s (u_x v + u_t - u_s), no gradient through it. `program`: the
   * network's own with three given seeds, of x, t and condition (withDerivative). Shortcut: the others have s = 1, 1/2, ... 1 / mostSteps, a power of two up to 1024, from
   * one of its multiples; target the mean of two steps of s / 2, within +-limit (0 = anywhere), by the mean weights (`ema`, where there are any) or those at hand.
   */
  readonly span?:
    | { readonly instant: number; readonly program: Int32Array; readonly constants: Float32Array }
    | { readonly instant: number; readonly mostSteps: number; readonly limit: number; readonly ema: boolean }
    | null;
  readonly batchSize: number;
  /** Steps that training takes, from 0 on: transports are solved ahead up to there. Absent: no end is known. */
  readonly steps?: number;
  readonly seed: bigint;
  /** false: without replacement, a keyed permutation per epoch. */
  readonly replacement: boolean;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** 0 = no EMA. Warm-up: decay_n = min(decay, (1 + n) / (10 + n)). */
  readonly emaDecay: number;
  readonly emaWarmup: boolean;
  /** Global gradient norm; 0 = no clipping. */
  readonly clip: number;
  /** 0 = NativeInfo.threads. */
  readonly threads: number;
  /** 'bf16': operands of forward and backward; parameters, sums, moments and evaluate() stay f32. */
  readonly precision?: 'f32' | 'bf16';
}

export type SliceStatus = 'done' | 'budget' | 'stopped' | 'nonfinite';
export interface SliceResult {
  /** Steps finished in this slice; the optimiser has seen exactly these. */
  readonly steps: number;
  /** Mean squared error per element of each step, length `steps`. */
  readonly losses: Float64Array;
  /** Gradient norms before clipping, length `steps`. */
  readonly gradientNorms: Float64Array;
  /** 'nonfinite': the step after these had a loss or gradient that is not finite and was discarded. */
  readonly status: SliceStatus;
  /** Of these steps, under an entropic plan, those whose iteration stopped short of its tolerance; and the largest L1 error of the marginals in any of them. */
  readonly unsettled: number;
  readonly worstMarginal: number;
  /** Transports solved in this slice: for its steps and ahead of them (`steps` of the request ends that). Only tests read it. */
  readonly transports: number;
  /** The loss of that discarded step (it may be finite where the gradient is not), else null. */
  readonly discardedLoss: number | null;
}

export type StateName = 'parameters' | 'ema' | 'firstMoment' | 'secondMoment';
export interface NativeTrainer {
  /** Optimiser steps done. */
  readonly step: number;
  /** Runs up to learningRates.length steps, or until budgetMs have passed ('budget'). Jobs of one trainer run in order. */
  run(learningRates: Float64Array, budgetMs: number): Job<SliceResult>;
  /** The slow lane: draws the next batch without stepping ... */
  draw(): Job<{ x0: Float32Array; x1: Float32Array; condition: Float32Array | null }>;
  /** ... and takes the step with x0[pairs[i]] joined to x1[i]. */
  runPaired(pairs: Int32Array, learningRate: number): Job<SliceResult>;
  /** Mean loss over the validation rows, each with `draws` fixed (t, x0) from `seed`; the same numbers at every call. */
  evaluate(which: 'parameters' | 'ema', seed: bigint, draws: number): Job<{ loss: number; status: 'done' | 'stopped' | 'nonfinite' }>;
  /** A copy in logical layout. Throws ERR_FLOW_STATE while a slice is running. */
  state(name: StateName): Float32Array;
  /** The same copy, made off the JavaScript thread, in order with the other jobs: for parameters by the million. */
  copy(name: StateName): Job<Float32Array>;
  restore(state: Readonly<Record<StateName, Float32Array>>, step: number): void;
  dispose(): void;
}

/** Steps by error control. The tableau's last stage is the slope at the end of the step: its row of `a` is b, c = 1. */
export interface NativeAdaptive {
  readonly rtol: number;
  readonly atol: number;
  readonly minStep: number;
  /** Tried per row, rejected ones included. */
  readonly maxSteps: number;
  /** The step follows from the last two errors, not from the last alone. */
  readonly pi: boolean;
  /** One step for all rows of the request, by the error of all. */
  readonly batch: boolean;
  /** (s): b - bHat, and the order of bHat. */
  readonly error: Float64Array;
  readonly errorOrder: number;
  /** (s, degree): b_i(theta) = sum_p dense[i][p] theta^(p + 1). */
  readonly dense: Float64Array;
  /** [x, v]: the last interval of the grid is the step z <- x z + v slope, taken at its start. null = none. */
  readonly closing: Float64Array | null;
  /** The frame as a function of t (SampleRequest.frame is null then): (nodes, 8) rows [a, tau, b, c] and their t-derivatives, equidistant on [tMin, tMax]. */
  readonly frame: { readonly tMin: number; readonly tMax: number; readonly nodes: Float64Array } | null;
}

/** A solve but for its rows. */
export interface SolveRequest {
  /** Given start rows are mapped by (x - shift) / scale first. */
  readonly normaliseInitial: boolean;
  /** Drawn noise is multiplied by this (the path's sourceScale). */
  readonly sourceScale: number;
  /** Absent or null: none. Else net = (1 - w) net(condition row) + w net(`SampleRequest.condition`), w = scale at stage times in [from, to], 1 elsewhere. */
  readonly guidance?: { readonly scale: number; readonly from: number; readonly to: number; readonly condition: Float32Array } | null;
  /** Butcher tableau: s stages; a (s, s) row-major lower triangle, b (s), c (s). */
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  /** K + 1 monotone times; descending = reverse. Steps use float64 differences rounded once to f32. */
  readonly grid: Float64Array;
  /** Indices into grid whose states are stored, ascending; the last one is usually K. */
  readonly save: Int32Array;
  /** Absent or null: none. Else (K): standard deviation of the normal noise that each step adds, and c_i times of it to the input of stage i. */
  readonly noise?: Float64Array | null;
  /** Optional frame: (K * s, 4) rows [a, tau, b, c]: v(t, x) = b x + c net(tau, a x). null = identity. */
  readonly frame: Float64Array | null;
  /** Output x = shift + scale * z, both (d); null = identity. */
  readonly shift: Float32Array | null;
  readonly scale: Float32Array | null;
  /** Of the network; states and what depends on t alone stay f32. */
  readonly precision?: NativePrecision;
  /** Absent or null: fixed steps from grid point to grid point. Else the grid holds the two ends and what is saved between them; it steers no step. */
  readonly adaptive?: NativeAdaptive | null;
}
export interface SampleRequest extends SolveRequest {
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  /** Start rows (n, d) instead of drawn noise. */
  readonly initial: Float32Array | null;
  /** (n, c), or (1, c) where it is shared; null when c = 0. In network coordinates. */
  readonly condition: Float32Array | null;
  /** One row for all, also when n is 1: its sums join what depends on t alone, in another order than those of a row of its own. */
  readonly sharedCondition: boolean;
  /** 0 = NativeInfo.threads. */
  readonly threads: number;
}
export interface SampleResult {
  /** (saves, n, d). */
  readonly x: Float32Array;
  /** Network evaluations per row up to the last saved state; adaptive: the most of any row; 0 for no rows. */
  readonly nfe: number;
  /** (n) evaluations, and how each solve ended (sampling/status.ts); null for fixed steps. */
  readonly rowNfe: Int32Array | null;
  readonly rowStatus: Uint8Array | null;
  /** First row whose result is not finite, or -1. */
  readonly nonfiniteRow: number;
  readonly status: 'done' | 'stopped';
}

/** The rows to score stand in `initial` (network coordinates), the grid falls from data to noise, `seed` and `firstRow` choose the probes; `save` is empty. */
export interface DensityRequest extends SampleRequest {
  /** Estimates per row; 0 where the divergence is exact. */
  readonly probes: number;
  /**
   * Ascending: only these columns count, in the divergence and in |x0|^2; null = all. The program then has given seeds, also when `probes` is 0: the unit
   * vectors of these columns.
   */
  readonly columns: Int32Array | null;
  /** Added to every row. */
  readonly constant: number;
  /** Required with error control: what the integral counts in the error, next to a column's 1; 0 leaves it out. Then a network makes one estimate at a time. */
  readonly weight?: number;
}
export interface DensityResult {
  /** (n): constant - |x0|^2 / (2 sourceScale^2) + the integral of the divergence, of x0 and x in network coordinates. */
  readonly logDensity: Float64Array;
  /** (n): of the mean over the probes; NaN with one probe, 0 where the divergence is exact. */
  readonly standardError: Float64Array;
  /** Of one solve; with error control the most of any. */
  readonly nfe: number;
  /** (n) the most evaluations of any solve of the row, and how they ended (the first that ended early; then its values are NaN); null for fixed steps. */
  readonly rowNfe: Int32Array | null;
  readonly rowStatus: Uint8Array | null;
  /** First row that ended well and whose result is not finite, or -1. */
  readonly nonfiniteRow: number;
  readonly status: 'done' | 'stopped';
}

/** A solve with fixed steps that is kept ready, with its memory, for calls of a few rows on the calling thread. It holds its network until it is disposed. */
export interface NativeSolve {
  /** Network evaluations per row. */
  readonly nfe: number;
  /** As Network.sampleSync, for n <= 16 rows with one condition row (c), null when c = 0: x (saves, n, d), or the number of the first row that is not finite. */
  sampleSync(n: number, firstRow: number, seed: bigint, initial: Float32Array | null, condition: Float32Array | null): Float32Array | number;
  dispose(): void;
}

/** Immutable network: packed once. */
export interface NativeNetwork {
  /** v (rows, d) for x (rows, d), t (rows), condition (rows, c) or null. Blocks: for small work and tests. */
  evaluateSync(x: Float32Array, t: Float32Array, condition: Float32Array | null, precision?: NativePrecision): Float32Array;
  /** Vector-Jacobian product of sum(v * cotangent): gradients in logical layout. */
  gradientSync(
    x: Float32Array,
    t: Float32Array,
    condition: Float32Array | null,
    cotangent: Float32Array,
    precision?: 'f32' | 'bf16',
  ): { parameters: Float32Array; x: Float32Array };
  sample(request: SampleRequest): Job<SampleResult>;
  sampleSync(request: SampleRequest): SampleResult;
  /** Without error control. */
  prepare(request: SolveRequest): NativeSolve;
  /** Of a program with a trace (network/tangent.ts). */
  logDensity(request: DensityRequest): Job<DensityResult>;
  /** Of a program with tangents: v (rows, d), and what it is asked for. `seeds`: each given seed in turn, (copies, rows, width); null without any. Blocks. */
  tangentSync(
    x: Float32Array,
    t: Float32Array,
    condition: Float32Array | null,
    seeds: Float32Array | null,
    precision?: NativePrecision,
  ): { v: Float32Array; tangent: Float32Array };
  dispose(): void;
}

/** Parameters on their way in, part by part: copying millions of them at once would hold the event loop. */
export interface NativeFloats {
  append(part: Float32Array): void;
  dispose(): void;
}

export interface Binding {
  info(): NativeInfo;
  /** Standard normal rows [firstRow, firstRow + rows) of `seed`: the noise that sample() starts from, or with `step` that of this step of a stochastic solve. */
  normal(seed: bigint, firstRow: number, rows: number, columns: number, step?: number): Float32Array;
  /** SHA-256 (hex) of at most 2^20 bytes. Blocks. */
  sha256?(bytes: Uint8Array): string;
  /**
   * Exact optimal transport between two sets of n points (n, columns), finite, n <= 65536: the permutation of least mean |x_i - y_partner(i)|^power,
   * power 1 or 2, for costs rounded to 2^-46 of the largest possible. Stopped, it rejects.
   */
  matchPoints(x: Float64Array, y: Float64Array, columns: number, power: 1 | 2, threads: number): Job<{ partner: Int32Array; mean: number }>;
  readonly Dataset: new (columns: number) => NativeDataset;
  readonly Network: new (program: Int32Array, constants: Float32Array, parameters: Float32Array) => NativeNetwork;
  readonly Trainer: new (request: TrainerRequest) => NativeTrainer;
  readonly Floats: new (count: number) => NativeFloats;
  /** The same objects, built by jobs off the JavaScript thread. A stopped job rejects. The datasets of a request cannot change meanwhile. */
  createNetwork(program: Int32Array, constants: Float32Array, parameters: Float32Array | NativeFloats): Job<NativeNetwork>;
  createTrainer(request: TrainerRequest): Job<NativeTrainer>;
}

/** Raised by one whenever this file changes incompatibly; load.ts refuses an addon that disagrees. */
export const treaty = 5;
