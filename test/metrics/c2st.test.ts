// The classifier two-sample test against closed forms (Bayes accuracies), against scikit-learn's MLPClassifier (scripts/golden/make-c2st-goldens.py), and as a job.
// A held-out row is right with probability p: the accuracy over N rows has the deviation sqrt(p (1 - p) / N), at most 0.5 / sqrt(N). What the folds share of the
// rows widens that, by less than twice (measured: 1.1 with 2000 rows of 2 columns, 1.5 with 1000 of 3); four of the widened deviations are allowed.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { c2st } from '../../lib/metrics/c2st.ts';
import { classifierProgram } from '../../lib/metrics/classifier.ts';
import { Random } from '../../lib/random.ts';

interface Case {
  readonly name: string;
  readonly columns: number;
  readonly x: number[];
  readonly y: number[];
  readonly accuracies: number[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/c2st.json', import.meta.url), 'utf8')).cases as Case[];
const f = (...values: number[]): Float64Array => Float64Array.from(values);
const normals = (count: number, seed: number, mean = 0): Float64Array => {
  const random = new Random(seed, 1);
  return Float64Array.from({ length: count }, () => mean + random.normal());
};
const slack = (rows: number): number => (4 * 2 * 0.5) / Math.sqrt(rows);
/** Phi(m / 2), the best accuracy between N(0, 1) and N(m, 1), by the series of erf. */
const bayes = (m: number): number => {
  const z = m / 2 / Math.SQRT2;
  let [term, sum] = [z, z];
  for (let k = 1; k < 60; k++) {
    term *= (-z * z) / k;
    sum += term / (2 * k + 1);
  }
  return 0.5 + sum / Math.sqrt(Math.PI);
};

describe('closed forms', () => {
  it('nothing to find: 1/2, without a bias to either side', { timeout: 240_000 }, async () => {
    let sum = 0;
    for (let seed = 0; seed < 6; seed++) {
      const { accuracy } = await c2st(normals(600, 2 * seed), normals(600, 2 * seed + 1), 2, { threads: 1 });
      expect(Math.abs(accuracy - 0.5)).toBeLessThan(slack(600));
      sum += accuracy / 6;
    }
    expect(Math.abs(sum - 0.5)).toBeLessThan(slack(6 * 600));
  });

  it('N(0, 1) and N(m, 1): Phi(m / 2)', async () => {
    expect(bayes(2)).toBeCloseTo(0.8413447, 6);
    for (const m of [0.5, 1, 2, 4]) {
      const { accuracy } = await c2st(normals(2000, 1), normals(2000, 2, m), 1, { threads: 1 });
      expect(Math.abs(accuracy - bayes(m)), `m = ${m}: ${accuracy}`).toBeLessThan(slack(4000));
    }
  });

  it('sees what no single column shows', async () => {
    // Equal signs of both columns against different ones: each column alone is N(0, 1) on both sides.
    const sign = (x: Float64Array, which: number): Float64Array => x.map((v, i) => (i % 2 === 0 ? v : Math.abs(v) * which * Math.sign(x[i - 1] as number)));
    const { accuracy } = await c2st(sign(normals(2000, 3), 1), sign(normals(2000, 4), -1), 2, { threads: 1 });
    expect(accuracy).toBeGreaterThan(0.95);
  });

  it('does not know the place and the scale of a column, and takes what lies far away', async () => {
    const [x, y] = [normals(1000, 5), normals(1000, 6, 1)];
    const at = (v: Float64Array): Float64Array => v.map((value) => 2 ** 40 + 2 ** 20 * value);
    const [plain, moved] = [await c2st(x, y, 1, { threads: 1 }), await c2st(at(x), at(y), 1, { threads: 1 })];
    expect(Math.abs(moved.accuracy - plain.accuracy)).toBeLessThan(0.01);
    // Squares of these are beyond the range of numbers; a power of two changes no digit.
    for (const scale of [2 ** 1020, 2 ** -1000]) {
      const by = (v: Float64Array): Float64Array => v.map((value) => scale * value);
      expect((await c2st(by(x), by(y), 1, { threads: 1 })).folds).toEqual(plain.folds);
    }
    expect((await c2st(x, normals(1000, 6, 1e250), 1, { threads: 1 })).accuracy).toBe(1);
    expect((await c2st(f(1, 1, 1, 1, 1, 1), f(1, 1, 1, 1, 1, 1), 1)).accuracy).toBe(0.5);
  });
});

describe('against scikit-learn', () => {
  it.each(golden.map((one) => [one.name, one] as const))('%s', async (_, { x, y, columns, accuracies }) => {
    const average = (list: readonly number[]): number => list.reduce((sum, a) => sum + a, 0) / list.length;
    const ours: number[] = [];
    for (const seed of accuracies.keys()) ours.push((await c2st(f(...x), f(...y), columns, { threads: 1, seed })).accuracy);
    // The rows are the same: what differs is how they are dealt to folds, and the fit. Two deviations of one test of so many rows.
    const error = Math.sqrt((average(accuracies) * (1 - average(accuracies))) / (2 * (x.length / columns)));
    expect(Math.abs(average(ours) - average(accuracies)), `${ours}, scikit-learn ${accuracies}`).toBeLessThan(2 * error);
  });
});

describe('as a job', () => {
  const [x, y] = [normals(600, 7), normals(600, 8, 0.5)];

  it('is a function of the rows and the seed', async () => {
    const first = await c2st(x, y, 2, { threads: 1, seed: 3 });
    expect(await c2st(x, y, 2, { threads: 3, seed: 3n })).toEqual(first);
    expect((await c2st(x, y, 2, { threads: 1, seed: 4 })).folds).not.toEqual(first.folds);
    expect(first.folds.length).toBe(5);
    const mean = first.folds.reduce((sum, a) => sum + a, 0) / 5;
    expect(first.accuracy).toBe(mean);
    expect(first.standardError).toBeCloseTo(Math.sqrt(first.folds.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 4 / 5), 12);
  });

  it('of samples of unequal size draws the same number of rows, so that 1/2 stays 1/2', async () => {
    const { accuracy, folds } = await c2st(normals(400, 9), normals(4000, 10), 2, { threads: 1, folds: 4 });
    expect(Math.abs(accuracy - 0.5)).toBeLessThan(slack(400));
    expect(folds.every((a) => Math.abs(a * 100 - Math.round(a * 100)) < 1e-9)).toBe(true); // 4 folds of 50 rows of either side
  });

  it('fits the network that it is told to, and no longer than it is told to', async () => {
    const program = classifierProgram(3, [20, 10]);
    expect(program.parameters.map(({ shape }) => shape)).toEqual([[20, 3], [20], [10, 20], [10], [1, 10], [1]]);
    const circle = normals(2000, 11).map((v, i, all) => (v / Math.hypot(all[i - (i % 2)] as number, all[i + 1 - (i % 2)] as number)) * 2);
    const wide = await c2st(normals(2000, 12), circle, 2, { threads: 1 });
    const linear = await c2st(normals(2000, 12), circle, 2, { threads: 1, hidden: [] });
    expect(wide.accuracy).toBeGreaterThan(0.85);
    expect(linear.accuracy).toBeLessThan(0.6);
    expect((await c2st(normals(2000, 12), circle, 2, { threads: 1, epochs: 1 })).accuracy).toBeLessThan(wide.accuracy - 0.1);
  });

  it('stops', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const [a, b] = [normals(40_000, 13), normals(40_000, 14)];
    setTimeout(() => abort.abort(reason), 30);
    await expect(c2st(a, b, 4, { signal: abort.signal, threads: 1 })).rejects.toBe(reason);
    await expect(c2st(a, b, 4, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('refuses what is no sample, at once', () => {
    expect(() => c2st(f(1, 2, 3), f(1, 2), 2)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_SHAPE', path: 'reference' }));
    expect(() => c2st(x, f(1, 2, 3, 4), 2)).toThrow(
      expect.objectContaining({
        code: 'ERR_FLOW_SHAPE',
        path: 'samples',
        message: expect.stringMatching(/at least 5 rows/),
      }),
    );
    expect(() =>
      c2st(
        x,
        y.map(() => Number.NaN),
        2,
      ),
    ).toThrow(expect.objectContaining({ code: 'ERR_FLOW_NONFINITE', path: 'samples, row 0, column 0' }));
    expect(() => c2st([1, 2] as never, y, 2)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE' }));
    expect(() => c2st(x, y, 2, { fold: 3 } as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_FLOW_CONFIG',
        message: expect.stringMatching(/Did you mean "folds"/),
      }),
    );
    expect(() => c2st(x, y, 2, { folds: 1 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'options.folds' }));
    expect(() => c2st(x, y, 2, { hidden: [8, 0] })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'options.hidden[1]' }));
    expect(() => c2st(x, y, 2, { hidden: 8 as never })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE', path: 'options.hidden' }));
    expect(() => c2st(x, y, 2, { epochs: 0 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'options.epochs' }));
  });
});
