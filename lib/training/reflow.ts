// Fewer steps from a trained flow. Reflow: learn the straight lines between noise z0 and where the flow takes it, z1 = ODE(z0); the lines of the new flow cross less,
// so that few Euler steps follow them. Distillation: learn z1 - z0 only at the times 0, 1/k, ... at which k Euler steps look. Source: Liu et al., arXiv 2209.03003.

import type { TrainingCondition } from '../data/condition.ts';
import { argumentError } from '../errors.ts';
import { Model } from '../model/model.ts';
import { native } from '../native/load.ts';
import { checkSeed, integer, record } from '../options.ts';
import { eulerTimes } from '../times/euler-times.ts';
import type { TimeLaw } from '../times/time-law.ts';
import { type TrainOptions, trainingKeys } from './options.ts';
import { train } from './train.ts';

type Sampling = NonNullable<Parameters<Model['sample']>[0]>;
/** What distil() decides itself: velocities, at the times of its steps. */
type Imposed = 'time' | 'objective';
/** What a flow gives its successor; all else is trained as by train(). */
type Inherited = 'data' | 'columns' | 'source' | 'path' | 'coupling' | 'condition' | 'table';

export interface ReflowOptions extends Omit<TrainOptions, Inherited> {
  /** Pairs of noise and sample to learn from, 1 .. 1e8. @default 50_000 */
  readonly pairs?: number;
  /** Rounds of reflow, 1 .. 10: each learns from the pairs of the one before. @default 1 */
  readonly rounds?: number;
  /** How the pairs are made: as accurate as wanted. @default that of model.sample(): midpoint({ steps: 50 }), and one step for average velocities */
  readonly solver?: Sampling['solver'];
  /** For a model with a condition: one row per pair, in the form that sample() takes. */
  readonly condition?: Sampling['condition'];
  /** Guidance of the pairs, as in sample(); the new model has it built in. @default 1 */
  readonly guidance?: Sampling['guidance'];
}
export interface DistilOptions extends Omit<ReflowOptions, 'rounds' | Imposed> {
  /** The k Euler steps that the new model is for, 1 .. 64: euler({ steps: k }) becomes its default solver. @default 1 */
  readonly samplingSteps?: number;
}

const own = ['pairs', 'rounds', 'solver', 'condition', 'guidance', 'samplingSteps'] as const;
const imposed: readonly string[] = ['time', 'objective'] satisfies Imposed[];
const inherited: readonly string[] = ['data', 'columns', 'source', 'path', 'coupling', 'table'] satisfies Inherited[];

/**
 * Straightens a trained flow: a new model, on condOT(), of the lines between noise and the samples it becomes. Takes the options of train() as well; the network is the model's
 * own by default. The new model draws its noise itself, and so reaches in a few Euler steps what the model needs many for; its samples can be no better than the model's.
 * With `objective: meanFlow()` it learns average velocities along those lines, which serves a single step best.
 * @throws FlowError at once, naming the option; ERR_FLOW_CONFIG for a model trained from source rows (train() with paired rows does it there). Options of sample() and train() are
 * read by them: what is wrong there rejects.
 * @example const straight = await reflow(model, { steps: 20_000, seed: 1 }); await straight.sample({ n: 1000, solver: euler({ steps: 2 }) });
 */
export function reflow(model: Model, options: ReflowOptions = {}): Promise<Model> {
  return rectify(model, options, 'reflow', null);
}

/**
 * Distils a flow into one for exactly k Euler steps: the lines of reflow(), learned at the k times alone at which those steps look. Best on a flow that reflow() has straightened.
 * @throws FlowError as reflow().
 * The new model samples and exports with these steps by default; between their times it knows no velocity, so that other solvers and log-densities say nothing.
 * @example const one = await distil(await reflow(model), { samplingSteps: 1 }); await one.sample({ n: 1000 }); // one evaluation per row
 */
export function distil(model: Model, options: DistilOptions = {}): Promise<Model> {
  const { samplingSteps } = record(options, 'options', allowed('distil'));
  const k = integer(samplingSteps ?? 1, 'options.samplingSteps', 1, 64);
  return rectify(model, options, 'distil', eulerTimes(k));
}

const allowed = (verb: 'reflow' | 'distil'): readonly string[] => [
  ...own.filter((key) => (verb === 'reflow' ? key !== 'samplingSteps' : key !== 'rounds')),
  ...trainingKeys.filter((key) => !inherited.includes(key) && !(verb === 'distil' && imposed.includes(key)) && key !== 'condition'),
];

function rectify(model: Model, options: ReflowOptions, verb: 'reflow' | 'distil', time: TimeLaw | null): Promise<Model> {
  const given = record(options, 'options', allowed(verb)) as { [key in keyof (ReflowOptions & DistilOptions)]?: unknown };
  if (!(model instanceof Model)) throw argumentError('ERR_FLOW_TYPE', 'model', 'a Model, from train() or Model.load()', model);
  const { record: taught } = model;
  if (taught.source === 'rows') {
    const hint = 'Sample it from your source rows, and train() with source: { rows, paired: true } on what comes out.';
    throw argumentError('ERR_FLOW_CONFIG', 'model', 'a model that starts from noise', 'one trained from source rows', hint);
  }
  const { pairs: count, rounds: again, samplingSteps: _, solver, condition, guidance, ...rest } = given;
  const pairs = integer(count ?? 50_000, 'options.pairs', 1, 1e8);
  const rounds = integer(again ?? 1, 'options.rounds', 1, 10);
  if (rounds > 1 && given.checkpoint !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'options.checkpoint', 'nothing, as there are several rounds', given.checkpoint, 'Call reflow() once per round.');
  const seed = checkSeed(given.seed, 'options.seed');
  const { threads, signal } = given as Pick<ReflowOptions, 'threads' | 'signal'>;
  const carry = { solver, condition, guidance, threads, signal } as Sampling;
  return inRounds(model, { rounds, pairs, seed, condition, carry, time, rest: rest as Partial<TrainOptions> });
}

interface Rounds {
  readonly rounds: number;
  readonly pairs: number;
  readonly seed: bigint;
  readonly condition: unknown;
  /** Options of sampling, and of training. */
  readonly carry: Sampling;
  readonly rest: Partial<TrainOptions>;
  readonly time: TimeLaw | null;
}

async function inRounds(model: Model, { rounds, pairs, seed, condition, carry, time, rest }: Rounds): Promise<Model> {
  const { record: taught } = model;
  const { span: _span, ...spanless } = taught.network;
  let flow = model;
  for (let round = 0; round < rounds; round++) {
    // a stream of its own per seed and round: noise that no call of sample() with a small seed draws
    const noise = await standardNormal(BigInt.asUintN(64, ~(seed * 16n + BigInt(round))), pairs, taught.dimension);
    const { sourceScale } = flow.record.path;
    const { x } = await flow.sample({ ...defined(carry), source: sourceScale === 1 ? noise : noise.map((z) => z * sourceScale) });
    const next = await train({
      network: spanless,
      normalise: taught.normaliser !== null,
      ...defined(rest),
      ...(time === null ? {} : { time }),
      data: x,
      columns: taught.columns ?? taught.dimension,
      source: { rows: noise, noise: true },
      ...(taught.condition === null ? {} : { condition: trainingForm(condition, taught.condition.classes) }),
      table: taught.table,
    });
    if (flow !== model) flow.dispose();
    flow = next;
  }
  return flow;
}

/** (rows, columns) noise, a turn of the event loop left after every millisecond or so. */
async function standardNormal(seed: bigint, rows: number, columns: number): Promise<Float32Array> {
  const out = new Float32Array(rows * columns);
  const each = Math.max(1, Math.floor(131_072 / columns));
  for (let at = 0; at < rows; at += each) {
    out.set(native().normal(seed, at, Math.min(each, rows - at), columns), at * columns);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}

/** The rows of a condition as training takes them: with the class counts of the model. */
function trainingForm(condition: unknown, classes: readonly number[]): TrainingCondition {
  if (Array.isArray(condition) || ArrayBuffer.isView(condition)) return condition as TrainingCondition;
  return { ...(condition as object), ...(classes.length > 0 ? { classes } : {}) } as TrainingCondition;
}

const defined = <T extends object>(options: T): T => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
