// How a network of average velocities is sampled: x(t + s) = x(t) + s u(x, t, s), which are Euler steps of one length s. Any other solver asks for a velocity.
// Source: Geng et al., arXiv 2505.13447, algorithm 2.

import { argumentError } from '../errors.ts';
import type { Solver } from './solver.ts';
import { euler, resolveSolver } from './solvers.ts';

const hint = 'A model of average velocities takes equal Euler steps, such as euler({ steps: 4 }).';

/** The `solver` option of a model of average velocities: euler, one step by default. @throws FlowError ERR_FLOW_CONFIG for any other solver */
export function spanSolver(value: unknown, path: string): Solver {
  if (value === undefined) return euler({ steps: 1 });
  const solver = resolveSolver(value, path);
  if (solver.b.length !== 1 || solver.noise !== undefined || solver.adaptive !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', path, 'euler()', solver.name, hint);
  return solver;
}

/** The length of the steps of a grid. @throws FlowError ERR_FLOW_CONFIG where they are not equal, or fall */
export function spanOf(grid: ArrayLike<number>, path: string): number {
  const steps = grid.length - 1;
  const span = ((grid[steps] as number) - (grid[0] as number)) / steps;
  for (let k = 0; k < steps; k++)
    if (!(span > 0) || Math.abs((grid[k + 1] as number) - (grid[k] as number) - span) > 1e-9)
      throw argumentError('ERR_FLOW_CONFIG', `${path}.grid`, 'rising times, equally far apart', `${grid[k]} .. ${grid[k + 1]} at step ${k}`, hint);
  return span;
}
