// The roofline and the rendering of docs/performance.md: closed forms on invented limits, and a document that must not drift from its results.

import { describe, expect, it } from 'vitest';
import { cases } from '../../bench/cases.ts';
import type { Limits } from '../../bench/limits.ts';
import { coresText, type Results, render } from '../../bench/render.ts';
import { boundOf, readRate, rooflineTable } from '../../bench/roofline.ts';
import { rowOf } from '../../bench/statistics.ts';

const limits: Limits = {
  isa: 'avx512',
  peak: { 1: 100 },
  bandwidth: [
    [65_536, 200, 100, 100],
    [1_048_576, 50, 40, 40],
    [67_108_864, 10, 8, 8],
  ],
  secondLevel: 2 ** 20,
  elements: { silu: 4, 'adam, in L2': 2, 'adam, from memory': 0.5 },
};
const caseOf = (id: string) => {
  const found = cases.find((c) => c.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};

describe('the roofline', () => {
  it('takes the bandwidth of the level that holds the weights', () => {
    expect(readRate(limits, 65_536)).toEqual([65_536, 200]);
    expect(readRate(limits, 65_537)).toEqual([1_048_576, 50]);
    expect(readRate(limits, 2 ** 40)).toEqual([67_108_864, 10]);
  });

  it('adds activations and optimiser to the longer of products and weights', () => {
    const b = boundOf(caseOf('train-2-64-3-256'), limits); // P = 8512: 34 KB of weights, two tiles, three passes
    expect(b.compute).toBeCloseTo((6 * 256 * 8512) / 100e9, 15);
    expect(b.weights).toBeCloseTo((4 * 8512 * 2 * 3) / 200e9, 15);
    expect(b.activations).toBeCloseTo((256 * 3 * 64) / 4e9, 15);
    expect(b.optimiser).toBeCloseTo(8512 / 2e9, 15);
    expect(b.bound).toBeCloseTo(b.compute + b.activations + b.optimiser, 15);
    const wide = boundOf(caseOf('latency-784-1024-4-1'), limits); // one row: every step streams 19 MB
    expect(wide.bound).toBeCloseTo(wide.weights + wide.activations, 12);
    expect(wide.weights).toBeGreaterThan(wide.compute);
  });

  it('says what binds, and how much of the bound is reached', () => {
    const c = caseOf('latency-784-1024-4-1');
    const bound = boundOf(c, limits);
    const label = { id: c.id, title: c.title, contender: 'flowmatch f32, avx512, 1 thread', group: 'flowmatch', threads: 1, precision: 'f32' };
    const row = rowOf(label, c.flop, [{ seconds: 2 * bound.bound, peak: 100 }]); // twice the least time
    const line = rooflineTable(cases, [row], limits).split('\n')[2] ?? '';
    expect(line).toContain('| weights |');
    expect(line).toMatch(/\| 50 % \|$/);
  });
});

describe('the document', () => {
  const c = caseOf('train-2-64-3-256');
  const label = { id: c.id, title: c.title, contender: 'flowmatch f32, avx512, 1 thread', group: 'flowmatch', threads: 1, precision: 'f32' };
  const results: Results = {
    about: { machine: 'a CPU', cores: 2, memory: '8 GiB', system: 'a system', pace: { rounds: 5, seconds: 0.25 }, versions: { flowmatch: 'avx512' } },
    rows: [rowOf(label, c.flop, [{ seconds: 168e-6, peak: 117 }])],
  };
  const document = 'before\n\n<!-- bench:train -->\n<!-- /bench -->\n\nbetween\n\n<!-- bench:cold -->\nold numbers\n<!-- /bench -->\nafter\n';

  it('is written between the marks alone, and comes out the same when it is written again', () => {
    const once = render(document, results);
    expect(once).toContain('168 us, 67 %');
    expect(once).toContain('(not measured in this run)');
    expect(once).not.toContain('old numbers');
    expect(once.replace(/<!-- bench[\s\S]*?\/bench -->/g, '')).toBe(document.replace(/<!-- bench[\s\S]*?\/bench -->/g, ''));
    expect(render(once, results)).toBe(once);
  });

  it('tells the cores of the machine from those that the run was given', () => {
    expect([1, 2].map((cores) => coresText({ cores }))).toEqual(['1 core', '2 cores']);
    expect(coresText({ cores: 2, pinned: 1 })).toBe('pinned to 1 of 2 cores');
    expect(coresText({ cores: 8, pinned: 8 })).toBe('8 cores');
  });

  it('differs when a number was typed in, or another run was stored', () => {
    const once = render(document, results);
    const typed = once.replace('168 us', '100 us');
    expect(render(typed, results)).not.toBe(typed);
    const other = { ...results, rows: [rowOf(label, c.flop, [{ seconds: 2e-4, peak: 117 }])] };
    expect(render(once, other)).not.toBe(once);
  });

  it('shows couplings by rows and plan, in one column for each pair of clouds', () => {
    const of = (rows: number, plan: string, clouds: string, median: number) => ({
      ...{ rows, plan, clouds, d: 2, isa: 'avx2', rounds: 3 },
      milliseconds: { median, min: median / 2, max: 2 * median },
    });
    const coupling = [of(512, '`a()`', 'near', 4), of(128, '`a()`', 'near', 0.25), of(128, '`a()`', 'far', 12), of(128, '`b()`', 'near', 1)];
    const text = render('<!-- bench:coupling -->\n<!-- /bench -->', { ...results, coupling }, 'docs/choosing.md');
    expect(text.split('\n').filter((line) => line.startsWith('| '))).toEqual([
      '| ms | near, d = 2 | far, d = 2 |',
      '| 128 rows, `a()` | 0.25 (0.13 .. 0.50) | 12 (6.0 .. 24) |',
      '| 128 rows, `b()` | 1.0 (0.50 .. 2.0) |  |',
      '| 512 rows, `a()` | 4.0 (2.0 .. 8.0) |  |',
    ]);
    expect(text).toContain('a CPU, avx2; 3 rounds');
    expect(() => render('<!-- bench:nothing -->\n<!-- /bench -->', results, 'docs/choosing.md')).toThrow('docs/choosing.md: no part');
  });

  it('refuses parts that it does not know or that do not end', () => {
    expect(() => render('<!-- bench:nothing -->\n<!-- /bench -->', results)).toThrow('no part is called nothing');
    expect(() => render('<!-- bench:train -->\n', results)).toThrow('1 parts are opened and 0 closed');
  });
});
