// What training minimises as a whole. 'velocity' is the conditional flow-matching loss. scoreAndFlow is that of [SF]2M: a network of two heads v and s, and
//   |v - u|^2 + |lambda(t) s + eps|^2,  lambda = 2 gamma_t / sigma(t)^2,
// so that s = sigma(t)^2 / 2 grad log p_t: dX = (v + s) dt + sigma dW is the bridge, dX = (-v + s) dtau + sigma dW the way back. Source: Tong et al., arXiv 2307.03672.
// meanFlow: the network says the average velocity u(x, t, s) over the next span s of time, and learns v + s du/dt (no gradient through it), du/dt along the flow with
// the end r = t + s held fixed. Source: Geng et al., arXiv 2505.13447.
// shortcut: the same u, but s is 1, 1/2, ..., 1/mostSteps, and a step of length s learns what two of length s / 2 do:
//   (a + b) / 2,   a = u(x, t, s/2),   b = u(x + s/2 a, t + s/2, s/2)   (no gradient through them).
// Source: Frans et al., arXiv 2410.12557.

import { argumentError, callIt, isUncalled, nameFactories } from '../errors.ts';
import { choice, finite, integer, numbersOf, ownFields, record } from '../options.ts';

/** sigma(t) as one number, a function of t in [0, 1], or values at equidistant times from 0 to 1: what schrodingerBridge() takes. */
type Sigma = number | ((t: number) => number) | ArrayLike<number>;

export type Objective =
  | { readonly name: 'velocity' }
  | { readonly name: 'scoreAndFlow'; readonly sigma?: Sigma }
  | { readonly name: 'meanFlow'; readonly instant: number }
  | { readonly name: 'shortcut'; readonly instant: number; readonly mostSteps: number; readonly teacher: 'ema' | 'current'; readonly limit?: number };

/**
 * Learn velocity and score together on a path with fresh noise, for stochastic sampling from any source and coupling.
 * @param options.sigma Diffusion of the bridge in network coordinates, in [1e-3, 100]: a number, or sigma(t) as schrodingerBridge() takes it. Without a `path` the path is
 * schrodingerBridge({ sigma }); beside one it may be a number only. @default that of the path where it is such a bridge, else 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, source: rows, coupling: 'minibatchOT', objective: scoreAndFlow({ sigma: 0.5 }) })
 * @example train({ data, source: rows, objective: scoreAndFlow({ sigma: (t) => 1.5 - t }) })
 */
export function scoreAndFlow(options: { readonly sigma?: Sigma } = {}): Objective {
  const { sigma } = record(options, 'scoreAndFlow', ['sigma'], {}, ['sigma', scoreAndFlow]);
  if (sigma === undefined) return Object.freeze({ name: 'scoreAndFlow' });
  const expected = 'a number, a function of t, or numbers at equidistant times from 0 to 1';
  if (isUncalled(sigma)) throw argumentError('ERR_FLOW_TYPE', 'scoreAndFlow.sigma', expected, sigma);
  if (typeof sigma === 'function') return Object.freeze({ name: 'scoreAndFlow', sigma: sigma as Sigma }); // checked where a path is made of it
  const checked =
    typeof sigma === 'object' && sigma !== null
      ? Object.freeze(numbersOf(sigma, 'scoreAndFlow.sigma', expected))
      : finite(sigma, 'scoreAndFlow.sigma', 1e-3, 100);
  return Object.freeze({ name: 'scoreAndFlow', sigma: checked });
}

/**
 * Learn average velocities, for sampling in one Euler step or a few: x1 = x0 + u(x0, 0, 1). The network gets one more input, the span. Such a model samples with equal
 * Euler steps only, one by default, and has no encode(), score() or logDensity(). The loss is mse() by default: adaptive(), the paper's for images, draws the mean of
 * rows of few columns towards their mode.
 * @param options.instant Share of rows with s = 0, which learn the velocity itself, in [0, 1). The others have two times of the law, in order. @default 0.75
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example const model = await train({ data, objective: meanFlow() }); await model.sample({ n: 1000 }); // one evaluation per row
 */
export function meanFlow(options: { readonly instant?: number } = {}): Objective {
  const given = record(options, 'meanFlow', ['instant'], {}, ['instant', meanFlow]);
  return Object.freeze({ name: 'meanFlow', instant: share(given.instant ?? 0.75, 'meanFlow.instant') });
}

/**
 * Learn steps of several lengths, each from two of half the length, for sampling in 1, 2, 4, ... or mostSteps Euler steps. As with meanFlow() the network gets the span
 * as one more input, the model takes one step by default, and has no encode(), score() or logDensity(). No derivative is needed: a step costs less, and any time features do.
 * @param options.instant Share of rows with s = 0, which learn the velocity itself, in [0, 1); the others have one of the lengths and one of its multiples. @default 0.875
 * @param options.mostSteps The most Euler steps: a power of two, 1 .. 1024; steps of length 1 / mostSteps learn from the velocity. @default 128
 * @param options.teacher Weights that make the targets: the running mean of `ema`, steadier; or those at hand, ahead of it in short runs, and the same with `ema: 0`. @default 'ema'
 * @param options.limit Targets are kept within +-limit, in network coordinates; above 0. The authors have 4, for images in [-1, 1]. @default none
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example const model = await train({ data, objective: shortcut() }); await model.sample({ n: 1000, solver: euler({ steps: 4 }) });
 */
export function shortcut(
  options: { readonly instant?: number; readonly mostSteps?: number; readonly teacher?: 'ema' | 'current'; readonly limit?: number } = {},
): Objective {
  const given = record(options, 'shortcut', ['instant', 'mostSteps', 'teacher', 'limit'], {}, ['mostSteps', shortcut]);
  const mostSteps = integer(given.mostSteps ?? 128, 'shortcut.mostSteps', 1, 1024);
  if (!Number.isInteger(Math.log2(mostSteps))) throw argumentError('ERR_FLOW_RANGE', 'shortcut.mostSteps', 'a power of two', mostSteps);
  return Object.freeze({
    name: 'shortcut',
    instant: share(given.instant ?? 0.875, 'shortcut.instant'),
    mostSteps,
    teacher: choice(given.teacher ?? 'ema', 'shortcut.teacher', ['ema', 'current']),
    ...(given.limit === undefined ? {} : { limit: finite(given.limit, 'shortcut.limit', 1e-6, 1e6) }),
  });
}

const share = (value: unknown, path: string): number => finite(value, path, 0, 1 - 2 ** -24);
function velocity(options: object): Objective {
  record(options, 'objective', []);
  return Object.freeze({ name: 'velocity' });
}
const factories = { velocity, scoreAndFlow, meanFlow, shortcut };
nameFactories('objective', { scoreAndFlow, meanFlow, shortcut });

/** What the network must be told of spans for an objective: any (true), 1 / n at the least (n), or undefined for none. */
export function spanKind(objective: Objective): true | number | undefined {
  if (objective.name === 'shortcut') return objective.mostSteps;
  return objective.name === 'meanFlow' ? true : undefined;
}

/** Outputs of the network for an objective: the velocity, and the score beside it. */
export const headCount = ({ name }: Pick<Objective, 'name'>): 1 | 2 => (name === 'scoreAndFlow' ? 2 : 1);

/** The value of an `objective` option. Undefined means the velocity. */
export function resolveObjective(value: unknown, path = 'objective'): Objective {
  const { name, ...options } = typeof value === 'object' && value !== null ? ownFields(value, path) : { name: value === undefined ? 'velocity' : value };
  if (typeof name !== 'string' || !Object.hasOwn(factories, name))
    throw argumentError('ERR_FLOW_CONFIG', path, "'velocity', scoreAndFlow(), meanFlow() or shortcut()", value, callIt(value, 'objective'));
  return factories[name as keyof typeof factories](options);
}
