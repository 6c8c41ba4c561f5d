// Means, standard deviations and Pearson correlations of the columns of a matrix, accumulated in float64 in two passes.

import { rowCount, type Values } from './rows.ts';

export interface Moments {
  /** (columns). */
  readonly mean: Float64Array;
  /** (columns); population: divided by n. */
  readonly std: Float64Array;
  /** (columns, columns); population. */
  readonly covariance: Float64Array;
}

/** Moments of x (rows, columns), rows >= 1. */
export function moments(x: Values, columns: number): Moments {
  const rows = rowCount(x, columns, 'x');
  const mean = new Float64Array(columns);
  for (let i = 0; i < x.length; i++) mean[i % columns] = (mean[i % columns] as number) + (x[i] as number) / rows;
  const covariance = new Float64Array(columns * columns);
  const centred = new Float64Array(columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) centred[c] = (x[r * columns + c] as number) - (mean[c] as number);
    for (let a = 0; a < columns; a++) {
      for (let b = 0; b < columns; b++) {
        const at = a * columns + b;
        covariance[at] = (covariance[at] as number) + ((centred[a] as number) * (centred[b] as number)) / rows;
      }
    }
  }
  const std = Float64Array.from({ length: columns }, (_, c) => Math.sqrt(covariance[c * columns + c] as number));
  return { mean, std, covariance };
}

/** Pearson correlations (columns, columns); 1 on the diagonal, NaN beside a constant column. */
export function correlation(x: Values, columns: number): Float64Array {
  const { covariance, std } = moments(x, columns);
  return covariance.map((value, at) => {
    const [a, b] = [Math.floor(at / columns), at % columns];
    if (a === b) return 1;
    const scale = (std[a] as number) * (std[b] as number);
    return scale === 0 ? Number.NaN : Math.min(1, Math.max(-1, value / scale));
  });
}

/**
 * CorrelationSimilarity (SDMetrics): 1 - |rho_real - rho_synthetic| / 2 for each pair of columns, averaged over the pairs that both have.
 * In [0, 1]; 1 = the same correlations; NaN with fewer than two columns that vary.
 */
export function correlationSimilarity(real: Values, synthetic: Values, columns: number): number {
  const [p, q] = [correlation(real, columns), correlation(synthetic, columns)];
  let [sum, pairs] = [0, 0];
  for (let a = 0; a < columns; a++) {
    for (let b = a + 1; b < columns; b++) {
      const difference = Math.abs((p[a * columns + b] as number) - (q[a * columns + b] as number));
      if (Number.isNaN(difference)) continue;
      sum += 1 - difference / 2;
      pairs++;
    }
  }
  return sum / pairs;
}
