// A solver is data: an explicit Butcher tableau, read by the native integrator, the float64 reference and the ONNX emitter.

import type { NoiseSchedule } from './noise.ts';

export interface Tableau {
  readonly name: string;
  /** Convergence order that the self-check of the order conditions (and a measurement in tests) confirms. */
  readonly order: number;
  /** Stage coefficients, strictly lower triangular: row i holds i numbers. */
  readonly a: readonly (readonly number[])[];
  readonly b: readonly number[];
  readonly c: readonly number[];
  /** b - bHat of an embedded pair; its presence makes the solver usable adaptively. */
  readonly error?: readonly number[];
  readonly errorOrder?: number;
  /** Dense output: for each stage the coefficients of theta, theta^2, ... */
  readonly dense?: readonly (readonly number[])[];
}

/** A tableau together with where to step: `steps` equal steps, or a monotone `grid` that contains both ends. */
export interface Solver extends Tableau {
  readonly steps: number;
  /** K + 1 monotone times; default `steps` equal steps on [0, 1]. */
  readonly grid?: readonly number[];
  /** Present: the solver follows dX = [u + g^2/2 s] dt + g dW instead of the flow. */
  readonly noise?: NoiseSchedule;
}
