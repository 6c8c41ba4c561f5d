// fitTable and sampleTable by their public face: tables that can be walked once, options read once.

import { expect, test } from 'vitest';
import { fitTable, sampleTable, type TableSampleOptions } from '../../lib/index.ts';

const quick = { steps: 5, hidden: [8], batchSize: 16 };
const rows = Array.from({ length: 30 }, (_, i) => ({ a: i * i, b: i % 3, constructor: 0.7 * i }));

test('rows from a generator are those of an array', async () => {
  const walk = function* () {
    yield* rows;
  };
  const [once, often] = [await fitTable(walk(), quick), await fitTable(rows, quick)];
  expect(once.record).toEqual(often.record);
});

test('a kind for one column leaves a column named "constructor" to inference', async () => {
  const model = await fitTable(rows, { ...quick, columns: { b: 'number' } });
  expect((model.record.table as { columns: { kind: string }[] }).columns.map(({ kind }) => kind)).toEqual(['integer', 'number', 'number']);
});

test('sampleTable reads each option once, and n = 0 gives no batch', async () => {
  const model = await fitTable(rows, quick);
  let reads = 0;
  const options = Object.defineProperty({ seed: 1 } as unknown as TableSampleOptions, 'n', { enumerable: true, get: () => (reads++ === 0 ? 2 : 1e9) });
  for await (const batch of sampleTable(model, options)) expect(batch.rows.length).toBe(2);
  expect(reads).toBe(1);
  for await (const _ of sampleTable(model, { n: 0 })) throw new Error('a batch of nothing');
});
