// Log-densities in the native core. A row goes back from data to the source, and what the flow contracts on the way is summed (arXiv 1810.01367):
//   log p(x) = log N(z0; 0, sourceScale^2 I) - integral from tMin to tMax of div v dt - sum_j log |scale_j| + d log alpha(tMax),   z = alpha (x - shift) / scale
// in nats, in the units of the data. It is the density of what sample() draws: of the learned flow, not of the data.

import { argumentError, FlowError } from '../errors.ts';
import type { ModelRecord } from '../model/record.ts';
import type { DensityRequest, Job, NativeNetwork } from '../native/binding.ts';
import type { Program } from '../network/ops.ts';
import { withDivergence, withEstimates } from '../network/tangent.ts';
import { checkSeed, choice, finite, integer, record } from '../options.ts';
import { frameOf } from '../paths/frame.ts';
import type { SamplingPrecision } from '../precision.ts';
import type { Solver } from '../solvers/solver.ts';
import { resolveFlowSolver, rk4 } from '../solvers/solvers.ts';
import { runParts } from './native.ts';
import type { IntegrateOptions } from './options.ts';
import { planEncode } from './plan.ts';

export interface DensityOptions extends Omit<IntegrateOptions, 'saveAt' | 'precision'> {
  /**
   * Arithmetic of the network and its tangents, as in `sample`: the divergence is as accurate as the velocity. 'bf16' costs a few thousandths of a nat, the others some
   * millionths. @default 'f32'
   */
  readonly precision?: SamplingPrecision;
  /** `exact`: the divergence, d + 1 times the work of sampling. `hutchinson`: random estimates of it. @default 'exact' up to 64 columns, else 'hutchinson' */
  readonly method?: 'exact' | 'hutchinson';
  /** Estimates per row, each with signs of its own for the whole solve, 1 .. 65,536; their mean is returned. Only with 'hutchinson'. @default 8 */
  readonly probes?: number;
  /**
   * What the error of the log-determinant counts for a solver with error control, in [0, 1], next to a column's 1: its tolerance is atol / weight nats, or rtol of it. 0 leaves
   * it out: then the steps are those of `encode`. Fixed steps have no use for it. @default 0.1
   */
  readonly traceWeight?: number;
  /** Seed of the estimates, an integer >= 0; row i of `rows` has the same signs whatever the other rows are. @default 0 */
  readonly seed?: number | bigint;
}

export interface DensityResult {
  /**
   * (rows) nats, in the units of the data; NaN where a solve with error control ended early (`status`). Double precision: differences of large sums are what densities are
   * used for.
   */
  readonly logDensity: Float64Array;
  /** (rows) standard error of the mean over the probes; NaN with one probe, 0 where the divergence is exact. It knows nothing of the solver's error. */
  readonly standardError: Float64Array;
  readonly rows: number;
  /** Network evaluations per row of one solve; its divergence comes beside them. With error control the mean over rows. */
  readonly nfe: number;
  /** (rows) evaluations of each row; with error control and several probes, each of which is a solve of its own, those of the longest. */
  readonly nfePerRow: Int32Array;
  /** (rows) how each row ended: 0 = at the source, else early (`rowStatus`), and it has no log-density. Fixed steps always give 0. */
  readonly status: Uint8Array;
  /** Rows whose status is not 0. */
  readonly unfinished: number;
}

export const densityKeys = ['method', 'probes', 'seed', 'solver', 'traceWeight', 'condition', 'guidance', 'precision', 'threads', 'signal'] as const;

/** Columns above which estimates are the default. */
export const exactColumns = 64;
/** Estimates that share a pass, and with it the evaluations of v. */
const together = 8;
/** Work of one native call in columns times rows: exact solves carry d tangents for each row. */
const callValues = 1 << 18;

const flowSolver = (given: unknown): Solver =>
  given === undefined ? densitySolver : resolveFlowSolver(given, 'options.solver', 'A log-density follows the flow.');

/** What the log-determinant counts in the error of a step; Zuko has 0.01. */
const traceWeight = 0.1;

/** The solver of log-densities: their error is that of the state and of the integral, so it takes more care than sampling does. */
export const densitySolver = rk4({ steps: 50 });

export interface DensityPlan {
  readonly n: number;
  readonly each: number;
  readonly signal: AbortSignal | undefined;
  readonly adaptive: boolean;
  /** What distinguishes the network with tangents that the plan runs on: 0 = exact, else estimates at a time. */
  readonly copies: number;
  readonly part: (first: number, count: number) => DensityRequest;
}

/** The program of a plan's network. */
export function densityProgram(program: Program, copies: number): Program {
  return copies === 0 ? withDivergence(program) : withEstimates(program, copies);
}

/** Checks the rows and options of `logDensity`. @throws FlowError naming the option. */
export function planDensity(model: ModelRecord, rows: unknown, options: unknown): DensityPlan {
  const given = record(options ?? {}, 'options', densityKeys);
  if (model.source === 'rows') {
    const hint = 'Its flow starts at source rows, whose density is not known. Train from Gaussian noise to score rows.';
    throw argumentError('ERR_FLOW_CONFIG', 'model.source', 'a Gaussian source', 'source rows', hint);
  }
  const { method, probes, seed, traceWeight: share, ...rest } = given;
  const d = model.dimension;
  const kind = choice(method ?? (d <= exactColumns ? 'exact' : 'hutchinson'), 'options.method', ['exact', 'hutchinson']);
  if (kind === 'exact' && probes !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'options.probes', "method: 'hutchinson'", probes, 'An exact divergence has no probes.');
  const count = kind === 'exact' ? 0 : integer(probes ?? 8, 'options.probes', 1, 65_536);
  const key = checkSeed(seed, 'options.seed');
  const solver = flowSolver(rest.solver);
  if (share !== undefined && !solver.adaptive)
    throw argumentError('ERR_FLOW_CONFIG', 'options.traceWeight', 'a solver with error control', solver.name, 'Fixed steps have no error norm: try dopri5().');
  const weight = finite(share ?? traceWeight, 'options.traceWeight', 0, 1);
  const plan = planEncode(model, rows, { ...rest, solver });
  const kept = varying(model);
  const frame = frameOf(model);
  const { alpha } = frame.path.at(frame.to);
  const units = kept?.length ?? d;
  const copies =
    kind === 'exact' && kept === null ? 0 : solver.adaptive ? (kind === 'exact' ? units : 1) : Math.min(together, kind === 'exact' ? units : count);
  const constant = units * (Math.log(alpha) - Math.log(frame.startScale) - 0.5 * Math.log(2 * Math.PI)) - logScales(model);
  const part = (first: number, rowsOf: number): DensityRequest => {
    const request = plan.part(first, rowsOf);
    prepare(request.initial as Float32Array, d, alpha, kept);
    return { ...request, save: new Int32Array(0), shift: null, scale: null, seed: key, probes: count, columns: kept, constant, weight };
  };
  const planned = { n: plan.n, each: plan.each, signal: plan.signal, adaptive: solver.adaptive !== undefined, copies, part };
  if (solver.adaptive?.control === 'batch') return planned; // all rows take one step
  const each = Math.max(1, Math.floor(callValues / (d * (kind === 'exact' ? units : copies))));
  return { ...planned, each: Math.min(each, plan.each) };
}

/** Columns that vary, or null when all do. A column that never changed in training has no density: it is left out, and its values are not read. */
function varying({ normaliser }: ModelRecord): Int32Array | null {
  if (normaliser === null || normaliser.scale.every((scale) => scale !== 0)) return null;
  const kept = Int32Array.from([...normaliser.scale.keys()].filter((j) => normaliser.scale[j] !== 0));
  if (kept.length === 0) throw argumentError('ERR_FLOW_CONFIG', 'model', 'a column that varies', 'constant columns only', 'Such a model has no density.');
  return kept;
}

/** sum_j log |scale_j| over the columns that vary. */
function logScales({ normaliser }: ModelRecord): number {
  return normaliser === null ? 0 : normaliser.scale.reduce((sum, scale) => (scale === 0 ? sum : sum + Math.log(Math.abs(scale))), 0);
}

/** Rows at the end of the frame: alpha times the data, constant columns at their place 0. */
function prepare(z: Float32Array, d: number, alpha: number, kept: Int32Array | null): void {
  if (alpha !== 1) for (let i = 0; i < z.length; i++) z[i] = alpha * (z[i] as number);
  if (kept === null) return;
  const vary = new Set(kept);
  for (let i = 0; i < z.length; i++) if (!vary.has(i % d)) z[i] = 0;
}

/** Runs a plan on the native threads. */
export async function densityNative(
  network: NativeNetwork,
  plan: DensityPlan,
  track: (job: Job<{ readonly status: 'done' | 'stopped' }>) => void = () => undefined,
): Promise<DensityResult> {
  const logDensity = new Float64Array(plan.n);
  const standardError = new Float64Array(plan.n);
  const nfePerRow = new Int32Array(plan.n);
  const status = new Uint8Array(plan.n);
  let [at, evaluations] = [0, 0];
  const start = (first: number, count: number) => network.logDensity(plan.part(first, count));
  await runParts({ ...plan, start, track }, (result) => {
    if (result.status !== 'done') throw new FlowError('ERR_FLOW_DISPOSED', 'model: it was disposed while scoring.', { path: 'model' });
    if (result.nonfiniteRow >= 0) throw notFinite('rows', at + result.nonfiniteRow);
    logDensity.set(result.logDensity, at);
    standardError.set(result.standardError, at);
    const { length } = result.logDensity;
    nfePerRow.fill(result.nfe, at, at + length);
    if (result.rowNfe) nfePerRow.set(result.rowNfe, at);
    if (result.rowStatus) status.set(result.rowStatus, at);
    at += length;
    evaluations = result.nfe;
  });
  const unfinished = status.reduce((sum, code) => sum + (code === 0 ? 0 : 1), 0);
  const nfe = plan.adaptive && plan.n > 0 ? nfePerRow.reduce((sum, count) => sum + count, 0) / plan.n : evaluations;
  return { logDensity, standardError, rows: plan.n, nfe, nfePerRow, status, unfinished };
}

function notFinite(path: string, row: number): FlowError {
  const hint = 'Take more steps, and look at the row and the condition: a row far from the data can leave the range of numbers on its way back.';
  return new FlowError('ERR_FLOW_NONFINITE', `${path}[${row}]: its result is not finite. ${hint}`, {
    path: `${path}[${row}]`,
    expected: 'a finite result',
    hint,
  });
}
