// Which rows train and which are held out: a function of the seed and the number of rows only.

import { Random } from '../random.ts';

const stream = 0x73706c69; // 'spli'
/** More held-out rows than this cost time and tell nothing new. */
export const mostValidationRows = 4096;

/** Held-out rows of `rows`: a fraction rounded down, at most 4096, and never all of them. */
export function validationCount(rows: number, fraction: number): number {
  return Math.min(Math.floor(rows * fraction), mostValidationRows, rows - 1);
}

/** Row numbers in ascending order; the held-out ones are drawn without replacement. */
export function splitRows(rows: number, fraction: number, seed: bigint): { train: Uint32Array; validation: Uint32Array } {
  const count = validationCount(rows, fraction);
  const random = new Random(seed, stream);
  const held = new Set<number>();
  while (held.size < count) held.add(Math.floor((random.word() / 2 ** 32) * rows));
  const validation = Uint32Array.from(held).sort();
  const train = new Uint32Array(rows - count);
  for (let row = 0, k = 0, next = 0; row < rows; row++) {
    if (next < count && validation[next] === row) next++;
    else train[k++] = row;
  }
  return { train, validation };
}
