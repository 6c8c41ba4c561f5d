// Path energy and normalised path energy: NPE = |E int |v|^2 dt - W2^2| / W2^2 (Tong et al., arXiv 2302.00482, section 5). 0 = straight optimal paths.

import { argumentError } from '../errors.ts';
import { finite } from '../options.ts';
import { rowCount, type Values } from './rows.ts';

/**
 * sum_k mean |(x_{k+1} - x_k) / h_k|^2 h_k along trajectories: for Euler steps exactly the grid sum of the squared velocity.
 * @param trajectory States (K + 1, n, columns), as sample() returns them when every grid point is saved.
 * @param grid K + 1 monotone times.
 */
export function pathEnergy(trajectory: Values, grid: ArrayLike<number>, columns: number): number {
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

/** |energy - w2Squared| / w2Squared; w2Squared is the squared 2-Wasserstein distance between source and target, > 0. */
export function normalisedPathEnergy(energy: number, w2Squared: number): number {
  finite(w2Squared, 'w2Squared', Number.MIN_VALUE);
  return Math.abs(finite(energy, 'energy') - w2Squared) / w2Squared;
}
