// The noise that sampling starts from: row i of a seed is the same row everywhere (Philox4x32-10, stream 0, Box-Muller on pairs of words).
// Made by the addon; where that does not load (a service that only runs ONNX), by the same formulas here, equal within one unit in the last place.

import type { Binding } from '../native/binding.ts';
import { loadReport } from '../native/load.ts';
import { philox } from '../random.ts';

const sampleStream = 0;
/** Stream word of the noise of step k of a stochastic solve. */
const diffusionStream = (step: number): number => 14 + step * 256;
/** Numbers made between two turns of the event loop: about a millisecond. */
const slice = { native: 131_072, portable: 8_192 };

/** Row-major standard normals of rows [firstRow, firstRow + rows): words a, b give sqrt(-2 ln u) (cos, sin)(2 pi turns), u = (a >> 8) 2^-24 + 2^-25. */
export function portableNormal(seed: bigint, firstRow: number, rows: number, columns: number, step?: number): Float32Array {
  const stream = step === undefined ? sampleStream : diffusionStream(step);
  const [lo, hi] = [Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)];
  const out = new Float32Array(rows * columns);
  const words = new Uint32Array(4);
  for (let r = 0; r < rows; r++) {
    const row = firstRow + r;
    for (let at = 0; at < columns; at += 4) {
      philox(row >>> 0, Math.floor(row / 2 ** 32) >>> 0, stream, at / 4, lo, hi, words);
      for (let j = at; j < Math.min(at + 4, columns); j++) {
        const radius = Math.sqrt(-2 * Math.log(((words[j & 2] as number) >>> 8) * 2 ** -24 + 2 ** -25));
        const angle = ((words[(j & 2) + 1] as number) | 0) * 2 ** -30 * (Math.PI / 2);
        out[r * columns + j] = radius * (j & 1 ? Math.sin(angle) : Math.cos(angle));
      }
    }
  }
  return out;
}

/** The same rows (with `step`, the noise of that step of a stochastic solve), without holding the event loop for more than about a millisecond at a time. */
export async function noiseRows(seed: bigint, firstRow: number, rows: number, columns: number, step?: number): Promise<Float32Array> {
  const binding: Binding | undefined = loadReport().binding;
  const most = Math.max(1, Math.floor((binding ? slice.native : slice.portable) / columns));
  const make = (first: number, count: number): Float32Array =>
    binding ? binding.normal(seed, first, count, columns, step) : portableNormal(seed, first, count, columns, step);
  if (rows <= most) return make(firstRow, rows);
  const out = new Float32Array(rows * columns);
  for (let at = 0; at < rows; at += most) {
    out.set(make(firstRow + at, Math.min(most, rows - at)), at * columns);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return out;
}
