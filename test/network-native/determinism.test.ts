// One SHA-256 of training (weights, moments, EMA, losses) and of 100,000 samples, whatever the threads, slices, batch splits and ISA.

import { beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { bundled, run } from '../native-binding/child.ts';

const samples = 100_000;
const isas = native()
  .info()
  .available.filter((isa) => isa === 'avx512' || isa === 'avx2' || isa === 'neon');

interface Setting {
  readonly isa: string;
  readonly threads: number;
  readonly slice: number;
  readonly split: number;
}
const best = isas[0] as string;
const base: Setting = { isa: best, threads: 1, slice: 500, split: samples };
const settings: readonly (readonly [string, Setting])[] = [
  ['2 threads, slices of 7 steps', { ...base, threads: 2, slice: 7 }],
  ['3 threads, samples in calls of 9,999', { ...base, threads: 3, split: 9_999 }],
  ['8 threads, slices of 133 steps, calls of 50,001', { ...base, threads: 8, slice: 133, split: 50_001 }],
  ...isas.slice(1).map((isa) => [`${isa}, 2 threads`, { ...base, isa, threads: 2 }] as const),
];

describe('the same bits', () => {
  let program = '';
  let expected: unknown;
  const digests = async ({ isa, threads, slice, split }: Setting): Promise<unknown> => {
    const outcome = await run(program, [threads, slice, samples, split], [], { FLOWMATCH_ISA: isa });
    expect(outcome).toMatchObject({ code: 0 });
    const { isa: chosen, ...rest } = JSON.parse(outcome.out) as { isa: string };
    expect(chosen).toBe(isa);
    return rest;
  };
  beforeAll(async () => {
    program = await bundled('bits', import.meta.url);
    expected = await digests(base);
  }, 120_000);

  it.each(settings)('with %s', { timeout: 120_000 }, async (_, setting) => {
    expect(await digests(setting)).toEqual(expected);
  });
});
