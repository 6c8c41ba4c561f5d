// The test-only addon: kernel sweeps, single answers and speed per ISA (test/native/addon/).
import { createRequire } from 'node:module';

export interface Verdict {
  readonly cases: number;
  readonly failures: number;
  /** Largest error over its bound. */
  readonly worst: number;
  /** The first failure in words. */
  readonly first: string;
}
export interface Registers {
  readonly maxLeaf: number;
  readonly leaf1Ecx: number;
  readonly leaf1Edx: number;
  readonly leaf7Ebx: number;
  readonly maxExtendedLeaf: number;
  readonly extended1Ecx: number;
  readonly xcr0: number;
}
export interface KernelTable {
  available(): string[];
  chosen(): { isa: string; error?: string };
  check(isa: string, family: string, seed: number): Verdict;
  ulp(isa: string, what: number, stride: number): { worst: number; at: number; slope: number };
  draw(isa: string, key: Uint32Array, stream: number, firstRow: bigint, rows: number, columns: number, normal: boolean): Float32Array;
  philox(counter: Uint32Array, key: Uint32Array): Uint32Array;
  features(registers: Registers): { v2: boolean; avx2: boolean; avx512: boolean };
  peak(isa: string, milliseconds: number): number;
  speed(isa: string, kernel: string, rows: number, inputs: number, outputs: number, milliseconds: number): number;
}

const file = process.env.FLOWMATCH_TEST_ADDON ?? new URL('../../build/Release/flowmatch_test.node', import.meta.url).pathname;
export const table = createRequire(import.meta.url)(file) as KernelTable;
export const families = ['dense', 'weight_grad', 'pack', 'elementwise', 'reduce', 'layer_norm', 'adam', 'random', 'special'] as const;
