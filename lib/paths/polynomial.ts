// The polynomial path: alpha = t^n, sigma = 1 - t^n; alpha / sigma = rho at t = (rho / (1 + rho))^(1/n). Source: Lipman et al., arXiv 2412.06264, section 4.

import { integer, record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';

/**
 * Straight lines run at another speed: slow near the noise for n > 1, and condOT for n = 1.
 * @param options.power n, an integer in [1, 8]. @default 2
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, path: polynomial({ power: 3 }) })
 */
export function polynomial(options: { readonly power?: number } = {}): AffinePath {
  const n = integer(record(options, 'polynomial', ['power'], {}, ['power', polynomial]).power ?? 2, 'polynomial.power', 1, 8);
  return affinePath({
    name: 'polynomial',
    constants: { power: n },
    at: (t) => {
      const slope = n * t ** (n - 1);
      return [t ** n, 1 - t ** n, slope, -slope];
    },
    timeOf: (rho) => (rho / (1 + rho)) ** (1 / n),
  });
}
