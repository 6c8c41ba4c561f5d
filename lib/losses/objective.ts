// What training minimises as a whole. 'velocity' is the conditional flow-matching loss. scoreAndFlow is that of [SF]2M: a network of two heads v and s, and
//   |v - u|^2 + |lambda(t) s + eps|^2,  lambda = 2 gamma_t / sigma^2,
// so that s = sigma^2 / 2 grad log p_t: dX = (v + s) dt + sigma dW is the bridge, dX = (-v + s) dtau + sigma dW the way back. Source: Tong et al., arXiv 2307.03672.

import { argumentError } from '../errors.ts';
import { finite, record } from '../options.ts';

export type Objective = { readonly name: 'velocity' } | { readonly name: 'scoreAndFlow'; readonly sigma: number };

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

/** The value of an `objective` option. Undefined means the velocity. */
export function resolveObjective(value: unknown, path = 'objective'): Objective {
  if (value === undefined || value === 'velocity') return Object.freeze({ name: 'velocity' });
  if (value === 'scoreAndFlow') return scoreAndFlow();
  const given = typeof value === 'object' && value !== null ? record(value, path, ['name', 'sigma']) : {};
  if (given.name === 'velocity' && given.sigma === undefined) return Object.freeze({ name: 'velocity' });
  if (given.name !== 'scoreAndFlow') throw argumentError('ERR_FLOW_CONFIG', path, "'velocity', or scoreAndFlow()", value);
  return scoreAndFlow(given.sigma === undefined ? {} : { sigma: finite(given.sigma, `${path}.sigma`, 1e-3, 100) });
}
