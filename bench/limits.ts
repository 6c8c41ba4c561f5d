// What this machine can do at most: fma peaks, bandwidth by footprint, elementwise rates; and single kernels as fractions of the peak.

import { readFileSync } from 'node:fs';
import type { Peak } from './round.ts';
import { markdown, percent } from './table.ts';

export interface Limits {
  readonly isa: string;
  /** GFLOP/s by number of threads. */
  readonly peak: Readonly<Record<string, number>>;
  /** GB/s of one core: [bytes, read, write, copy]. */
  readonly bandwidth: readonly (readonly [number, number, number, number])[];
  /** Bytes of the second-level cache of one core. */
  readonly secondLevel: number;
  /** 1e9 elements per second of one core. */
  readonly elements: Readonly<Record<string, number>>;
}
interface Probe {
  speed(isa: string, kernel: string, rows: number, columns: number, out: number, milliseconds: number): number;
  limits(isa: string, kind: string, bytes: number, milliseconds: number): number;
  peak(isa: string, milliseconds: number, threads: number): number;
}

/** Of the first core, as Linux tells it; 1 MiB where nothing is told. */
function secondLevel(): number {
  try {
    const [, kib] = /^(\d+)K/.exec(readFileSync('/sys/devices/system/cpu/cpu0/cache/index2/size', 'utf8')) ?? [];
    return Number(kib ?? 1024) * 1024;
  } catch {
    return 2 ** 20;
  }
}

const footprints = [16, 64, 256, 512, 2048, 8192, 65_536, 524_288].map((kib) => kib * 1024);
const size = (bytes: number): string => (bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 1024} KiB`);

export function limitsTables({ peak, bandwidth, elements, isa }: Limits): string {
  const whole = (x: number): string => x.toFixed(0);
  return [
    markdown(['fma peak, GFLOP/s', ...Object.keys(peak).map((n) => `${n} thread${n === '1' ? '' : 's'}`)], [[isa, ...Object.values(peak).map(whole)]]),
    markdown(
      ['bandwidth of one core, GB/s', 'read', 'write', 'copy (read + written)'],
      bandwidth.map(([bytes, ...rates]) => [size(bytes), ...rates.map(whole)]),
    ),
    markdown(
      ['elementwise, one core', 'Gelem/s'],
      Object.entries(elements).map(([name, rate]) => [name, rate.toPrecision(3)]),
    ),
  ].join('\n\n');
}

export function limits(probe: Probe, isa: string, threads: readonly number[], ms: number): Limits {
  const elementwise = ['silu', 'selu', 'tanh', 'random_normal'];
  const result: Limits = {
    isa,
    peak: Object.fromEntries(threads.map((n) => [String(n), probe.peak(isa, ms, n)])),
    bandwidth: footprints.map((bytes) => [
      bytes,
      probe.limits(isa, 'read', bytes, ms),
      probe.limits(isa, 'write', bytes, ms),
      probe.limits(isa, 'copy', bytes, ms),
    ]),
    secondLevel: secondLevel(),
    elements: {
      ...Object.fromEntries(elementwise.map((name) => [name, probe.speed(isa, name, 96, 64, 64, ms)])),
      'adam, in L2': probe.speed(isa, 'adam', 32, 512, 512, ms),
      'adam, from memory': probe.speed(isa, 'adam', 4096, 4096, 4096, ms),
    },
  };
  console.log(`\n${limitsTables(result)}`);
  return result;
}

/** GFLOP/s of single kernels, with the peak measured beside each. */
export function kernels(speed: Probe['speed'], peak: Peak, isa: string, ms: number): Record<string, { gflops: number; fraction: number }> {
  const found: Record<string, { gflops: number; fraction: number }> = {};
  for (const H of [64, 256, 512, 1024]) {
    for (const kernel of ['dense', 'dense_silu', 'dense_silu_slope', 'weight_grad']) {
      const before = peak(isa, 1);
      const gflops = speed(isa, kernel, 96, H, H, ms);
      found[`${kernel} 96 x ${H} x ${H}`] = { gflops, fraction: gflops / Math.max(before, peak(isa, 1)) };
    }
  }
  const lines = Object.entries(found).map(([name, { gflops, fraction }]) => [name, gflops.toFixed(0), percent(fraction)]);
  console.log(`\n${markdown(['kernel', 'GFLOP/s', '% of peak'], lines)}`);
  return found;
}
