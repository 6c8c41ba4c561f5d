// Split complex numbers for the complex step: f'(x) = Im f(x + i h) / h with h = 1e-30, exact to rounding (Squire and Trapp, SIAM Review 40 (1998)).
// A matrix keeps real parts and, when any input is complex, imaginary parts; every function here is analytic where the network is.

export interface Split {
  readonly re: Float64Array;
  /** null = real. */
  readonly im: Float64Array | null;
}
export type Complex = readonly [re: number, im: number];

export const multiply = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];

export function divide([a, b]: Complex, [c, d]: Complex): Complex {
  const norm = c * c + d * d;
  return [(a * c + b * d) / norm, (b * c - a * d) / norm];
}

export const exp = ([a, b]: Complex): Complex => [Math.exp(a) * Math.cos(b), Math.exp(a) * Math.sin(b)];
export const cos = ([a, b]: Complex): Complex => [Math.cos(a) * Math.cosh(b), -Math.sin(a) * Math.sinh(b)];
export const sin = ([a, b]: Complex): Complex => [Math.sin(a) * Math.cosh(b), Math.cos(a) * Math.sinh(b)];

/** Principal square root for re > 0, without cancellation. */
export function sqrt([a, b]: Complex): Complex {
  const re = Math.sqrt((Math.hypot(a, b) + a) / 2);
  return [re, b / (2 * re)];
}

export function tanh(z: Complex): Complex {
  // tanh z = (1 - e) / (1 + e), e = exp(-2z), by symmetry for re >= 0; near 0 through sinh and cosh, which do not cancel.
  const [a, b] = z;
  if (Math.abs(a) > 20) return [Math.sign(a), b * 4 * Math.exp(-2 * Math.abs(a))];
  return divide([Math.sinh(a) * Math.cos(b), Math.cosh(a) * Math.sin(b)], [Math.cosh(a) * Math.cos(b), Math.sinh(a) * Math.sin(b)]);
}

/** erf z = 2/sqrt(pi) exp(-z^2) sum_n 2^n z^(2n+1) / (2n+1)!! (Abramowitz and Stegun 7.1.6); +-1 beyond |re z| = 6, where 1 - erf < 3e-17. */
export function erf(z: Complex): Complex {
  if (Math.abs(z[0]) > 6) return [Math.sign(z[0]), 0];
  const square = multiply(z, z);
  let term: Complex = z;
  let sum: Complex = z;
  for (let n = 1; n < 400; n++) {
    const next = multiply(term, square);
    term = [(2 * next[0]) / (2 * n + 1), (2 * next[1]) / (2 * n + 1)];
    sum = [sum[0] + term[0], sum[1] + term[1]];
    if (Math.abs(term[0]) <= 1e-17 * Math.abs(sum[0]) && Math.abs(term[1]) <= 1e-17 * Math.abs(sum[1])) break;
  }
  const [re, im] = multiply(exp([-square[0], -square[1]]), sum);
  return [re * (2 / Math.sqrt(Math.PI)), im * (2 / Math.sqrt(Math.PI))];
}

/** erf of a real number, the same series. */
export function realErf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  const square = 2 * x * x;
  let term = x;
  let sum = x;
  for (let n = 1; n < 400 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= square / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
