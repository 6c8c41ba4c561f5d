// Synthetic sets: recorded first rows, exact moments of the definitions, purity, refusals.

import { describe, expect, it } from 'vitest';
import { synthetic, syntheticVersions } from '../../lib/data/synthetic.ts';
import { type SyntheticName, syntheticNames } from '../../lib/data/synthetic-names.ts';
import { moments } from '../../lib/metrics/index.ts';
import golden from '../golden/synthetic.json' with { type: 'json' };

const all = syntheticNames.flatMap((name) => syntheticVersions(name).map((version) => [name, version] as const));

describe('recorded rows', () => {
  it.each(all)('%s %s', (name, version) => {
    const { x, labels } = synthetic(name, { n: 10, seed: 3, version });
    const recorded = (golden as Record<string, { x: number[]; labels: number[] }>)[`${name} ${version}`];
    expect(Array.from(labels)).toEqual(recorded?.labels);
    recorded?.x.forEach((value, i) => {
      expect(Math.abs((x[i] as number) - value)).toBeLessThan(1e-6 * (1 + Math.abs(value)));
    });
  });
});

describe('definitions', () => {
  const n = 40_000;
  // Mean and standard deviation per column, worked out from the formulas.
  const sample = (name: SyntheticName, version: string) => moments(synthetic(name, { n, seed: 1, version }).x, 2);
  const expectMoments = (name: SyntheticName, version: string, mean: readonly number[], std: readonly number[]): void => {
    const got = sample(name, version);
    [0, 1].forEach((c) => {
      const error = 5 * (std[c] as number) * Math.sqrt(1 / n);
      expect(Math.abs((got.mean[c] as number) - (mean[c] as number)), `${name} ${version} mean ${c}`).toBeLessThan(error);
      // The kurtosis of these sets is below 4.
      expect(Math.abs((got.std[c] as number) - (std[c] as number)), `${name} ${version} std ${c}`).toBeLessThan(error);
    });
  };

  it('8 gaussians: radius^2 / 2 + std^2', () => {
    expectMoments('8gaussians', 'runner', [0, 0], [Math.sqrt(13.5), Math.sqrt(13.5)]);
    expectMoments('8gaussians', 'torchcfm', [0, 0], [Math.sqrt(12.5 + Math.sqrt(0.1)), Math.sqrt(12.5 + Math.sqrt(0.1))]);
    expectMoments('8gaussians', 'runner-twodim', [0, 0], [Math.sqrt(9 * 8.25), Math.sqrt(9 * 8.25)]);
  });

  it('moons: arcs of variance 1/2 and (1/2 - 4/pi^2), centres (0, 2/pi) and (1, 1/2 - 2/pi)', () => {
    const [p, sx] = [2 / Math.PI, Math.sqrt(0.5 + 0.25)];
    const sy = Math.sqrt(0.5 - p * p + (p - 0.25) ** 2);
    expectMoments('moons', 'runner', [0, -0.5], [2 * Math.hypot(sx, 0.05), 2 * Math.hypot(sy, 0.05)]);
    expectMoments(
      'moons',
      'torchcfm',
      [0.5 * 3 - 1 + 0.3, 0.25 * 3 - 1 + 0.3],
      [3 * Math.hypot(sx, 0.2 / Math.sqrt(12)), 3 * Math.hypot(sy, 0.2 / Math.sqrt(12))],
    );
    const { mean, std } = sample('moons', 'runner-twodim');
    const grand = ((mean[0] as number) + (mean[1] as number)) / 2;
    const spread = ((std[0] as number) ** 2 + (std[1] as number) ** 2) / 2 + (((mean[0] as number) - (mean[1] as number)) / 2) ** 2;
    expect([grand, Math.sqrt(spread)]).toEqual([expect.closeTo(0, 4), expect.closeTo(7, 4)]);
  });

  it('s-curve, circles and checkerboard', () => {
    expectMoments('scurve', 'runner', [0, 0], [1.5 * Math.hypot(Math.sqrt(0.5), 0.05), 1.5 * Math.hypot(Math.sqrt(1.5 + 4 / (3 * Math.PI)), 0.05)]);
    expectMoments('circles', 'v1', [0, 0], [3 * Math.hypot(Math.sqrt(0.3125), 0.08), 3 * Math.hypot(Math.sqrt(0.3125), 0.08)]);
    const { x, labels } = synthetic('checkerboard', { n: 5000, seed: 2 });
    labels.forEach((label, i) => {
      const [a, b] = [(x[2 * i] as number) * 0.45, (x[2 * i + 1] as number) * 0.45];
      expect(Math.abs(a) <= 2 && Math.abs(b) <= 2 && (Math.floor(a) + Math.floor(b)) % 2 === 0, `(${a}, ${b})`).toBe(true);
      expect(label).toBeLessThan(8);
    });
    expect(new Set(labels).size).toBe(8);
  });

  it('the noise of torchcfm moons is one number in [0, 0.2) for both coordinates, their angles evenly spaced', () => {
    const rows = 1000;
    const { x, labels } = synthetic('moons', { n: rows, seed: 4, version: 'torchcfm' });
    // x - y knows no noise: cos - sin of the outer arc, 1/2 - cos + sin of the inner one.
    const seen = Array.from(labels, (_, i) => ((x[2 * i] as number) - (x[2 * i + 1] as number)) / 3).sort((a, b) => a - b);
    const angles = Array.from({ length: rows / 2 }, (_, k) => (Math.PI * k) / (rows / 2 - 1));
    const exact = angles.flatMap((a) => [Math.cos(a) - Math.sin(a), 0.5 - Math.cos(a) + Math.sin(a)]).sort((a, b) => a - b);
    seen.forEach((value, i) => void expect(Math.abs(value - (exact[i] as number))).toBeLessThan(1e-6));
    // From x + y, with the angle that x - y leaves open: one of two, and one of them lies in the range.
    labels.forEach((label, i) => {
      const [p, q] = [((x[2 * i] as number) + 1) / 3, ((x[2 * i + 1] as number) + 1) / 3];
      const [u, v] = label === 0 ? [p, q] : [1 - p, 0.5 - q]; // (cos, sin) of the angle, moved along (1, 1) either way
      const shifts = [-1, 1].map((sign) => (u + v) / 2 + (sign * Math.sqrt(2 - (u - v) ** 2)) / 2).map((shift) => (label === 0 ? shift : -shift));
      expect(shifts.some((shift) => shift > -1e-6 && shift < 0.2 + 1e-6)).toBe(true);
    });
  });

  it('swiss roll, pinwheel and spirals', () => {
    // The roll: t (cos t, sin t), t uniform in [1.5 pi, 4.5 pi], by a fine sum.
    const turns = Array.from({ length: 30_000 }, (_, k) => 1.5 * Math.PI * (1 + (2 * (k + 0.5)) / 30_000));
    const average = (f: (t: number) => number): number => turns.reduce((sum, t) => sum + f(t), 0) / turns.length;
    const [mx, my] = [average((t) => t * Math.cos(t)), average((t) => t * Math.sin(t))];
    const deviation = (f: (t: number) => number, mean: number): number => Math.sqrt(average((t) => f(t) ** 2) - mean ** 2 + 1);
    expectMoments('swissroll', 'v1', [0.2 * mx, 0.2 * my], [0.2 * deviation((t) => t * Math.cos(t), mx), 0.2 * deviation((t) => t * Math.sin(t), my)]);
    // Five arms of symmetry, radii N(1, 0.3^2), N(0, 0.1^2) across, doubled.
    expectMoments('pinwheel', 'v1', [0, 0], [Math.sqrt(2.2), Math.sqrt(2.2)]);
    // What is left of an angle once that of the arm, or of the spiral at that radius, is taken off: around 0.
    const left = (name: SyntheticName, angleOf: (x: number, y: number, label: number) => number): [angle: number, length: number] => {
      const { x, labels } = synthetic(name, { n: 4000, seed: 5 });
      const angles = Array.from(labels, (label, i) => angleOf(x[2 * i] as number, x[2 * i + 1] as number, label));
      const [c, s] = [Math.cos, Math.sin].map((f) => angles.reduce((sum, a) => sum + f(a), 0) / angles.length) as [number, number];
      return [Math.atan2(s, c), Math.hypot(c, s)];
    };
    const pinwheel = left('pinwheel', (x, y, label) => Math.atan2(-y, x) - (2 * Math.PI * label) / 5 - Math.exp(Math.hypot(x, y) / 2) / 4);
    const spirals = left('spirals', (x, y, label) => {
      const [u, v] = [x, y].map((w) => 3 * (label === 0 ? w : -w) - 0.25) as [number, number];
      return Math.atan2(v, -u) - Math.hypot(u, v);
    });
    for (const [angle, length] of [pinwheel, spirals]) {
      expect(Math.abs(angle)).toBeLessThan(0.05);
      expect(length).toBeGreaterThan(0.8); // 1 without noise, 0 for a rate that is wrong by a turn
    }
    const { mean, std } = sample('spirals', 'v1');
    expect(Math.hypot(...mean)).toBeLessThan(5 * Math.hypot(...std) * Math.sqrt(1 / n));
    // n^2 of n = 3 pi sqrt(u), half a unit of jitter with mean 1/4 on both coordinates, over 9, and 0.1 of noise: to 5 % with what crosses over.
    expect(Math.hypot(...std) ** 2 / ((3 * Math.PI) ** 2 / 2 / 9)).toBeCloseTo(1, 1);
  });

  it('rows are a function of seed and index; all are finite', () => {
    for (const [name, version] of all) {
      const rows = synthetic(name, { n: 300, seed: 9n, version });
      expect(synthetic(name, { n: 300, seed: 9, version })).toEqual(rows);
      expect(synthetic(name, { n: 300, seed: 10, version }).x).not.toEqual(rows.x);
      expect(rows.x.every((v) => Number.isFinite(v) && Math.abs(v) < 60)).toBe(true);
      if (name !== 'moons') expect(synthetic(name, { n: 200, seed: 9, version }).x).toEqual(rows.x.slice(0, 400));
      expect(synthetic(name, { n: 1, version }).x.length).toBe(2);
    }
  });

  it('refuses unknown names, versions and sizes', () => {
    expect(() => synthetic('mons' as never, { n: 1 })).toThrow(/Did you mean "moons"/);
    expect(() => synthetic('moons', { n: 1, version: 'runer' })).toThrow(/Did you mean "runner"/);
    expect(() => synthetic('moons', { n: 0 })).toThrow(/synthetic.n/);
    expect(() => synthetic('moons', {} as never)).toThrow(/synthetic.n/);
  });
});
