// The report's numbers against small cases done by hand, and its page: complete, safe with hostile names, honest.

import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/random.ts';
import { lossHistory } from '../../lib/report/history.ts';
import { type Measures, measure } from '../../lib/report/measures.ts';
import { reportPage } from '../../lib/report/page.ts';
import { verdicts, worstColumn } from '../../lib/report/verdicts.ts';
import { Codec, type TableCodec, type Value } from '../../lib/table/codec.ts';

const hostile = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'&';

/** Two numeric columns, a date and a category; names as given. */
function codecOf(names: readonly [string, string, string, string], labels: readonly string[]): Codec {
  const value = (name: string, first: number, kind: 'number' | 'date', format: string | null) =>
    ({ name, kind, encoding: 'value', first, width: 1, min: -9, max: 9, transform: 'none', scale: 1, offset: 0, grid: null, format }) as const;
  const label = { name: names[3], kind: 'category', encoding: 'onehot', first: 3, width: labels.length, values: labels, counts: null } as const;
  const columns = [value(names[0], 0, 'number', null), value(names[1], 1, 'number', null), value(names[2], 2, 'date', 'YYYY-MM-DD'), label];
  return new Codec({ version: 1, columns, width: 3 + labels.length, leftOut: [{ name: names[0], reason: hostile }] } as TableCodec);
}

/** Deterministic rows, row i the same for every count; `shift` moves the first column. */
function table(count: number, labels: readonly string[], start: number, shift = 0): Value[][] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(start + 1, 0, i);
    const x = random.uniform() * 4 - 2;
    const day = new Date(864e5 * Math.floor(18_000 + 400 * random.uniform())).toISOString().slice(0, 10);
    return [x + shift, -x + random.uniform() * 0.5, day, labels[Math.floor(random.uniform() * labels.length)]!];
  });
}
const labels = ['a', 'b', 'c'];
const codec = codecOf(['x', 'y', 'day', 'label'], labels);
const real = table(300, labels, 0);

describe('numbers', () => {
  it('equal tables: no distance, all copies, ratio 0', () => {
    const m = measure(codec, real, real);
    expect(m.columns.map((c) => c.distance)).toEqual([0, 0, 0, 0]);
    expect(m.columns.map((c) => c.measure)).toEqual(['KS', 'KS', 'KS', 'TV']);
    expect(m.correlation.largest!.error).toBe(0);
    expect(m.copies.synthetic).toBe(300);
    expect(m.nearest!.ratio).toBe(0);
    expect(verdicts(m).map((v) => `${v.name}: ${v.standing}`)).toEqual([
      'Largest column distance: good',
      'Largest correlation error: good',
      'Exact copies: poor',
      'Closest-record ratio: poor',
      'Category coverage: good',
    ]);
  });

  it('fresh rows of the same distribution: all good', () => {
    const m = measure(codec, real, table(500, labels, 1000));
    expect(verdicts(m).filter((v) => v.standing !== 'good')).toEqual([]);
    expect(m.nearest!.reference).toBe('leave-one-out');
  });

  it('names the column that is farthest off among those of the worst standing', () => {
    const column = (name: string, distance: number, chance: number) => ({ name, distance, chance }) as never;
    expect(worstColumn([column('near its chance', 0.023, 0.05), column('largest', 0.037, 0.11)])?.name).toBe('largest');
    expect(worstColumn([column('large, by chance', 0.2, 0.3), column('poor', 0.12, 0.01)])?.name).toBe('poor');
    expect(worstColumn([])).toBeUndefined();
  });

  it('a shifted column is found, in its unit and in standard deviations', () => {
    const m = measure(codec, real, table(300, labels, 0, 1));
    expect(m.columns[0]!.wasserstein).toBeCloseTo(1, 9);
    expect(m.columns[0]!.wassersteinRelative).toBeCloseTo(1 / (4 / Math.sqrt(12)), 1);
    expect(verdicts(m)[0]).toMatchObject({ name: 'Largest column distance', standing: 'poor' });
    expect(verdicts(m)[0]!.meaning).toContain('<b>x</b>');
  });

  it('rows learnt by heart are seen against a hold-out', () => {
    const heldOut = Array.from({ length: 100 }, (_, i) => 3 * i);
    const training = real.filter((_, i) => i % 3 !== 0);
    const copied = training.map(([x, ...rest]) => [(x as number) + 1e-4, ...rest]);
    const m = measure(codec, real, copied, heldOut);
    expect(m.nearest!.reference).toBe('hold-out');
    expect(m.nearest!.ratio).toBeLessThan(0.05);
    expect(m.copies.synthetic).toBe(0);
    const fresh = measure(codec, real, table(300, labels, 1000), heldOut);
    expect(fresh.nearest!.ratio).toBeGreaterThan(0.8);
  });

  it('a classifier that is right in less than half of the cases is explained, and only then', () => {
    const said = (accuracy: number) => {
      const c2st = { accuracy, standardError: 0.02, folds: [] } as unknown as NonNullable<Measures['c2st']>;
      return verdicts(measure(codec, real, table(300, labels, 1000), [], c2st)).find(({ name }) => name.startsWith('Told apart'))?.meaning;
    };
    expect(said(0.41)).toMatch(/no single column shows\. Below one half: generated rows lie close to single real ones/);
    expect(said(0.5)).toMatch(/no single column shows\.$/);
  });

  it('a category never drawn, and how many were to be expected', () => {
    const m = measure(
      codec,
      real,
      table(300, labels, 1000).filter((row) => row[3] !== 'b'),
    );
    expect(m.coverage).toMatchObject({ known: 3, drawn: 2, unseen: 0 });
    expect(m.coverage.missing[0]).toMatchObject({ column: 'label', value: 'b' });
    expect(verdicts(m).at(-1)!.standing).toBe('poor');
  });
});

describe('page', () => {
  const names = [`a ${hostile}`, `b ${hostile}`, `c ${hostile}`, `d ${hostile}`] as const;
  const wild = codecOf(names, [hostile, 'b']);
  const [ours, theirs] = [table(60, [hostile, 'b'], 0), table(60, [hostile, 'b'], 500)];
  const measures = measure(wild, ours, theirs);
  const history = lossHistory({ steps: 9, losses: { window: 2, values: [4, 3, 'x', 2, 1] }, validation: { steps: [4, 8, null], losses: [3, 2, 1] } });
  const leftOut = { rows: 4, byColumn: new Map([[names[0], 4]]) };
  const page = { title: `Report ${hostile}`, facts: [['seed', hostile]] as const, codec: wild, real: ours, synthetic: theirs, measures, history, leftOut };
  const html = reportPage(page);
  const { document } = parseHTML(html);

  it('holds every picture and number', () => {
    const kinds = [...document.querySelectorAll('script[type="application/json"]')].map((s) => JSON.parse(s.textContent!).kind);
    expect(kinds).toEqual(['histogram', 'histogram', 'histogram', 'bars', 'pairs', 'heatMap', 'loss']);
    expect(document.querySelectorAll('figure').length).toBe(7);
    expect(document.querySelectorAll('.card').length).toBe(6);
    expect(document.querySelectorAll('tr').length).toBe(5);
    expect([...document.querySelectorAll('h2')].map((h) => h.textContent)).toEqual(['In short', 'Columns', 'Pairs', 'Correlations', 'Training', 'Privacy']);
  });

  it('reads the losses of a run, skipping what is no number', () => {
    expect(history).toEqual({ training: { step: [2, 4, 8, 9], loss: [4, 3, 2, 1] }, validation: { step: [4, 8], loss: [3, 2] } });
    for (const bad of [{}, { losses: null }, { losses: { values: 'x' } }, { losses: { values: [1] } }]) expect(lossHistory(bad)).toBeNull();
  });

  it('keeps hostile names as text', () => {
    expect(document.querySelectorAll('img').length).toBe(0);
    expect(document.querySelectorAll('script').length).toBe(8);
    expect(document.querySelector('h1')!.textContent).toBe(`Report ${hostile}`);
    expect([...document.querySelectorAll('tr th')].map((th) => th.textContent)).toContain(names[0]);
  });

  it('promises nothing about privacy, and is the same twice', () => {
    expect(html.includes('They do not prove anonymity')).toBe(true);
    expect(/GDPR|compliant|anonymous data/i.test(html)).toBe(false);
    expect(reportPage(page) === html).toBe(true);
  });

  it('tables of one kind of column, one row, no history', () => {
    const one = new Codec({ ...wild.record, columns: [wild.record.columns[3]!] } as TableCodec);
    const rows = [['b'], [hostile]];
    const small = { ...page, codec: one, real: rows, synthetic: rows, measures: measure(one, rows, rows), history: null };
    const body = reportPage(small).split('<script>')[0]!;
    expect(/NaN|undefined|Infinity|h2>Pairs/.exec(body)?.[0]).toBeUndefined();
  });
});
