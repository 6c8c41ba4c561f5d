// Path energy and normalised path energy: NPE = |E int |v|^2 dt - W2^2| / W2^2 (Tong et al., arXiv 2302.00482, section 5). 0 = straight optimal paths.

import { argumentError } from '../errors.ts';
import { finite } from '../options.ts';
import { rowCount, type Values } from './rows.ts';

/**
 * sum_k mean |(x_{k+1} - x_k) / h_k|^2 h_k along trajectories: for Euler steps exactly the grid sum of the squared velocity.
 * @param trajectory States (K + 1, n, columns), as sample() returns them when every grid point is saved.
 * @param grid K + 1 monotone times, no two alike; K = 0 gives 0.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE, ERR_FLOW_RANGE naming the argument
 */
export function pathEnergy(trajectory: Values, grid: ArrayLike<number>, columns: number): number {
  checkGrid(grid);
  const states = grid.length;
  const rows = rowCount(trajectory, columns, 'trajectory') / states;
  if (!Number.isInteger(rows)) throw argumentError('ERR_FLOW_SHAPE', 'trajectory', `${states} states of equal size, one per time of the grid`, trajectory);
  const size = rows * columns;
  let energy = 0;
  for (let k = 0; k + 1 < states; k++) {
    const h = Math.abs((grid[k + 1] as number) - (grid[k] as number));
    let sum = 0;
    for (let i = 0; i < size; i++) sum += ((trajectory[(k + 1) * size + i] as number) - (trajectory[k * size + i] as number)) ** 2;
    energy += sum / (rows * h);
  }
  return energy;
}

/**
 * How far trajectories are from straight lines at constant speed: sum_k mean |(x_{k+1} - x_k) / h_k - (x_K - x_0) / (t_K - t_0)|^2 h_k (Liu et al.,
 * arXiv 2209.03003, section 3.2); 0 = straight, in the squared unit of the rows. Arguments as in pathEnergy().
 */
export function straightness(trajectory: Values, grid: ArrayLike<number>, columns: number): number {
  const energy = pathEnergy(trajectory, grid, columns);
  const last = grid.length - 1;
  if (last < 1) return 0;
  const size = trajectory.length / grid.length;
  let sum = 0;
  for (let i = 0; i < size; i++) sum += ((trajectory[last * size + i] as number) - (trajectory[i] as number)) ** 2;
  // The mean velocity is the constant that takes most off: energy about it = energy - |mean velocity|^2 (t_K - t_0).
  const span = Math.abs((grid[last] as number) - (grid[0] as number));
  return Math.max(0, energy - sum / ((size / columns) * span));
}

/** |energy - w2Squared| / w2Squared; w2Squared is the squared 2-Wasserstein distance between source and target, > 0. */
export function normalisedPathEnergy(energy: number, w2Squared: number): number {
  finite(w2Squared, 'w2Squared', Number.MIN_VALUE);
  return Math.abs(finite(energy, 'energy') - w2Squared) / w2Squared;
}

function checkGrid(grid: ArrayLike<number>): void {
  const list = Array.isArray(grid) || (ArrayBuffer.isView(grid) && !(grid instanceof DataView));
  if (!list || grid.length === 0) throw argumentError('ERR_FLOW_TYPE', 'grid', 'an array of times', grid);
  for (let k = 0; k < grid.length; k++) finite(grid[k], `grid[${k}]`);
  const sign = (grid[grid.length - 1] as number) < (grid[0] as number) ? -1 : 1;
  for (let k = 1; k < grid.length; k++)
    if (sign * ((grid[k] as number) - (grid[k - 1] as number)) <= 0) throw argumentError('ERR_FLOW_RANGE', `grid[${k}]`, 'monotone times', grid[k]);
}
