// Time grids: K + 1 strictly monotone times in [0, 1]; ascending = noise to data, descending = data to noise.

import { argumentError } from '../errors.ts';
import { finite, integer } from '../options.ts';
import type { Solver } from './solver.ts';

/** `steps` equal steps from `from` to `to`, both included exactly. */
export function uniformGrid(steps: number, from = 0, to = 1): Float64Array {
  integer(steps, 'steps', 1, 1_000_000);
  return Float64Array.from({ length: steps + 1 }, (_, i) => (i === steps ? to : from + ((to - from) * i) / steps));
}

/** A grid of the user's: a frozen copy; throws ERR_FLOW_TYPE, ERR_FLOW_RANGE or ERR_FLOW_CONFIG naming the entry. */
export function checkGrid(value: unknown, path = 'grid'): readonly number[] {
  if (!Array.isArray(value) && !(value instanceof Float64Array)) throw argumentError('ERR_FLOW_TYPE', path, 'an array of times', value);
  if (value.length < 2 || value.length > 1_000_001) throw argumentError('ERR_FLOW_RANGE', path, '2 to 1000001 times', value);
  const grid = Array.from(value as ArrayLike<unknown>, (t, i) => finite(t, `${path}[${i}]`, 0, 1));
  const direction = Math.sign((grid[1] as number) - (grid[0] as number));
  for (let i = 1; i < grid.length; i++) {
    if (Math.sign((grid[i] as number) - (grid[i - 1] as number)) !== direction || direction === 0) {
      const expected = `a time ${direction < 0 ? 'below' : 'above'} the one before it, ${grid[i - 1]}`;
      throw argumentError('ERR_FLOW_CONFIG', `${path}[${i}]`, expected, grid[i], 'A grid rises or falls throughout.');
    }
  }
  return Object.freeze(grid);
}

/**
 * The times a solver steps through: its own grid, or equal steps over [tMin, tMax] of the path; `reverse` runs an ascending grid backwards.
 */
export function gridOf(solver: Solver, options: { readonly tMin?: number; readonly tMax?: number; readonly reverse?: boolean } = {}): Float64Array {
  const { tMin = 0, tMax = 1, reverse = false } = options;
  const grid = solver.grid ? Float64Array.from(solver.grid) : uniformGrid(solver.steps, tMin, tMax);
  const ascending = (grid[0] as number) < (grid[grid.length - 1] as number);
  return reverse && ascending ? grid.reverse() : grid;
}

/** Times inside [tMin, tMax], and whether a closing step from tMax to 1 belongs after them. */
export interface FittedGrid {
  readonly grid: Float64Array;
  readonly closes: boolean;
}

/**
 * As gridOf, with the times of the solver's own grid moved into [tMin, tMax] (what then coincides is one time). A rising grid that goes beyond tMax, as any
 * does that holds 1, asks for the closing step; so do equal steps, which have no grid. @throws FlowError ERR_FLOW_RANGE where fewer than two times are left
 */
export function fitGrid(
  solver: Solver,
  options: { readonly tMin?: number; readonly tMax?: number; readonly reverse?: boolean } = {},
  path = 'options.solver.grid',
): FittedGrid {
  const { tMin = 0, tMax = 1, reverse = false } = options;
  const wanted = gridOf(solver, options);
  const last = wanted[wanted.length - 1] as number;
  const rising = (wanted[0] as number) < last;
  const grid = wanted.map((t) => Math.min(Math.max(t, tMin), tMax)).filter((t, k, all) => k === 0 || t !== all[k - 1]);
  if (grid.length < 2)
    throw argumentError('ERR_FLOW_RANGE', path, `at least two times in [${tMin}, ${tMax}], where the path is defined`, `${wanted[0]} .. ${last}`);
  return { grid, closes: tMax < 1 && !reverse && (solver.grid ? rising && last > tMax : true) };
}
