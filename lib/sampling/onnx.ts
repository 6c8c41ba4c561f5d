// loadOnnx(): an ONNX file as a sampler with the manners of a native one. onnxruntime runs in a worker thread; the noise is that of the native sampler, so
// that the same seed gives the same rows within float error. Sampler graphs hold their solver; velocity graphs, ours or foreign (x, t) -> v, are integrated
// in the worker, state in float64.

import { argumentError, FlowError } from '../errors.ts';
import { customDomains, inspectOnnx, type OnnxInfo, readOnnxFile } from '../onnx/inspect.ts';
import { integer, record } from '../options.ts';
import { checkGrid, gridOf } from '../solvers/grid.ts';
import type { Solver } from '../solvers/solver.ts';
import { resolveSolver } from '../solvers/solvers.ts';
import { noiseRows } from './noise.ts';
import { columnsOf, conditionFeed, conditionOf, convert, dataUnits, feed, floats, namesOf, pad, seedOf, signalOf } from './onnx-arguments.ts';
import { type Binding, type Bound, bindInputs, type InputNames } from './onnx-inputs.ts';
import { type Feed, findRuntime, OnnxSession, type Reply, type Request } from './onnx-session.ts';

export interface OnnxLoadOptions {
  /** Threads onnxruntime may use for one call, 0 .. 1024; 0 = its own choice, the physical cores. @default 0 */
  readonly threads?: number;
  /** Foreign models: the names of the inputs that are the state, the time and the condition. @default found by their usual names */
  readonly inputs?: InputNames;
  /** Foreign models: the output that is dx/dt. @default the only output */
  readonly output?: string;
  /** Foreign models: names of the columns. */
  readonly columns?: readonly string[];
}

export interface OnnxSampleOptions {
  /** Rows, 0 .. 2^31 / columns. */
  readonly n: number;
  /** Row i of a seed is the same row in every call. @default 0 */
  readonly seed?: number | bigint;
  /** Index of the first row. @default 0 */
  readonly firstRow?: number;
  /** Start instead of drawn noise: (n, d) standard normal numbers, or source rows in data units for a model with a source of rows. */
  readonly initial?: Float32Array;
  /** One row of c numbers for all samples, or n rows: continuous columns in data units, class indices. */
  readonly condition?: Float32Array | readonly number[] | readonly (readonly number[])[];
  /** Velocity graphs only: the solver or its name. @default midpoint({ steps: 50 }) */
  readonly solver?: Solver | string;
  /** Sampler graphs: other times than the file's, at least two, monotone. */
  readonly grid?: readonly number[] | Float64Array;
  /** Aborting rejects at once with `signal.reason`. */
  readonly signal?: AbortSignal;
}

export interface OnnxSampleResult {
  /** (n, d) row-major, in data units, before rounding and category decoding. */
  readonly x: Float32Array;
  /** Network evaluations per row. */
  readonly nfe: number;
}

/** Work of one call to onnxruntime, in multiply-adds: some tens of milliseconds, so that concurrent calls and aborts take turns. */
const callWork = 5e8;
const callRows = { least: 256, most: 16_384 };
/** Calls of one sample() that are in the worker's queue at a time. */
const inFlight = 2;

const loadKeys = ['threads', 'inputs', 'output', 'columns'] as const;
const sampleKeys = ['n', 'seed', 'firstRow', 'initial', 'condition', 'solver', 'grid', 'signal'] as const;

/** A model in onnxruntime. Immutable; any number of calls may run at once. */
export class OnnxSampler {
  /** What the file is. */
  readonly info: OnnxInfo;
  /** Names of the d columns, when known. */
  readonly columns: readonly string[] | null;
  /** d: numbers per row. */
  readonly dimension: number;
  readonly #session: OnnxSession;
  readonly #bound: Binding;

  /** @internal Use loadOnnx. */
  constructor(info: OnnxInfo, bound: Binding, session: OnnxSession, columns: readonly string[] | null) {
    this.info = info;
    this.columns = columns;
    this.dimension = bound.x.width;
    this.#session = session;
    this.#bound = bound;
  }

  /**
   * Draws n rows. The rows of a seed are those of the native sampler within float error.
   * @throws FlowError ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG; rejects with ERR_FLOW_DIVERGED when a row is not finite, or with `signal.reason`.
   */
  async sample(options: OnnxSampleOptions): Promise<OnnxSampleResult> {
    const given = record(options, 'options', sampleKeys);
    const d = this.dimension;
    const bound = this.#bound;
    const n = integer(given.n, 'options.n', 0, Math.floor((2 ** 31 - 1) / d));
    const firstRow = integer(given.firstRow ?? 0, 'options.firstRow', 0, 2 ** 53 - 1 - n);
    const seed = seedOf(given.seed ?? 0);
    const signal = signalOf(given.signal);
    const initial = floats(given.initial, 'options.initial', n * d, `n x d = ${n * d} numbers`);
    if (!initial && this.info.flow?.source === 'rows')
      throw argumentError('ERR_FLOW_CONFIG', 'options.initial', 'start rows (this model flows from rows of its own source)', given.initial);
    const condition = conditionOf(given.condition, bound.condition, n);
    const plan = bound.kind === 'sampler' ? this.#samplerPlan(given.solver, given.grid) : this.#velocityPlan(given.solver, given.grid);
    const x = new Float32Array(n * d);
    const perCall = this.#rowsPerCall(plan.nfe);
    await inTurns(Math.ceil(n / perCall), inFlight, async (index) => {
      const first = index * perCall;
      const count = Math.min(perCall, n - first);
      const start = initial ? initial.slice(first * d, (first + count) * d) : await noiseRows(seed, firstRow + first, count, d);
      const padded = bound.fixedRows > count ? pad(start, bound.fixedRows * d) : start;
      const rows = padded.length / d;
      const rest = bound.condition && condition ? [conditionFeed(bound.condition, condition, first, count, rows)] : [];
      const reply = await this.#session.call(plan.request(padded, rows, rest), signal);
      if (reply.data.length !== rows * d) throw shapeError(bound.output, [rows, d], reply);
      const rowsOut = reply.data.subarray(0, count * d);
      const bad = rowsOut.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw diverged(firstRow + first + Math.floor(bad / d), bad % d, rowsOut[bad] as number);
      x.set(rowsOut, first * d);
    });
    signal?.throwIfAborted();
    return { x, nfe: plan.nfe };
  }

  /**
   * dx/dt (rows, d) at x (rows, d) and t (one number, or one for each row), in data units. Velocity graphs only.
   * @throws FlowError ERR_FLOW_CONFIG for sampler graphs, ERR_FLOW_SHAPE.
   */
  async velocity(
    x: Float32Array,
    t: number | Float32Array,
    condition?: OnnxSampleOptions['condition'],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Float32Array> {
    const { t: slot, x: input, condition: wants, output, fixedRows, kind } = this.#bound;
    if (kind !== 'velocity' || !slot)
      throw argumentError('ERR_FLOW_CONFIG', 'velocity', 'a velocity graph', `a ${kind} graph`, "Export with graph: 'velocity'.");
    const d = this.dimension;
    if (!(x instanceof Float32Array) || x.length % d !== 0) throw argumentError('ERR_FLOW_SHAPE', 'x', `a Float32Array of rows with ${d} numbers`, x);
    const n = x.length / d;
    if (fixedRows && n !== fixedRows) throw argumentError('ERR_FLOW_SHAPE', 'x', `${fixedRows} rows (the graph is fixed to them)`, n);
    const times = typeof t === 'number' ? undefined : floats(t, 't', n, `one time, or ${n}`);
    if (times === undefined && typeof t !== 'number') throw argumentError('ERR_FLOW_TYPE', 't', 'a number or a Float32Array', t);
    const perRow = times !== undefined && (slot.dims.includes(-1) || this.info.flow !== null);
    if (times && !perRow && n !== 1) throw argumentError('ERR_FLOW_SHAPE', 't', 'one number (the graph takes one time for all rows)', t);
    const tDims = slot.dims.map((dim, i) => (dim === -1 || (perRow && i === 0 && this.info.flow !== null) ? n : dim));
    const values = Float64Array.from({ length: tDims.reduce((a, b) => a * b, 1) }, (_, i) => times?.[i] ?? (t as number));
    const rest = conditionOf(condition, wants, n);
    const feeds = [feed(input, x.slice(), n), { name: slot.name, type: slot.type, data: convert(slot.type, values), dims: tDims }];
    if (wants && rest) feeds.push(conditionFeed(wants, rest, 0, n, n));
    const reply = await this.#session.call({ kind: 'run', feeds, output }, signal);
    if (reply.data.length !== x.length) throw shapeError(output, [n, d], reply);
    return reply.data;
  }

  /** Frees the session and its thread; waiting calls reject with ERR_FLOW_DISPOSED. Idempotent. */
  dispose(): void {
    this.#session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #samplerPlan(solver: unknown, grid: unknown): Plan {
    if (solver !== undefined)
      throw argumentError('ERR_FLOW_CONFIG', 'options.solver', 'no solver (this file holds one)', solver, "Export with graph: 'velocity' to choose one here.");
    const { x, grid: name, output } = this.#bound;
    const inside = this.info.flow?.solver ?? { stages: 1, steps: 1 };
    const times = grid === undefined ? undefined : Float64Array.from(checkGrid(grid, 'options.grid'));
    const feeds = times && name ? [{ name, type: 'float64' as const, data: times, dims: [times.length] }] : [];
    return {
      nfe: inside.stages * (times ? times.length - 1 : inside.steps),
      request: (start, rows, rest) => ({ kind: 'run', feeds: [feed(x, start, rows), ...feeds, ...rest], output }),
    };
  }

  #velocityPlan(solver: unknown, times: unknown): Plan {
    const { x, t, output } = this.#bound;
    const { flow } = this.info;
    const chosen = resolveSolver(solver, 'options.solver');
    const grid = times === undefined ? Array.from(gridOf(chosen, flow?.path ?? {})) : [...checkGrid(times, 'options.grid')];
    const { a, b, c } = chosen;
    const d = this.dimension;
    const bind = { x: { name: x.name, type: x.type as 'float32', dims: x.dims }, t: t as Bound & { type: 'float32' }, output };
    const fromRows = flow?.source === 'rows';
    return {
      nfe: (grid.length - 1) * b.length,
      request: (start, n, rest) => ({ kind: 'solve', x: fromRows ? start : dataUnits(start, this.info), n, d, a, b, c, grid, bind: { ...bind, rest } }),
    };
  }

  #rowsPerCall(nfe: number): number {
    if (this.#bound.fixedRows > 0) return this.#bound.fixedRows;
    const work = Math.max(1, this.info.parameters * nfe);
    return Math.min(callRows.most, Math.max(callRows.least, Math.floor(callWork / work)));
  }
}

interface Plan {
  readonly nfe: number;
  request(start: Float32Array, rows: number, rest: readonly Feed[]): Request;
}

/**
 * Loads an ONNX file (a path, or its bytes) into onnxruntime-node, in a worker thread: the event loop stays free.
 * @throws FlowError ERR_FLOW_ORT_MISSING naming the command that installs it, ERR_FLOW_ONNX, ERR_FLOW_IO, ERR_FLOW_CONFIG.
 * @example const onnx = await loadOnnx('moons.onnx'); const { x } = await onnx.sample({ n: 1000, seed: 1 }); onnx.dispose();
 */
export async function loadOnnx(source: string | Uint8Array, options: OnnxLoadOptions = {}): Promise<OnnxSampler> {
  const given = record(options, 'options', loadKeys);
  const threads = integer(given.threads ?? 0, 'options.threads', 0, 1024);
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) throw argumentError('ERR_FLOW_TYPE', 'source', 'a file name or a Uint8Array', source);
  const names = given.inputs === undefined ? {} : namesOf(given.inputs);
  if (given.output !== undefined && typeof given.output !== 'string') throw argumentError('ERR_FLOW_TYPE', 'options.output', 'a name', given.output);
  const bytes = typeof source === 'string' ? await readOnnxFile(source) : source.slice();
  const info = inspectOnnx(bytes);
  const custom = customDomains(info);
  if (custom.length > 0) throw argumentError('ERR_FLOW_ONNX', 'domains', 'operators that every onnxruntime has', custom.join(', '));
  const bound = bindInputs(info, names, given.output);
  const columns = columnsOf(given.columns, bound.x.width) ?? info.flow?.columns ?? null;
  if (info.flow && info.flow.dimension !== bound.x.width)
    throw argumentError('ERR_FLOW_ONNX', 'metadata.dimension', String(bound.x.width), info.flow.dimension);
  const session = await OnnxSession.open(findRuntime(), bytes, threads);
  return new OnnxSampler(info, bound, session, columns);
}

function shapeError(output: string, expected: readonly number[], reply: Reply): FlowError {
  const received = `[${reply.dims}]`;
  return new FlowError('ERR_FLOW_ONNX', `output "${output}": expected the shape [${expected}], got ${received}.`, {
    path: `output "${output}"`,
    expected: `[${expected}]`,
    received,
  });
}

function diverged(row: number, column: number, value: number): FlowError {
  const path = `row ${row}, column ${column}`;
  return new FlowError('ERR_FLOW_DIVERGED', `${path}: expected a finite sample, got ${value}. Use more steps, or check the condition.`, { path });
}

/** Runs `work(0 .. count - 1)`, at most `most` at a time; the first failure stops the rest and is thrown. */
async function inTurns(count: number, most: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < count && !failed) {
      try {
        await work(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, count) }, lane));
}
