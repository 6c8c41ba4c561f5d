// Sampling in the native core: dx/dt = v(t, x) from the source at tMin to the data at tMax (or back), by the tableau and grid of a solver.
// Any n is split into bounded native calls, two of them queued; row i of seed s is the same row in every split.

import { type SamplingCondition, samplingCondition } from '../data/condition.ts';
import { toNetwork } from '../data/normalise.ts';
import { type Matrix, rowLimit, shapeError, toMatrix } from '../data/rows.ts';
import { argumentError, FlowError } from '../errors.ts';
import { distilledSteps, type ModelRecord } from '../model/record.ts';
import type { Job, NativeNetwork, SampleResult as NativeResult, SampleRequest } from '../native/binding.ts';
import { conditionRows, conditionWidth, nullCondition, withSpan } from '../network/condition.ts';
import { checkGuidance, type Guidance, type GuidanceSetting, isUnconditional } from '../network/guidance.ts';
import { checkSeed, checkSignal, integer, record } from '../options.ts';
import { type Frame, frameOf, stageRows, throughFrame } from '../paths/frame.ts';
import { stirRows } from '../paths/stirring.ts';
import { type SamplingPrecision, samplingPrecision } from '../precision.ts';
import type { SolverFactory } from '../solvers/define.ts';
import { fitGrid } from '../solvers/grid.ts';
import type { Solver } from '../solvers/solver.ts';
import { euler, resolveSolver, type SolverName, tableauArrays } from '../solvers/solvers.ts';
import { spanOf, spanSolver } from '../solvers/spans.ts';
import type { StochasticFactory } from '../solvers/stochastic.ts';
import { adaptiveRequest, adaptiveTimes } from './adaptive.ts';

export interface IntegrateOptions {
  /**
   * A solver or the name of one; equal steps over the path's times unless it has a grid or chooses its steps.
   * @default midpoint({ steps: 50 }), euler({ steps: 1 }) for average velocities, and what distil() made the model for
   */
  readonly solver?: Solver | SolverFactory | StochasticFactory | SolverName;
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
export const encodeKeys = ['solver', 'seed', 'condition', 'guidance', 'saveAt', 'precision', 'threads', 'signal'] as const;

/** Values of one native call: 4 MB of results, so that neither copying nor memory is felt. */
const callValues = 1 << 20;

/** A checked request for n rows; `part` makes the native request of some of them. */
export interface Plan {
  readonly n: number;
  readonly firstRow: number;
  readonly times: Float64Array;
  readonly signal: AbortSignal | undefined;
  /** How much of the score head joins the velocity; 0 = none (network/heads.ts). */
  readonly head: number;
  /** States kept per row: the frames, and the final one. */
  readonly saves: number;
  /** Rows of one native call. */
  readonly each: number;
  readonly part: (first: number, count: number) => SampleRequest;
}

/** Checks the options of `sample`. @throws FlowError naming the option. */
export function planSample(model: ModelRecord, options: unknown): Plan {
  const given = record(options ?? {}, 'options', sampleKeys);
  const start = given.source === undefined ? null : startRows(given.source, 'options.source', model, model.source === 'rows');
  if (start === null && model.source === 'rows') {
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.source',
      'start rows',
      undefined,
      'This model was trained from source rows, which are not stored in it: give some.',
    );
  }
  const condition = conditionOf(model, given);
  const n = integer(given.n ?? start?.rows ?? condition?.rows ?? 1, 'options.n', 0, rowLimit);
  if (start !== null && start.rows !== n) throw argumentError('ERR_FLOW_SHAPE', 'options.source', `${n} rows, as options.n`, `${start.rows} rows`);
  const firstRow = integer(given.firstRow ?? 0, 'options.firstRow', 0, 2 ** 48);
  return plan(model, given, { n, firstRow, seed: checkSeed(given.seed, 'options.seed'), start: start?.values ?? null, condition, reverse: false });
}

/** Checks the rows and options of `encode`: from data back to noise. */
export function planEncode(model: ModelRecord, rows: unknown, options: unknown): Plan {
  const given = record(options ?? {}, 'options', encodeKeys);
  const start = startRows(rows, 'rows', model, true);
  const condition = conditionOf(model, given);
  return plan(model, given, { n: start.rows, firstRow: 0, seed: checkSeed(given.seed, 'options.seed'), start: start.values, condition, reverse: true });
}

/** The condition rows and how they are followed; rows that nothing reads may be left out. */
function conditionOf(model: ModelRecord, given: { readonly condition?: unknown; readonly guidance?: unknown }): Core['condition'] {
  const guidance = checkGuidance(given.guidance, 'options.guidance', model.condition);
  if (isUnconditional(guidance) && (given.condition === undefined || given.condition === null)) return { values: null, rows: 1, guidance: null };
  const rows = samplingCondition(given.condition, 'options.condition', model.condition);
  return rows && (isUnconditional(guidance) ? { values: null, rows: rows.rows, guidance: null } : { ...rows, guidance });
}

interface Core {
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  readonly start: Float32Array | null;
  /** values: null = the null row for all. */
  readonly condition: { readonly values: Float32Array | null; readonly rows: number; readonly guidance: GuidanceSetting | null } | null;
  readonly reverse: boolean;
}

function plan(model: ModelRecord, given: { readonly [key in keyof IntegrateOptions]?: unknown }, core: Core): Plan {
  const { dimension: d } = model;
  const frame = frameOf(model);
  const { n, firstRow, seed, start, condition, reverse } = core;
  const kind = model.network.span;
  if (kind !== undefined && reverse) throw onlyForwards();
  const distilled = distilledSteps(model);
  const solver = (kind === undefined ? resolveSolver : spanSolver)(
    given.solver ?? (distilled === null ? undefined : euler({ steps: distilled })),
    'options.solver',
  );
  const { grid, frames, steps: stepping, head, wholeBatch } = stepsOf(model, solver, reverse, given.saveAt);
  const precision = samplingPrecision(given.precision, 'options.precision');
  const threads = given.threads === undefined ? 0 : integer(given.threads, 'options.threads', 1, 1024);
  const signal = checkSignal(given.signal);
  const steps = grid.length - 1;
  const save = Int32Array.from(frames.at(-1) === steps ? frames : [...frames, steps]);
  if (n * d * save.length > rowLimit) {
    throw argumentError('ERR_FLOW_LIMIT', 'options.n', `at most ${rowLimit} values in one result`, n * d * save.length, 'Use sampleBatches, or fewer frames.');
  }
  if (condition !== null && condition.rows !== 1 && condition.rows !== n) {
    throw argumentError('ERR_FLOW_SHAPE', 'options.condition', `1 row or ${n} rows, one per sample`, `${condition.rows} rows`);
  }
  const span = kind === undefined ? null : spanOf(grid, kind, 'options.solver');
  const spanned = (rows: Float32Array | null) => (span === null ? rows : withSpan(rows, conditionWidth(model.condition), span));
  const mapped = spanned(condition && model.condition && networkCondition(model, model.condition, condition.values));
  const shared = condition === null || condition.rows === 1 || condition.values === null;
  const width = mapped === null ? 0 : mapped.length / (shared ? 1 : n);
  const guidance =
    condition?.guidance && model.condition ? { ...condition.guidance, condition: spanned(nullCondition(model.condition)) as Float32Array } : null;
  const decode = !reverse || model.source === 'rows'; // encoded noise stays in network coordinates
  const fixed = {
    ...stepping,
    guidance,
    grid,
    save,
    threads,
    precision,
    seed,
    normaliseInitial: false,
    sourceScale: frame.startScale,
  };
  const part = (first: number, count: number): SampleRequest => ({
    ...fixed,
    n: count,
    firstRow: firstRow + first,
    initial: start === null ? null : start.slice(first * d, (first + count) * d),
    condition: mapped && (shared ? mapped : mapped.slice(first * width, (first + count) * width)),
    shift: decode ? (model.normaliser?.shift ?? null) : null,
    scale: decode ? (model.normaliser?.scale ?? null) : null,
  });
  const each = wholeBatch ? Math.max(1, n) : Math.max(1, Math.floor(callValues / (d * save.length)));
  return { n, firstRow, times: Float64Array.from(frames, (k) => grid[k] as number), signal, head, saves: save.length, each, part };
}

/** The solver as the request holds it, the times of the grid, and where in it the frames stand. */
function stepsOf(model: ModelRecord, solver: Solver, reverse: boolean, saveAt: unknown) {
  const { adaptive } = solver;
  const frame = frameOf(model);
  if (adaptive) {
    const { grid, frames } = adaptiveTimes(frame, reverse, saveAt);
    const steps = { ...adaptiveRequest({ ...solver, adaptive }, frame, reverse), frame: null, noise: null };
    return { grid, frames, steps, head: 0, wholeBatch: adaptive.control === 'batch' };
  }
  const grid = frameGrid(frame, solver, reverse);
  checkDirection(grid, reverse);
  const stirred = solver.noise ? stirRows(model, solver, grid) : null;
  const steps = { ...tableauArrays(solver), frame: stirred ? stirred.rows : stageRows(frame, solver, grid), noise: stirred?.noise ?? null };
  return { grid, frames: checkSaveAt(saveAt, grid, solver), steps, head: stirred?.head ?? 0, wholeBatch: false };
}

const onlyForwards = (): FlowError =>
  argumentError(
    'ERR_FLOW_CONFIG',
    'model',
    'a model of velocities',
    'one of average velocities',
    'It was trained with meanFlow() or shortcut() and goes from noise to data only; train one without to encode or score rows.',
  );

/** Condition rows in users' columns and units as the network reads them; null is the null row. */
function networkCondition(model: ModelRecord, spec: NonNullable<ModelRecord['condition']>, values: Float32Array | null): Float32Array {
  if (values === null) return nullCondition(spec);
  return conditionRows(toNetwork(values, spec.numbers + spec.classes.length, model.conditionNormaliser), spec);
}

/** Rows that an integration starts from, in network coordinates. */
function startRows(value: unknown, path: string, model: ModelRecord, dataUnits: boolean): { values: Float32Array; rows: number } {
  const flat = ArrayBuffer.isView(value);
  if (flat && (value as Float32Array).length % model.dimension !== 0) throw shapeError(path, model.dimension, (value as Float32Array).length);
  if (Array.isArray(value) && value.length > 0) {
    const width = (value[0] as ArrayLike<number> | null)?.length;
    if (typeof width === 'number' && width !== model.dimension) throw shapeError(path, model.dimension, width);
  }
  const { values, rows } = toMatrix(value, path, { width: model.dimension, names: model.columns });
  return { values: dataUnits ? toNetwork(values, model.dimension, model.normaliser) : values, rows };
}

/** The times of a solver inside the frame, with the exact step to 1 where the path ends before. */
export function frameGrid(frame: Frame, solver: Solver, reverse = false): Float64Array {
  return throughFrame(frame, fitGrid(solver, { tMin: frame.from, tMax: reverse ? frame.to : frame.top, reverse }));
}

function checkDirection(grid: Float64Array, reverse: boolean): void {
  const [first, last] = [grid[0] as number, grid[grid.length - 1] as number];
  if (!reverse && first > last) {
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.solver.grid',
      'rising times',
      `${first} .. ${last}`,
      'Sampling runs from noise (t = 0) to data (t = 1); use encode() for the way back.',
    );
  }
}

/** Indices into the grid, ascending. Frames are states that the solver visits anyway: saving them changes no result. */
function checkSaveAt(value: unknown, grid: Float64Array, solver: Solver): number[] {
  if (value === undefined) return [];
  const steps = grid.length - 1;
  const path = 'options.saveAt';
  if (typeof value === 'number') {
    const frames = integer(value, path, 2);
    if (frames > steps + 1) {
      throw argumentError(
        'ERR_FLOW_RANGE',
        path,
        `at most ${steps + 1} frames, the times of the grid`,
        frames,
        `Use ${solver.name}({ steps: ${frames - 1} }) or more.`,
      );
    }
    return Array.from({ length: frames }, (_, i) => Math.round((i * steps) / (frames - 1)));
  }
  if (!Array.isArray(value) || value.length === 0) throw argumentError('ERR_FLOW_TYPE', path, 'a number of frames or an array of times', value);
  const indices = value.map((time: unknown, i) => {
    const k = typeof time === 'number' ? grid.findIndex((t) => Math.abs(t - time) < 1e-9) : -1;
    if (k < 0)
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `${path}[${i}]`,
        `a time of the solver's grid (${steps} steps from ${grid[0]} to ${grid[steps]})`,
        time,
        'Give the solver a grid that holds it.',
      );
    return k;
  });
  return [...new Set(indices)].sort((a, b) => a - b);
}

/** What a run of native calls is: n rows, `each` at a time, the job of some of them, and who is told of every job. */
interface Parts<T> {
  readonly n: number;
  readonly each: number;
  readonly signal: AbortSignal | undefined;
  readonly start: (first: number, count: number) => Job<T>;
  readonly track: (job: Job<T>) => void;
}

/** Runs the parts in order, two of them queued; `add` gets each result. An aborted signal stops them and rejects with its reason. */
export async function runParts<T>({ n, each, signal, start, track }: Parts<T>, add: (result: T) => void): Promise<void> {
  signal?.throwIfAborted();
  const jobs: Job<T>[] = [];
  const stop = (): void => {
    for (const job of jobs) job.stop();
  };
  signal?.addEventListener('abort', stop);
  try {
    let asked = 0;
    const ask = (): void => {
      if (asked >= n || signal?.aborted) return;
      const count = Math.min(each, n - asked);
      const job = start(asked, count);
      job.done.catch(() => undefined); // a rejection is seen where it is awaited, or not at all after an earlier one
      track(job);
      jobs.push(job);
      asked += count;
    };
    ask();
    ask();
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      const result = await job.done;
      jobs.shift(); // a job holds its result: none is kept twice
      signal?.throwIfAborted();
      add(result);
      ask();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** Runs a plan on the native threads. `track` sees every job, so that a disposed model can stop them. */
export async function sampleNative(
  packed: NativeNetwork | Promise<NativeNetwork>,
  model: ModelRecord,
  plan: Plan,
  track: (job: Job<NativeResult>) => void = () => undefined,
): Promise<SampleResult> {
  plan.signal?.throwIfAborted();
  const network = packed instanceof Promise ? await packed : packed;
  const collect = new Collector(model, plan);
  await runParts({ ...plan, start: (first, count) => network.sample(plan.part(first, count)), track }, (result) => collect.add(result));
  return collect.result();
}

/** The same on the calling thread: for tiny jobs. */
export function sampleNativeSync(network: NativeNetwork, model: ModelRecord, plan: Plan): SampleResult {
  plan.signal?.throwIfAborted();
  const collect = new Collector(model, plan);
  for (let first = 0; first < plan.n; first += plan.each) collect.add(network.sampleSync(plan.part(first, Math.min(plan.each, plan.n - first))));
  return collect.result();
}

/** Puts the parts of a result together. */
class Collector {
  readonly #model: ModelRecord;
  readonly #plan: Plan;
  #x: Float32Array = new Float32Array(0);
  #saved: Float32Array = new Float32Array(0);
  #rows = 0;
  #evaluations = 0;
  readonly #nfePerRow: Int32Array;
  readonly #status: Uint8Array;

  constructor(model: ModelRecord, plan: Plan) {
    this.#model = model;
    this.#plan = plan;
    this.#nfePerRow = new Int32Array(plan.n);
    this.#status = new Uint8Array(plan.n);
  }

  /** (saves, count, d), the last save being the final state. */
  add({ x, nfe, rowNfe, rowStatus, nonfiniteRow, status }: NativeResult): void {
    const d = this.#model.dimension;
    const { n, times } = this.#plan;
    if (status !== 'done') throw new FlowError('ERR_FLOW_DISPOSED', 'model: it was disposed while sampling.', { path: 'model' });
    const { saves } = this.#plan;
    const count = x.length / (saves * d);
    if (nonfiniteRow >= 0) {
      const row = this.#rows + nonfiniteRow;
      const hint = 'Take more steps, and look at the start row and the condition; a diverged training leaves such models too.';
      throw new FlowError('ERR_FLOW_NONFINITE', `row ${row} of the result is not finite. ${hint}`, { path: `x[${row}]`, expected: 'finite values', hint });
    }
    if (rowNfe && rowStatus) {
      this.#nfePerRow.set(rowNfe, this.#rows);
      this.#status.set(rowStatus, this.#rows);
      for (const evaluations of rowNfe) this.#evaluations += evaluations;
    } else {
      this.#nfePerRow.fill(nfe, this.#rows, this.#rows + count);
      this.#evaluations += nfe * count;
    }
    if (count === n && saves === 1) {
      this.#x = x;
      this.#rows = n;
      if (times.length > 0) this.#saved = x.slice();
      return;
    }
    if (this.#rows === 0) {
      this.#x = new Float32Array(n * d);
      this.#saved = new Float32Array(times.length * n * d);
    }
    const frame = (k: number): Float32Array => x.subarray(k * count * d, (k + 1) * count * d);
    this.#x.set(frame(saves - 1), this.#rows * d);
    for (let k = 0; k < times.length; k++) this.#saved.set(frame(k), (k * n + this.#rows) * d);
    this.#rows += count;
  }

  result(): SampleResult {
    const { dimension, columns } = this.#model;
    const { n: rows, firstRow, times } = this.#plan;
    const [nfePerRow, status] = [this.#nfePerRow, this.#status];
    const unfinished = status.reduce((sum, code) => sum + (code === 0 ? 0 : 1), 0);
    const nfe = rows === 0 ? 0 : this.#evaluations / rows;
    return { x: this.#x, rows, dimension, columns, firstRow, nfe, nfePerRow, status, unfinished, times, saved: this.#saved };
  }
}
