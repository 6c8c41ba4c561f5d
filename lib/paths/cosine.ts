// The cosine path: alpha = sin(pi t / 2), sigma = cos(pi t / 2); alpha / sigma = rho at t = (2 / pi) atan(rho). Source: arXiv 2412.06264, section 4.

import { record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';

const q = Math.PI / 2;

/**
 * A path that keeps the variance of standardised data at 1, turning from noise to data at an even angle.
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE
 * @example train({ data, path: cosine() })
 */
export function cosine(options: Readonly<Record<never, never>> = {}): AffinePath {
  record(options, 'cosine', []);
  return affinePath({
    name: 'cosine',
    at: (t) => {
      // cos(q t) as sin(q (1 - t)): exactly 0 at t = 1.
      const [alpha, sigma] = [Math.sin(q * t), Math.sin(q * (1 - t))];
      return [alpha, sigma, q * sigma, -q * alpha];
    },
    timeOf: (rho) => Math.atan(rho) / q,
  });
}
