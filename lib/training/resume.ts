// Trainer.resume(): the options of a new Trainer from what the checkpoint holds and what the caller gives. What a file cannot hold must be given.

import type { ModelFile } from '../checkpoint/model-file.ts';
import { builtInCoupling } from '../couplings/stored.ts';
import { argumentError, FlowError, show } from '../errors.ts';
import type { Loss } from '../losses/loss.ts';
import { type Objective, scoreAndFlow } from '../losses/objective.ts';
import type { LossWeight } from '../losses/weight.ts';
import { adamw } from '../optimisers/adamw.ts';
import { record } from '../options.ts';
import { restorePath } from '../paths/restore.ts';
import { elsewhere } from './check.ts';
import { type TrainOptions, trainingKeys } from './options.ts';

const needed = (name: string, what: string): FlowError =>
  new FlowError('ERR_FLOW_CONFIG', `options.${name}: the checkpoint was made with ${what}, which a file cannot hold. Give it again.`, {
    path: `options.${name}`,
    expected: what,
    hint: 'Give it again.',
  });

/** The options that are given; one given as undefined is not. @throws FlowError for what is no options object, and for names that no option has */
export function givenOptions(options: unknown): TrainOptions {
  if (typeof options !== 'object' || options === null) throw argumentError('ERR_FLOW_TYPE', 'options', 'an options object with data', options);
  const given = record(options, 'options', trainingKeys, elsewhere);
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as unknown as TrainOptions;
}

/** Stored options below the given ones; the values are checked like a user's own. */
export function resumedOptions(file: string, found: ModelFile, given: TrainOptions): TrainOptions {
  const object = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {});
  const trainer = object(found.trainer);
  const stored = object(trainer['options']);
  const time = object(stored['time']);
  const { name: _, ...constants } = object(stored['optimiser']);
  const weight = stored['weight'] as { name?: unknown; constants?: unknown } | undefined;
  const coupling = builtInCoupling(stored['coupling']);
  if (given.coupling === undefined && coupling === null) throw needed('coupling', `the coupling ${show(stored['coupling'])}`);
  if (given.time === undefined && time['quantiles'] !== undefined) throw needed('time', `the time law ${show(time['name'])}`);
  if (given.weight === undefined && weight !== undefined && weight.constants === undefined) throw needed('weight', `the weight ${show(weight.name)}`);
  if (given.optimiser === undefined && typeof trainer['lr'] !== 'number') throw needed('optimiser', 'a learning-rate schedule');
  if (given.source === undefined && stored['source'] !== 'gaussian') throw needed('source', 'source rows');
  if (given.condition === undefined && found.record.condition !== null) throw needed('condition', 'conditions');
  const { data } = given;
  const { columns, dimension } = found.record;
  const fits = ArrayBuffer.isView(data) || (Array.isArray(data) && (data[0] as ArrayLike<number> | undefined)?.length === dimension);
  const kept = ['precision', 'batchSize', 'replacement', 'ema', 'clip', 'validation', 'evaluateEvery', 'patience', 'normalise'].map((key) => [
    key,
    stored[key],
  ]);
  return {
    ...(fits ? { columns: columns ?? dimension } : {}),
    network: found.record.network,
    path: restorePath(found.record.path),
    ...(found.record.score
      ? { objective: scoreAndFlow(found.record.score.varies ? {} : { sigma: found.record.score.sigma }) }
      : { prediction: found.record.prediction }),
    ...(found.record.network.span === undefined ? {} : { objective: stored['objective'] as Objective }),
    ...(stored['loss'] === undefined ? {} : { loss: stored['loss'] as Loss }),
    ...(weight?.constants === undefined ? {} : { weight: weight as unknown as LossWeight }),
    ...(coupling === null ? {} : { coupling }),
    time: time['stratified'] === true ? 'stratified' : 'uniform',
    ...(given.optimiser === undefined ? { optimiser: adamw({ ...constants, lr: trainer['lr'] as number }) } : {}),
    ...(Object.fromEntries(kept) as Partial<TrainOptions>),
    ...(stored['dropCondition'] === undefined ? {} : { dropCondition: stored['dropCondition'] as number }),
    steps: trainer['steps'] as number,
    seed: /^\d{1,20}$/.test(String(stored['seed'])) ? BigInt(stored['seed'] as string) : 0n,
    table: found.record.table,
    ...given,
    checkpoint: given.checkpoint ?? file,
  };
}
