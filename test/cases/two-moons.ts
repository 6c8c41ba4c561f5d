// The two-moons simulator of the benchmark of simulation-based inference (arXiv 2101.04653, T.8), whose posterior can be drawn exactly:
//   theta ~ U(-1, 1)^2,   x = (r cos a + 1/4, r sin a) + (-|theta_1 + theta_2|, theta_2 - theta_1) / sqrt 2,   a ~ U(-pi/2, pi/2),   r ~ N(0.1, 0.01^2)

import type { Random } from '../../lib/random.ts';

const crescent = (random: Random): readonly [number, number] => {
  const [a, r] = [Math.PI * (random.uniform() - 0.5), 0.1 + 0.01 * random.normal()];
  return [r * Math.cos(a) + 0.25, r * Math.sin(a)];
};

/** Parameters and what was simulated with them, row by row. */
export function simulations(n: number, random: Random): { readonly theta: number[][]; readonly x: number[][] } {
  const theta = Array.from({ length: n }, () => [2 * random.uniform() - 1, 2 * random.uniform() - 1]);
  const x = theta.map(([a = 0, b = 0]) => {
    const [p, q] = crescent(random);
    return [p - Math.abs(a + b) / Math.SQRT2, q + (b - a) / Math.SQRT2];
  });
  return { theta, x };
}

/** Rows (n, 2) of the posterior given x: the crescent tells |theta_1 + theta_2| and theta_2 - theta_1; the sign of the sum is open. */
export function posterior([x = 0, y = 0]: readonly number[], n: number, random: Random): Float32Array {
  const rows: number[] = [];
  while (rows.length < 2 * n) {
    const [p, q] = crescent(random);
    const [size, difference] = [Math.SQRT2 * (p - x), Math.SQRT2 * (y - q)];
    const sum = random.uniform() < 0.5 ? size : -size;
    const theta = [(sum - difference) / 2, (sum + difference) / 2];
    if (size >= 0 && theta.every((value) => Math.abs(value) <= 1)) rows.push(...theta);
  }
  return Float32Array.from(rows);
}
