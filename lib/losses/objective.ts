// What training minimises as a whole. 'velocity' is the conditional flow-matching loss. scoreAndFlow is that of [SF]2M: a network of two heads v and s, and
//   |v - u|^2 + |lambda(t) s + eps|^2,  lambda = 2 gamma_t / sigma^2,
// so that s = sigma^2 / 2 grad log p_t: dX = (v + s) dt + sigma dW is the bridge, dX = (-v + s) dtau + sigma dW the way back. Source: Tong et al., arXiv 2307.03672.
// meanFlow: the network says the average velocity u(x, t, s) over the next span s of time, and learns v + s du/dt (no gradient through it), du/dt along the flow with
// the end r = t + s held fixed. Source: Geng et al., arXiv 2505.13447.

import { argumentError } from '../errors.ts';
import { finite, record } from '../options.ts';

export type Objective =
  | { readonly name: 'velocity' }
  | { readonly name: 'scoreAndFlow'; readonly sigma: number }
  | { readonly name: 'meanFlow'; readonly instant: number };

/**
 * Learn velocity and score together on a path with fresh noise, for stochastic sampling from any source and coupling.
 * @param options.sigma Diffusion of the bridge in network coordinates, in [1e-3, 100]; the default path is schrodingerBridge({ sigma }). @default 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, source: rows, coupling: 'minibatchOT', objective: scoreAndFlow({ sigma: 0.5 }) })
 */
export function scoreAndFlow(options: { readonly sigma?: number } = {}): Objective {
  const given = record(options, 'scoreAndFlow', ['sigma']);
  return Object.freeze({ name: 'scoreAndFlow', sigma: finite(given.sigma ?? 1, 'scoreAndFlow.sigma', 1e-3, 100) });
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
  const given = record(options, 'meanFlow', ['instant']);
  return Object.freeze({ name: 'meanFlow', instant: finite(given.instant ?? 0.75, 'meanFlow.instant', 0, 1 - 2 ** -24) });
}

/** The value of an `objective` option. Undefined means the velocity. */
export function resolveObjective(value: unknown, path = 'objective'): Objective {
  if (value === undefined || value === 'velocity') return Object.freeze({ name: 'velocity' });
  if (value === 'scoreAndFlow') return scoreAndFlow();
  if (value === 'meanFlow') return meanFlow();
  const given = typeof value === 'object' && value !== null ? record(value, path, ['name', 'sigma', 'instant']) : {};
  if (given.name === 'scoreAndFlow' && given.instant === undefined)
    return scoreAndFlow(given.sigma === undefined ? {} : { sigma: finite(given.sigma, `${path}.sigma`, 1e-3, 100) });
  if (given.name === 'meanFlow' && given.sigma === undefined)
    return meanFlow(given.instant === undefined ? {} : { instant: finite(given.instant, `${path}.instant`) });
  if (given.name === 'velocity' && given.sigma === undefined && given.instant === undefined) return Object.freeze({ name: 'velocity' });
  throw argumentError('ERR_FLOW_CONFIG', path, "'velocity', scoreAndFlow() or meanFlow()", value);
}
