// report() from a trained table model to a file: real rows read, held-out rows found again, synthetic rows drawn, the page written whole.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mlp } from '../../lib/network/mlp.ts';
import { Random } from '../../lib/random.ts';
import { report, writeReport } from '../../lib/report/index.ts';
import { rowsSource } from '../../lib/table/json.ts';
import { prepareTable } from '../../lib/table/prepare.ts';
import { train } from '../../lib/training/train.ts';
import { temporaryFolder } from '../support/folder.ts';

const path = temporaryFolder();
const rows = Array.from({ length: 400 }, (_, i) => {
  const random = new Random(3, 0, i);
  const size = 10 + 2 * random.normal();
  return { size, weight: i % 40 === 0 ? null : 3 * size + random.normal(), kind: random.uniform() < 0.3 ? 'a' : 'b' };
});
const table = () => rowsSource(rows, 'animals');

it('holds a trained model against its table', async () => {
  const prepared = await prepareTable(table());
  const { codec, data } = prepared;
  const training = { data, table: codec.record, normalise: codec.standardised, network: mlp({ hidden: [32, 32] }), steps: 400, validation: 0.2, seed: 5 };
  const model = await train(training);
  const file = path('report.html');
  const seen: number[] = [];
  const { html, measures, verdicts } = await writeReport(model, table(), file, { n: 500, seed: 2, title: 'Animals', onDraw: (n) => seen.push(n) });
  expect(readFileSync(file, 'utf8') === html).toBe(true);
  expect(seen).toEqual([500]);
  expect(measures.rows).toEqual({ real: 390, synthetic: 500, heldOut: 78 });
  expect(measures.nearest!.reference).toBe('hold-out');
  expect(measures.copies.synthetic).toBe(0);
  expect(measures.coverage).toMatchObject({ known: 2, drawn: 2, unseen: 0 });
  expect(measures.columns.map(({ name, measure }) => `${name} ${measure}`)).toEqual(['size KS', 'weight KS', 'kind TV']);
  expect(measures.c2st!.folds.length).toBe(5);
  expect(verdicts.map(({ name }) => name)).toContain('Told apart (C2ST)');
  expect(verdicts.length).toBe(6);
  expect(html.includes('10 of 400')).toBe(true);
  const again = await report(model, table(), { n: 500, seed: 2, title: 'Animals' });
  // After saving nothing else changed: the page is a function of model, table and options.
  expect(again.html === html).toBe(true);

  // Another table of another length: no rows are known to be held out.
  const longer = await report(model, rowsSource([...rows, { size: 9, weight: 27, kind: 'a' }], 'animals'), { n: 200 });
  expect(longer.measures.rows.heldOut).toBe(0);
  expect(longer.measures.nearest!.reference).toBe('leave-one-out');

  await expect(report(model, table(), { rows: 5 } as never)).rejects.toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.rows' });
  await expect(report(model, table(), { n: 0 })).rejects.toMatchObject({ code: 'ERR_FLOW_RANGE', path: 'options.n' });
  await expect(report(model, rowsSource([{ size: 1 }], 'other'))).rejects.toMatchObject({ code: 'ERR_FLOW_CSV_SHAPE' });
  model.dispose();
  data.dispose();
});
