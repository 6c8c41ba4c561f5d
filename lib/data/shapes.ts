// The shapes behind the synthetic sets. Each maps (n, seed) to n points in float64 with the label of their component.

import { Random, shuffled } from '../random.ts';

export type Rows = (n: number, seed: number | bigint) => { x: Float64Array; labels: Int32Array };

const stream = 0x73796e31; // 'syn1'

/** Fills row by row; row i draws from its own row of the random stream. */
export function fill(
  n: number,
  seed: number | bigint,
  row: (random: Random, i: number) => readonly [x: number, y: number, label: number],
): { x: Float64Array; labels: Int32Array } {
  const x = new Float64Array(2 * n);
  const labels = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const [a, b, label] = row(new Random(seed, stream, i), i);
    x[2 * i] = a;
    x[2 * i + 1] = b;
    labels[i] = label;
  }
  return { x, labels };
}

/** N(0, I). */
export const standard: Rows = (n, seed) => fill(n, seed, (random) => [random.normal(), random.normal(), 0]);

/** Eight equally likely normals at the compass points: scale (centre of the given radius + std z). */
export function gaussians(radius: number, std: number, scale: number): Rows {
  return (n, seed) =>
    fill(n, seed, (random) => {
      const k = random.below(8);
      const angle = (k * Math.PI) / 4;
      return [scale * (radius * Math.cos(angle) + std * random.normal()), scale * (radius * Math.sin(angle) + std * random.normal()), k];
    });
}

interface Moons {
  readonly noise: number;
  /** 'normal': N(0, noise^2) on each coordinate; 'diagonal': one U[0, noise) added to both. */
  readonly kind: 'normal' | 'diagonal';
  place(x: number, y: number): readonly [number, number];
  /** Subtract the mean of all numbers, divide by their standard deviation, multiply by this. */
  readonly standardise?: number;
}

/** The upper arc of the moons (label 0), or the lower one, at an angle in [0, pi]. */
export const moonArc = (label: number, angle: number): readonly [number, number] =>
  label === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];

/** u in (0, 1) -> the S and the roll. */
export const sCurve = (u: number): readonly [number, number] => {
  const t = 3 * Math.PI * (u - 0.5);
  return [Math.sin(t), Math.sign(t) * (Math.cos(t) - 1)];
};
export const swissRoll = (u: number): readonly [number, number] => {
  const t = 1.5 * Math.PI * (1 + 2 * u);
  return [t * Math.cos(t), t * Math.sin(t)];
};

/** Two interleaved half circles, each with equally spaced angles in [0, pi]; rows are shuffled. */
export function moons({ noise, kind, place, standardise }: Moons): Rows {
  return (n, seed) => {
    const outer = Math.floor(n / 2);
    const order = shuffled(new Random(seed, stream + 1), n);
    const rows = fill(n, seed, (random, i) => {
      const k = order[i] as number;
      const [label, at, count] = k < outer ? [0, k, outer] : [1, k - outer, n - outer];
      const angle = (Math.PI * at) / Math.max(count - 1, 1);
      const [x, y] = moonArc(label, angle);
      const shift = kind === 'diagonal' ? noise * random.uniform() : 0;
      const [dx, dy] = kind === 'diagonal' ? [shift, shift] : [noise * random.normal(), noise * random.normal()];
      const [px, py] = place(x + dx, y + dy);
      return [px, py, label];
    });
    if (standardise !== undefined) {
      const mean = rows.x.reduce((sum, v) => sum + v, 0) / rows.x.length;
      const std = Math.sqrt(rows.x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / rows.x.length) || 1;
      rows.x.forEach((v, i) => {
        rows.x[i] = (standardise * (v - mean)) / std;
      });
    }
    return rows;
  };
}

/** scale (curve(u) + noise z), u ~ U(0, 1). */
export function noisyCurve(noise: number, scale: number, curve: (u: number) => readonly [number, number]): Rows {
  return (n, seed) =>
    fill(n, seed, (random) => {
      const [x, y] = curve(random.uniform());
      return [scale * (x + noise * random.normal()), scale * (y + noise * random.normal()), 0];
    });
}

/** Two concentric circles of radius 3 and 1.5 with noise 0.24. */
export const circles: Rows = (n, seed) =>
  fill(n, seed, (random) => {
    const label = random.below(2);
    const angle = 2 * Math.PI * random.uniform();
    const radius = label === 0 ? 1 : 0.5;
    return [3 * (radius * Math.cos(angle) + 0.08 * random.normal()), 3 * (radius * Math.sin(angle) + 0.08 * random.normal()), label];
  });

/** `arms` elongated normals, each bent by a rotation of rate exp(radius). */
export function pinwheel(arms: number, radial: number, tangential: number, rate: number): Rows {
  return (n, seed) =>
    fill(n, seed, (random) => {
      const label = random.below(arms);
      const [r, s] = [1 + radial * random.normal(), tangential * random.normal()];
      const angle = (2 * Math.PI * label) / arms + rate * Math.exp(r);
      return [2 * (r * Math.cos(angle) + s * Math.sin(angle)), 2 * (s * Math.cos(angle) - r * Math.sin(angle)), label];
    });
}

/** Two spirals of one and a half turns with noise 0.1. */
export const spirals: Rows = (n, seed) =>
  fill(n, seed, (random) => {
    const label = random.below(2);
    const angle = Math.sqrt(random.uniform()) * 3 * Math.PI;
    const [x, y] = [-Math.cos(angle) * angle + 0.5 * random.uniform(), Math.sin(angle) * angle + 0.5 * random.uniform()];
    const side = label === 0 ? 1 : -1;
    return [(side * x) / 3 + 0.1 * random.normal(), (side * y) / 3 + 0.1 * random.normal(), label];
  });

/** Unit squares of a chessboard on [-2, 2]^2, divided by 0.45: uniform on an area of 39.51, entropy 3.676 nats. */
export const checkerboard: Rows = (n, seed) =>
  fill(n, seed, (random) => {
    const x = 4 * random.uniform() - 2;
    const lower = random.below(2);
    const y = random.uniform() - 2 * lower + (((Math.floor(x) % 2) + 2) % 2);
    return [x / 0.45, y / 0.45, (Math.floor(x) + 2) * 2 + lower];
  });
