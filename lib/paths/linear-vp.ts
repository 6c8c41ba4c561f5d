// The linear variance-preserving path: alpha = t, sigma = sqrt(1 - t^2); alpha / sigma = rho at t = rho / sqrt(1 + rho^2).
// sigma' = -t / sigma has no bound at t = 1, hence tMax = 0.999; a sampler takes the rest in one closed-form step. Source: arXiv 2412.06264, section 4.

import { record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';

/**
 * A path that keeps the variance of standardised data at 1, alpha growing evenly; defined on [0, 0.999], where sigma is still 0.045.
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE
 * @example train({ data, path: linearVP() })
 */
export function linearVP(options: Readonly<Record<never, never>> = {}): AffinePath {
  record(options, 'linearVP', []);
  return affinePath({
    name: 'linearVP',
    tMax: 0.999,
    at: (t) => {
      const sigma = Math.sqrt((1 - t) * (1 + t));
      return [t, sigma, 1, -t / sigma];
    },
    timeOf: (rho) => rho / Math.hypot(1, rho),
  });
}
