// Fewer points, the same picture: one row from each of m equal stretches, its place in the stretch from the golden-ratio sequence (no seed, no aliasing
// with periodic data). The same input always gives the same rows.

const golden = 0.6180339887498949;

/** Indices of at most `most` of `count` rows, ascending. */
export function thin(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const stretch = count / most;
  return Array.from({ length: most }, (_, k) => Math.min(count - 1, Math.floor((k + ((k * golden) % 1)) * stretch)));
}
