// Writers and the comparison: npy layout, JSON lines, and distances on tables whose answer is known.

import { describe, expect, test } from 'vitest';
import { compareRows, kolmogorovSmirnov, pearson } from '../../lib/table/compare.ts';
import { rowWriter } from '../../lib/table/write.ts';
import { roundTrip } from './helpers.ts';

const rows = Array.from({ length: 40 }, (_, i) => ({ x: i * 1.5, c: ['a', 'b "q"'][i % 2] as string, f: i % 3 === 0, d: `2021-05-${10 + (i % 20)}` }));

describe('writers', () => {
  test('npy holds numbers, label indices and milliseconds', async () => {
    const { codec, decoded } = await roundTrip(rows);
    const writer = rowWriter('npy', codec);
    const head = writer.head(40);
    expect(head.length % 64).toBe(0);
    expect(Buffer.from(head).subarray(0, 8)).toEqual(Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0]));
    expect(Buffer.from(head).toString('latin1', 10)).toMatch(/^\{'descr': '<f8', 'fortran_order': False, 'shape': \(40, 4\), \} *\n$/);
    expect(Buffer.from(head).readUInt16LE(8)).toBe(head.length - 10);
    const body = new Float64Array(writer.rows(decoded).slice().buffer);
    expect([...body.slice(4, 8)]).toEqual([1.5, 1, 0, Date.UTC(2021, 4, 11)]);
  });

  test('csv and json lines', async () => {
    const { codec, decoded } = await roundTrip(rows);
    const text = (format: 'csv' | 'jsonl') => {
      const writer = rowWriter(format, codec);
      return Buffer.concat([writer.head(2), writer.rows(decoded.slice(0, 2))]).toString();
    };
    expect(text('csv')).toBe('x,c,f,d\n0,a,true,2021-05-10\n1.5,"b ""q""",false,2021-05-11\n');
    expect(
      text('jsonl')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(rows.slice(0, 2));
  });
});

describe('comparison', () => {
  test('Kolmogorov-Smirnov and Pearson on known samples', () => {
    expect(kolmogorovSmirnov(Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 2, 3, 4))).toBe(0);
    expect(kolmogorovSmirnov(Float64Array.of(1, 2), Float64Array.of(3, 4))).toBe(1);
    expect(kolmogorovSmirnov(Float64Array.of(1, 1, 2, 2), Float64Array.of(1, 2, 2, 2))).toBe(0.25);
    expect(pearson(Float64Array.of(1, 2, 3), Float64Array.of(2, 4, 6))).toBeCloseTo(1, 12);
    expect(pearson(Float64Array.of(1, 2, 3), Float64Array.of(5, 5, 5))).toBe(0);
  });

  test('a table against itself is at distance 0 and all copies; a shuffled column breaks the correlation', async () => {
    const pairs = Array.from({ length: 50 }, (_, i) => ({ a: i * 1.25, b: i * 2.5 + (i % 3), c: ['u', 'v'][i % 2] as string }));
    const { codec, decoded } = await roundTrip(pairs);
    const same = compareRows(codec, decoded, decoded);
    expect(same).toMatchObject({ exactCopies: 50, unseenValues: 0, correlation: { error: 0 } });
    expect(same.columns.map((c) => [c.measure, c.distance])).toEqual([
      ['KS', 0],
      ['KS', 0],
      ['TV', 0],
    ]);
    const reversed = decoded.map((row, i) => [row[0], decoded[49 - i]?.[1], row[2]] as (string | number)[]);
    const turned = compareRows(codec, decoded, reversed);
    expect(turned.columns[1]?.distance).toBe(0);
    expect(turned.correlation?.error).toBeGreaterThan(1.9);
  });
});
