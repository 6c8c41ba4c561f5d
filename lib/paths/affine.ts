// What the built-in closed-form paths beside condOT share: x_t = alpha x1 + sigma x0 (+ gamma eps), given by constants, with the inverse of alpha / sigma.

import type { Path, PathPoint } from './path.ts';

/** A built-in path: closed form, stored by its name and constants. */
export interface AffinePath extends Path {
  readonly sourceScale: number;
  readonly constants: Readonly<Record<string, number>>;
  /** The t at which alpha / sigma = rho, for rho in [0, Infinity], clamped to [tMin, tMax]. */
  timeOf(rho: number): number;
}

interface Parts {
  readonly name: string;
  readonly constants?: Readonly<Record<string, number>>;
  readonly tMin?: number;
  readonly tMax?: number;
  readonly sourceScale?: number;
  /** alpha, sigma, dAlpha, dSigma at t in [tMin, tMax], and gamma, dGamma where there is fresh noise. */
  at(t: number): readonly [number, number, number, number, number?, number?];
  /** Unclamped; may be anything that is not in [tMin, tMax] for a rho beyond the ends. */
  timeOf(rho: number): number;
}

/** A frozen path from its parts; times outside [tMin, tMax] read the nearer end. */
export function affinePath({ name, constants = {}, tMin = 0, tMax = 1, sourceScale = 1, at, timeOf }: Parts): AffinePath {
  const inside = (t: number): number => Math.min(Math.max(t, tMin), tMax);
  return Object.freeze({
    name,
    tMin,
    tMax,
    sourceScale,
    constants: Object.freeze({ ...constants }),
    at: (t: number): PathPoint => {
      const [alpha, sigma, dAlpha, dSigma, gamma = 0, dGamma = 0] = at(inside(t));
      return { alpha, sigma, gamma, dAlpha, dSigma, dGamma };
    },
    timeOf: (rho: number) => (rho <= 0 ? tMin : rho === Number.POSITIVE_INFINITY ? tMax : inside(timeOf(rho))),
  });
}
