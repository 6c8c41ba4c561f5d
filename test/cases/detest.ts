// DETEST, the non-stiff problems of Hull, Enright, Fellen and Sedgwick (SIAM J. Numer. Anal. 9, 1972), on [0, 20], with what SciPy made of them
// (scripts/golden/make-detest-goldens.py).

import { readFileSync } from 'node:fs';
import type { RowField } from '../../lib/sampling/reference/adaptive.ts';

export interface Problem {
  readonly name: string;
  readonly start: Float64Array;
  readonly field: RowField;
  /** The solution at t = 20. */
  readonly end: readonly number[];
  /** [evaluations, error at t = 20 in units of the tolerance] of SciPy's RK45, for each of `tolerances`. */
  readonly scipy: readonly (readonly [number, number])[];
}

type Rows = readonly [name: string, start: readonly number[], field: (y: readonly number[], t: number) => number[]];
const unit = (n: number): number[] => [1, ...Array<number>(n - 1).fill(0)];
const at = (y: readonly number[], i: number): number => y[i] as number;

/** Each species decays into the next: y_i' = inflow(i) y_(i-1) - outflow(i) y_i; the last one stays. */
const chain =
  (rate: (i: number) => number) =>
  (y: readonly number[]): number[] =>
    y.map((value, i) => (i > 0 ? rate(i) * at(y, i - 1) : 0) - (i < y.length - 1 ? rate(i + 1) * value : 0));
const heat = (y: readonly number[]): number[] => y.map((value, i) => (y[i - 1] ?? 0) - 2 * value + (y[i + 1] ?? 0));

// Jupiter, Saturn, Uranus, Neptune, Pluto.
const [gravity, sun] = [2.95912208286, 1.00000597682];
const masses = [0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778];
const positions = [
  3.42947415189, 3.35386959711, 1.35494901715, 6.6414554255, 5.97156957878, 2.18231499728, 11.2630437207, 14.6952576794, 6.27960525067, -30.1552268759,
  1.65699966404, 1.43785752721, -21.123835338, 28.4465098142, 15.3882659679,
];
const velocities = [
  -0.557160570446, 0.505696783289, 0.230578543901, -0.415570776342, 0.365682722812, 0.169143213293, -0.325325669158, 0.189706021964, 0.087726532278,
  -0.024047625417, -0.287659532608, -0.117219543175, -0.176860753121, -0.216393453025, -0.014864789309,
];
function bodies(y: readonly number[]): number[] {
  const planets = [0, 1, 2, 3, 4];
  const axes = [0, 1, 2];
  const distance3 = (x: readonly number[]): number => Math.hypot(...x) ** 3;
  const place = (j: number): number[] => axes.map((k) => at(y, 3 * j + k));
  const radius3 = planets.map((j) => distance3(place(j)));
  const pull = planets.flatMap((j) =>
    axes.map((k) => {
      let sum = (-(sun + at(masses, j)) * at(y, 3 * j + k)) / at(radius3, j);
      for (const other of planets) {
        if (other === j) continue;
        const gap = axes.map((l) => at(y, 3 * other + l) - at(y, 3 * j + l));
        sum += at(masses, other) * (at(gap, k) / distance3(gap) - at(y, 3 * other + k) / at(radius3, other));
      }
      return gravity * sum;
    }),
  );
  return [...y.slice(15), ...pull];
}
const orbit = (e: number): Rows => [`D${Math.round(e * 5 + 0.5)}`, [1 - e, 0, 0, Math.sqrt((1 + e) / (1 - e))], kepler];
function kepler([x = 0, y = 0, u = 0, v = 0]: readonly number[]): number[] {
  const r3 = Math.hypot(x, y) ** 3;
  return [u, v, -x / r3, -y / r3];
}

const table: readonly Rows[] = [
  ['A1', [1], ([y = 0]) => [-y]],
  ['A2', [1], ([y = 0]) => [-(y ** 3) / 2]],
  ['A3', [1], ([y = 0], t) => [y * Math.cos(t)]],
  ['A4', [1], ([y = 0]) => [(y / 4) * (1 - y / 20)]],
  ['A5', [4], ([y = 0], t) => [(y - t) / (y + t)]],
  ['B1', [1, 3], ([p = 0, q = 0]) => [2 * (p - p * q), -(q - p * q)]],
  ['B2', [2, 0, 1], ([p = 0, q = 0, r = 0]) => [-p + q, p - 2 * q + r, q - r]],
  ['B3', [1, 0, 0], ([p = 0, q = 0]) => [-p, p - q * q, q * q]],
  [
    'B4',
    [3, 0, 0],
    ([p = 0, q = 0, s = 0]) => {
      const r = Math.hypot(p, q);
      return [-q - (p * s) / r, p - (q * s) / r, p / r];
    },
  ],
  ['B5', [0, 1, 1], ([p = 0, q = 0, r = 0]) => [q * r, -p * r, -0.51 * p * q]],
  ['C1', unit(10), chain(() => 1)],
  ['C2', unit(10), chain((i) => i)],
  ['C3', unit(10), heat],
  ['C4', unit(51), heat],
  ['C5', [...positions, ...velocities], bodies],
  ...[0.1, 0.3, 0.5, 0.7, 0.9].map(orbit),
  ['E1', [0.671396707141803, 0.09540051444747447], ([p = 0, q = 0], t) => [q, -(q / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * p)]],
  ['E2', [2, 0], ([p = 0, q = 0]) => [q, (1 - p * p) * q - p]],
  ['E3', [0, 0], ([p = 0, q = 0], t) => [q, p ** 3 / 6 - p + 2 * Math.sin(2.78535 * t)]],
  ['E4', [30, 0], ([, q = 0]) => [q, 0.032 - 0.4 * q * q]],
  ['E5', [0, 0], ([, q = 0], t) => [q, Math.sqrt(1 + q * q) / (25 - t)]],
];

const golden = JSON.parse(readFileSync(new URL('../golden/detest.json', import.meta.url), 'utf8')) as {
  tolerances: number[];
  problems: Record<string, { end: number[]; scipy: [number, number][] }>;
};
export const tolerances: readonly number[] = golden.tolerances;
export const problems: readonly Problem[] = table.map(([name, start, field]) => {
  const known = golden.problems[name];
  if (!known) throw new Error(`no golden for ${name}`);
  return { name, start: Float64Array.from(start), field: (x, t) => Float64Array.from(field(Array.from(x), t)), ...known };
});

/** Largest error of a component at t = 20, in units of atol + rtol |end|. */
export const scaledError = (x: ArrayLike<number>, end: readonly number[], tolerance: number): number =>
  Math.max(...end.map((value, j) => Math.abs((x[j] as number) - value) / (tolerance + tolerance * Math.abs(value))));
