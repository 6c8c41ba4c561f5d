// A classifier that is wrong more often than a coin: what it says of the rows, and that the sentence stands exactly where that is.

import { describe, expect, it } from 'vitest';
import { c2stText } from '../../lib/cli/terminal.ts';
import { c2st } from '../../lib/index.ts';
import { Random } from '../../lib/random.ts';
import { belowChance } from '../../lib/report/told-apart.ts';

const [n, d] = [333, 6];
const draw = (stream: number): Float64Array => {
  const random = new Random(5, stream);
  return Float64Array.from({ length: n * d }, () => random.normal());
};

describe('told apart in less than half of the cases', () => {
  it('are near copies, and not fresh rows of the same law', async () => {
    const real = draw(1);
    const jitter = draw(2);
    const near = real.map((value, i) => (value + 0.1 * (jitter[i] as number)) / Math.sqrt(1.01));
    const options = { hidden: [60, 60], epochs: 50, seed: 1 };
    const [copied, fresh] = [await c2st(real, near, d, options), await c2st(real, draw(3), d, options)];
    expect(copied.accuracy).toBeLessThan(0.4);
    expect(belowChance(copied)).toMatch(/^Below one half: generated rows lie close to single real ones, .*\.$/);
    expect(Math.abs(fresh.accuracy - 0.5)).toBeLessThan(4 * Math.sqrt(0.25 / (2 * n))); // of 2n answers
  });

  it('are so by more than twice the error', () => {
    expect(belowChance({ accuracy: 0.45, standardError: 0.02 })).not.toBe('');
    for (const accuracy of [0.47, 0.5, 0.8]) expect(belowChance({ accuracy, standardError: 0.02 })).toBe('');
    expect(c2stText({ accuracy: 0.416, standardError: 0.021 })).toMatch(/in 0\.416 \+- 0\.021 of cases .*\n {2}Below one half: /);
    expect(c2stText({ accuracy: 0.49, standardError: 0.021 })).not.toContain('Below');
  });
});
