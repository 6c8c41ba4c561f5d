// The heart of every conversion. A network that says one of u, x1, x0, s at (t, x) says x1 and x0, as two equations hold at each t,
//   x = alpha x1 + sigma x0,   u = dAlpha x1 + dSigma x0   (and s = -x0 / sigma),
// and whatever is wanted is a mix A x1 + S x0 of the two: the velocity is (dAlpha, dSigma), the data (1, 0), the noise (0, 1), the score (0, -1 / sigma), a step
// to another point of the path (alpha', sigma'), the velocity of another path its (dAlpha, dSigma). Source: arXiv 2412.06264, section 4.

import type { PathPoint } from './path.ts';

/** What a network predicts, or a caller wants. */
export const predictionKinds = ['velocity', 'x1', 'noise', 'score'] as const;
export type PredictionKind = (typeof predictionKinds)[number];

/** wanted = x * state + value * given. */
export interface Conversion {
  readonly x: number;
  readonly value: number;
}

/** A x1 + S x0 from the state and what was given at a point; not finite where the given form does not determine it. One division each, by D, sigma or alpha. */
export function mix(given: PredictionKind, { alpha, sigma, dAlpha, dSigma }: PathPoint, A: number, S: number): Conversion {
  switch (given) {
    case 'velocity': {
      const d = dAlpha * sigma - alpha * dSigma; // D > 0 inside
      if (d === 0 && A === 0 && alpha === 0) return { x: S / sigma, value: 0 }; // a velocity of 0 says nothing, but the state is sigma x0
      return { x: (S * dAlpha - A * dSigma) / d, value: (A * sigma - S * alpha) / d };
    }
    case 'x1':
      return S === 0 ? { x: 0, value: A } : { x: S / sigma, value: (A * sigma - S * alpha) / sigma };
    case 'noise':
      return A === 0 ? { x: 0, value: S } : { x: A / alpha, value: (S * alpha - A * sigma) / alpha };
    case 'score':
      return A === 0 ? { x: 0, value: -S * sigma } : { x: A / alpha, value: ((A * sigma - S * alpha) * sigma) / alpha };
  }
}

/** A and S of a wanted form at a point of its path. */
export function target(wanted: PredictionKind, { sigma, dAlpha, dSigma }: PathPoint): readonly [A: number, S: number] {
  switch (wanted) {
    case 'velocity':
      return [dAlpha, dSigma];
    case 'x1':
      return [1, 0];
    case 'noise':
      return [0, 1];
    case 'score':
      return [0, -1 / sigma];
  }
}
