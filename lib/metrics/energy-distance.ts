// Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| with Euclidean norms (Szekely and Rizzo, 2013, doi 10.1016/j.jspi.2013.03.018). O(n m d) time, no matrix.

import { choice, record } from '../options.ts';
import { rowCount, type Values } from './rows.ts';

export interface EnergyDistanceOptions {
  /** 'V': averages over all pairs, a row with itself included; >= 0, biased upwards by O(1/n). 'U': i != j only; unbiased, may be negative. @default 'V' */
  readonly statistic?: 'V' | 'U';
}

/** Energy distance between the rows of x (n, columns) and y (m, columns): the squared form, in the unit of the rows. n, m >= 2 for 'U'. */
export function energyDistance(x: Values, y: Values, columns: number, options: EnergyDistanceOptions = {}): number {
  const { statistic } = record(options, 'options', ['statistic']);
  const unbiased = choice(statistic ?? 'V', 'options.statistic', ['V', 'U']) === 'U';
  const n = rowCount(x, columns, 'x', unbiased ? 2 : 1);
  const m = rowCount(y, columns, 'y', unbiased ? 2 : 1);
  const cross = pairSum(x, n, y, m, columns) / (n * m);
  const within = (z: Values, rows: number): number => pairSum(z, rows, z, rows, columns) / (unbiased ? rows * (rows - 1) : rows * rows);
  return 2 * cross - within(x, n) - within(y, m);
}

const block = 256;

/** Sum of |x_i - y_j| over all pairs, in blocks of rows that stay in cache; each block row is summed on its own first. */
function pairSum(x: Values, n: number, y: Values, m: number, columns: number): number {
  let total = 0;
  for (let first = 0; first < m; first += block) {
    const last = Math.min(first + block, m);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = first; j < last; j++) {
        let square = 0;
        for (let c = 0; c < columns; c++) {
          const difference = (x[i * columns + c] as number) - (y[j * columns + c] as number);
          square += difference * difference;
        }
        sum += Math.sqrt(square);
      }
      total += sum;
    }
  }
  return total;
}
