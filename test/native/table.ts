// The test-only addon: kernel sweeps, single answers and speed per ISA (test/native/addon/).
import { createRequire } from 'node:module';
import type { TransportPlan } from '../../lib/couplings/coupling.ts';

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
  readonly leaf7Edx: number;
  readonly leaf71Eax: number;
}
export interface IntegrateRequest {
  readonly field: 'growth' | 'turn' | 'row' | 'stage' | 'spoil';
  readonly dimension: number;
  readonly n: number;
  readonly firstRow: number;
  readonly seed: bigint;
  readonly initial: Float32Array | null;
  readonly sourceScale: number;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly grid: Float64Array;
  readonly save: Int32Array;
  readonly shift: Float32Array | null;
  readonly scale: Float32Array | null;
  readonly threads: number;
  /** Evaluations (of a tile) after which the stop flag goes up; -1 = never. */
  readonly stopAfter: number;
}
export interface IntegrateResult {
  readonly error?: string;
  readonly x: Float32Array;
  readonly nfe: number;
  readonly nonfiniteRow: number;
  readonly stopped: boolean;
  readonly evaluations: number;
}
/** Steps by error control over a field in JavaScript (then threads: 1), or one of C++ (rows.cc). */
export interface RowsRequest {
  readonly field: 'cosine' | 'spoil' | ((x: Float32Array, t: Float64Array, rows: Float64Array) => Float32Array);
  readonly dimension: number;
  readonly n: number;
  readonly firstRow: number;
  readonly initial: Float32Array | null;
  readonly a: Float64Array;
  readonly b: Float64Array;
  readonly c: Float64Array;
  readonly error: Float64Array;
  readonly errorOrder: number;
  readonly dense: Float64Array;
  readonly grid: Float64Array;
  readonly save: Int32Array;
  readonly rtol: number;
  readonly atol: number;
  readonly minStep: number;
  readonly maxSteps: number;
  readonly pi: boolean;
  readonly batch: boolean;
  readonly closing: Float64Array | null;
  readonly threads: number;
  readonly stopAfter: number;
}
export interface RowsResult extends IntegrateResult {
  readonly rowNfe: Int32Array;
  readonly rowStatus: Uint8Array;
  /** Rows evaluated in all. */
  readonly rows: number;
}
export interface KernelTable {
  integrateRows(request: RowsRequest): RowsResult;
  integrate(request: IntegrateRequest): IntegrateResult;
  available(): string[];
  chosen(): { isa: string; error?: string };
  check(isa: string, family: string, seed: number): Verdict;
  /** [isa, name] of the bfloat16 kernels that can run here; AMX is emulated where the CPU lacks it. */
  narrowAvailable(): [isa: string, name: string][];
  checkNarrow(isa: string, name: string, family: string, seed: number): Verdict;
  /** Emulated so far: ldtilecfg, tilerelease, tilezero, tileloadd, tilestored, tdpbf16ps. */
  amxCounts(): number[];
  /** The emulator's first mistake in words, or ''; null where tiles are real or cannot be emulated. */
  checkEmulator(): string | null;
  ulp(isa: string, what: number, stride: number): { worst: number; at: number; slope: number };
  draw(isa: string, key: Uint32Array, stream: number, firstRow: bigint, rows: number, columns: number, normal: boolean): Float32Array;
  philox(counter: Uint32Array, key: Uint32Array): Uint32Array;
  features(registers: Registers): { v2: boolean; avx2: boolean; avx512: boolean; avx512bf16: boolean; amx: boolean };
  /** Native minibatch transport: x0 row pairs[j] joins x1 row j; with a plan x1 row pairs[rows + j]. */
  couple(
    isa: string,
    x0: Float32Array,
    x1: Float32Array,
    rows: number,
    dimension: number,
    condition: Float32Array | null,
    labels: number,
    threads: number,
    repeats?: number,
    plan?: TransportPlan,
    seed?: number,
    firstRow?: number,
  ): Int32Array;
  /** The entropic plan (rows, rows) of mass 1 that pairs are drawn from, the iterations it took, and by how much the masses of noise rows are off (L1). */
  entropicPlan(
    isa: string,
    x0: Float32Array,
    x1: Float32Array,
    rows: number,
    dimension: number,
    plan: TransportPlan,
  ): { plan: Float64Array; iterations: number; error: number };
  /** Control bits of this thread's floating-point unit (rounding, flushing, traps), without the status flags. */
  control(): number;
  peak(isa: string, milliseconds: number): number;
  speed(isa: string, kernel: string, rows: number, inputs: number, outputs: number, milliseconds: number): number;
}

const file = process.env.FLOWMATCH_TEST_ADDON ?? new URL('../../build/Release/flowmatch_test.node', import.meta.url).pathname;
export const table = createRequire(import.meta.url)(file) as KernelTable;
export const families = [
  'dense',
  'weight_grad',
  'pack',
  'elementwise',
  'reduce',
  'layer_norm',
  'adam',
  'random',
  'special',
  'assign',
  'entropic',
  'tangent',
  'steps',
] as const;
