// What the options of a run ask of each other: objectives of the path and the loss, couplings of the batch, weights of the path.

import type { OptimalCoupling } from '../couplings/coupling.ts';
import { mostCoupledRows } from '../couplings/optimal.ts';
import { argumentError } from '../errors.ts';
import type { LossWeight } from '../losses/weight.ts';
import { isBridge, type Prediction } from '../paths/frame.ts';
import type { Path } from '../paths/path.ts';
import type { KnownPath } from '../paths/restore.ts';
import { diffusionOf } from '../paths/schrodinger-bridge.ts';
import type { TimeLaw } from '../times/time-law.ts';
import type { SettledObjective } from './settings.ts';

/** A coupling by transport: its batches, and rows that are free to be coupled. */
export function checkTransport(coupling: OptimalCoupling, batchSize: number, paired: boolean): void {
  if (batchSize > mostCoupledRows)
    throw argumentError(
      'ERR_FLOW_RANGE',
      'options.batchSize',
      `at most ${mostCoupledRows} with ${coupling.name.split(' ')[0]}()`,
      batchSize,
      'Its cost grows as B^2 to B^3.',
    );
  if ((coupling.optimal.batch ?? batchSize) % batchSize !== 0)
    throw argumentError('ERR_FLOW_RANGE', 'options.coupling.batch', `a multiple of the batch size ${batchSize}`, coupling.optimal.batch);
  if (paired)
    throw argumentError('ERR_FLOW_CONFIG', 'options.coupling', 'independent(), as the source rows are paired', coupling.name, 'Pairs leave nothing to couple.');
}

/** Weights made for errors of x1 are told by it. */
export function checkWeight(weight: LossWeight | null, path: KnownPath): void {
  if (weight?.constants && isBridge(path)) {
    const hint = 'It is made for errors of x1, and states here have three terms: the velocity does not tell x1.';
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.weight',
      `nothing, or a function of t, as the path ${path.name} adds fresh noise (gamma > 0)`,
      weight.name,
      hint,
    );
  }
}

/** Average velocities are told of velocities, over the whole of [0, 1], every pair of times counting alike. */
export function checkSpans(name: string, path: Path, prediction: Prediction, weight: LossWeight | null, time: TimeLaw): void {
  const hint = 'Average velocities are learned from the velocities of a path over [0, 1].';
  if (prediction !== 'velocity') throw argumentError('ERR_FLOW_CONFIG', 'options.prediction', `'velocity' with ${name}`, prediction, hint);
  if (path.tMin !== 0 || path.tMax !== 1) throw argumentError('ERR_FLOW_CONFIG', 'options.path', `a path over [0, 1] with ${name}`, path.name, hint);
  if (weight !== null) throw argumentError('ERR_FLOW_CONFIG', 'options.weight', `nothing with ${name}`, weight.name, 'A row has two times.');
  if (time.importance) throw argumentError('ERR_FLOW_CONFIG', 'options.time', 'a law without importance weights', time.name, 'A row has two times.');
}

/** The diffusion that the score head is measured by: the number given, or that of the bridge that the path is. */
export function settleScore(sigma: unknown, path: KnownPath, bridge: boolean): SettledObjective {
  if (sigma !== undefined && typeof sigma !== 'number' && !bridge) {
    const hint = 'Leave the path out, or give sigma(t) to it: path: schrodingerBridge({ sigma }).';
    throw argumentError('ERR_FLOW_CONFIG', 'options.objective.sigma', 'a number beside a path', sigma, hint);
  }
  const own = typeof sigma === 'number' ? null : diffusionOf(path);
  return Object.freeze({
    name: 'scoreAndFlow',
    sigma: typeof sigma === 'number' ? sigma : (own?.sigma ?? 1),
    ...(own?.varies ? { varies: true as const } : {}),
  });
}

/** The loss of score and flow is its own, and needs the noise of a bridge. */
export function checkScore(given: { readonly prediction?: unknown; readonly loss?: unknown; readonly weight?: unknown }, path: KnownPath): void {
  for (const name of ['prediction', 'loss', 'weight'] as const) {
    if (given[name] !== undefined && given[name] !== 'velocity' && given[name] !== 'mse' && (given[name] as { name?: unknown })?.name !== 'mse')
      throw argumentError('ERR_FLOW_CONFIG', `options.${name}`, 'nothing, as scoreAndFlow() has its own', given[name]);
  }
  if (!(path.at(0.5).gamma > 0))
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.path',
      'a path with fresh noise for scoreAndFlow()',
      path.name,
      'Use schrodingerBridge() or interpolant().',
    );
}
