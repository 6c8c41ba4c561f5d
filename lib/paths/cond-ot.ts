// The conditional optimal-transport path: alpha = t, sigma = 1 - (1 - sigmaMin) t, gamma constant. Sources: Lipman et al., arXiv 2210.02747, eq. 20; with a
// constant gamma, as I-CFM and OT-CFM have it: Tong et al., arXiv 2302.00482, section 3.2.

import { finite, record } from '../options.ts';
import type { Path } from './path.ts';

export interface CondOTPath extends Path {
  readonly name: 'condOT';
  readonly sigmaMin: number;
  /** gamma at all t: the width of the noise around the line. */
  readonly width: number;
  readonly sourceScale: number;
  /** The t at which alpha / sigma = rho, for rho in [0, Infinity]. */
  timeOf(rho: number): number;
}

/** The value of a constant gamma: 0, or large enough to be seen in f32. */
export const constantNoise = (value: unknown, path: string): number => (value === 0 || value === undefined ? 0 : finite(value, path, 1e-4, 10));

/**
 * Straight lines from noise (t = 0) to data (t = 1).
 * @param options.sigmaMin Width of the noise left around a data point at t = 1, in [0, 1). @default 0
 * @param options.sigma Width of fresh noise around the whole line, x_t = t x1 + (1 - t) x0 + sigma eps with target x1 - x0 (the sigma of I-CFM and OT-CFM), in network
 * coordinates; 0 or in [1e-4, 10]. The flow then goes from N(0, 1 + sigma^2), or from the source rows, to the data with noise of that width. @default 0
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, path: condOT() })
 * @example train({ data, source: rows, coupling: 'minibatchOT', path: condOT({ sigma: 0.1 }) }) // OT-CFM as in the paper
 */
export function condOT(options: { readonly sigmaMin?: number; readonly sigma?: number } = {}): CondOTPath {
  const given = record(options, 'condOT', ['sigmaMin', 'sigma']);
  const sigmaMin = finite(given.sigmaMin ?? 0, 'condOT.sigmaMin', 0, 1 - 2 ** -20);
  const width = constantNoise(given.sigma, 'condOT.sigma');
  const slope = 1 - sigmaMin;
  return Object.freeze({
    name: 'condOT',
    tMin: 0,
    tMax: 1,
    sourceScale: Math.hypot(1, width),
    sigmaMin,
    width,
    at: (t: number) => ({ alpha: t, sigma: 1 - slope * t, gamma: width, dAlpha: 1, dSigma: -slope, dGamma: 0 }),
    timeOf: (rho: number) => (rho <= 0 ? 0 : Math.min(1 / (1 / rho + slope), 1)),
  });
}
