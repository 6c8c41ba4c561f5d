// The law of every time law: the quantile function stays in [0, 1], never falls, and has the stated density.

import { expect, it } from 'vitest';
import type { TimeLaw } from '../../lib/times/time-law.ts';
import { quantileTable, resolveTime } from '../../lib/times/times.ts';

export function timeLawContract(law: TimeLaw): void {
  const quantile = (u: number): number => (law.quantile ? law.quantile(u) : u);

  it('stays in [0, 1] and never falls', () => {
    let previous = 0;
    for (let k = 0; k <= 2000; k++) {
      const t = quantile(k / 2000);
      expect(t).toBeGreaterThanOrEqual(previous);
      expect(t).toBeLessThanOrEqual(1);
      previous = t;
    }
    expect(Object.isFrozen(law)).toBe(true);
  });

  it('has the stated density', () => {
    const { density } = law;
    if (density === undefined) throw new Error(`${law.name} states no density`);
    for (let k = 1; k < 1000; k++) {
      const [u, h] = [k / 1000, 1e-5];
      const slope = (quantile(u + h) - quantile(u - h)) / (2 * h);
      // q'(u) density(q(u)) = 1; the quantile is known to 1.2e-9 relative, hence 1.2e-9 / h in its slope.
      expect(Math.abs(slope * density.call(law, quantile(u)) - 1), `at u = ${u}`).toBeLessThan(1e-3);
    }
  });

  it('becomes a table whose draws have the same distribution', () => {
    const table = quantileTable(law, 0.1, 0.9);
    if (table === null) return expect(law.quantile).toBeUndefined();
    for (let k = 0; k < table.length; k += 97) {
      expect(table[k]).toBe(Math.min(Math.max(quantile(k / (table.length - 1)), 0.1), 0.9));
    }
    expect(resolveTime(law).name).toBe(law.name);
  });
}
