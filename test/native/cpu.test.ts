// CPU features from register values: a feature needs its bit and the operating system's saved state.
import { describe, expect, it } from 'vitest';
import { type Registers, table } from './table.ts';

const bit = (...positions: number[]) => positions.reduce((word, p) => (word | (1 << p)) >>> 0, 0);
const skylakeX: Registers = {
  maxLeaf: 22,
  leaf1Ecx: bit(0, 1, 9, 12, 13, 19, 20, 22, 23, 26, 27, 28, 29),
  leaf1Edx: 0,
  leaf7Ebx: bit(3, 5, 8, 16, 17, 28, 30, 31),
  maxExtendedLeaf: 0x80000008,
  extended1Ecx: bit(0, 5),
  xcr0: 0xe7,
  leaf7Edx: 0,
  leaf71Eax: 0,
};
/** A server with tiles: AVX512_BF16, AMX-BF16, AMX-TILE, and tile state that the system saves. */
const sapphireRapids: Registers = { ...skylakeX, leaf7Edx: bit(22, 24, 25), leaf71Eax: bit(5), xcr0: 0x602e7 };
const without512 = { avx512: false, avx512bf16: false, amx: false };
const features = (change: Partial<Registers>) => table.features({ ...skylakeX, ...change });
const without = (word: number, position: number) => (word & ~(1 << position)) >>> 0;

describe('cpu features', () => {
  it('takes a machine with everything', () => expect(features({})).toEqual({ v2: true, avx2: true, avx512: true, avx512bf16: false, amx: false }));
  it('needs the saved ZMM state for AVX-512', () => {
    for (const xcr0 of [0x7, 0x67, 0xa7, 0xc7]) expect(features({ xcr0 })).toEqual({ v2: true, avx2: true, ...without512 });
  });
  it('needs the saved YMM state for AVX2', () => {
    for (const xcr0 of [0, 0x3, 0x5, 0xe3]) expect(features({ xcr0 })).toEqual({ v2: true, avx2: false, ...without512 });
    expect(features({ leaf1Ecx: without(skylakeX.leaf1Ecx, 27) }).avx2).toBe(false);
  });
  it.each([16, 17, 28, 30, 31])('AVX-512 needs bit %i of leaf 7', (p) => expect(features({ leaf7Ebx: without(skylakeX.leaf7Ebx, p) }).avx512).toBe(false));
  it.each([3, 5, 8])('AVX2 needs bit %i of leaf 7', (p) =>
    expect(features({ leaf7Ebx: without(skylakeX.leaf7Ebx, p) })).toEqual({ v2: true, avx2: false, ...without512 }),
  );
  it.each([12, 22, 28, 29])('AVX2 needs bit %i of leaf 1', (p) => expect(features({ leaf1Ecx: without(skylakeX.leaf1Ecx, p) }).avx2).toBe(false));
  it.each([0, 9, 13, 19, 20, 23])('x86-64-v2 needs bit %i of leaf 1', (p) => expect(features({ leaf1Ecx: without(skylakeX.leaf1Ecx, p) }).v2).toBe(false));
  it('takes tiles where everything for them is there', () => expect(table.features(sapphireRapids)).toMatchObject({ avx512bf16: true, amx: true }));
  it('AVX512_BF16 needs its bit and AVX-512', () => {
    expect(table.features({ ...sapphireRapids, leaf71Eax: 0 })).toMatchObject({ avx512: true, avx512bf16: false, amx: false });
    expect(table.features({ ...sapphireRapids, leaf7Ebx: 0 })).toMatchObject({ avx512bf16: false, amx: false });
    expect(table.features({ ...sapphireRapids, maxLeaf: 6 })).toMatchObject({ avx512bf16: false, amx: false });
  });
  it.each([22, 24])('tiles need bit %i of leaf 7', (p) =>
    expect(table.features({ ...sapphireRapids, leaf7Edx: without(sapphireRapids.leaf7Edx, p) })).toMatchObject({ avx512bf16: true, amx: false }),
  );
  it('tiles need both parts of their saved state', () => {
    for (const xcr0 of [0xe7, 0x200e7, 0x400e7]) expect(table.features({ ...sapphireRapids, xcr0 })).toMatchObject({ avx512bf16: true, amx: false });
  });
  it('ignores leaves beyond the highest', () => {
    expect(features({ maxLeaf: 6 })).toEqual({ v2: true, avx2: false, ...without512 });
    expect(features({ maxExtendedLeaf: 0x80000000 }).v2).toBe(false);
    expect(features({ maxLeaf: 0 })).toEqual({ v2: false, avx2: false, ...without512 });
  });
});
