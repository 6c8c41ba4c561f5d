// Six functions of t as the table that the native core reads: equidistant nodes on [tMin, tMax], values and t-derivatives (see table.ts).

/** The six fields of a path (pathFields) at t. */
export type Sample = (t: number) => number[];

/** Nodes of the table of a smooth path. */
export const nodes = 2049;

/** Five-point difference of field f at t, from points inside [tMin, tMax] only. */
export function difference(sample: Sample, f: number, t: number, h: number, tMin: number, tMax: number): number {
  const centre = Math.min(Math.max(t, tMin + 2 * h), tMax - 2 * h);
  // Weights of the derivative at offset p (in units of h) from the centre of five equidistant points.
  const p = (t - centre) / h;
  const weights = [
    (4 * p ** 3 - 6 * p ** 2 - 2 * p + 2) / 24,
    (-16 * p ** 3 + 12 * p ** 2 + 32 * p - 16) / 24,
    (24 * p ** 3 - 60 * p) / 24,
    (-16 * p ** 3 - 12 * p ** 2 + 32 * p + 16) / 24,
    (4 * p ** 3 + 6 * p ** 2 - 2 * p - 2) / 24,
  ];
  return weights.reduce((sum, w, i) => sum + w * (sample(centre + (i - 2) * h)[f] as number), 0) / h;
}

/** The derivatives of alpha, sigma, gamma are the stated ones; those of the stated ones are differences. */
export function tabulate(sample: Sample, tMin: number, tMax: number, nodes: number): Float64Array {
  const table = new Float64Array(nodes * 12);
  const h = (tMax - tMin) / (nodes - 1);
  for (let k = 0; k < nodes; k++) {
    const t = k === nodes - 1 ? tMax : tMin + k * h;
    const point = sample(t);
    const second = [3, 4, 5].map((f) => difference(sample, f, t, h / 8, tMin, tMax));
    table.set([...point, point[3] as number, point[4] as number, point[5] as number, ...second], k * 12);
  }
  return table;
}
