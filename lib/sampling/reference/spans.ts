// The oracles of average velocities in float64 (native/train/spans.h): mean flow's target v + s (u_x v + u_t - u_s), the derivative by the complex step, and a
// shortcut's, (a + b) / 2 with a = u(x, t, s/2), b = u(x + s/2 a, t + s/2, s/2).

import type { Program } from '../../network/ops.ts';
import { directional, evaluate } from './evaluate.ts';

/** x (rows, d), t (rows) and condition rows whose last column is the span s. */
interface SpanPoint {
  readonly x: ArrayLike<number>;
  readonly t: ArrayLike<number>;
  readonly condition: ArrayLike<number>;
}

/** Targets (rows, d) of mean flow, with velocities v (rows, d). */
export function meanTarget(program: Program, parameters: ArrayLike<number>, point: SpanPoint, v: ArrayLike<number>): Float64Array {
  const { dimension: d, conditionWidth: c } = program;
  const condition = Float64Array.from(point.condition, (_, i) => (i % c === c - 1 ? -1 : 0));
  const change = directional(program, parameters, point, { x: v, t: new Float64Array(point.t.length).fill(1), condition });
  return change.map((du, i) => (v[i] as number) + (point.condition[Math.floor(i / d) * c + c - 1] as number) * du);
}

/** Targets (rows, d) of a shortcut by these parameters, whose shortest span is 1 / mostSteps; rows with s = 0 keep v. */
export function shortcutTarget(
  program: Program,
  parameters: ArrayLike<number>,
  point: SpanPoint,
  v: ArrayLike<number>,
  { mostSteps, limit = Number.POSITIVE_INFINITY }: { readonly mostSteps: number; readonly limit?: number },
): Float64Array {
  const { dimension: d, conditionWidth: c } = program;
  const span = (i: number): number => point.condition[Math.floor(i / d) * c + c - 1] as number;
  const condition = Float64Array.from(point.condition, (s, i) => (i % c < c - 1 ? s : s > 1 / mostSteps ? s / 2 : 0));
  const first = evaluate(program, parameters, { ...point, condition });
  const x = first.map((a, i) => (point.x[i] as number) + (span(i) / 2) * a);
  const t = Float64Array.from(point.t, (time, r) => time + span(r * d) / 2);
  const second = evaluate(program, parameters, { x, t, condition });
  return first.map((a, i) => (span(i) === 0 ? (v[i] as number) : Math.min(Math.max((a + (second[i] as number)) / 2, -limit), limit)));
}
