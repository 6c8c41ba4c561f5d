// The oracle of average velocities in float64 (native/train/mean_flow.h): target = v + s (u_x v + u_t - u_s), the derivative by the complex step.

import type { Program } from '../../network/ops.ts';
import { directional } from './evaluate.ts';

/** Targets (rows, d) at x, t and condition rows whose last column is the span s, with velocities v (rows, d). */
export function meanTarget(
  program: Program,
  parameters: ArrayLike<number>,
  point: { readonly x: ArrayLike<number>; readonly t: ArrayLike<number>; readonly condition: ArrayLike<number> },
  v: ArrayLike<number>,
): Float64Array {
  const { dimension: d, conditionWidth: c } = program;
  const condition = Float64Array.from(point.condition, (_, i) => (i % c === c - 1 ? -1 : 0));
  const change = directional(program, parameters, point, { x: v, t: new Float64Array(point.t.length).fill(1), condition });
  return change.map((du, i) => (v[i] as number) + (point.condition[Math.floor(i / d) * c + c - 1] as number) * du);
}
