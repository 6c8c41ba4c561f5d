// Exact W1 and W2 against SciPy's linear_sum_assignment (scripts/golden/make-transport-goldens.py) and closed forms: ties, duplicates, far clusters, any scale.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { optimalPairs, wasserstein1, wasserstein1d, wasserstein2, wasserstein2Squared } from '../../lib/metrics/index.ts';
import { Random } from '../../lib/random.ts';
import { type PointKind, points } from '../cases/points.ts';
import { bundle, start } from '../support/bundle.ts';
import { temporaryFolder } from '../support/folder.ts';

const place = temporaryFolder();

type Case = [kind: PointKind, rows: number, dimension: number, seed: number, w1: number, w2Squared: number];
const cases = JSON.parse(readFileSync(new URL('../golden/transport.json', import.meta.url), 'utf8')) as Case[];
const f = (...values: number[]): Float64Array => Float64Array.from(values);
const normals = (count: number, seed: number): Float64Array => {
  const random = new Random(seed, 1);
  return Float64Array.from({ length: count }, () => random.normal());
};
/** Costs of these points lie below 12^2 per column; the answer may be off by 2^-44 of their sum, and by the rounding of the means. */
const slack = (dimension: number): number => 144 * dimension * (2 ** -44 + 2 ** -50);

describe('against SciPy', () => {
  it('169 pairs of samples of up to 3000 points', async () => {
    for (const [kind, rows, d, seed, w1, w2Squared] of cases) {
      const [x, y] = [points(kind, rows, d, 2 * seed), points(kind, rows, d, 2 * seed + 1)];
      const [a, b] = await Promise.all([1, 2].map((p) => optimalPairs(x, y, d, { p: p as 1 | 2, threads: 1 })));
      for (const [got, expected] of [
        [a, w1],
        [b, w2Squared],
      ] as const) {
        if (new Set(got?.pairs).size !== rows) expect.fail(`${kind} ${rows} x ${d}, seed ${seed}: not a permutation`);
        if (Math.abs((got?.meanCost as number) - expected) > slack(d)) expect.fail(`${kind} ${rows} x ${d}, seed ${seed}: ${got?.meanCost}, not ${expected}`);
      }
    }
  });
});

describe('closed forms', () => {
  it('in one dimension the sorted pairing is optimal', async () => {
    for (const n of [1, 2, 300, 1000]) {
      const [x, y] = [normals(n, 1), normals(n, 2)];
      expect(await wasserstein1(x, y, 1)).toBeCloseTo(wasserstein1d(x, y), 12);
      expect(await wasserstein2(x, y, 1)).toBeCloseTo(wasserstein1d(x, y, 2), 12);
    }
  });

  it('a shift costs its length, whatever the scale and the place', async () => {
    for (const [scale, centre] of [
      [1, 0],
      [1e-150, 0],
      [1e150, 0],
      [1, 1e6],
      [0, 3],
    ] as const) {
      const x = normals(700 * 3, 3).map((v) => centre + scale * v);
      const y = x.map((v, i) => v + scale * [0.3, -0.4, 1.2][i % 3]!);
      const turned = Float64Array.from(x.keys(), (i) => y[(i + 3 * 200) % y.length] as number);
      // The coordinates themselves are rounded to 2^-53 of their size; both sides of a difference.
      const error = 1.3 * (1e-12 + (4 * centre * 2 ** -53) / (scale || 1));
      expect(Math.abs((await wasserstein2(x, turned, 3)) / (scale || 1) - (scale === 0 ? 0 : 1.3))).toBeLessThan(error);
      expect(Math.abs((await wasserstein1(x, turned, 3)) / (scale || 1) - (scale === 0 ? 0 : 1.3))).toBeLessThan(error);
    }
  });

  it('W2 is the root of W2 squared, and W1 lies below', async () => {
    const [x, y] = [normals(400, 4), normals(400, 5).map((v) => 2 * v + 1)];
    const [one, two, squared] = [await wasserstein1(x, y, 2), await wasserstein2(x, y, 2), await wasserstein2Squared(x, y, 2)];
    expect(two).toBe(Math.sqrt(squared));
    expect(one).toBeLessThan(two);
    expect(await wasserstein2(y, x, 2)).toBeCloseTo(two, 12);
    expect(await wasserstein2Squared(x, x, 2)).toBe(0);
  });

  it('names for each row of x its row of y', async () => {
    const turned = [1, 2, 3, 4, 0];
    const { pairs, meanCost } = await optimalPairs(f(0, 10, 20, 30, 40), f(...turned.map((i) => 10 * i + 0.5)), 1);
    expect(Array.from(pairs)).toEqual([4, 0, 1, 2, 3]);
    expect(meanCost).toBe(0.25);
  });

  it('takes unequal sizes by repeating rows', async () => {
    const [x, y] = [normals(60, 6), normals(90, 7)];
    expect(await wasserstein1(x, y, 1)).toBeCloseTo(wasserstein1d(x, y), 12);
    expect(await wasserstein2(x, y, 1)).toBeCloseTo(wasserstein1d(x, y, 2), 12);
    const limit = { code: 'ERR_FLOW_LIMIT', message: expect.stringMatching(/1009 and 997/) };
    expect(() => wasserstein1(normals(1009, 1), normals(997, 1), 1)).toThrow(expect.objectContaining(limit));
    expect(() => optimalPairs(x, y, 1)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_SHAPE', path: 'y' }));
  });
});

describe('as a job', () => {
  it('keeps no matrix of costs', async () => {
    const n = 4000;
    const program = `
      import { synthetic, wasserstein2 } from '#flowmatch';
      const [x, y] = [synthetic('normal', { n: ${n}, seed: 1 }).x, synthetic('moons', { n: ${n}, seed: 2 }).x];
      await wasserstein2(x.subarray(0, 200), y.subarray(0, 200), 2);
      const before = process.resourceUsage().maxRSS;
      const distance = await wasserstein2(x, y, 2, { threads: 1 });
      console.log(JSON.stringify({ distance, bytes: 1024 * (process.resourceUsage().maxRSS - before) }));`;
    const { code, out, err } = await start(await bundle(program, place('memory.mjs'))).ended;
    expect([code, err]).toEqual([0, '']);
    const { distance, bytes } = JSON.parse(out) as { distance: number; bytes: number };
    expect(distance).toBeGreaterThan(1);
    // 276 columns of each row with their costs: 3.3 kB a row, 13 MB; the matrix is 4 n^2 bytes in f32, 64 MB.
    expect(bytes).toBeLessThan(2 * n * n);
  }, 120_000);

  it('does not depend on threads', async () => {
    const [x, y] = [points('clusters', 2500, 2, 10), points('clusters', 2500, 2, 11)];
    const [one, three] = await Promise.all([1, 3].map((threads) => optimalPairs(x, y, 2, { threads })));
    expect(three).toEqual(one);
  });

  it('stops', async () => {
    const [x, y] = [points('clusters', 20_000, 2, 10), points('clusters', 20_000, 2, 11)];
    const abort = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 30);
    await expect(wasserstein2(x, y, 2, { signal: abort.signal })).rejects.toBe(reason);
    await expect(wasserstein2(x, y, 2, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('refuses what is no sample, at once', () => {
    expect(() => wasserstein2(f(1, 2, 3), f(1, 2), 2)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_SHAPE', path: 'x' }));
    expect(() => wasserstein2(f(1, 2), f(1, Number.NaN), 2)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_NONFINITE' }));
    expect(() => optimalPairs(f(1), f(1), 1, { p: 3 as never })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'options.p' }));
    expect(() => wasserstein1(f(1), f(1), 1, { p: 2 } as never)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }));
    expect(() => wasserstein1(new Float32Array(70_000), new Float32Array(70_000), 1)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_LIMIT' }));
  });
});
