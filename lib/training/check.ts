// The options of train() and Trainer, every one checked before anything starts: defaults and ranges in one place.

import { resolveCoupling } from '../couplings/couplings.ts';
import { checkColumns } from '../data/rows.ts';
import { argumentError } from '../errors.ts';
import { resolveLoss } from '../losses/loss.ts';
import { resolveObjective, spanKind } from '../losses/objective.ts';
import { resolveWeight } from '../losses/weight.ts';
import { checkNetwork, mlp } from '../network/mlp.ts';
import { resolveOptimiser } from '../optimisers/adamw.ts';
import { checkSeed, checkSignal, choice, finite, integer, record } from '../options.ts';
import { checkFrame, trainedKinds } from '../paths/frame.ts';
import { resolvePath } from '../paths/paths.ts';
import { bridgeOf } from '../paths/schrodinger-bridge.ts';
import { trainingPrecision } from '../precision.ts';
import { resolveTime } from '../times/times.ts';
import { callback, checkCheckpoint, checkDrop, checkNormalise, checkSource, checkTable, flag } from './fields.ts';
import { trainingKeys } from './options.ts';
import { isOptimal, type Settings } from './settings.ts';
import { checkScore, checkSpans, checkTransport, checkWeight, settleScore } from './together.ts';

/** Names that newcomers try, and what is written here instead. */
export const elsewhere = {
  dim: 'columns: their names or their count',
  dimension: 'columns: their names or their count',
  width: 'columns: their names or their count',
  lr: 'optimiser: adamw({ lr: 1e-3 })',
  learningRate: 'optimiser: adamw({ lr: 1e-3 })',
  optimizer: 'optimiser: adamw({ lr: 1e-3 })',
  epochs: 'steps: one step is one batch',
  iterations: 'steps',
  batch: 'batchSize',
  hidden: 'network: mlp({ hidden: [256, 256] })',
  activation: "network: mlp({ activation: 'silu' })",
  x: 'data',
  y: 'condition: { labels }',
  labels: 'condition: { labels }',
  classes: 'condition: { labels, classes }',
  file: 'checkpoint: { file }',
} as const;

/** @throws FlowError naming the option. */
export function checkOptions(options: unknown): Settings {
  const given = record(options, 'options', trainingKeys, elsewhere);
  if (given.data === undefined || given.data === null) throw argumentError('ERR_FLOW_TYPE', 'options.data', 'rows of numbers, or a Dataset', given.data);
  if (typeof given.data === 'string')
    throw argumentError('ERR_FLOW_TYPE', 'options.data', 'rows of numbers, or a Dataset', given.data, 'A table in a file: fitTable(file), or `flowmatch fit`.');
  const precision = trainingPrecision(given.precision, 'options.precision');
  const wanted = resolveObjective(given.objective, 'options.objective');
  const bridge = wanted.name === 'scoreAndFlow' && given.path === undefined;
  const path = bridge ? bridgeOf(wanted.sigma, 'options.objective.sigma') : resolvePath(given.path, 'options.path');
  const objective = wanted.name === 'scoreAndFlow' ? settleScore(wanted.sigma, path, bridge) : wanted;
  const prediction = choice(given.prediction ?? 'velocity', 'options.prediction', trainedKinds);
  checkFrame(path, prediction, path, 'options.prediction');
  const source = checkSource(given.source);
  if (source !== null && path.sourceScale !== 1 && path.at(path.tMin).gamma === 0)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.source',
      `'gaussian', as the path ${path.name} scales its noise`,
      'rows',
      'Use a path whose source has scale 1, such as condOT().',
    );
  const coupling = resolveCoupling(given.coupling, 'options.coupling');
  const batchSize = integer(given.batchSize ?? 256, 'options.batchSize', 1, 2 ** 20);
  if (isOptimal(coupling)) checkTransport(coupling, batchSize, source?.paired === true);
  if (objective.name === 'scoreAndFlow') checkScore(given, path);
  const network = given.network === undefined ? mlp() : checkNetwork(given.network, 'options.network');
  const weight = resolveWeight(given.weight, 'options.weight');
  checkWeight(weight, path);
  const time = resolveTime(given.time, 'options.time');
  const span = spanKind(objective);
  if (network.span !== undefined && network.span !== span)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.network.span',
      `${span ?? 'nothing'} with this objective`,
      network.span,
      'Leave it out: the objective sets it.',
    );
  if (span !== undefined) checkSpans(`${objective.name}()`, path, prediction, weight, time);
  return {
    data: given.data,
    columns: checkColumns(given.columns, 'options.columns'),
    condition: given.condition,
    dropCondition: checkDrop(given.dropCondition, given.condition),
    source,
    normalise: checkNormalise(given.normalise),
    network: span === undefined ? network : Object.freeze({ ...network, span }),
    path,
    prediction,
    objective,
    loss: resolveLoss(given.loss, 'options.loss'),
    weight,
    coupling,
    time,
    optimiser: resolveOptimiser(given.optimiser, 'options.optimiser'),
    precision,
    batchSize,
    replacement: flag(given.replacement, 'options.replacement'),
    steps: integer(given.steps ?? 20_000, 'options.steps', 1),
    ema: finite(given.ema ?? 0.999, 'options.ema', 0, 1 - 2 ** -24),
    clip: finite(given.clip ?? 1, 'options.clip', 0),
    validation: finite(given.validation ?? 0.1, 'options.validation', 0, 0.9),
    evaluateEvery: integer(given.evaluateEvery ?? 500, 'options.evaluateEvery', 1),
    patience: integer(given.patience ?? 0, 'options.patience', 0),
    seed: checkSeed(given.seed, 'options.seed'),
    threads: given.threads === undefined ? 0 : integer(given.threads, 'options.threads', 1, 1024),
    signal: checkSignal(given.signal),
    onProgress: callback(given.onProgress, 'options.onProgress'),
    onResume: callback(given.onResume, 'options.onResume'),
    checkpoint: checkCheckpoint(given.checkpoint),
    table: checkTable(given.table),
  };
}
