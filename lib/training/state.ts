// A run as a model record and as a checkpoint, and back. Resuming compares the data and every option that shaped the past steps, and refuses by name.

import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { damaged, type ModelFile, type Section } from '../checkpoint/model-file.ts';
import { hashOf } from '../checkpoint/sha256.ts';
import { type FlowError, show } from '../errors.ts';
import { weightTable } from '../losses/weight.ts';
import type { ModelRecord } from '../model/record.ts';
import { learningRates } from '../optimisers/adamw.ts';
import { storePath } from '../paths/paths.ts';
import { quantileTable } from '../times/times.ts';
import { version } from '../version.ts';
import { recentSteps } from './log.ts';
import type { Bench } from './prepare.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';

type Json = Readonly<Record<string, unknown>>;

const digest = (data: Float64Array): string => hashOf(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).slice(0, 16);

/** The options that decide the result of a step, as JSON. `steps` may grow; a schedule is compared by the rates it gave. */
export function signature(settings: Settings): Json {
  const { path, time, optimiser } = settings;
  const { table, ...stored } = storePath(path);
  const quantiles = quantileTable(time);
  return {
    network: settings.network,
    path: table ? { ...stored, table: digest(table) } : stored,
    ...objective(settings),
    coupling: settings.coupling.name,
    time: {
      name: time.name,
      stratified: time.stratified,
      ...(time.importance ? { importance: true } : {}),
      ...(quantiles ? { quantiles: digest(quantiles) } : {}),
    },
    optimiser: { name: optimiser.name, beta1: optimiser.beta1, beta2: optimiser.beta2, epsilon: optimiser.epsilon, weightDecay: optimiser.weightDecay },
    batchSize: settings.batchSize,
    replacement: settings.replacement,
    ema: settings.ema,
    clip: settings.clip,
    validation: settings.validation,
    evaluateEvery: settings.evaluateEvery,
    patience: settings.patience,
    seed: String(settings.seed),
    normalise: settings.normalise,
    ...(settings.dropCondition > 0 ? { dropCondition: settings.dropCondition } : {}),
    source: settings.source === null ? 'gaussian' : settings.source.noise ? 'paired noise' : settings.source.paired ? 'paired rows' : 'rows',
    precision: settings.precision,
  };
}

/** Prediction, loss and weight where they are not the defaults, as JSON. */
function objective({ prediction, objective: whole, loss, weight, path }: Settings): Json {
  const own = weight && !weight.constants ? weightTable(weight, path, prediction) : null;
  return {
    ...(prediction === 'velocity' ? {} : { prediction }),
    ...(whole.name === 'velocity' ? {} : { objective: whole }),
    ...(loss.name === 'mse' ? {} : { loss }),
    ...(weight ? { weight: own ? { name: weight.name, table: digest(own) } : { name: weight.name, constants: weight.constants } } : {}),
  };
}

const scoreOf = ({ sigma, varies }: { readonly sigma: number; readonly varies?: true }) => ({ sigma, ...(varies ? { varies } : {}) });

/** The weights that are the model now: the best, else the running mean, else the parameters. */
function weightsOf(run: Run): Section {
  return run.best !== null ? 'best' : run.settings.ema > 0 ? 'ema' : 'parameters';
}

/** The weights of the model, read at once: nothing may be in flight. */
export function readWeights(run: Run): Float32Array {
  return run.best?.weights.slice() ?? run.bench.native.state(run.settings.ema > 0 ? 'ema' : 'parameters');
}

/** The same, copied off the JavaScript thread. */
export async function copyWeights(run: Run): Promise<Float32Array> {
  return run.best?.weights.slice() ?? run.bench.native.copy(run.settings.ema > 0 ? 'ema' : 'parameters').done;
}

/** The model as it stands, with these weights. */
export function recordOf(run: Run, weights: Float32Array): ModelRecord {
  const { settings, bench, log } = run;
  const { optimiser } = settings;
  const values = log.count > 0 && log.window > 1 ? [...log.values, log.sum / log.count] : log.values;
  return {
    network: settings.network,
    dimension: bench.dimension,
    columns: bench.columns,
    condition: bench.condition,
    conditionNormaliser: bench.conditionNormaliser,
    normaliser: bench.normaliser,
    path: storePath(settings.path),
    prediction: settings.prediction,
    ...(settings.objective.name === 'scoreAndFlow' ? { score: scoreOf(settings.objective) } : {}),
    source: settings.source === null || settings.source.noise ? 'gaussian' : 'rows',
    table: settings.table,
    training: {
      steps: run.step,
      ...(run.best ? { bestStep: run.best.step } : {}),
      rows: bench.rows,
      validationRows: bench.validationRows,
      batchSize: settings.batchSize,
      seed: String(settings.seed),
      ...objective(settings),
      coupling: settings.coupling.name,
      ...run.marginals.record,
      ...(settings.source?.noise ? { source: 'paired noise' } : {}),
      time: settings.time.stratified ? `stratified ${settings.time.name}` : settings.time.name,
      optimiser: { ...(signature(settings)['optimiser'] as Json), lr: typeof optimiser.lr === 'number' ? optimiser.lr : 'schedule' },
      ema: settings.ema,
      clip: settings.clip,
      ...(settings.precision === 'f32' ? {} : { precision: settings.precision }),
      losses: { window: log.window, values },
      validation: { steps: run.validation.map(({ step }) => step), losses: run.validation.map(({ loss }) => loss) },
    },
    parameters: weights,
    version,
  };
}

/**
 * Everything that continuing needs, as it stands at the call: the copies are asked for at once, and native jobs of a trainer run in order, so what is started later
 * comes later. The copies are made off the JavaScript thread.
 */
export async function checkpointOf(run: Run): Promise<Checkpoint> {
  const { bench, settings, log } = run;
  const names = ['parameters', ...(settings.ema > 0 ? (['ema'] as const) : []), 'firstMoment', 'secondMoment'] as const;
  const copies = Promise.all(names.map((name) => bench.native.copy(name).done));
  copies.catch(() => undefined); // seen below
  const weights = weightsOf(run);
  const trainer = {
    step: run.step,
    steps: settings.steps,
    options: signature(settings),
    data: { rows: bench.rows, ...bench.hashes },
    rates: run.rates.text,
    lr: typeof settings.optimiser.lr === 'number' ? settings.optimiser.lr : null,
    best: run.best && { step: run.best.step, loss: run.best.loss },
    stale: run.stale,
    log: { window: log.window, sum: log.sum, count: log.count },
    ...run.marginals.record,
  };
  const logs = new Map([
    ['log.losses', Float64Array.from(log.values)],
    ['log.recent', Float64Array.from(log.recent)],
    ['log.validation', Float64Array.from(run.validation.flatMap(({ step, loss }) => [step, loss]))],
  ]);
  const record = recordOf(run, new Float32Array(0));
  const best = run.best?.weights;
  const sections = new Map<Section, Float32Array>((await copies).map((data, i) => [names[i] as Section, data]));
  if (best) sections.set('best', best);
  return { record: { ...record, parameters: sections.get(weights) as Float32Array }, weights, sections, trainer, logs };
}

const refuse = (path: string, problem: string, hint: string): FlowError => damaged(path, problem, hint);

/** Puts a run where the checkpoint stands. @throws ERR_FLOW_CHECKPOINT naming the column, the data or the option that differs. */
export function restoreRun(run: Run, file: string, found: ModelFile): void {
  const { settings, bench, log } = run;
  const state = found.trainer as Json;
  const bad = (what: string): FlowError =>
    refuse(`header.__metadata__.trainer.${what}`, 'is not as this library writes it', 'The file is damaged, or was edited.');
  if (typeof state !== 'object' || state === null) throw bad('*');
  compareData(bench, file, found.record, state['data'] as Json);
  compareOptions(state['options'] as Json, signature(settings), file);
  const step = state['step'];
  if (!Number.isSafeInteger(step) || (step as number) < 0) throw bad('step');
  run.step = step as number;
  if (run.step > settings.steps)
    throw refuse('options.steps', `the checkpoint stands at step ${run.step}, ${settings.steps} are asked for`, 'Ask for more steps, or for another file.');
  for (let first = 0; first < run.step; first += 4096) run.rates.add(learningRates(settings.optimiser, first, Math.min(4096, run.step - first)));
  if (run.rates.text !== state['rates']) {
    const was = typeof state['lr'] === 'number' ? `a constant ${state['lr']} in file` : 'another schedule in file';
    throw refuse(
      'options.optimiser.lr',
      `${was}, ${typeof settings.optimiser.lr === 'number' ? settings.optimiser.lr : 'a schedule'} now: the past steps differ`,
      'Use the same learning rates, or another checkpoint file.',
    );
  }
  if (!run.marginals.restore(state['marginals'])) throw bad('marginals');
  const section = (name: Section): Float32Array => {
    const data = found.sections.get(name);
    if (data === undefined) throw damaged(`tensors["${name}.*"]`, 'are missing');
    return data;
  };
  const parameters = section('parameters');
  const ema = settings.ema > 0 ? section('ema') : parameters;
  const { window, sum, count } = (state['log'] ?? {}) as Json;
  if (!Number.isSafeInteger(window) || !Number.isSafeInteger(count) || !Number.isFinite(sum)) throw bad('log');
  [log.window, log.sum, log.count] = [window as number, sum as number, count as number];
  const series = (name: string): Float64Array => {
    const data = found.logs.get(`log.${name}`)?.data;
    if (!(data instanceof Float64Array) || data.length > 2 ** 24) throw damaged(`tensors["log.${name}"]`, 'is missing or not as this library writes it');
    return data;
  };
  log.values = [...series('losses')];
  log.recent = [...series('recent').slice(-recentSteps)];
  const pairs = series('validation');
  for (let i = 0; i + 1 < pairs.length; i += 2) run.validation.push({ step: pairs[i] as number, loss: pairs[i + 1] as number });
  // The evaluation at the end of a shorter run is not part of a longer one.
  if (run.step < settings.steps && (run.validation.at(-1)?.step ?? 0) % settings.evaluateEvery !== 0) run.validation.pop();
  const best = state['best'] as { step: number; loss: number } | null;
  if (best) {
    if (!Number.isSafeInteger(best.step) || !Number.isFinite(best.loss)) throw bad('best');
    run.best = { step: best.step, loss: best.loss, weights: section('best') };
  }
  if (!Number.isSafeInteger(state['stale'])) throw bad('stale');
  run.stale = state['stale'] as number;
  bench.native.restore({ parameters, ema, firstMoment: section('firstMoment'), secondMoment: section('secondMoment') }, run.step);
}

function compareData(bench: Bench, file: string, model: ModelRecord, data: Json): void {
  const hint = 'Resume with the data of the checkpoint, or give the new run another checkpoint file.';
  const list = (names: readonly string[]): string =>
    `${names.length === 1 ? 'column' : 'columns'} ${names.map((name) => JSON.stringify(name)).join(', ')} ${names.length === 1 ? 'is' : 'are'}`;
  const [old, now] = [model.columns, bench.columns];
  const fresh = old && now ? now.filter((name) => !old.includes(name)) : [];
  const gone = old && now ? old.filter((name) => !now.includes(name)) : [];
  const changes = [fresh.length > 0 ? `${list(fresh)} new` : '', gone.length > 0 ? `${list(gone)} missing` : ''].filter(Boolean).join(', ');
  if (model.dimension !== bench.dimension)
    throw refuse(file, `dim ${model.dimension} in file, ${bench.dimension} in data${changes ? `: ${changes}` : ''}`, hint);
  if (changes) throw refuse(file, `the data has other columns than the file: ${changes}`, hint);
  if (old && now && old.some((name, j) => name !== now[j]))
    throw refuse(file, `the columns stand in another order: ${old.join(', ')} in file, ${now.join(', ')} in data`, hint);
  if (data?.['rows'] !== bench.rows) throw refuse(file, `${show(data?.['rows'])} rows in file, ${bench.rows} in data`, hint);
  for (const name of ['data', 'condition', 'source'] as const) {
    const [before, here] = [data[name], bench.hashes[name]];
    if (before === here) continue;
    const what =
      before === null || here === null
        ? `${name} rows were ${before === null ? 'not ' : ''}given then, ${here === null ? 'not ' : ''}now`
        : `other ${name} rows: SHA-256 ${short(before)} in file, ${short(here)} now`;
    throw refuse(file, what, hint);
  }
}

const short = (hash: unknown): string => String(hash).slice(0, 8);

function compareOptions(before: Json, now: Json, file: string): void {
  for (const name of new Set([...Object.keys(before ?? {}), ...Object.keys(now)])) {
    const [old, here] = [JSON.stringify(before?.[name]), JSON.stringify(now[name])];
    if (old === here) continue;
    let path = `options.${name}`;
    let [a, b]: [unknown, unknown] = [before?.[name], now[name]];
    while (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
      const [left, right] = [a as Json, b as Json];
      const key = Object.keys({ ...left, ...right }).find((k) => JSON.stringify(left[k]) !== JSON.stringify(right[k])) as string;
      path += Array.isArray(left) ? `[${key}]` : `.${key}`;
      [a, b] = [left[key], right[key]];
    }
    throw refuse(path, `${show(a)} in ${file}, ${show(b)} now`, 'Use the same value, or another checkpoint file.');
  }
}
