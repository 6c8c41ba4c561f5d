// How strongly a stochastic solver stirs: dX = [u + g^2/2 s] dt + g dW has the marginals of the flow for any g(t) >= 0, s being the score. A schedule is g^2 as a
// function of t and of the path there. Source: Song et al., arXiv 2011.13456; Ma et al., arXiv 2401.08740; memoryless: Domingo-Enrich et al., arXiv 2409.08861.

import { argumentError, callIt, FlowError, isUncalled, nameFactories } from '../errors.ts';
import { finite, record } from '../options.ts';

/** Four of the numbers of a path at t: x_t = alpha x1 + sigma x0 (paths/path.ts). */
export interface NoisePoint {
  readonly alpha: number;
  readonly sigma: number;
  readonly dAlpha: number;
  readonly dSigma: number;
}

/** g(t)^2, the variance of the noise per unit of time. Where it has no finite value the solver takes a step without noise. */
export interface NoiseSchedule {
  readonly name: string;
  /** The default: models that learnt their score use the noise of their bridge instead. */
  readonly usual?: boolean;
  variance(t: number, point: NoisePoint): number;
}

/** What a `noise` option takes: a schedule, the name of one with its defaults, or g(t) itself. */
export type NoiseOption = NoiseSchedule | 'proportional' | 'fading' | 'memoryless' | ((t: number) => number);

const strength = (options: unknown, path: string, make: (options: never) => unknown): number =>
  finite(record(options, path, ['eta'], {}, ['eta', make]).eta ?? 1, `${path}.eta`, 0, 1000);

/**
 * g^2 = 2 eta sigma_t: the drift u + eta sigma_t s needs no division at either end (for condOT it is u + eta (t u - x)).
 * @param options.eta In [0, 1000]; 0 is the flow itself. @default 1
 * @example eulerMaruyama({ steps: 200, noise: proportional({ eta: 0.5 }) })
 */
export function proportional(options: { readonly eta?: number } = {}): NoiseSchedule {
  const eta = strength(options, 'proportional', proportional);
  return Object.freeze({ name: `proportional ${eta}`, variance: (_: number, { sigma }: NoisePoint) => 2 * eta * sigma });
}

/**
 * g = eta sqrt(1 - t): strongest at the noise, gone at the data.
 * @param options.eta In [0, 1000]. @default 1
 */
export function fading(options: { readonly eta?: number } = {}): NoiseSchedule {
  const eta = strength(options, 'fading', fading);
  return Object.freeze({ name: `fading ${eta}`, variance: (t: number) => eta * eta * (1 - t) });
}

/**
 * g^2 = 2 sigma (dAlpha sigma / alpha - dSigma): the end point does not remember the noise it started from; of VP and VE it is the noise of the diffusion. It has no
 * bound where alpha = 0, so that the step from t = 0 is taken without noise.
 */
export function memoryless(): NoiseSchedule {
  return Object.freeze({
    name: 'memoryless',
    variance: (_: number, { alpha, sigma, dAlpha, dSigma }: NoisePoint) => (2 * sigma * (dAlpha * sigma - alpha * dSigma)) / alpha,
  });
}

nameFactories('noise', { proportional, fading, memoryless });

/** Schedules of the user's that are wrapped in checks already. */
const guarded = new WeakSet<object>();
function guard(name: string, variance: NoiseSchedule['variance']): NoiseSchedule {
  const schedule = Object.freeze({ name, variance });
  guarded.add(schedule);
  return schedule;
}

const usual: NoiseSchedule = Object.freeze({ ...proportional(), usual: true });
guarded.add(usual);

/** The value of a `noise` option. @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_CONFIG */
export function resolveNoise(value: unknown, path: string): NoiseSchedule {
  if (value === undefined) return usual;
  if (value === 'proportional') return proportional();
  if (value === 'fading') return fading();
  if (value === 'memoryless') return memoryless();
  if (typeof value === 'function' && !isUncalled(value)) return guard('g(t)', (t) => checked(() => (value as (t: number) => unknown)(t), t, path) ** 2);
  if (typeof value !== 'object' || value === null)
    throw argumentError(
      'ERR_FLOW_TYPE',
      path,
      "a schedule such as proportional({ eta: 1 }), 'proportional', 'fading', 'memoryless', or g(t)",
      value,
      callIt(value, 'noise'),
    );
  if (guarded.has(value)) return value as NoiseSchedule;
  const { name, variance } = record(value, path, ['name', 'variance']);
  if (typeof name !== 'string' || name === '' || name.length > 100) throw argumentError('ERR_FLOW_TYPE', `${path}.name`, 'a name of 1 to 100 characters', name);
  if (typeof variance !== 'function') throw argumentError('ERR_FLOW_TYPE', `${path}.variance`, 'a function of t and the point of the path', variance);
  return guard(name, (t, point) => checked(() => variance.call(value, t, point), t, `${path}.variance`));
}

/** A number >= 0, or not finite, which stands for no noise; what the user's function throws is the cause of a typed error. */
function checked(call: () => unknown, t: number, path: string): number {
  let value: unknown;
  try {
    value = call();
  } catch (cause) {
    throw new FlowError('ERR_FLOW_CONFIG', `${path}(${t}): expected a number, but the function threw.`, { path: `${path}(${t})`, cause });
  }
  if (typeof value !== 'number') throw argumentError('ERR_FLOW_TYPE', `${path}(${t})`, 'a number', value);
  if (value < 0) throw argumentError('ERR_FLOW_RANGE', `${path}(${t})`, 'a number >= 0', value);
  return value;
}
