// The law of every user coupling: indices in range, one per row; a permutation where it says so; its objective not above the independent pairing's.

import { expect, it } from 'vitest';
import type { CustomCoupling } from '../../lib/couplings/coupling.ts';
import { checkPairs } from '../../lib/couplings/couplings.ts';
import { Random } from '../../lib/random.ts';

export function couplingContract(
  coupling: CustomCoupling,
  dimension: number,
  options: { readonly permutation: boolean; readonly cost?: (a: Float32Array, b: Float32Array) => number },
): void {
  const rows = (seed: number, batch: number): Float32Array => {
    const random = new Random(seed, 1);
    return Float32Array.from({ length: batch * dimension }, () => random.normal());
  };

  it('gives one index in range per row', () => {
    for (const batch of [1, 2, 7, 64]) {
      const pairs = checkPairs(coupling.pair(rows(1, batch), rows(2, batch), null), batch);
      if (options.permutation) expect(new Set(pairs).size).toBe(batch);
    }
  });

  it('is not worse than the independent pairing by its own measure', () => {
    const { cost } = options;
    if (cost === undefined) return;
    const [x0, x1] = [rows(3, 64), rows(4, 64)];
    const row = (x: Float32Array, i: number): Float32Array => x.subarray(i * dimension, (i + 1) * dimension);
    const total = (pairs: ArrayLike<number>): number => Array.from(pairs).reduce((sum, j, i) => sum + cost(row(x0, j), row(x1, i)), 0);
    expect(total(coupling.pair(x0, x1, null))).toBeLessThanOrEqual(total(Array.from({ length: 64 }, (_, i) => i)) + 1e-6);
  });
}
