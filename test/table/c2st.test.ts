// The classifier two-sample test of table rows: mixed columns, and what it must not see.

import { expect, test } from 'vitest';
import { Random } from '../../lib/random.ts';
import { tableC2st } from '../../lib/table/c2st.ts';
import { Codec, type TableCodec, type Value } from '../../lib/table/codec.ts';

const value = { encoding: 'value', width: 1, min: -9, max: 9, transform: 'none', scale: 1, offset: 0, grid: null } as const;
const codec = new Codec({
  version: 1,
  width: 5,
  leftOut: [],
  columns: [
    { ...value, name: 'x', kind: 'number', first: 0, format: null },
    { ...value, name: 'day', kind: 'date', first: 1, format: 'YYYY-MM-DD' },
    { name: 'label', kind: 'category', encoding: 'onehot', first: 2, width: 3, values: ['a', 'b', 'c'], counts: null },
  ],
} as unknown as TableCodec);

/** `tied`: how often the label follows the sign of x. */
function rows(count: number, seed: number, tied: number, days = 400): Value[][] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed, 0, i);
    const x = random.normal();
    const label = random.uniform() < tied ? (x > 0 ? 'a' : 'b') : (['a', 'b'][random.below(2)] as string);
    return [x, new Date(864e5 * Math.floor(18_000 + days * random.uniform())).toISOString().slice(0, 10), label];
  });
}

test('tells tables apart by any kind of column, and by two together, and not otherwise', async () => {
  const real = rows(600, 1, 0);
  const accuracy = async (made: Value[][]) => (await tableC2st(codec, real, made, { threads: 1 }))!.accuracy;
  // Four deviations of 1200 held-out rows, widened by half (test/metrics/c2st.test.ts).
  expect(Math.abs((await accuracy(rows(900, 2, 0))) - 0.5)).toBeLessThan((4 * 1.5 * 0.5) / Math.sqrt(1200));
  expect(await accuracy(rows(600, 2, 0.8))).toBeGreaterThan(0.6);
  expect(await accuracy(rows(600, 2, 0, 3000))).toBeGreaterThan(0.8);
  // Half of the real rows are b: those are known, the others a matter of one to two.
  expect(Math.abs((await accuracy(rows(600, 2, 0).map(([x, day]) => [x!, day!, 'a']))) - 0.75)).toBeLessThan((4 * 1.5 * 0.5) / Math.sqrt(1200));
});

test('says nothing of a handful of rows', async () => {
  expect(await tableC2st(codec, rows(49, 1, 0), rows(600, 2, 0))).toBeNull();
  expect(await tableC2st(codec, rows(600, 1, 0), rows(49, 2, 0))).toBeNull();
});
