// The variance-preserving diffusion as a path: T = (1-t)^2 (B - b) / 2 + (1-t) b, alpha = e^(-T/2), sigma = sqrt(1 - e^-T);
// alpha / sigma = rho where T = log(1 + rho^-2). Source: Song et al., arXiv 2011.13456, turned to t = 0 noise, t = 1 data.

import { finite, record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';

/**
 * The path of variance-preserving diffusion models, with noise rates from betaMin (at the data) to betaMax (at the noise), on [0, 0.999], where sigma is 0.01.
 * At t = 0 the noise still holds e^(-(betaMin + betaMax) / 4) of the data (0.0066 by default), which sampling leaves out.
 * @param options.betaMin In [0.01, 5]. @default 0.1
 * @param options.betaMax In [10, 100]. @default 20
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, path: vp() })
 */
export function vp(options: { readonly betaMin?: number; readonly betaMax?: number } = {}): AffinePath {
  const given = record(options, 'vp', ['betaMin', 'betaMax']);
  const b = finite(given.betaMin ?? 0.1, 'vp.betaMin', 0.01, 5);
  const B = finite(given.betaMax ?? 20, 'vp.betaMax', 10, 100);
  return affinePath({
    name: 'vp',
    constants: { betaMin: b, betaMax: B },
    tMax: 0.999,
    at: (t) => {
      const left = 1 - t;
      const T = 0.5 * left * left * (B - b) + left * b;
      const dT = -left * (B - b) - b;
      const [alpha, sigma] = [Math.exp(-T / 2), Math.sqrt(-Math.expm1(-T))];
      return [alpha, sigma, -0.5 * dT * alpha, (dT * Math.exp(-T)) / (2 * sigma)];
    },
    timeOf: (rho) => {
      const T = Math.min(Math.log1p(1 / (rho * rho)), 1e3);
      return 1 - (2 * T) / (b + Math.sqrt(b * b + 2 * (B - b) * T)); // the root without a difference of near numbers
    },
  });
}
