// The calls of a sampler in onnxruntime (onnx.ts): options checked, rows cut into calls of the worker, replies checked and put together.

import { type SamplingCondition, samplingCondition } from '../data/condition.ts';
import { rowLimit } from '../data/limits.ts';
import { type Matrix, toMatrix } from '../data/rows.ts';
import { amount, argumentError, FlowError } from '../errors.ts';
import type { OnnxInfo } from '../onnx/inspect.ts';
import { checkSeed, checkSignal, finite, integer, record } from '../options.ts';
import type { DensityResult } from './density.ts';
import { noiseRows } from './noise.ts';
import type { OnnxSampleOptions } from './onnx.ts';
import { conditionFeed, conditionSpec, convert, feed, floats, guidanceFeed, incrementsFeed, networkNoise, pad } from './onnx-arguments.ts';
import type { Binding } from './onnx-inputs.ts';
import { type OnnxPlan, samplerPlan, velocityPlan } from './onnx-plan.ts';
import type { Feed, OnnxSession, Reply } from './onnx-session.ts';
import { type SampleResult, samplingElsewhere } from './options.ts';

/** What a sampler is made of. */
export interface OnnxParts {
  readonly info: OnnxInfo;
  readonly bound: Binding;
  readonly session: OnnxSession;
  readonly columns: readonly string[] | null;
  readonly dimension: number;
}

/** Work of one call to onnxruntime, in multiply-adds: some tens of milliseconds, so that concurrent calls and aborts take turns. */
const callWork = 5e8;
/** Numbers of the noise of one call: 16 MB. */
const callIncrements = 1 << 22;
const callRows = { least: 256, most: 16_384 };
/** Calls of one sample() that are in the worker's queue at a time. */
const inFlight = 2;

const sampleKeys = ['n', 'solver', 'seed', 'firstRow', 'condition', 'guidance', 'source', 'grid', 'signal'] as const;

/** OnnxSampler.sample() */
export function sampleOnnx(onnx: OnnxParts, options: OnnxSampleOptions): Promise<SampleResult> {
  const given = record(options, 'options', sampleKeys, samplingElsewhere);
  const d = onnx.dimension;
  const { flow } = onnx.info;
  const source = given.source === undefined ? null : toMatrix(given.source, 'options.source', { width: d, names: onnx.columns });
  if (!source && flow?.source === 'rows')
    throw argumentError('ERR_FLOW_CONFIG', 'options.source', 'start rows', undefined, 'This model was trained from source rows, which are not stored in it.');
  const condition = samplingCondition(given.condition, 'options.condition', conditionSpec(onnx.info, onnx.bound.condition));
  const n = integer(given.n ?? source?.rows ?? condition?.rows ?? 1, 'options.n', 0, Math.floor(rowLimit / d));
  if (source && source.rows !== n) throw argumentError('ERR_FLOW_SHAPE', 'options.source', `${n} rows, as options.n`, amount(source.rows, 'row'));
  if (condition && condition.rows !== 1 && condition.rows !== n)
    throw argumentError('ERR_FLOW_SHAPE', 'options.condition', `1 row or ${n} rows, one per sample`, amount(condition.rows, 'row'));
  const firstRow = integer(given.firstRow ?? 0, 'options.firstRow', 0, 2 ** 48);
  const seed = checkSeed(given.seed, 'options.seed');
  const signal = checkSignal(given.signal);
  if (onnx.bound.kind === 'log-density')
    throw argumentError('ERR_FLOW_CONFIG', 'sample', 'a sampler or velocity graph', 'a log-density graph', "Export with graph: 'sampler' to draw rows.");
  const plan = (onnx.bound.kind === 'sampler' ? samplerPlan : velocityPlan)(onnx.info, onnx.bound, given.solver, given.grid);
  const scale = guidanceFeed(onnx.bound.guidance, given.guidance);
  const start = source ? (flow?.source === 'rows' ? source.values : networkNoise(source.values, onnx.info)) : null;
  return draw(onnx, { n, firstRow, seed, start, condition, scale, plan, signal });
}

async function draw(onnx: OnnxParts, { n, firstRow, seed, start, condition, scale, plan, signal }: Draw): Promise<SampleResult> {
  signal?.throwIfAborted();
  const d = onnx.dimension;
  const bound = onnx.bound;
  const x = new Float32Array(n * d);
  const { increments } = bound;
  const steps = increments === null ? 0 : (onnx.info.flow?.solver?.steps ?? 0);
  const perCall = rowsPerCall(onnx, plan.nfe, steps * d);
  await inTurns(Math.ceil(n / perCall), inFlight, async (index) => {
    const first = index * perCall;
    const count = Math.min(perCall, n - first);
    const rowsIn = start ? start.slice(first * d, (first + count) * d) : await noiseRows(seed, firstRow + first, count, d);
    const padded = bound.fixedRows > count ? pad(rowsIn, bound.fixedRows * d) : rowsIn;
    const rows = padded.length / d;
    const rest = bound.condition && condition ? [conditionFeed(bound.condition, condition, first, count, rows), ...scale] : [...scale];
    if (increments !== null) rest.push(await incrementsFeed(increments, { seed, steps, firstRow: firstRow + first, count, rows, d }));
    const reply = await onnx.session.call(plan.request(padded, rows, rest), signal);
    if (reply.data.length !== rows * d) throw replyError(bound.output, [rows, d], reply);
    const rowsOut = reply.data.subarray(0, count * d);
    const bad = rowsOut.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw diverged(first + Math.floor(bad / d));
    x.set(rowsOut, first * d);
  });
  signal?.throwIfAborted();
  const { columns } = onnx;
  const nfe = n === 0 ? 0 : plan.nfe;
  const each = { nfePerRow: new Int32Array(n).fill(nfe), status: new Uint8Array(n), unfinished: 0 };
  return { x, rows: n, dimension: d, columns, firstRow, nfe, ...each, times: new Float64Array(0), saved: new Float32Array(0) };
}

/** OnnxSampler.velocity() */
export function velocityOnnx(
  onnx: OnnxParts,
  x: Float32Array,
  t: number | Float32Array,
  condition: SamplingCondition | undefined,
  options: { readonly signal?: AbortSignal; readonly guidance?: number },
): Promise<Float32Array> {
  const { signal: given, guidance } = record(options, 'options', ['signal', 'guidance']);
  const signal = checkSignal(given);
  const { t: slot, x: input, condition: wants, output, fixedRows, kind } = onnx.bound;
  if (kind !== 'velocity' || !slot) throw argumentError('ERR_FLOW_CONFIG', 'velocity', 'a velocity graph', `a ${kind} graph`, "Export with graph: 'velocity'.");
  const d = onnx.dimension;
  if (!(x instanceof Float32Array) || x.length % d !== 0) throw argumentError('ERR_FLOW_SHAPE', 'x', `a Float32Array of rows with ${d} numbers`, x);
  const n = x.length / d;
  if (fixedRows && n !== fixedRows) throw argumentError('ERR_FLOW_SHAPE', 'x', `${fixedRows} rows (the graph is fixed to them)`, n);
  const times = ArrayBuffer.isView(t) ? floats(t, 't', n, `one time, or ${n}`) : undefined;
  if (times === undefined) finite(t, 't');
  const perRow = times !== undefined && (slot.dims.includes(-1) || onnx.info.flow !== null);
  if (times && !perRow && n !== 1) throw argumentError('ERR_FLOW_SHAPE', 't', 'one number (the graph takes one time for all rows)', t);
  const tDims = slot.dims.map((dim, i) => (dim === -1 || (perRow && i === 0 && onnx.info.flow !== null) ? n : dim));
  const values = Float64Array.from({ length: tDims.reduce((a, b) => a * b, 1) }, (_, i) => times?.[i] ?? (t as number));
  const rest = samplingCondition(condition, 'condition', conditionSpec(onnx.info, wants));
  if (rest && rest.rows !== 1 && rest.rows !== n) throw argumentError('ERR_FLOW_SHAPE', 'condition', `1 row or ${n} rows`, amount(rest.rows, 'row'));
  const scale = guidanceFeed(onnx.bound.guidance, guidance);
  const feeds = [...scale, feed(input, x.slice(), n), { name: slot.name, type: slot.type, data: convert(slot.type, values), dims: tDims }];
  if (wants && rest) feeds.push(conditionFeed(wants, rest, 0, n, n));
  const { length } = x;
  return onnx.session.call({ kind: 'run', feeds, output }, signal).then((reply) => {
    if (reply.data.length !== length) throw replyError(output, [n, d], reply);
    return reply.data;
  });
}

/** OnnxSampler.logDensity() */
export function logDensityOnnx(
  onnx: OnnxParts,
  rows: Matrix,
  options: { readonly condition?: SamplingCondition; readonly signal?: AbortSignal },
): Promise<DensityResult> {
  const given = record(options, 'options', ['condition', 'signal']);
  const signal = checkSignal(given.signal);
  const bound = onnx.bound;
  if (bound.kind !== 'log-density')
    throw argumentError('ERR_FLOW_CONFIG', 'logDensity', 'a log-density graph', `a ${bound.kind} graph`, "Export with graph: 'log-density'.");
  const d = onnx.dimension;
  const { values, rows: n } = toMatrix(rows, 'rows', { width: d, names: onnx.columns });
  const condition = samplingCondition(given.condition, 'options.condition', conditionSpec(onnx.info, bound.condition));
  if (condition && condition.rows !== 1 && condition.rows !== n)
    throw argumentError('ERR_FLOW_SHAPE', 'options.condition', `1 row or ${n} rows, one per row`, amount(condition.rows, 'row'));
  return densities(onnx, values, n, condition, signal);
}

async function densities(
  onnx: OnnxParts,
  values: Float32Array,
  n: number,
  condition: Draw['condition'],
  signal: AbortSignal | undefined,
): Promise<DensityResult> {
  signal?.throwIfAborted();
  const { bound, dimension: d } = onnx;
  const inside = onnx.info.flow?.solver;
  const nfe = (inside?.stages ?? 1) * (inside?.steps ?? 1);
  const logDensity = new Float64Array(n);
  const perCall = rowsPerCall(onnx, nfe * (d + 1), 0);
  await inTurns(Math.ceil(n / perCall), inFlight, async (index) => {
    const first = index * perCall;
    const count = Math.min(perCall, n - first);
    const rest = bound.condition && condition ? [conditionFeed(bound.condition, condition, first, count, count)] : [];
    const feeds = [feed(bound.x, values.slice(first * d, (first + count) * d), count), ...rest];
    const reply = await onnx.session.call({ kind: 'run', feeds, output: bound.output }, signal);
    if (reply.data.length !== count) throw replyError(bound.output, [count, 1], reply);
    const bad = reply.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw diverged(first + bad);
    logDensity.set(reply.data, first);
  });
  signal?.throwIfAborted();
  const perRow = { nfePerRow: new Int32Array(n).fill(nfe), status: new Uint8Array(n), unfinished: 0 };
  return { logDensity, standardError: new Float64Array(n), rows: n, nfe, ...perRow };
}

function rowsPerCall(onnx: OnnxParts, nfe: number, increments: number): number {
  if (onnx.bound.fixedRows > 0) return onnx.bound.fixedRows;
  const work = Math.max(1, onnx.info.parameters * nfe);
  const rows = Math.min(callRows.most, Math.max(callRows.least, Math.floor(callWork / work)));
  return increments === 0 ? rows : Math.max(1, Math.min(rows, Math.floor(callIncrements / increments)));
}

interface Draw {
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  /** Rows as the graph's input takes them, or null: drawn noise. */
  readonly start: Float32Array | null;
  readonly condition: { readonly values: Float32Array; readonly rows: number } | null;
  readonly scale: readonly Feed[];
  readonly plan: OnnxPlan;
  readonly signal: AbortSignal | undefined;
}
function replyError(output: string, expected: readonly number[], reply: Reply): FlowError {
  const received = `[${reply.dims}]`;
  return new FlowError('ERR_FLOW_ONNX', `output "${output}": expected the shape [${expected}], got ${received}.`, {
    path: `output "${output}"`,
    expected: `[${expected}]`,
    received,
  });
}

function diverged(row: number): FlowError {
  const hint = 'Take more steps, and look at the start row and the condition.';
  return new FlowError('ERR_FLOW_NONFINITE', `row ${row} of the result is not finite. ${hint}`, { path: `x[${row}]`, expected: 'finite values', hint });
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
