// How a network of average velocities is sampled: x(t + s) = x(t) + s u(x, t, s), which are Euler steps of one length s. Any other solver asks for a velocity.
// A shortcut knows the lengths 1, 1/2, ..., 1/n alone, from their multiples. Sources: Geng et al., arXiv 2505.13447, algorithm 2; Frans et al., arXiv 2410.12557.

import { argumentError } from '../errors.ts';
import type { Solver } from './solver.ts';
import { equalEuler, resolveSolver } from './solvers.ts';

const hint = 'A model of average velocities takes equal Euler steps, such as euler({ steps: 4 }).';

/** The `solver` option of a model of average velocities: euler, one step by default. @throws FlowError ERR_FLOW_CONFIG for any other solver */
export function spanSolver(value: unknown, path: string): Solver {
  if (value === undefined) return equalEuler(1);
  const solver = resolveSolver(value, path);
  if (solver.b.length !== 1 || solver.noise !== undefined || solver.adaptive !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', path, 'euler()', solver.name, hint);
  return solver;
}

/** The length of the steps of a grid. `kind` as in NetworkSpec.span. @throws FlowError ERR_FLOW_CONFIG where they are not equal, or fall, or are not known to the network */
export function spanOf(grid: ArrayLike<number>, kind: true | number, path: string): number {
  const steps = grid.length - 1;
  const span = ((grid[steps] as number) - (grid[0] as number)) / steps;
  for (let k = 0; k < steps; k++)
    if (!(span > 0) || Math.abs((grid[k + 1] as number) - (grid[k] as number) - span) > 1e-9)
      throw argumentError('ERR_FLOW_CONFIG', `${path}.grid`, 'rising times, equally far apart', `${grid[k]} .. ${grid[k + 1]} at step ${k}`, hint);
  return kind === true ? span : shortcutOf(span, grid[0] as number, kind, path);
}

/** The length exactly, where a network of shortcuts with up to `most` steps knows it and the time it starts at. */
function shortcutOf(span: number, start: number, most: number, path: string): number {
  const steps = Math.round(1 / span);
  if (Math.abs(span * steps - 1) > 1e-9 || steps > most || !Number.isInteger(Math.log2(steps))) {
    const all = Array.from({ length: Math.log2(most) + 1 }, (_, k) => 2 ** k);
    const known = all.length < 3 ? all.join(' or ') : `${all[0]}, ${all[1]}, ... or ${most}`;
    throw argumentError('ERR_FLOW_CONFIG', `${path}.steps`, `${known} equal steps over [0, 1], as the model learned them`, Number((1 / span).toFixed(6)), hint);
  }
  if (!Number.isInteger(start * steps)) throw argumentError('ERR_FLOW_CONFIG', `${path}.grid`, `times that are multiples of ${1 / steps}`, start, hint);
  return 1 / steps;
}
