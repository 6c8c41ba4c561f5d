// Metrics against SciPy (scripts/golden/make-metric-goldens.py) and against hand values.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  baselineProtection,
  boundaryAdherence,
  closestDistances,
  correlation,
  correlationSimilarity,
  energyDistance,
  exactCopies,
  ksComplement,
  ksDistance,
  median,
  mmdSquared,
  moments,
  normalisedPathEnergy,
  pathEnergy,
  rangeCoverage,
  slicedWasserstein,
  straightness,
  totalVariation,
  tvComplement,
  wasserstein1d,
} from '../../lib/metrics/index.ts';
import { column } from '../../lib/metrics/rows.ts';

const golden = JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8'));
const [x, y] = [Float32Array.from(golden.x), Float32Array.from(golden.y)];
const close = (got: ArrayLike<number>, expected: readonly number[]): void => {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((got[i] as number) - value)).toBeLessThan(1e-12 * (1 + Math.abs(value)));
  });
};

describe('against SciPy', () => {
  it('moments and correlations', () => {
    const { mean, std, covariance } = moments(x, 3);
    close(mean, golden.mean);
    close(std, golden.std);
    close(covariance, golden.covariance);
    close(correlation(x, 3), golden.correlation);
    close([correlationSimilarity(x, y, 3)], [golden.correlationSimilarity]);
  });

  it('energy distance', () => {
    close([energyDistance(x, y, 3), energyDistance(x, y, 3, { statistic: 'U' })], [golden.energyV, golden.energyU]);
    close([energyDistance(column(x, 3, 0), column(y, 3, 0), 1)], [golden.energy1d]);
  });

  it('maximum mean discrepancy', () => {
    close([mmdSquared(x, y, 3)], [golden.mmd]);
  });

  it('one column', () => {
    for (let c = 0; c < 3; c++) {
      const [p, q] = [column(x, 3, c), column(y, 3, c)];
      close([ksDistance(p, q), wasserstein1d(p, q)], [golden.ks[c], golden.wasserstein1[c]]);
      expect(ksComplement(p, q)).toBe(1 - ksDistance(p, q));
    }
    close([wasserstein1d(column(x, 3, 0), column(y, 3, 0).subarray(0, 40), 2)], [golden.wasserstein2]);
    close([totalVariation(golden.categories.a, golden.categories.b)], [golden.categories.totalVariation]);
  });

  it('copies and closest records', () => {
    close(closestDistances(x, y, 3), golden.closest);
    expect(exactCopies(x, y, 3)).toBe(golden.copies);
  });
});

describe('by hand', () => {
  const f = (...values: number[]): Float64Array => Float64Array.from(values);
  it('energy distance of two points', () => {
    expect(energyDistance(f(0, 0), f(3, 4), 2)).toBe(10);
    expect(energyDistance(x, x, 3)).toBe(0);
    // x = {0, 2}, y = {1, 3}: cross mean 1.5, within means 1 (V) or 2 (U).
    expect(energyDistance(f(0, 2), f(1, 3), 1)).toBe(1);
    expect(energyDistance(f(0, 2), f(1, 3), 1, { statistic: 'U' })).toBe(-1);
  });

  it('ks, tv and wasserstein', () => {
    expect(ksDistance(f(1, 2, 3), f(1, 2, 3))).toBe(0);
    expect(ksDistance(f(1, 1, 1), f(1, 1, 2))).toBeCloseTo(1 / 3, 15);
    expect(ksDistance(f(0), f(1))).toBe(1);
    expect(tvComplement(['a', 'b'], ['a', 'a'])).toBe(0.5);
    expect(wasserstein1d(f(0, 1), f(0, 0, 1, 1))).toBe(0);
    expect(wasserstein1d(f(0), f(3, 5), 2)).toBeCloseTo(Math.sqrt(17), 14);
  });

  it('ranges', () => {
    expect(boundaryAdherence(f(0, 10), f(-1, 0, 5, 10))).toBe(0.75);
    expect(rangeCoverage(f(0, 10), f(2, 9))).toBeCloseTo(0.7, 15);
    expect(rangeCoverage(f(0, 10), f(-5, 20))).toBe(1);
    expect(rangeCoverage(f(1, 1), f(1))).toBeNaN();
  });

  it('closest records', () => {
    expect(Array.from(closestDistances(f(0, 1, 5), f(0, 1, 5), 1, { excludeSelf: true }))).toEqual([1, 1, 4]);
    expect(median(f(4, 1, 3, 2))).toBe(2.5);
    expect(baselineProtection(f(0, 10), f(1, 11), f(2, 12), 1)).toBe(0.5);
  });

  it('path energy of straight lines', () => {
    // Two rows that move by 3 and by 4 in unit time: mean squared speed 12.5, whatever the grid.
    const at = (t: number): number[] => [3 * t, 1, 0, 4 * t];
    const grid = [0, 0.25, 1];
    const energy = pathEnergy(f(...grid.flatMap(at)), grid, 2);
    expect(energy).toBeCloseTo(12.5, 13);
    expect(normalisedPathEnergy(energy, 10)).toBeCloseTo(0.25, 13);
    expect(normalisedPathEnergy(energy, 20)).toBeCloseTo(0.375, 13); // below W2 squared as well: a model that ends short of the data
    expect(pathEnergy(f(...[...grid].reverse().flatMap(at)), [...grid].reverse(), 2)).toBeCloseTo(12.5, 13);
  });

  it('straightness: nothing for a line at constant speed, the variance of the speed else', () => {
    // Speeds 1 and 3 for half a unit each: mean 2, variance 1.
    expect(straightness(f(0, 0.5, 2), [0, 0.5, 1], 1)).toBeCloseTo(1, 14);
    const grid = [0, 0.25, 1];
    expect(straightness(f(...grid.flatMap((t) => [3 * t, 1, 0, 4 * t])), grid, 2)).toBeLessThan(1e-13);
    // A quarter turn of the unit circle against its chord: energy (pi/2)^2 - 2 for fine grids.
    const steps = 400;
    const times = Array.from({ length: steps + 1 }, (_, k) => k / steps);
    const arc = f(...times.flatMap((t) => [Math.cos((Math.PI * t) / 2), Math.sin((Math.PI * t) / 2)]));
    expect(straightness(arc, times, 2)).toBeCloseTo((Math.PI / 2) ** 2 - 2, 4);
  });

  it('sliced distances', () => {
    const [a, b] = [column(x, 3, 0), column(y, 3, 0)];
    for (const p of [1, 2]) expect(slicedWasserstein(a, b, 1, { p, directions: 3 })).toBeCloseTo(wasserstein1d(a, b, p), 14);
    // A shift of length s in the plane: |s cos(angle)| in each direction, mean 2 s / pi, standard deviation s sqrt(1/2 - 4/pi^2) = 0.308 s. Four standard errors.
    const points = Float64Array.from(x.subarray(0, 80));
    const shifted = points.map((v, i) => v + (i % 2 === 0 ? 3 : 4));
    for (const p of [1, 2, 3])
      expect(Math.abs(slicedWasserstein(points, shifted, 2, { p, directions: 2000, seed: 4 }) / 5 - 2 / Math.PI)).toBeLessThan((4 * 0.308) / Math.sqrt(2000));
    expect(slicedWasserstein(x, x, 3)).toBe(0);
    expect(slicedWasserstein(x, y, 3, { seed: 1 })).not.toBe(slicedWasserstein(x, y, 3));
  });

  it('refuses what is no sample', () => {
    expect(() => energyDistance(f(1, 2, 3), f(1, 2), 2)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_SHAPE', path: 'x' }));
    expect(() => energyDistance(f(1, 2), f(1, Number.NaN), 2)).toThrow(/y, row 0, column 1: expected a finite number, got NaN/);
    expect(() => energyDistance(f(1, 2), f(3, 4), 2, { statistic: 'U' })).toThrow(/at least 2 rows/);
    expect(() => mmdSquared(f(1), f(2), 1, { sigmas: [0] })).toThrow(/sigmas\[0\]/);
    expect(() => mmdSquared(f(1), f(2), 1, { sigmas: [] })).toThrow(/widths above 0/);
    expect(() => slicedWasserstein(f(1), f(2), 1, { p: 0.5 })).toThrow(/options\.p/);
    expect(() => moments([1, 2] as never, 2)).toThrow(/Float32Array/);
    expect(() => totalVariation([], ['a'])).toThrow(/at least one value/);
    expect(() => pathEnergy(f(1, 2, 3), [0, 1], 1)).toThrow(/2 states/);
    expect(() => normalisedPathEnergy(1, 0)).toThrow(/w2Squared/);
  });
});
