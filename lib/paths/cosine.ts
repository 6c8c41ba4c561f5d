// The cosine path: alpha = sin(pi t / 2), sigma = cos(pi t / 2), gamma constant; alpha / sigma = rho at t = (2 / pi) atan(rho). Sources: arXiv 2412.06264, section 4;
// with a constant gamma: the variance-preserving conditional flow of Tong et al., arXiv 2302.00482, after Albergo and Vanden-Eijnden, arXiv 2209.15571.

import { record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';
import { constantNoise } from './cond-ot.ts';

const q = Math.PI / 2;

/** alpha, sigma, dAlpha, dSigma at t in [0, 1]. */
export function quarterTurn(t: number): readonly [number, number, number, number] {
  // cos(q t) as sin(q (1 - t)): exactly 0 at t = 1.
  const [alpha, sigma] = [Math.sin(q * t), Math.sin(q * (1 - t))];
  return [alpha, sigma, q * sigma, -q * alpha];
}

/** The t at which tan(pi t / 2) = rho. */
export const turnOf = (rho: number): number => Math.atan(rho) / q;

/**
 * A path that keeps the variance of standardised data at 1, turning from noise to data at an even angle.
 * @param options.sigma Width of fresh noise around the arc, as `condOT` has it around the line: 0 or in [1e-4, 10]. @default 0
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, path: cosine() })
 */
export function cosine(options: { readonly sigma?: number } = {}): AffinePath {
  const width = constantNoise(record(options, 'cosine', ['sigma'], {}, ['sigma', cosine]).sigma, 'cosine.sigma');
  return affinePath({
    name: 'cosine',
    constants: width === 0 ? {} : { sigma: width },
    sourceScale: Math.hypot(1, width),
    at: (t) => [...quarterTurn(t), width],
    timeOf: turnOf,
  });
}
