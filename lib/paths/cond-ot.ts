// The conditional optimal-transport path: alpha = t, sigma = 1 - (1 - sigmaMin) t. Source: Lipman et al., arXiv 2210.02747, eq. 20.

import { finite, record } from '../options.ts';
import type { Path } from './path.ts';

export interface CondOTPath extends Path {
  readonly name: 'condOT';
  readonly sigmaMin: number;
  /** The t at which alpha / sigma = rho, for rho in [0, Infinity]. */
  timeOf(rho: number): number;
}

/**
 * Straight lines from noise (t = 0) to data (t = 1).
 * @param options.sigmaMin Width of the noise left around a data point at t = 1, in [0, 1). @default 0
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_RANGE
 * @example train({ data, path: condOT() })
 */
export function condOT(options: { readonly sigmaMin?: number } = {}): CondOTPath {
  const given = record(options, 'condOT', ['sigmaMin']);
  const sigmaMin = finite(given.sigmaMin ?? 0, 'condOT.sigmaMin', 0, 1 - 2 ** -20);
  const slope = 1 - sigmaMin;
  return Object.freeze({
    name: 'condOT',
    tMin: 0,
    tMax: 1,
    sourceScale: 1,
    sigmaMin,
    at: (t: number) => ({ alpha: t, sigma: 1 - slope * t, gamma: 0, dAlpha: 1, dSigma: -slope, dGamma: 0 }),
    timeOf: (rho: number) => (rho <= 0 ? 0 : Math.min(1 / (1 / rho + slope), 1)),
  });
}
