// What the built-in affine paths beside condOT share: x_t = alpha x1 + sigma x0, given by constants, with the inverse of the signal-to-noise ratio.

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
  readonly tMax?: number;
  readonly sourceScale?: number;
  /** alpha, sigma, dAlpha, dSigma at t in [0, tMax]. */
  at(t: number): readonly [number, number, number, number];
  /** Unclamped; may be anything that is not in [0, tMax] for a rho beyond the ends. */
  timeOf(rho: number): number;
}

/** A frozen path from its parts; times outside [0, tMax] read the nearer end. */
export function affinePath({ name, constants = {}, tMax = 1, sourceScale = 1, at, timeOf }: Parts): AffinePath {
  const inside = (t: number): number => Math.min(Math.max(t, 0), tMax);
  return Object.freeze({
    name,
    tMin: 0,
    tMax,
    sourceScale,
    constants: Object.freeze({ ...constants }),
    at: (t: number): PathPoint => {
      const [alpha, sigma, dAlpha, dSigma] = at(inside(t));
      return { alpha, sigma, gamma: 0, dAlpha, dSigma, dGamma: 0 };
    },
    timeOf: (rho: number) => (rho <= 0 ? 0 : rho === Number.POSITIVE_INFINITY ? tMax : inside(timeOf(rho))),
  });
}
