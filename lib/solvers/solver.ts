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
  /** Order of the embedded solution bHat. */
  readonly errorOrder?: number;
  /** Dense output: for each stage the coefficients of theta, theta^2, ...: x(t + theta h) = x + h sum_i b_i(theta) k_i. */
  readonly dense?: readonly (readonly number[])[];
  /** Order that the dense output has at every theta. */
  readonly denseOrder?: number;
}

/** How an adaptive solver chooses its steps. */
export interface StepControl {
  /** Error allowed per step, relative to the state. */
  readonly rtol: number;
  /** Error allowed per step, absolute, in network coordinates. */
  readonly atol: number;
  /** A row whose next step would be shorter ends there. 0 = ten units in the last place of its time. */
  readonly minStep: number;
  /** `integral`: the next step follows from the last error; `pi`: from the last two. */
  readonly controller: 'pi' | 'integral';
  /** `row`: every row has its own time, step and error; `batch`: one step for all rows, by the error of all. */
  readonly control: 'row' | 'batch';
}

/** A tableau together with where to step: `steps` equal steps, a monotone `grid` that contains both ends, or steps by error control. */
export interface Solver extends Tableau {
  /** Equal steps or steps of the grid; of an adaptive solver the most a row may try. */
  readonly steps: number;
  /** K + 1 monotone times; default `steps` equal steps on [0, 1]. */
  readonly grid?: readonly number[];
  /** Present: the solver follows dX = [u + g^2/2 s] dt + g dW instead of the flow. */
  readonly noise?: NoiseSchedule;
  /** Present where the solver chooses its steps. */
  readonly adaptive?: StepControl;
}
