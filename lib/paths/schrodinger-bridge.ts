// The Schroedinger-bridge path of constant diffusion: a Brownian bridge of variance sigma^2 t (1 - t) between x0 and x1,
//   x_t = t x1 + (1 - t) x0 + gamma eps,  gamma = sigma sqrt(t (1 - t)),  gamma' = sigma (1 - 2t) / (2 sqrt(t (1 - t))).
// With pairs from the entropic plan of regularisation 2 sigma^2 it is the bridge from source to data. Source: Tong et al., arXiv 2307.03672, section 3.

import { finite, record } from '../options.ts';
import type { AffinePath } from './affine.ts';

/**
 * Straight lines with the noise of a Brownian bridge around them, on [0.001, 0.999], beyond which gamma' has no bound.
 * @param options.sigma Diffusion, in the coordinates of the network (columns z-scored, where they are), in [1e-3, 100]. @default 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, source: rows, coupling: 'minibatchOT', path: schrodingerBridge({ sigma: 1 }), objective: 'scoreAndFlow' })
 */
export function schrodingerBridge(options: { readonly sigma?: number } = {}): AffinePath {
  const given = record(options, 'schrodingerBridge', ['sigma']);
  const sigma = finite(given.sigma ?? 1, 'schrodingerBridge.sigma', 1e-3, 100);
  const [tMin, tMax] = [0.001, 0.999];
  const inside = (t: number): number => Math.min(Math.max(t, tMin), tMax);
  return Object.freeze({
    name: 'schrodingerBridge',
    tMin,
    tMax,
    sourceScale: 1,
    constants: Object.freeze({ sigma }),
    at: (time: number) => {
      const t = inside(time);
      const root = Math.sqrt(t * (1 - t));
      return { alpha: t, sigma: 1 - t, gamma: sigma * root, dAlpha: 1, dSigma: -1, dGamma: (sigma * (1 - 2 * t)) / (2 * root) };
    },
    timeOf: (rho: number) => (rho <= 0 ? tMin : inside(1 / (1 / rho + 1))),
  });
}
