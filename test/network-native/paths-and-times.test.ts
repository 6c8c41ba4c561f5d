// The bridge and the time laws of a native training batch, seen through losses: a network that says 0 turns the loss into the mean square of u_t, one that
// says x_t into that of x_t - u_t. A table is free to hold any six functions, so each question gets a path of its own.

import { describe, expect, it } from 'vitest';
import type { NativePath, NativeTrainer, TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { definePath } from '../../lib/paths/custom.ts';
import { pathForm } from '../../lib/paths/paths.ts';
import { encoded, rates, trainer, trainerRequest } from '../native-binding/support.ts';

/** Values alpha, sigma, gamma, dAlpha, dSigma, dGamma at a t, and their derivatives. */
type Six = readonly [number, number, number, number, number, number];
const still: Six = [0, 0, 0, 0, 0, 0];
function tableOf(at: (t: number) => readonly [Six, Six], count = 2): NativePath {
  const nodes = new Float64Array(12 * count);
  for (let k = 0; k < count; k++) nodes.set(at(k / (count - 1)).flat(), 12 * k);
  return { kind: 'table', tMin: 0, tMax: 1, nodes };
}
const constant = (values: Six): NativePath => tableOf(() => [values, still]);

/** One dense layer v = gain x, in the words of lib/network/encode.ts: the loss then measures gain x_t - u_t. */
function linear(d: number, gain: number) {
  const words = Int32Array.from([...[0x464d5031, 1, d, 0, 4, 1, 1, 3, 0, d * d], ...[d, 1, 1, 2, 0, 4, d, 1], ...[0, 2, d, d, 0], ...[3, 5, 3, 0, 0, -1, 0]]);
  const parameters = Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? gain : 0));
  return { program: words, constants: new Float32Array(0), parameters };
}

function make(d: number, gain: number, path: NativePath, fields: Partial<TrainerRequest> = {}): NativeTrainer {
  const rows = fields.batchSize ?? 4096;
  const { Dataset, Trainer } = native();
  const data = fields.data ?? new Dataset(d);
  if (fields.data === undefined) data.append(new Float32Array(rows * d).fill(3));
  const all = Uint32Array.from({ length: data.rows }, (_, i) => i);
  const request = trainerRequest({ d, width: 1, depth: 1, batch: rows }, 2, { data, clip: 0 });
  return new Trainer({ ...request, ...linear(d, gain), trainRows: all, validationRows: all, path, ...fields });
}

/** Losses of `steps` steps that change nothing. */
async function losses(t: NativeTrainer, steps: number): Promise<Float64Array> {
  const slice = await t.run(new Float64Array(steps), 0).done;
  expect([slice.steps, slice.status]).toEqual([steps, 'done']);
  return slice.losses;
}
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0) / values.length;

describe('a path that is a table', () => {
  it.each([0, 0.1])('of condOT with sigmaMin %d trains to the weights of the built-in', async (sigmaMin) => {
    const slope = -(1 - sigmaMin);
    const exact = tableOf((t) => [
      [t, 1 + slope * t, 0, 1, slope, 0],
      [1, slope, 0, 0, 0, 0],
    ]);
    const own = pathForm(definePath({ name: 'mine', at: (t) => ({ alpha: t, sigma: 1 + slope * t, dAlpha: 1, dSigma: slope }) }));
    const form = pathForm(condOT({ sigmaMin }));
    expect([form.kind, own.kind]).toEqual(['condOT', 'table']);
    const [a, b, c] = [{ kind: 'condOT', sigmaMin } as const, exact, own as NativePath].map((path) =>
      trainer({ d: 2, width: 32, depth: 2, batch: 64 }, 200, { path }),
    );
    const slices = await Promise.all([a, b, c].map((t) => (t as NativeTrainer).run(rates(100), 0).done));
    const expected = (a as NativeTrainer).state('parameters');
    const initial = encoded({ d: 2, width: 32, depth: 2, batch: 64 }).parameters;
    const far = (x: Float32Array, y: Float32Array) => Math.sqrt(x.reduce((s, v, i) => s + (v - (y[i] as number)) ** 2, 0));
    const moved = far(expected, initial);
    expect(moved).toBeGreaterThan(0.5);
    for (const [i, t] of [b, c].entries()) {
      slices[i + 1]?.losses.forEach((loss, k) => {
        expect(Math.abs(loss / (slices[0]?.losses[k] as number) - 1)).toBeLessThan(1e-4);
      });
      // Coefficients differ in their last bit; Adam divides by moments that start near 0, so that a few weights turn this into a small part of a step.
      expect(far((t as NativeTrainer).state('parameters'), expected)).toBeLessThan(0.01 * moved);
    }
  });

  it('takes each of the six numbers for what it is', async () => {
    // x1 = 3 everywhere; x0, eps ~ N(0, 1). Mean squares of u for gain 0, of x_t - u for gain 1; relative standard error of a mean of squares: sqrt(2 / n).
    const cases: readonly (readonly [Six, number, number])[] = [
      [[0, 0, 0, 2, 0, 0], 36, 36],
      [[0, 0, 0, 0, 2, 0], 4, 4],
      [[0, 0, 0, 0, 0, 2], 4, 4],
      [[2, 0, 0, 0, 0, 0], 0, 36],
      [[0, 2, 0, 0, 0, 0], 0, 4],
      [[0, 0, 2, 0, 0, 0], 0, 4],
      [[0, 1, 1, 0, 0, 0], 0, 2], // x0 and eps are independent: equal draws would give 4
      [[0, 0, 1, 0, 0, 1], 1, 0], // one eps in x_t and u_t
      [[0, 1, 0, 0, 1, 0], 1, 0], // one x0
      [[0, 0, 1, 0, 1, 0], 1, 2],
      [[1, 1, 1, 0.5, -1, 2], 9 / 4 + 1 + 4, 9 / 4 + 4 + 1],
    ];
    const n = 4096 * 3 * 4;
    for (const [six, ofU, ofDifference] of cases) {
      for (const [gain, wanted] of [
        [0, ofU],
        [1, ofDifference],
      ] as const) {
        const got = mean(await losses(make(3, gain, constant(six)), 4));
        const error = 4.5 * Math.sqrt(2 / n) * wanted + 4.5 * 2 * 6 * Math.sqrt(wanted > 0 ? wanted / n : 0) * (six[0] !== 0 && six[1] !== 0 ? 1 : 0);
        expect(Math.abs(got - wanted), `${six} gain ${gain}: ${got}`).toBeLessThanOrEqual(error + 1e-6 * wanted);
      }
    }
  });

  it('draws the noise of the bridge afresh for every row, column and step, and fixed ones for evaluation', async () => {
    const t = make(3, 0, constant([0, 0, 0, 0, 0, 1]), { batchSize: 1 });
    const all = await losses(t, 2000); // each the mean of three squares: variance 2/3
    expect(new Set(all).size).toBe(2000);
    expect(Math.abs(mean(all) - 1)).toBeLessThan(4.5 * Math.sqrt(2 / 3 / 2000));
    const variance = mean(all.map((v) => (v - 1) ** 2));
    expect(Math.abs(variance - 2 / 3)).toBeLessThan(0.2); // equal columns would give 2
    const e = make(3, 0, constant([0, 0, 0, 0, 0, 1]), { batchSize: 500 });
    const { loss } = await e.evaluate('parameters', 5n, 8).done;
    expect(Math.abs(loss - 1)).toBeLessThan(4.5 * Math.sqrt(2 / (500 * 8 * 3)));
    expect((await e.evaluate('parameters', 5n, 8).done).loss).toBe(loss);
  });

  it('reads the table at the time of the row: gamma = sin(pi t) has mean square 1 / 2', async () => {
    const gamma = (t: number) => Math.sin(Math.PI * t);
    const path = tableOf(
      (t) => [
        [0, 0, gamma(t), 0, 0, 0],
        [0, 0, Math.PI * Math.cos(Math.PI * t), 0, 0, 0],
      ],
      65,
    );
    const got = mean(await losses(make(2, 1, path), 8)); // sin^2: mean 1/2; gamma^2 eps^2 has second moment 9/8
    expect(Math.abs(got - 0.5)).toBeLessThan(4.5 * Math.sqrt((9 / 8 - 1 / 4) / (4096 * 2 * 8)));
    const joined = tableOf(
      (t) => [
        [t, 1 - t, 0, 1, -1, 0],
        [1, -1, 0, 0, 0, 0],
      ],
      5,
    );
    const built = mean(await losses(make(2, 0, { kind: 'condOT', sigmaMin: 0 }), 2));
    expect(Math.abs(mean(await losses(make(2, 0, joined), 2)) / built - 1)).toBeLessThan(1e-6);
  });
});

describe('time laws', () => {
  /** u = 3 dAlpha = t: with a batch of one the loss is t^2. */
  const clock = tableOf((t) => [
    [0, 0, 0, t / 3, 0, 0],
    [0, 0, 0, 1 / 3, 0, 0],
  ]);
  const law = (fields: Partial<TrainerRequest['times']>) => ({ stratified: false, tMin: 0, tMax: 1, quantiles: null, ...fields });
  const times = async (fields: Partial<TrainerRequest['times']>, steps = 4000): Promise<number[]> =>
    Array.from(await losses(make(1, 0, clock, { batchSize: 1, times: law(fields) }), steps), Math.sqrt);
  const spread = (values: readonly number[]) => [Math.min(...values), Math.max(...values)] as const;

  it('uniform on its range', async () => {
    const t = await times({ tMin: 0.25, tMax: 0.75 });
    const [least, most] = spread(t);
    expect(least).toBeGreaterThanOrEqual(0.25 - 1e-6);
    expect(most).toBeLessThanOrEqual(0.75 + 1e-6);
    expect(most - least).toBeGreaterThan(0.49);
    expect(Math.abs(mean(t) - 0.5)).toBeLessThan((4.5 * 0.5) / Math.sqrt(12 * t.length));
    expect(new Set(await times({ tMin: 0.5, tMax: 0.5 }, 10))).toEqual(new Set([mean(await times({ tMin: 0.5, tMax: 0.5 }, 1))]));
  });

  it('quantiles, linear between the nodes, held to tMin and tMax', async () => {
    const t = await times({ quantiles: Float64Array.of(0.2, 0.3, 0.9) });
    const [least, most] = spread(t);
    expect([least, most].map((x) => x.toFixed(2))).toEqual(['0.20', '0.90']);
    const below = t.filter((x) => x < 0.3);
    expect(Math.abs(below.length / t.length - 0.5)).toBeLessThan((4.5 * 0.5) / Math.sqrt(t.length));
    expect(Math.abs(mean(below) - 0.25)).toBeLessThan((4.5 * 0.1) / Math.sqrt(12 * below.length));
    expect(Math.abs(mean(t.filter((x) => x >= 0.3)) - 0.6)).toBeLessThan((4.5 * 0.6) / Math.sqrt(12 * (t.length - below.length)));
    const held = await times({ quantiles: Float64Array.of(-1, 0.5, 2), tMin: 0.1, tMax: 0.8 });
    const [first, last] = spread(held);
    expect([first, last].map((x) => x.toFixed(5))).toEqual(['0.10000', '0.80000']);
  });

  it('stratified: one time in each of B equal shares, in an order that changes, each row uniform', async () => {
    const batch = 256;
    // mean of ((i + U) / B)^2 over i lies between the sums with U = 0 and U = 1: an interval of width 1 / B; independent times miss it in 90 % of steps.
    const sum = (shift: number) => mean(Array.from({ length: batch }, (_, i) => ((i + shift) / batch) ** 2));
    const inside = (values: Float64Array) => values.filter((v) => v >= sum(0) - 1e-6 && v <= sum(1) + 1e-6).length;
    const stratified = await losses(make(1, 0, clock, { batchSize: batch, times: law({ stratified: true }) }), 200);
    expect(inside(stratified)).toBe(200);
    expect(new Set(stratified).size).toBe(200); // U is fresh
    expect(inside(await losses(make(1, 0, clock, { batchSize: batch }), 200))).toBeLessThan(60);
    // Only row 0 moves: its time alone is seen.
    const { Dataset } = native();
    const data = new Dataset(1);
    data.append(Float32Array.from({ length: batch }, (_, i) => (i === 0 ? 3 : 0)));
    const one = await losses(make(1, 0, clock, { data, batchSize: batch, times: law({ stratified: true }) }), 2000);
    const t = Array.from(one, (v) => Math.sqrt(v * batch));
    expect(Math.abs(mean(t) - 0.5)).toBeLessThan(4.5 / Math.sqrt(12 * t.length));
    expect(Math.abs(mean(t.map((v) => v * v)) - 1 / 3)).toBeLessThan((4.5 * Math.sqrt(4 / 45)) / Math.sqrt(t.length));
    const quantiles = Float64Array.of(0.2, 0.3, 0.9);
    const shaped = await losses(make(1, 0, clock, { batchSize: batch, times: law({ stratified: true, quantiles }) }), 50);
    const exact = (0.5 * (0.3 ** 3 - 0.2 ** 3)) / 0.3 + (0.5 * (0.9 ** 3 - 0.3 ** 3)) / 1.8;
    for (const v of shaped) expect(Math.abs(v - exact)).toBeLessThan(0.77 / batch + 1e-6); // q^2 rises by 0.77 in all
  });
});
