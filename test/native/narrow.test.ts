// The bfloat16 kernels of every family that can run here against sums in double: tails, strides, parts, guard pages, row groups. AMX runs as shipped: on the
// machine's tiles, or instruction by instruction on emulated ones.
import { describe, expect, it } from 'vitest';
import { table } from './table.ts';

const available = table.narrowAvailable();

describe.each(available)('bfloat16 kernels of %s: %s', (isa, name) => {
  it.each(['convert', 'pack', 'dense', 'weight_grad'])('%s stays in its buffers and within the bound', (family) => {
    for (const seed of [1, 2]) {
      const verdict = table.checkNarrow(isa, name, family, seed);
      expect(verdict.first).toBe('');
      expect(verdict.cases).toBeGreaterThan(200);
      expect(verdict.worst).toBeLessThanOrEqual(1);
    }
  });
});

describe('AMX without AMX', () => {
  it('refuses what the processor refuses, and multiplies as it does', () => expect(table.checkEmulator() ?? '').toBe(''));
  it('ran on tiles', () => {
    if (table.checkEmulator() === null) return; // real tiles, or no AVX512_BF16 to go with them
    const [configured, released, ...others] = table.amxCounts();
    expect(configured).toBeGreaterThan(100);
    expect(released).toBeGreaterThan(100);
    for (const count of others) expect(count).toBeGreaterThan(1000);
  });
});

describe('the choice of bfloat16 kernels', () => {
  it('has a fallback beside every instruction set', () => {
    for (const isa of table.available()) expect(available).toContainEqual([isa, 'fallback']);
  });
});
