// The laws of log-densities, whatever solves them: a network that says 0 leaves the normal density; a row's value is its own; columns scaled by s are less dense by
// ln s; the record holds one of everything for every row, also for none; inputs stay as they were.

import { expect, it } from 'vitest';
import { type DensityOptions, Model, rowStatus } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { Random } from '../../lib/random.ts';
import { caught, untrained } from '../support/models.ts';

const d = 2;
/** Rows of two columns, random, with some far away and some alike. */
const some = (n: number, seed: number): Float32Array => {
  const random = new Random(seed, 9);
  return Float32Array.from({ length: n * d }, (_, i) => (i % 14 < 2 ? 0.5 : i % 26 < 2 ? 6 * random.normal() : random.normal()));
};
const moved = (record: ModelRecord): ModelRecord => ({ ...record, parameters: record.parameters.map((p, i) => p + 0.3 * Math.sin(5 * i + 1)) });

/** `tolerance`: of the solver. */
export function logDensityContract(options: DensityOptions, tolerance: number): void {
  const model = Model.fromRecord(moved(untrained(d, { hidden: [12, 12] })));
  const rows = some(130, 1);

  it('is the normal density, of the normaliser, under a velocity of 0', async () => {
    const [shift, scale] = [Float32Array.of(3, -1), Float32Array.of(2, 0.5)];
    const still = Model.fromRecord(untrained(d, { hidden: [4], zeroOutput: true }, { normaliser: { shift, scale } }));
    const at = rows.map((v, i) => (shift[i % d] as number) + (scale[i % d] as number) * v);
    const { logDensity } = await still.logDensity(at, options);
    logDensity.forEach((got, r) => {
      const z = [0, 1].map((j) => ((at[r * d + j] as number) - (shift[j] as number)) / (scale[j] as number));
      const exact = -z.reduce((sum, v) => sum + v * v, 0) / 2 - Math.log(2 * Math.PI) - Math.log(2 * 0.5);
      // f32: (x - shift) / scale and its square, a few roundings of numbers whose squares come to 2 |exact| and more.
      expect(Math.abs(got - exact)).toBeLessThan(tolerance * 1e-3 + 8 * 2 ** -24 * (2 * Math.abs(exact) + 20));
    });
    still.dispose();
  });

  it('gives a row the same bits alone, in any company and on any number of threads', async () => {
    const whole = await model.logDensity(rows, { ...options, threads: 3 });
    for (const n of [1, 33]) {
      const part = await model.logDensity(rows.slice(0, n * d), { ...options, threads: 1 });
      expect(part.logDensity).toEqual(whole.logDensity.slice(0, n));
      expect(part.nfePerRow).toEqual(whole.nfePerRow.slice(0, n));
    }
    expect((await model.logDensity(rows, { ...options, threads: 3 })).logDensity).toEqual(whole.logDensity);
  });

  it('is less by ln s for columns that are wider by s', async () => {
    const narrow = await model.logDensity(rows, options);
    const wide = Model.fromRecord({ ...model.record, normaliser: { shift: Float32Array.of(0, 0), scale: Float32Array.of(4, 0.5) } });
    const { logDensity } = await wide.logDensity(
      rows.map((v, i) => v * (i % d === 0 ? 4 : 0.5)),
      options,
    );
    logDensity.forEach((got, r) => void expect(got - (narrow.logDensity[r] as number)).toBeCloseTo(-Math.log(2), 5)); // powers of two: the same states
    wide.dispose();
  });

  it('holds one of everything for every row, also for none, and leaves the rows alone', async () => {
    const before = rows.slice();
    for (const n of [0, 1, 130]) {
      const result = await model.logDensity(rows.slice(0, n * d), options);
      for (const list of [result.logDensity, result.standardError, result.nfePerRow, result.status]) expect(list.length).toBe(n);
      expect(result.logDensity.every(Number.isFinite)).toBe(true);
      expect([result.unfinished, result.status.every((status) => status === rowStatus.done)]).toEqual([0, true]);
      expect(result.nfe > 0).toBe(n > 0);
    }
    expect(rows).toEqual(before);
  });

  it('takes what is no number for an error of the caller, by row and column', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const wrong = rows.slice();
      wrong[7] = bad;
      expect((await caught(() => model.logDensity(wrong, options))).message).toMatch(/3.*1|row 4/);
    }
  });

  it('is given up at once', async () => {
    const abort = new AbortController();
    abort.abort(new Error('mine'));
    await expect(model.logDensity(rows, { ...options, signal: abort.signal })).rejects.toThrow('mine');
  });
}
