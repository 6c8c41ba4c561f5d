// The oracle of the losses in float64 (native/train/objective.h): the mean over rows of w times q / d, sqrt(q + c^2) - c, or q / sg(q + c)^power, q = |v - target|^2.

import type { Loss } from '../../losses/loss.ts';

/** Loss of a batch and its gradient in v (rows, d). */
export function objective(
  { name, c, power }: Loss,
  v: ArrayLike<number>,
  target: ArrayLike<number>,
  weights: ArrayLike<number>,
): { loss: number; gradient: Float64Array } {
  const rows = weights.length;
  const d = v.length / rows;
  const gradient = new Float64Array(v.length);
  let loss = 0;
  for (let r = 0; r < rows; r++) {
    const off = Float64Array.from({ length: d }, (_, j) => (v[r * d + j] as number) - (target[r * d + j] as number));
    const q = off.reduce((sum, e) => sum + e * e, 0);
    const root = Math.sqrt(q + c * c);
    const value = name === 'mse' ? q / d : name === 'pseudoHuber' ? root - c : q / (q + c) ** power;
    const slope = name === 'mse' ? 2 / d : name === 'pseudoHuber' ? 1 / root : 2 / (q + c) ** power;
    const share = (weights[r] as number) / rows;
    loss += share * value;
    gradient.set(
      off.map((e) => share * slope * e),
      r * d,
    );
  }
  return { loss, gradient };
}
