// The batch as draw() shows it: rows without replacement, noise by its own counter, pairs that only move x0; and evaluation that never changes.

import { describe, expect, it } from 'vitest';
import type { NativeDataset, NativeTrainer, TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { rates, trainer, trainerRequest } from '../native-binding/support.ts';

const shape = { d: 2, width: 8, depth: 1, batch: 32 };

/** Row i is (i, -i): a drawn row tells where it comes from. */
function numbered(rows: number): NativeDataset {
  const { Dataset } = native();
  const data = new Dataset(2);
  data.append(Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2)));
  return data;
}

function make(rows: number, fields: Partial<TrainerRequest> = {}): NativeTrainer {
  return trainer(shape, rows, {
    data: numbered(rows),
    trainRows: Uint32Array.from({ length: rows }, (_, i) => i),
    validationRows: new Uint32Array(0),
    ...fields,
  });
}

/** Rows of data in the batches of steps [0, steps). */
async function drawn(t: NativeTrainer, steps: number): Promise<number[]> {
  const state = { parameters: t.state('parameters'), ema: t.state('ema'), firstMoment: t.state('firstMoment'), secondMoment: t.state('secondMoment') };
  const out: number[] = [];
  for (let step = 0; step < steps; step++) {
    t.restore(state, step);
    const { x1 } = await t.draw().done;
    for (let i = 0; i < shape.batch; i++) {
      expect(x1[2 * i + 1]).toBe(-(x1[2 * i] as number));
      out.push(x1[2 * i] as number);
    }
  }
  return out;
}

describe('drawing rows', () => {
  it.each([1, 2, 3, 7, 31, 32, 33, 97, 100, 101, 1000])('visits each of %i rows once per epoch, in an order of its own', async (rows) => {
    const steps = Math.ceil((3 * rows) / shape.batch);
    const all = await drawn(make(rows), steps);
    const epochs = [0, 1, 2].map((e) => all.slice(e * rows, (e + 1) * rows));
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(Array.from({ length: rows }, (_, i) => i));
    if (rows > 30) {
      expect(epochs[0]).not.toEqual(epochs[1]);
      expect(epochs[0]).not.toEqual([...(epochs[0] as number[])].sort((a, b) => a - b));
    }
  });

  it('has no order to speak of: correlations of neighbours and of epochs stay within 4 standard errors', async () => {
    const rows = 4096;
    const all = await drawn(make(rows), (2 * rows) / shape.batch);
    const correlation = (a: number[], b: number[]): number => {
      const mean = (rows - 1) / 2;
      const variance = (rows * rows - 1) / 12;
      return a.reduce((sum, v, i) => sum + (v - mean) * ((b[i] as number) - mean), 0) / (a.length * variance);
    };
    const [first, second] = [all.slice(0, rows), all.slice(rows)];
    const positions = Array.from({ length: rows }, (_, i) => i);
    for (const lag of [1, 2, 3, 64]) expect(Math.abs(correlation(first.slice(lag), first.slice(0, -lag)))).toBeLessThan(4 / Math.sqrt(rows));
    expect(Math.abs(correlation(first, second))).toBeLessThan(4 / Math.sqrt(rows));
    expect(Math.abs(correlation(first, positions))).toBeLessThan(4 / Math.sqrt(rows));
  });

  it('only draws training rows, and repeats rows with replacement', async () => {
    const trainRows = Uint32Array.of(3, 5, 8, 13, 21, 34);
    expect(new Set(await drawn(make(50, { trainRows }), 4))).toEqual(new Set(trainRows));
    const all = await drawn(make(64, { replacement: true }), 64);
    expect(new Set(all).size).toBe(64);
    expect(new Set(all.slice(0, 64)).size).toBeLessThan(60); // 64 draws of 64 rows: 40 different ones expected
  });

  it('follows the seed and the step', async () => {
    const [a, b, c] = [await drawn(make(100), 2), await drawn(make(100), 2), await drawn(make(100, { seed: 8n }), 2)];
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });

  it('joins paired source rows to their data rows and draws the others on their own', async () => {
    const source = numbered(100);
    const paired = await make(100, { source, sourcePaired: true }).draw().done;
    expect(paired.x0).toEqual(paired.x1);
    const free = await make(100, { source }).draw().done;
    expect(free.x0).not.toEqual(free.x1);
    expect(new Set(free.x0.filter((_, i) => i % 2 === 0)).size).toBe(shape.batch);
  });
});

describe('the noise of a batch', () => {
  it('is standard normal, fresh in every step', async () => {
    const t = make(100);
    const state = { parameters: t.state('parameters'), ema: t.state('ema'), firstMoment: t.state('firstMoment'), secondMoment: t.state('secondMoment') };
    const all: number[] = [];
    for (let step = 0; step < 100; step++) {
      t.restore(state, step);
      all.push(...(await t.draw().done).x0);
    }
    const n = all.length;
    expect(new Set(all).size).toBeGreaterThan(0.99 * n);
    expect(Math.abs(all.reduce((s, v) => s + v, 0) / n)).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(all.reduce((s, v) => s + v * v, 0) / n - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
  });

  it('gives runPaired with the identity the bits of run, and other bits with another permutation', async () => {
    const identity = Int32Array.from({ length: shape.batch }, (_, i) => i);
    const results: Float32Array[] = [];
    for (const pairs of [null, identity, identity.map((i) => (i + 1) % shape.batch)]) {
      const t = make(100);
      for (let step = 0; step < 3; step++) expect((await (pairs === null ? t.run(rates(1), 0) : t.runPaired(pairs, 1e-3)).done).steps).toBe(1);
      results.push(t.state('parameters'));
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).not.toEqual(results[0]);
  });
});

describe('evaluation', () => {
  it('gives the same number at every call, changes nothing, and follows its seed', async () => {
    const t = trainer({ ...shape, d: 3 }, 200, {});
    const first = await t.evaluate('parameters', 1n, 4).done;
    expect(await t.evaluate('parameters', 1n, 4).done).toEqual(first);
    expect((await t.evaluate('parameters', 2n, 4).done).loss).not.toBe(first.loss);
    expect(await t.evaluate('ema', 1n, 4).done).toEqual(first); // before any step
    await t.run(rates(5), 0).done;
    expect((await t.evaluate('parameters', 1n, 4).done).loss).not.toBe(first.loss);
  });

  it('is the mean squared error: 1 + E|x1|^2 for a network that says 0', async () => {
    const request = trainerRequest({ ...shape, d: 2 }, 200);
    const { Trainer } = native();
    const t = new Trainer({ ...request, parameters: new Float32Array((request.parameters as Float32Array).length) });
    const rows = Array.from(request.validationRows);
    const square = rows.reduce((s, r) => s + request.data.read(r, 1).reduce((a, v) => a + v * v, 0), 0) / (2 * rows.length);
    const draws = 1024;
    const { loss } = await t.evaluate('parameters', 1n, draws).done;
    expect(Math.abs(loss - (1 + square))).toBeLessThan(8 / Math.sqrt(2 * rows.length * draws)); // u = x1 - x0 has variance of u^2 below 2 (1 + 1)^2
  });
});
