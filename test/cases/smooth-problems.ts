// Six smooth initial value problems on [0, 1] with closed forms, linear and nonlinear: x' = w cos(wt) g(x), whose solution is a function of sin(wt).

import type { Field } from '../../lib/sampling/reference/integrate.ts';

export interface SmoothProblem {
  readonly name: string;
  readonly start: Float64Array;
  readonly field: Field;
  readonly exact: (t: number) => readonly number[];
}

const w = 10;
const { sin, cos, exp, log, sqrt, tan, sinh, cosh } = Math;
const scalar = (name: string, g: (x: number) => number, solution: (s: number) => number): SmoothProblem => ({
  name: `x' = ${w} cos(${w}t) ${name}`,
  start: Float64Array.of(solution(0)),
  field: (x, t) => x.map((v) => w * cos(w * t) * g(v)),
  exact: (t) => [solution(sin(w * t))],
});

export const smoothProblems: readonly SmoothProblem[] = [
  scalar('x', (x) => x, exp),
  scalar(
    '(-x^3)',
    (x) => -(x ** 3),
    (s) => 1 / sqrt(1 / 0.36 + 2 * s),
  ),
  scalar(
    '0.8 (1 + x^2)',
    (x) => 0.8 * (1 + x * x),
    (s) => tan(0.8 * s),
  ),
  scalar('sqrt(x)', sqrt, (s) => (sqrt(2) + s / 2) ** 2),
  {
    name: "x' = 10 cos(10t) y, y' = 10 cos(10t) x",
    start: Float64Array.of(1, 0.5),
    field: (x, t) => Float64Array.of(w * cos(w * t) * (x[1] as number), w * cos(w * t) * (x[0] as number)),
    exact: (t) => [cosh(sin(w * t)) + 0.5 * sinh(sin(w * t)), sinh(sin(w * t)) + 0.5 * cosh(sin(w * t))],
  },
  {
    name: "x' = 10 cos(10t) x, y' = 10 sin(10t) y",
    start: Float64Array.of(1, 1),
    field: (x, t) => Float64Array.of(w * cos(w * t) * (x[0] as number), w * sin(w * t) * (x[1] as number)),
    exact: (t) => [exp(sin(w * t)), exp(1 - cos(w * t))],
  },
];

/** Root mean square over 48 places on the solution of the error that one step of length h makes, by `step(from, t, h)`. */
export function localError(problem: SmoothProblem, h: number, step: (x: Float64Array, t: number, h: number) => ArrayLike<number>): number {
  const places = 48;
  let sum = 0;
  for (let i = 0; i < places; i++) {
    const t = (i / places) * (1 - h);
    const x = step(Float64Array.from(problem.exact(t)), t, h);
    problem.exact(t + h).forEach((value, j) => {
      sum += (value - (x[j] as number)) ** 2;
    });
  }
  return sqrt(sum / places);
}

/**
 * p of an error C h^p (1 + a h) in h: least squares of its logarithm over steps whose errors lie in [low, high], far above rounding and yet so small that h^p
 * leads.
 */
export function fittedPower(error: (h: number) => number, low: number, high: number): number {
  const rows: number[][] = [];
  for (let n = 8; n < 1e6; n = Math.max(n + 1, Math.round(n * 1.12))) {
    const e = error(1 / n);
    if (e < low) break;
    if (e <= high) rows.push([1, -log(n), 1 / n, log(e)]);
  }
  // Normal equations of [log C, p, a], the last column scaled to order 1.
  const scale = rows[0]?.[2] as number;
  const m = [0, 1, 2].map((i) =>
    [0, 1, 2, 3].map((j) => rows.reduce((s, r) => s + ((r[i] as number) / (i === 2 ? scale : 1)) * ((r[j] as number) / (j === 2 ? scale : 1)), 0)),
  );
  for (let i = 0; i < 3; i++) {
    for (let r = 0; r < 3; r++) {
      if (r === i) continue;
      const f = (m[r]?.[i] as number) / (m[i]?.[i] as number);
      m[r] = (m[r] as number[]).map((value, c) => value - f * (m[i]?.[c] as number));
    }
  }
  return (m[1]?.[3] as number) / (m[1]?.[1] as number);
}
