// Densities of the synthetic sets: they integrate to one, their entropies are those of a grid, and the rows of the generators have them.

import { describe, expect, it } from 'vitest';
import { syntheticDensity } from '../../lib/data/densities.ts';
import { synthetic, syntheticVersions } from '../../lib/data/synthetic.ts';
import { syntheticNames } from '../../lib/data/synthetic-names.ts';

/** Half the side of a square that holds all but 1e-12 of a set, and the step of a grid: at most 0.8 of the width of its normals, whose sums then err by e^-30. */
const grids: Record<string, readonly [number, number]> = {
  'normal v1': [8, 0.25],
  '8gaussians runner': [13, 0.4],
  '8gaussians runner-twodim': [24, 0.6],
  '8gaussians torchcfm': [10, 0.25],
  'moons runner': [4, 0.05],
  'moons runner-twodim': [26, 0.5],
  'scurve runner': [4, 0.05],
  'swissroll v1': [5, 0.12],
  'circles v1': [5.4, 0.12],
};
const all = syntheticNames.flatMap((name) => syntheticVersions(name).map((version) => [name, version] as const));
const known = all.filter(([name, version]) => syntheticDensity(name, { version }) !== null);
const mean = (x: Float64Array): number => x.reduce((sum, v) => sum + v, 0) / x.length;

describe('densities', () => {
  it('are known of these sets', () => {
    expect(known.map((one) => one.join(' ')).sort()).toEqual([...Object.keys(grids), 'checkerboard v1'].sort());
  });

  it.each(known.filter(([name]) => name !== 'checkerboard'))('%s %s: integral and entropy on a grid', (name, version) => {
    const { entropy, logDensity } = syntheticDensity(name, { version })!;
    const [half, step] = grids[`${name} ${version}`]!;
    const count = Math.ceil(half / step);
    const points = new Float64Array(2 * (2 * count + 1) ** 2);
    for (let k = 0; k < points.length / 2; k++) {
      points[2 * k] = ((k % (2 * count + 1)) - count) * step;
      points[2 * k + 1] = (Math.floor(k / (2 * count + 1)) - count) * step;
    }
    let [mass, surprise] = [0, 0];
    for (const ln of logDensity(points)) {
      const share = Math.exp(ln) * step * step;
      mass += share;
      if (share > 0) surprise -= share * ln;
    }
    expect(mass, 'mass').toBeCloseTo(1, 6);
    expect(surprise, 'entropy').toBeCloseTo(entropy, 5);
  });

  it('the checkerboard is flat: ln(8 / .45^2)', () => {
    const { entropy, logDensity } = syntheticDensity('checkerboard')!;
    expect(entropy).toBeCloseTo(3.676, 3);
    expect(Array.from(logDensity(synthetic('checkerboard', { n: 500, seed: 1 }).x)).every((ln) => ln === -entropy)).toBe(true);
    expect(Array.from(logDensity(Float64Array.of(1, -1, -1, 1, 5, 5)))).toEqual([-Infinity, -Infinity, -Infinity]);
    expect(Array.from(logDensity(Float64Array.of(1, 1, -1, -1)))).toEqual([-entropy, -entropy]);
  });

  it.each(known)('%s %s: the mean surprise of drawn rows is the entropy', (name, version) => {
    const { entropy, logDensity } = syntheticDensity(name, { version })!;
    const n = 4000;
    const ln = logDensity(synthetic(name, { n, seed: 5, version }).x);
    const deviation = Math.sqrt(mean(ln.map((v) => (v + entropy) ** 2)) / n);
    expect(Math.abs(mean(ln) + entropy)).toBeLessThan(4 * deviation + 1e-9);
  });

  it('refuses what it does not know', () => {
    expect(syntheticDensity('spirals')).toBeNull();
    expect(() => syntheticDensity('mons' as never)).toThrow(/Did you mean "moons"/);
    expect(() => syntheticDensity('moons', { version: 'runer' })).toThrow(/Did you mean "runner"/);
    expect(() => syntheticDensity('moons', { seed: 1 } as never)).toThrow(/syntheticDensity\.seed/);
    expect(() => syntheticDensity('moons')!.logDensity([1, 2] as never)).toThrow(/Float32Array/);
    expect(() => syntheticDensity('moons')!.logDensity(Float32Array.of(1))).toThrow(/rows of 2 columns/);
    for (const name of ['moons', 'checkerboard'] as const)
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY])
        expect(() => syntheticDensity(name)!.logDensity(Float64Array.of(0, 0, 0, bad))).toThrow(
          expect.objectContaining({ code: 'ERR_FLOW_NONFINITE', path: 'x, row 1, column 1' }),
        );
    expect(() => syntheticVersions('mons' as never)).toThrow(/Did you mean "moons"/);
  });

  it('of rows at any distance are numbers or -Infinity', () => {
    expect(Array.from(syntheticDensity('moons')!.logDensity(Float64Array.of(1e200, 0, 0, -Number.MAX_VALUE)))).toEqual([-Infinity, -Infinity]);
    expect(syntheticDensity('moons')!.logDensity(Float64Array.of(1e30, 0))[0]).toBeCloseTo(-0.5 * (1e30 / 0.1) ** 2, -55);
  });
});
