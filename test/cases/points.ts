// The points of scripts/golden/make-assignment-goldens.py and make-transport-goldens.py, made again: generic, on a small grid (ties), few distinct ones
// (duplicates), and two far groups of unequal shares (clusters).

export type PointKind = 'generic' | 'grid' | 'duplicates' | 'clusters';

/** Word i of a seed. */
export function word(seed: number, i: number): number {
  let z = (seed + Math.imul(i + 1, 0x9e3779b9)) >>> 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** (rows, dimension), exact in f32. */
export function points(kind: PointKind, rows: number, dimension: number, seed: number): Float32Array {
  const generic = (length: number, at: number): Float32Array => Float32Array.from({ length }, (_, i) => (word(at, i) >>> 12) / 2 ** 19 - 1);
  if (kind === 'generic') return generic(rows * dimension, seed);
  if (kind === 'grid') return Float32Array.from({ length: rows * dimension }, (_, i) => word(seed, i) % 5);
  if (kind === 'clusters') return generic(rows * dimension, seed).map((v, i) => (i % dimension === 0 && (i / dimension) % 16 < 8 + (seed % 2) ? v + 6 : v));
  const few = generic(7 * dimension, seed ^ 0x55555555);
  return Float32Array.from({ length: rows * dimension }, (_, i) => few[(word(seed, Math.floor(i / dimension)) % 7) * dimension + (i % dimension)] as number);
}
