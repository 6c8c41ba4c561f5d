// The four precisions against the float64 oracle, on every set of bfloat16 kernels: bounds, and bits that threads, slices, calls and row counts cannot change.
// AMX runs through the whole engine, on real tiles or emulated ones (build/Release/flowmatch_amx.node). FLOWMATCH_ALL_SHAPES=1 takes all shapes of docs/performance.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { table } from '../native/table.ts';
import { bundled, run } from '../native-binding/child.ts';

const tiles = process.env['FLOWMATCH_AMX_ADDON'] ?? fileURLToPath(new URL('../../build/Release/flowmatch_amx.node', import.meta.url));
const { isa, available } = native().info();
const families: readonly (readonly [name: string, variables: Record<string, string>])[] = [
  ...(table.narrowAvailable().some(([, name]) => name === 'amx') && existsSync(tiles) && !process.env['FLOWMATCH_CHILD_ADDON']
    ? [['amx', { FLOWMATCH_ADDON: tiles, FLOWMATCH_AMX_REPORT: '1' }] as const]
    : []),
  ...table.narrowAvailable().flatMap(([on, name]) => (on === isa && name === 'avx512bf16' ? [[name, { FLOWMATCH_BF16: name }] as const] : [])),
  ['fallback', { FLOWMATCH_BF16: 'fallback' }],
  ...available.slice(1, -1).map((other) => [`fallback on ${other}`, { FLOWMATCH_ISA: other }] as const),
];

// [d, width, depth, rows]; rows on both sides of the kernels' tiles.
const few = [
  [2, 64, 3, 50],
  [2, 256, 3, 17],
  [33, 100, 2, 70],
];
const all = [
  [2, 64, 3, 50],
  [2, 256, 3, 50],
  [16, 256, 4, 50],
  [64, 512, 4, 20],
  [784, 1024, 4, 20],
  [256, 1024, 6, 20],
];
const shapes = process.env['FLOWMATCH_ALL_SHAPES'] ? all : few;

/**
 * Fixed bounds on max |u - u64| / max |u64|, in the order f32, f32-amx, bf16x3, bf16, and the same on the divergence, whose tangents pass through the same products;
 * the baseline adds products without fma, and has twice the first.
 */
const bounds = [1e-6, 1e-6, 2e-5, 1e-2];

describe.each(families)('precisions on %s', (name, variables) => {
  let errors = '';
  let bits = '';
  beforeAll(async () => {
    errors = await bundled('precision-errors', import.meta.url);
    bits = await bundled('precision-bits', import.meta.url);
  });

  it('stay within their bounds of float64, row by row as in one call', { timeout: 300_000 }, async () => {
    const outcome = await run(errors, [JSON.stringify(shapes)], [], variables);
    expect(outcome, outcome.err).toMatchObject({ code: 0 });
    if (name === 'amx') expect(outcome.err).toMatch(/^amx (real dot 0|emulated dot [1-9]\d*) faults 0 $/m);
    const { bf16, results } = JSON.parse(outcome.out) as {
      bf16: string;
      results: { shape: number[]; errors: number[]; divergences: number[]; gradients: [number, number][]; alone: boolean }[];
    };
    expect(bf16).toBe(name.split(' ')[0]);
    for (const { shape, errors: found, divergences, gradients, alone } of results) {
      const text = `${shape}: ${found.map((e) => e.toExponential(1))}, divergences ${divergences.map((e) => e.toExponential(1))}, gradients ${gradients.flat().map((e) => e.toExponential(1))}`;
      for (const [i, bound] of bounds.entries())
        for (const error of [found[i], divergences[i]]) expect(error, text).toBeLessThanOrEqual(name.includes('baseline') ? Math.max(bound, 2e-6) : bound);
      expect(Math.max(...(gradients[0] as number[])), text).toBeLessThanOrEqual(1e-5);
      expect(Math.max(...(gradients[1] as number[])), text).toBeLessThanOrEqual(2e-2);
      for (const errors of [found, divergences]) {
        expect(errors[3], text).toBeGreaterThan(1e-5); // it is bfloat16 that ran
        if (name === 'amx') expect(errors[2], text).toBeGreaterThan(3 * (errors[1] as number));
      }
      expect(alone, text).toBe(true);
    }
  });

  it('give the same bits for any threads, slices and calls', { timeout: 300_000 }, async () => {
    const [samples, batch] = name === 'amx' ? [40, 40] : [1000, 133]; // an emulated instruction takes microseconds
    const digests = async (threads: number, slice: number, split: number) => {
      const outcome = await run(bits, [threads, slice, split, samples, batch], [], variables);
      expect(outcome, outcome.err).toMatchObject({ code: 0 });
      return JSON.parse(outcome.out) as unknown;
    };
    const whole = await digests(1, 100, samples);
    expect(await digests(3, 1, Math.ceil(samples / 7))).toEqual(whole);
    if (name !== 'amx') expect(await digests(2, 2, samples - 1)).toEqual(whole);
  });
});
