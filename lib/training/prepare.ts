// From options to a native trainer: rows copied and hashed, split, normalised by their training part, network lowered and initialised.

import { unhurried } from '../abort.ts';
import { type ConditionSpec, trainingCondition } from '../data/condition.ts';
import { type Prepared, prepare } from '../data/dataset.ts';
import { divisor, fitNormaliser, type Normaliser } from '../data/normalise.ts';
import { amount, argumentError } from '../errors.ts';
import { headCount } from '../losses/objective.ts';
import { weightTable } from '../losses/weight.ts';
import type { Binding, NativeDataset, NativeObjective, NativeTrainer } from '../native/binding.ts';
import { buildTrainer, type StagedRequest } from '../native/build.ts';
import { conditionRows, conditionWidth, nullCondition } from '../network/condition.ts';
import { encodeProgram } from '../network/encode.ts';
import { initialiseInTurns } from '../network/initialise.ts';
import { lower } from '../network/lower.ts';
import type { Program } from '../network/ops.ts';
import { withDerivative } from '../network/tangent.ts';
import { pathForm } from '../paths/paths.ts';
import { quantileTable } from '../times/times.ts';
import { isOptimal, type Settings } from './settings.ts';
import { splitRows } from './split.ts';

/** Everything a run holds in native memory, and what was measured of the data. */
export interface Bench {
  readonly native: NativeTrainer;
  readonly program: Program;
  readonly dimension: number;
  readonly columns: readonly string[] | null;
  readonly rows: number;
  readonly validationRows: number;
  readonly condition: ConditionSpec | null;
  readonly normaliser: Normaliser | null;
  readonly conditionNormaliser: Normaliser | null;
  /** SHA-256 of each input as it was given; null where there is none. */
  readonly hashes: { readonly data: string; readonly condition: string | null; readonly source: string | null };
  dispose(): void;
}

/** Copies and prepares the data, then builds the native trainer, for a run that begins or is `resumed`. Nothing is left behind when it fails. */
export async function prepareBench(settings: Settings, binding: Binding, resumed = false): Promise<Bench> {
  const { signal, seed } = settings;
  const stores: NativeDataset[] = [];
  const keep = <T extends NativeDataset>(store: T): T => {
    stores.push(store);
    return store;
  };
  try {
    const data = await prepare(settings.data, 'options.data', settings.columns, binding, signal);
    keep(data.store);
    const { train, validation } = splitRows(data.rows, settings.validation, seed);
    if (settings.patience > 0 && validation.length === 0) {
      const hint = 'Early stopping needs held-out rows: raise options.validation or give more rows.';
      throw argumentError('ERR_FLOW_CONFIG', 'options.patience', '0, as no row is held out', settings.patience, hint);
    }
    const normaliser = await normalise(data, train, settings.normalise);
    const condition = trainingCondition(settings.condition, 'options.condition', data.rows, settings.dropCondition, resumed);
    for (const text of condition?.warnings ?? []) process.emitWarning(text, { code: 'FLOW_CONDITION_EMPTY_CLASS' });
    let beside: NativeDataset | null = null;
    let besideHash: string | null = null;
    let conditionNormaliser: Normaliser | null = null;
    if (condition !== null) {
      const { numbers } = condition.spec;
      const width = conditionWidth(condition.spec);
      beside = keep(new binding.Dataset(width));
      beside.append(conditionRows(condition.values, condition.spec));
      besideHash = await beside.hash().done;
      if (settings.normalise !== false && numbers > 0) {
        const full = await fitNormaliser(
          beside,
          train,
          Array.from({ length: width }, (_, j) => j < numbers),
        );
        await beside.normalise(full.shift, divisor(full)).done;
        conditionNormaliser = { shift: full.shift.slice(0, numbers), scale: full.scale.slice(0, numbers) };
      }
    }
    const source = await sourceRows(settings, data, normaliser, binding);
    if (source !== null) keep(source.store);
    const program = lower(settings.network, data.width, condition?.spec ?? null, headCount(settings.objective));
    const { words, constants } = encodeProgram(program);
    const { path, optimiser, coupling } = settings;
    const optimal = isOptimal(coupling) ? coupling.optimal : null;
    const ignores = optimal?.ignoreCondition === true;
    if (ignores && condition !== null) {
      const kind = coupling.name.split(' ')[0];
      const text = `${kind}({ ignoreCondition: true }) with a condition skews the noise that each condition is trained on; ${kind}() does not.`;
      process.emitWarning(text, { code: 'FLOW_COUPLING_IGNORES_CONDITION' });
    }
    signal?.throwIfAborted();
    const parameters = await unhurried(initialiseInTurns(program, seed, settings.network), signal);
    const request: StagedRequest = {
      program: words,
      constants,
      parameters,
      data: data.store,
      source: source?.store ?? null,
      sourcePaired: settings.source?.paired ?? false,
      condition: beside,
      trainRows: train,
      validationRows: validation,
      path: pathForm(path),
      times: { stratified: settings.time.stratified, tMin: path.tMin, tMax: path.tMax, quantiles: quantileTable(settings.time, path.tMin, path.tMax) },
      objective: objectiveOf(settings),
      coupling: optimal && {
        kind: 'ot',
        condition: condition !== null && !ignores,
        labels: condition?.spec.classes.length ?? 0,
        ...(optimal.batch === null ? {} : { batch: optimal.batch }),
        ...(optimal.plan === undefined ? {} : { plan: optimal.plan }),
      },
      span: spanOf(settings, program),
      dropCondition: condition?.spec.drop === undefined ? null : { probability: condition.spec.drop, row: nullCondition(condition.spec) },
      batchSize: settings.batchSize,
      steps: settings.steps,
      seed,
      replacement: settings.replacement,
      beta1: optimiser.beta1,
      beta2: optimiser.beta2,
      epsilon: optimiser.epsilon,
      weightDecay: optimiser.weightDecay,
      emaDecay: settings.ema,
      emaWarmup: true,
      clip: settings.clip,
      threads: settings.threads,
      precision: settings.precision,
    };
    const native = await buildTrainer(binding, request, signal);
    return {
      native,
      program,
      dimension: data.width,
      columns: data.names,
      rows: data.rows,
      validationRows: validation.length,
      condition: condition?.spec ?? null,
      normaliser,
      conditionNormaliser,
      hashes: { data: data.hash, condition: besideHash, source: source?.hash ?? null },
      dispose: () => {
        native.dispose();
        for (const store of stores) store.dispose();
      },
    };
  } catch (error) {
    for (const store of stores) store.dispose();
    throw error;
  }
}

/** For average velocities: how their targets are made, by mean flow with the program's derivative along the flow; null for velocities. */
function spanOf({ objective }: Settings, program: Program): NonNullable<StagedRequest['span']> | null {
  if (objective.name === 'shortcut') {
    const { instant, mostSteps, limit = 0, teacher } = objective;
    return { instant, mostSteps, limit, ema: teacher === 'ema' };
  }
  if (objective.name !== 'meanFlow') return null;
  const { words, constants } = encodeProgram(withDerivative(program, true));
  return { program: words, constants, instant: objective.instant };
}

/** What the network learns to say and how its rows are counted; null for the velocity, mean squared error and rows that count alike. */
function objectiveOf({ path, prediction, objective, loss, weight, time }: Settings): NativeObjective | null {
  const importance = time.importance ?? false;
  const score = objective.name === 'scoreAndFlow' ? { score: { sigma: objective.sigma, varies: objective.varies === true } } : {};
  if (objective.name === 'velocity' && prediction === 'velocity' && loss.name === 'mse' && weight === null && !importance) return null;
  return { target: prediction, loss: loss.name, c: loss.c, power: loss.power, weights: weightTable(weight, path, prediction), importance, ...score };
}

/** z-scores the data in place by its training rows; null in raw coordinates. */
async function normalise(data: Prepared, train: Uint32Array, option: Settings['normalise']): Promise<Normaliser | null> {
  if (option === false) return null;
  const mask = option === true ? Array<boolean>(data.width).fill(true) : option;
  if (mask.length !== data.width) throw argumentError('ERR_FLOW_SHAPE', 'options.normalise', `${data.width} marks, one per column`, `${mask.length} marks`);
  const normaliser = await fitNormaliser(data.store, train, mask);
  await data.store.normalise(normaliser.shift, divisor(normaliser)).done;
  return normaliser;
}

/** Source rows in the coordinates of the data; noise is in them already. */
async function sourceRows(settings: Settings, data: Prepared, normaliser: Normaliser | null, binding: Binding): Promise<Prepared | null> {
  if (settings.source === null) return null;
  const { rows, paired, noise } = settings.source;
  const source = await prepare(rows, 'options.source', { width: data.width, names: data.names }, binding, settings.signal);
  try {
    if (paired && source.rows !== data.rows)
      throw argumentError('ERR_FLOW_SHAPE', 'options.source', `${data.rows} rows, one per data row`, amount(source.rows, 'row'));
    if (normaliser !== null && !noise) await source.store.normalise(normaliser.shift, divisor(normaliser)).done;
    return source;
  } catch (error) {
    source.store.dispose();
    throw error;
  }
}
