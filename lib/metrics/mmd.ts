// Squared maximum mean discrepancy with a sum of Gaussian kernels, k(x, y) = sum_s exp(-|x - y|^2 / (2 s^2)) (Gretton et al., JMLR 13, 2012). Never stored as a matrix.

import { argumentError } from '../errors.ts';
import { finite, record } from '../options.ts';
import { rowCount, type Values } from './rows.ts';

export interface MmdOptions {
  /** Widths s of the kernels, each > 0, in the unit of the rows. @default [0.01, 0.1, 1, 10, 100], as in the published two-dimensional tables */
  readonly sigmas?: readonly number[];
}

/**
 * Biased estimate of MMD squared, mean k(x, x') + mean k(y, y') - 2 mean k(x, y) over all pairs, a row with itself included: >= 0, of x (n, columns) and y (m, columns).
 * Time: (n^2 + m^2) / 2 + n m exponentials per kernel.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE for what is no sample; ERR_FLOW_RANGE for a width that is not above 0
 */
export function mmdSquared(x: Values, y: Values, columns: number, options: MmdOptions = {}): number {
  const given = record(options, 'options', ['sigmas']);
  const widths = given.sigmas ?? [0.01, 0.1, 1, 10, 100];
  if (!Array.isArray(widths) || widths.length === 0) throw argumentError('ERR_FLOW_TYPE', 'options.sigmas', 'an array of widths above 0', widths);
  const rates = Array.from(widths, (s, i) => -0.5 / finite(s, `options.sigmas[${i}]`, 1e-150, 1e150) ** 2);
  const [n, m] = [rowCount(x, columns, 'x'), rowCount(y, columns, 'y')];
  const kernel = (a: Values, i: number, b: Values, j: number): number => {
    let square = 0;
    for (let c = 0; c < columns; c++) {
      const difference = (a[i * columns + c] as number) - (b[j * columns + c] as number);
      square += difference * difference;
    }
    let sum = 0;
    for (const rate of rates) sum += Math.exp(rate * square);
    return sum;
  };
  const within = (z: Values, rows: number): number => {
    let total = 0;
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let j = 0; j < i; j++) sum += kernel(z, i, z, j);
      total += 2 * sum + rates.length;
    }
    return total / (rows * rows);
  };
  let cross = 0;
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < m; j++) sum += kernel(x, i, y, j);
    cross += sum;
  }
  return within(x, n) + within(y, m) - (2 * cross) / (n * m);
}
