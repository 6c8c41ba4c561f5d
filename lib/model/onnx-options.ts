// What an export can be told, apart from the graphs, which load with the ONNX messages on first use: so that a wrong option is an error at once.

import type { Guidance } from '../network/guidance.ts';
import { choice, integer } from '../options.ts';
import type { Solver } from '../solvers/solver.ts';
import { resolveSolver } from '../solvers/solvers.ts';

export const graphKinds = ['velocity', 'sampler', 'log-density'] as const;
export type GraphKind = (typeof graphKinds)[number];

export interface OnnxOptions {
  /**
   * `velocity`: inputs x, t, condition; output v. `sampler`: inputs noise, grid (optional), condition; output x. A stochastic solver takes `increments` (steps,
   * rows, columns) of standard normal numbers instead of a grid. `log-density`: inputs x (data rows), condition; output logDensity. @default 'sampler'
   */
  readonly graph?: GraphKind;
  /**
   * The solver inside a sampler or log-density graph, or its name. In a sampler graph its steps or grid are the default of the input `grid`; a log-density graph
   * is fixed to them. @default midpoint({ steps: 50 }), and rk4({ steps: 50 }) for log-densities, the steps that distil() made a model for, euler({ steps: 1 }) for average velocities,
   * whose steps (at most 128) are written out without a loop and without the input `grid`
   */
  readonly solver?: Solver | string;
  /** Steps of the solver inside a sampler graph, 1 .. 100,000 evaluations; leave out for those of `solver`, and beside a solver that was made with others. */
  readonly steps?: number;
  /**
   * The input `grid` of a sampler graph. `optional`: left out, the solver's own times hold; onnxruntime for Python, C and C# can replace them, its JavaScript
   * packages cannot give an optional input (loadOnnx can). `required`: every call gives the times. @default 'optional'
   */
  readonly grid?: 'optional' | 'required';
  /**
   * How strongly the graph follows the condition, as in sample(): a constant of the graph, or 'input' (also as the scale of an interval): a required input
   * `guidance` of one number. A guided graph evaluates both sides of the mixture at every stage; 0 leaves the condition out altogether. @default 1
   */
  readonly guidance?: Guidance | 'input' | { readonly scale: 'input'; readonly interval?: readonly [number, number] };
  /** ONNX operator set, from the lowest that has every operator used (13; 17 with layer norm) to 26. @default 17 */
  readonly opset?: number;
}

const highestOpset = 26;
export const defaultOpset = 17;

/** The options that say something without a model. @throws FlowError naming the option, also a solver that is none */
export function onnxSettings(options: OnnxOptions): { readonly kind: GraphKind; readonly gridRequired: boolean; readonly opset: number } {
  const kind = choice(options.graph ?? 'sampler', 'options.graph', graphKinds);
  if (options.solver !== undefined) resolveSolver(options.solver, 'options.solver');
  const gridRequired = choice(options.grid ?? 'optional', 'options.grid', ['optional', 'required']) === 'required';
  return { kind, gridRequired, opset: integer(options.opset ?? defaultOpset, 'options.opset', 1, highestOpset) };
}
