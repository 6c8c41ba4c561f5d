// A request to integrate, checked: dx/dt = v(t, x) from the source at tMin to the data at tMax (or back), by the tableau and grid of a solver. Any n is split into
// bounded native calls; row i of seed s is the same row in every split.

import { type GivenCondition, samplingCondition } from '../data/condition.ts';
import { rowLimit } from '../data/limits.ts';
import { toNetwork } from '../data/normalise.ts';
import { shapeError, toMatrix } from '../data/rows.ts';
import { amount, argumentError, type FlowError } from '../errors.ts';
import { distilledSteps, type ModelRecord } from '../model/record.ts';
import type { SampleRequest, SolveRequest } from '../native/binding.ts';
import { conditionRows, conditionWidth, nullCondition, withSpan } from '../network/condition.ts';
import { checkGuidance, type GuidanceSetting, isUnconditional } from '../network/guidance.ts';
import { checkSeed, checkSignal, integer, record } from '../options.ts';
import { frameOf } from '../paths/frame.ts';
import { type SamplingPrecision, samplingPrecision } from '../precision.ts';
import type { Solver } from '../solvers/solver.ts';
import { equalEuler, resolveSolver } from '../solvers/solvers.ts';
import { spanOf, spanSolver } from '../solvers/spans.ts';
import { encodeKeys, type IntegrateOptions, sampleKeys, samplingElsewhere } from './options.ts';
import { stepsOf } from './steps.ts';

/** Values of one native call: 4 MB of results, so that neither copying nor memory is felt. */
const callValues = 1 << 20;

/** Stages of a solve that may be kept ready: with more of them a call is its steps, and what would be kept is large. */
const keptStages = 1 << 14;

/** A checked request for n rows; `part` makes the native request of some of them. */
export interface Plan {
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  readonly times: Float64Array;
  readonly signal: AbortSignal | undefined;
  /** How much of the score head joins the velocity; 0 = none (network/heads.ts). */
  readonly head: number;
  /** States kept per row: the frames, and the final one. */
  readonly saves: number;
  /** Rows of one native call. */
  readonly each: number;
  readonly part: (first: number, count: number) => SampleRequest;
  /** Where a kept solve may serve (kept.ts). */
  readonly alike: Alike | null;
}

/** Calls of a few rows with equal `key` have the same `solve`, and differ in `start` (n, d) and in the row of the condition (c). */
export interface Alike {
  readonly key: SolveKey;
  readonly solve: () => SolveRequest;
  readonly start: Float32Array | null;
  readonly condition: Float32Array | null;
}
/** What a solve with fixed steps on a model depends on; the solver is frozen. */
export interface SolveKey {
  readonly solver: Solver;
  readonly precision: SamplingPrecision;
  readonly guidance: GuidanceSetting | null;
}

/** Checks the options of `sample`. @throws FlowError naming the option. */
export function planSample(model: ModelRecord, options: unknown): Plan {
  const given = record(options ?? {}, 'options', sampleKeys, samplingElsewhere);
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
  if (start !== null && start.rows !== n) throw argumentError('ERR_FLOW_SHAPE', 'options.source', `${n} rows, as options.n`, amount(start.rows, 'row'));
  const firstRow = integer(given.firstRow ?? 0, 'options.firstRow', 0, 2 ** 48);
  return plan(model, given, { n, firstRow, seed: checkSeed(given.seed, 'options.seed'), start: start?.values ?? null, condition, reverse: false });
}

/** Checks the rows and options of `encode`: from data back to noise. */
export function planEncode(model: ModelRecord, rows: unknown, options: unknown): Plan {
  const given = record(options ?? {}, 'options', encodeKeys, samplingElsewhere);
  const start = startRows(rows, 'rows', model, true);
  const condition = conditionOf(model, given);
  return plan(model, given, { n: start.rows, firstRow: 0, seed: checkSeed(given.seed, 'options.seed'), start: start.values, condition, reverse: true });
}

/** The condition rows and how they are followed; rows that nothing reads may be left out. */
function conditionOf(model: ModelRecord, given: { readonly condition?: unknown; readonly guidance?: unknown }): Core['condition'] {
  const guidance = checkGuidance(given.guidance, 'options.guidance', model.condition);
  if (isUnconditional(guidance) && (given.condition === undefined || given.condition === null))
    return { values: null, rows: 1, perSample: false, guidance: null };
  const rows = samplingCondition(given.condition, 'options.condition', model.condition);
  return rows && (isUnconditional(guidance) ? { ...rows, values: null, guidance: null } : { ...rows, guidance });
}

interface Core {
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  readonly start: Float32Array | null;
  /** values: null = the null row for all. */
  readonly condition: (Omit<GivenCondition, 'values'> & { readonly values: Float32Array | null; readonly guidance: GuidanceSetting | null }) | null;
  readonly reverse: boolean;
}

function plan(model: ModelRecord, given: { readonly [key in keyof IntegrateOptions]?: unknown }, core: Core): Plan {
  const { dimension: d } = model;
  const frame = frameOf(model);
  const { n, firstRow, seed, start, condition, reverse } = core;
  const kind = model.network.span;
  if (kind !== undefined && reverse) throw onlyForwards();
  const distilled = distilledSteps(model);
  const solver = (kind === undefined ? resolveSolver : spanSolver)(given.solver ?? (distilled === null ? undefined : equalEuler(distilled)), 'options.solver');
  const { grid, frames, steps: stepping, head, wholeBatch } = stepsOf(model, solver, reverse, given.saveAt);
  const precision = samplingPrecision(given.precision, 'options.precision');
  const threads = given.threads === undefined ? 0 : integer(given.threads, 'options.threads', 1, 1024);
  const signal = checkSignal(given.signal);
  const steps = grid.length - 1;
  const saves = frames.length + (frames.at(-1) === steps ? 0 : 1);
  if (n * d * saves > rowLimit) {
    throw argumentError('ERR_FLOW_LIMIT', 'options.n', `at most ${rowLimit} values in one result`, n * d * saves, 'Use sampleBatches, or fewer frames.');
  }
  if (condition !== null && condition.rows !== 1 && condition.rows !== n) {
    throw argumentError('ERR_FLOW_SHAPE', 'options.condition', `1 row or ${n} rows, one per sample`, amount(condition.rows, 'row'));
  }
  const span = kind === undefined ? null : spanOf(grid, kind, 'options.solver');
  const spanned = (rows: Float32Array | null) => (span === null ? rows : withSpan(rows, conditionWidth(model.condition), span));
  const mapped = spanned(condition && model.condition && networkCondition(model, model.condition, condition.values));
  const shared = condition === null || condition.values === null || (condition.rows === 1 && !(n === 1 && condition.perSample));
  const width = mapped === null ? 0 : mapped.length / (shared ? 1 : n);
  const guidance =
    condition?.guidance && model.condition ? { ...condition.guidance, condition: spanned(nullCondition(model.condition)) as Float32Array } : null;
  const decode = !reverse || model.source === 'rows'; // encoded noise stays in network coordinates
  const solve = (): SolveRequest => ({
    ...stepping,
    guidance,
    grid,
    save: Int32Array.from(saves === frames.length ? frames : [...frames, steps]),
    precision,
    normaliseInitial: false,
    sourceScale: frame.startScale,
    shift: decode ? (model.normaliser?.shift ?? null) : null,
    scale: decode ? (model.normaliser?.scale ?? null) : null,
  });
  const part = (first: number, count: number): SampleRequest => ({
    ...solve(),
    n: count,
    firstRow: firstRow + first,
    seed,
    threads,
    initial: start === null ? null : start.slice(first * d, (first + count) * d),
    sharedCondition: shared,
    condition: mapped && (shared ? mapped : mapped.slice(first * width, (first + count) * width)),
  });
  const each = wholeBatch ? Math.max(1, n) : Math.max(1, Math.floor(callValues / (d * saves)));
  const same = frames.length === 0 && shared && !solver.adaptive && steps * solver.b.length <= keptStages;
  const alike = same ? { key: { solver, precision, guidance: condition?.guidance ?? null }, solve, start, condition: mapped } : null;
  const times = frames.length === 0 ? new Float64Array(0) : Float64Array.from(frames, (k) => grid[k] as number);
  return { n, firstRow, seed, times, signal, head, saves, each, part, alike };
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
