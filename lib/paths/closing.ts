// The last step of a path that ends before t = 1: with v = u(t, x) at t = tMax, x(1) = x1, the prediction of the data. From the definition of u,
//   x1 = (sigma v - dSigma x) / D,  D = dAlpha sigma - alpha dSigma
// (the deterministic step of Song et al., arXiv 2010.02502, eq. 12, to sigma = 0). For data of standard deviation s it is exact to sigma^2 / (2 s^2).

import type { Path } from './path.ts';

/** x(1) = x * state + v * velocity, both at tMax. */
export interface Closing {
  readonly x: number;
  readonly v: number;
}

/** The closing step of a path; null where it ends at t = 1 already, and for bridges (gamma > 0 at tMax), whose velocity does not tell x1. */
export function closingStep(path: Path): Closing | null {
  if (path.tMax >= 1) return null;
  const { alpha, sigma, gamma, dAlpha, dSigma, dGamma } = path.at(path.tMax);
  if (gamma !== 0 || dGamma !== 0) return null;
  const d = dAlpha * sigma - alpha * dSigma;
  return d > 0 ? { x: -dSigma / d, v: sigma / d } : null;
}
