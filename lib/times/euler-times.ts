// The times 0, 1/k, ..., (k - 1)/k at which k Euler steps look: all that a distilled flow learns. Source: Liu et al., arXiv 2209.03003, section 2.2.

import type { TimeLaw } from './time-law.ts';
import { defineTime } from './times.ts';

/** The law that draws those times evenly. */
export const eulerTimes = (k: number): TimeLaw => defineTime({ name: `${k} Euler steps`, quantile: (u) => Math.min(Math.floor(u * k), k - 1) / k });

/** k, by the name that a trained model keeps of its law; null for any other. */
export function eulerStepsOf(name: unknown): number | null {
  const found = typeof name === 'string' ? /^([1-9]\d?) Euler steps$/.exec(name) : null;
  return found === null ? null : Number(found[1]);
}
