// The pure parts of the benchmark: medians, the mark of a noisy row, the baseline and the tables. Each has a case that must fail.

import { describe, expect, it } from 'vitest';
import { type Baseline, compare, entry, machine, updated } from '../../bench/baseline.ts';
import { type Case, cases, select, weights } from '../../bench/cases.ts';
import type { Contender, Drivers } from '../../bench/contenders.ts';
import { runCase } from '../../bench/round.ts';
import { shares } from '../../bench/share.ts';
import { bestOf, isNoisy, median, type Row, rowOf } from '../../bench/statistics.ts';
import { fullTable, percent, ratio, ratioTable, time } from '../../bench/table.ts';

const label = { id: 'train-x', title: 'train (x)', contender: 'flowmatch f32, avx512, 1 thread', group: 'flowmatch', threads: 1, precision: 'f32' };
const readings = (seconds: readonly number[], peak = 100) => seconds.map((s) => ({ seconds: s, peak }));
const row = (fields: Partial<Row>, seconds = 1): Row => ({ ...rowOf(label, 50e9, readings([seconds])), ...fields });

describe('statistics', () => {
  it('takes the middle, or the mean of the two in the middle, and leaves the readings as they are', () => {
    const values = [5, 1, 9];
    expect(median(values)).toBe(5);
    expect(values).toEqual([5, 1, 9]);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([10, 9])).toBe(9.5); // numbers, not words
    expect(() => median([])).toThrow('nothing');
  });

  it('sets each reading against the peak beside it, not against a mean peak', () => {
    // The machine halves its clock in the second round: the fraction stays.
    const r = rowOf(label, 50e9, [
      { seconds: 1, peak: 100 },
      { seconds: 2, peak: 50 },
    ]);
    expect(r.fraction).toEqual({ median: 0.5, min: 0.5, max: 0.5 });
    expect(r.seconds).toEqual({ median: 1.5, min: 1, max: 2 });
    expect(r.gflops).toBeCloseTo(50 / 1.5, 12);
    expect(r.noisy).toBe(true);
  });

  it('marks a peak that moves by more than a fifth, and no other', () => {
    expect(isNoisy([100, 119, 110])).toBe(false);
    expect(isNoisy([100, 121, 110])).toBe(true);
    expect(isNoisy([100])).toBe(false);
  });

  it('finds the fastest variant of each group', () => {
    const best = bestOf([row({ contender: 'a' }, 3), row({ contender: 'b' }, 2), row({ contender: 'c', group: 'PyTorch' }, 1)]);
    expect([best.get('flowmatch')?.contender, best.get('PyTorch')?.contender]).toEqual(['b', 'c']);
  });
});

describe('cases', () => {
  it('counts weights and flops as the convention says', () => {
    expect(weights({ d: 2, H: 64, L: 3, B: 256, N: 4096 })).toBe(3 * 64 + 2 * 64 * 64 + 64 * 2);
    const flop = (id: string): number | undefined => cases.find((c) => c.id === id)?.flop;
    expect(flop('train-2-64-3-256')).toBe(6 * 256 * 8512);
    expect(flop('sample-2-64-3-4096')).toBe(100 * 2 * 4096 * 8512);
    expect(flop('latency-2-64-3-1')).toBe(100 * 2 * 8512);
    expect(new Set(cases.map((c) => c.id)).size).toBe(cases.length);
  });

  it('selects by kind and by whole numbers of the shape', () => {
    expect(select(['train'], ['2,64,3']).map((c) => c.id)).toEqual(['train-2-64-3-256']);
    expect(select(['train'], ['2,256,3']).map((c) => c.shape.B)).toEqual([256, 4096]);
    expect(select(['sample'], ['2,2'])).toEqual([]); // not a beginning of 2, 256
    expect(select(['train'], ['2,256,3,4096'])).toHaveLength(1);
  });
});

describe('the baseline', () => {
  const stored: Baseline = { 'this CPU': { [entry(label)]: 0.5, 'other | x': 0.9 } };
  const at = (fraction: number): Row => row({ fraction: { median: fraction, min: fraction, max: fraction } });

  it('passes what is within a tenth and fails what is beyond', () => {
    expect(compare(stored, 'this CPU', [at(0.46)]).slower).toEqual([]);
    expect(compare(stored, 'this CPU', [at(0.44)]).slower).toHaveLength(1);
    expect(compare(stored, 'this CPU', [at(Number.NaN)]).slower).toHaveLength(1); // no number is no pass
  });

  it('judges nothing on another machine, and names rows that it does not hold', () => {
    expect(compare(stored, 'another CPU', [at(0.01)])).toMatchObject({ known: false, slower: [] });
    const fresh = { ...at(0.01), contender: 'flowmatch bf16, avx512, 1 thread' };
    expect(compare(stored, 'this CPU', [fresh])).toMatchObject({ known: true, slower: [], fresh: [fresh] });
  });

  it('is updated for this machine and these rows alone', () => {
    const two = { ...stored, 'another CPU': { x: 1 } };
    expect(updated(two, 'this CPU', [at(0.61234)])).toEqual({ 'this CPU': { [entry(label)]: 0.6123, 'other | x': 0.9 }, 'another CPU': { x: 1 } });
    expect(machine()).toMatch(/\w/);
  });
});

describe('tables', () => {
  it('writes three digits and a unit that fits', () => {
    expect([3.2e-5, 1.684e-4, 0.9996e-3, 0.0123, 0.9994, 0.9996, 12.34].map(time)).toEqual([
      '32.0 us',
      '168 us',
      '1.00 ms',
      '12.3 ms',
      '999 ms',
      '1.00 s',
      '12.3 s',
    ]);
    expect([0.824, 5.92, 9.96, 38.2, 4816].map(ratio)).toEqual(['0.82', '5.9', '10', '38', '4800']);
    expect([0.664, 0.001, 1.3].map(percent)).toEqual(['66 %', '0.10 %', '130 %']);
  });

  it('holds f32 against the best f32 of each peer, and our fastest against its fastest', () => {
    const rows = [
      row({}, 2),
      row({ contender: 'flowmatch bf16, avx512, 1 thread', precision: 'bf16' }, 1),
      row({ contender: 'PyTorch eager, 1 thread', group: 'PyTorch' }, 9),
      row({ contender: 'PyTorch compile, 1 thread', group: 'PyTorch' }, 8),
    ];
    const [head, , line] = ratioTable(rows).split('\n');
    expect(head).toBe('| case | flowmatch f32 | flowmatch, fastest other | PyTorch f32 | ratio |');
    expect(line).toBe('| train (x) | 2.00 s, 25 % | bf16 1.00 s, 50 % | 8.00 s (compile, 1 thread) | 4.0 |');
    const mixed = [...rows, row({ contender: 'PyTorch eager bf16, 1 thread', group: 'PyTorch', precision: 'bf16' }, 3)];
    const [names, , both] = ratioTable(mixed).split('\n');
    expect(names).toBe('| case | flowmatch f32 | flowmatch, fastest other | PyTorch f32 | ratio | PyTorch, fastest | ratio |');
    expect(both).toBe('| train (x) | 2.00 s, 25 % | bf16 1.00 s, 50 % | 8.00 s (compile, 1 thread) | 4.0 | 3.00 s (eager bf16, 1 thread) | 3.0 |');
    expect(fullTable(rows).split('\n')).toHaveLength(6);
    expect(fullTable([row({ noisy: true })])).toContain('noisy');
  });

  it('gives a peer without ours no ratio', () => {
    const [, , line] = ratioTable([row({ contender: 'PyTorch eager, 1 thread', group: 'PyTorch' }, 9)]).split('\n');
    expect(line).toBe('| train (x) |  | 9.00 s (eager, 1 thread) |  |');
  });
});

describe('the share of random numbers', () => {
  it('is of the step of the same shape, both against the peak beside them', () => {
    const [c] = select(['train'], ['2,64,3']);
    if (c === undefined) throw new Error('no case');
    const step = row({ id: c.id, contender: 'flowmatch f32, avx512, 1 thread' }, 100e-6); // at a peak of 100
    const notes: string[] = [];
    const ask = (rows: readonly Row[]) =>
      shares(
        rows,
        [c],
        'avx512',
        () => 4e-6,
        () => 50,
        (text) => notes.push(text),
      );
    expect(ask([step])[0]?.share).toBeCloseTo(0.02, 12); // the probe ran at half the clock: 4 us there are 2 us here
    expect(ask([{ ...step, threads: 2 }])).toEqual([]);
    expect(notes).toHaveLength(1);
  });
});

describe('a case', () => {
  const contender = (name: string, group = 'flowmatch'): Contender => ({
    source: { group, isa: 'avx512', threads: 1, command: { program: '', args: [], env: {} } },
    variant: 'f32',
    label: name,
    precision: 'f32',
  });
  const [c] = select(['train'], ['2,64,3']);

  it('lets the contenders take turns, with the peak on both sides of each, and goes on without one that fails to prepare', async () => {
    const [a, b, broken] = [contender('A'), contender('B', 'PyTorch'), contender('broken')];
    const log: string[] = [];
    const notes: string[] = [];
    const driver = (label: string) => ({
      ask: async ({ do: what }: { do: string }) => {
        if (label === 'broken') throw new Error('no such thing');
        log.push(`${what} ${label}`);
      },
      measure: async () => {
        log.push(label);
        return 1e-3;
      },
    });
    const labels = new Map([a, b, broken].map((one) => [one.source, one.label]));
    const drivers = { driver: (source: Contender['source']) => driver(labels.get(source) ?? '') } as unknown as Drivers;
    const peaks = [100, 90];
    const peak = (): number => {
      log.push('peak');
      peaks.push(peaks.shift() as number);
      return peaks[1] as number;
    };
    const rows = await runCase(
      c as Case,
      [a, b, broken],
      drivers,
      peak,
      { rounds: 2, seconds: 0, most: 1e9 },
      (text) => notes.push(text),
      () => undefined,
    );
    const turns = ['peak', 'A', 'peak', 'peak', 'B', 'peak'];
    expect(log).toEqual(['prepare A', 'prepare B', ...turns, ...turns, 'release A', 'release B']);
    expect(rows.map((r) => [r.contender, r.rounds, r.peak.median])).toEqual([
      ['A', 2, 100],
      ['B', 2, 100],
    ]);
    expect(notes.join()).toContain('no such thing');
  });
});
