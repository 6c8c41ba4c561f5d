// The native integrator with error control, over fields in JavaScript and in C++: DETEST, the float64 reference, bits, saves, statuses.

import { describe, expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { integrateAdaptive, type RowField } from '../../lib/sampling/reference/adaptive.ts';
import { rowStatus } from '../../lib/sampling/status.ts';
import { bosh3, dopri5, dopri8, tableauArrays, tsit5 } from '../../lib/solvers/solvers.ts';
import { adaptiveTableau } from '../../lib/solvers/tableau.ts';
import { problems, scaledError } from '../cases/detest.ts';
import { smoothProblems } from '../cases/smooth-problems.ts';
import { type RowsRequest, table } from './table.ts';

const pairs = { bosh3, dopri5, tsit5, dopri8 };
const unit = 2 ** -24;

function request(name: keyof typeof pairs, fields: Partial<RowsRequest>): RowsRequest {
  const tableau = adaptiveTableau(pairs[name].tableau);
  return {
    field: 'cosine',
    dimension: 2,
    n: 5,
    firstRow: 0,
    initial: null,
    ...tableauArrays(tableau),
    error: Float64Array.from(tableau.error),
    errorOrder: tableau.errorOrder,
    dense: Float64Array.from(tableau.dense.flat()),
    grid: Float64Array.of(0, 1),
    save: Int32Array.of((fields.grid?.length ?? 2) - 1),
    rtol: 1e-5,
    atol: 1e-5,
    minStep: 0,
    maxSteps: 1000,
    pi: true,
    batch: false,
    closing: null,
    threads: 1,
    stopAfter: -1,
    ...fields,
  };
}

/** A field of one row at a time, in float64 on the f32 states. */
const inRows =
  (d: number, field: RowField): RowsRequest['field'] =>
  (x, t) => {
    const v = new Float32Array(x.length);
    for (let r = 0; r < t.length; r++) v.set(field(Float64Array.from(x.subarray(r * d, (r + 1) * d)), t[r] as number), r * d);
    return v;
  };

/** rate cos(rate t) x, the field `cosine` of a row, and its solution from t = 0. */
const rate = (row: number): number => 1 + (row % 7);
const grown = (row: number, t: number): number => Math.exp(Math.sin(rate(row) * t));

describe('DETEST natively, in f32', () => {
  // 1e-7 is the rounding of a state; below 1e-6 the estimate of the error measures it. E2 and D are left where f32 leaves them.
  it.each(problems.map((p) => [p.name, p] as const))('%s: as many evaluations as SciPy down to 1e-5, and its error or rounding', (_, problem) => {
    const d = problem.start.length;
    for (const tolerance of [1e-3, 1e-4, 1e-5]) {
      const initial = Float32Array.from(problem.start);
      const fields = {
        field: inRows(d, problem.field),
        dimension: d,
        n: 1,
        initial,
        grid: Float64Array.of(0, 20),
        rtol: tolerance,
        atol: tolerance,
        pi: false,
      };
      const { x, rowNfe, rowStatus: status } = table.integrateRows(request('dopri5', { ...fields, maxSteps: 1e5 }));
      const index = Math.round(-Math.log10(tolerance)) - 3;
      const [evaluations, theirs] = problem.scipy[index] as readonly [number, number];
      const where = `${problem.name} at ${tolerance}`;
      expect(status[0], where).toBe(rowStatus.done);
      expect(Math.abs((rowNfe[0] as number) / evaluations - 1), where).toBeLessThan(0.1);
      // Against the float64 reference: the difference is rounding, a unit per step, grown with the flow as the error of each step is.
      const reference = integrateAdaptive(
        adaptiveTableau(dopri5.tableau),
        { rtol: tolerance, atol: tolerance, minStep: 0, controller: 'integral' },
        1e5,
        problem.field,
        problem.start,
        [0, 20],
      );
      const theirsOrOurs = Math.max(2, 1.1 * theirs, 1.1 * scaledError(reference.saved[1] as Float64Array, problem.end, tolerance));
      const rounding = (reference.accepted * 8 * unit) / tolerance;
      expect(scaledError(x, problem.end, tolerance), where).toBeLessThan(theirsOrOurs * (1 + rounding) + rounding * 10);
    }
  });
});

describe.each(Object.keys(pairs) as (keyof typeof pairs)[])('%s', (name) => {
  it('takes the steps of the float64 reference and comes to the solution', () => {
    const tableau = adaptiveTableau(pairs[name].tableau);
    for (const problem of smoothProblems) {
      const d = problem.start.length;
      for (const [pi, reverse] of [
        [true, false],
        [false, true],
      ] as const) {
        const start = Float32Array.from(problem.exact(reverse ? 1 : 0));
        const ends = reverse ? [1, 0] : [0, 1];
        const tolerance = 1e-4;
        const controller = pi ? 'pi' : 'integral';
        const field: RowField = (x, t) => problem.field(x, t);
        const reference = integrateAdaptive(tableau, { rtol: tolerance, atol: tolerance, minStep: 0, controller }, 1000, field, Float64Array.from(start), ends);
        const found = table.integrateRows(
          request(name, { field: inRows(d, field), dimension: d, n: 1, initial: start, grid: Float64Array.from(ends), rtol: tolerance, atol: tolerance, pi }),
        );
        const where = `${problem.name} ${controller}`;
        // Rounding can tip a step that is close to its tolerance; dopri8's long steps at this tolerance depend on errors that are mostly rounding.
        const slack = name === 'dopri8' ? reference.nfe / 2 : 2 * (tableau.c.length - 1);
        expect(Math.abs((found.rowNfe[0] as number) - reference.nfe), where).toBeLessThanOrEqual(slack);
        const exact = problem.exact(reverse ? 0 : 1);
        expect(Math.max(...exact.map((v, j) => Math.abs(v - (found.x[j] as number)))), where).toBeLessThan(100 * tolerance);
      }
    }
  });

  it('saves any time by dense output, to the accuracy of its steps, forwards and backwards', () => {
    const times = [0, 0.013, 0.2, 0.20001, 0.5, 0.77, 1];
    for (const reverse of [false, true]) {
      const grid = Float64Array.from(reverse ? [...times].reverse() : times);
      const n = 40;
      const initial = Float32Array.from({ length: 2 * n }, (_, i) => grown(i >> 1, grid[0] as number));
      const all = { n, initial, grid, save: Int32Array.of(0, 1, 2, 3, 4, 5, 6), rtol: 1e-6, atol: 1e-6 };
      const { x, rowNfe } = table.integrateRows(request(name, all));
      for (let k = 0; k < times.length; k++)
        for (let i = 0; i < 2 * n; i++) {
          const exact = grown(i >> 1, grid[k] as number);
          // dopri8 reads its long steps at order 5: within them the error is not that of the step.
          expect(Math.abs((x[k * 2 * n + i] as number) / exact - 1), `${grid[k]} row ${i >> 1}`).toBeLessThan(name === 'dopri8' ? 2e-4 : 6e-5);
        }
      const plain = table.integrateRows(request(name, { ...all, grid: Float64Array.of(grid[0] as number, grid[6] as number), save: Int32Array.of(0, 1) }));
      expect(plain.rowNfe).toEqual(rowNfe);
      expect(plain.x.subarray(2 * n)).toEqual(x.subarray(12 * n));
      expect(plain.x.subarray(0, 2 * n)).toEqual(initial);
    }
  });

  it('gives a row the same bits alone, in any batch, on any threads', () => {
    const [n, d] = [700, 3];
    const initial = native().normal(5n, 0, n, d);
    const grid = Float64Array.of(0, 0.3, 1);
    const save = Int32Array.of(1, 2);
    const all = table.integrateRows(request(name, { n, dimension: d, initial, grid, save }));
    expect(all.rowStatus.every((code) => code === 0)).toBe(true);
    expect(new Set(all.rowNfe).size).toBeGreaterThan(3);
    for (const threads of [2, 3, 8]) {
      const other = table.integrateRows(request(name, { n, dimension: d, initial, grid, save, threads }));
      expect([other.x, other.rowNfe]).toEqual([all.x, all.rowNfe]);
    }
    // The field knows a row by its number: parts begin at multiples of its seven kinds.
    for (const [first, count] of [
      [0, 1],
      [7, 96],
      [497, 203],
    ] as const) {
      const part = table.integrateRows(request(name, { n: count, dimension: d, initial: initial.slice(first * d, (first + count) * d), grid, save }));
      for (const k of [0, 1]) {
        expect(part.x.subarray(k * count * d, (k + 1) * count * d)).toEqual(all.x.slice((k * n + first) * d, (k * n + first + count) * d));
      }
      expect(part.rowNfe).toEqual(all.rowNfe.slice(first, first + count));
    }
  });
});

describe('rows in flight', () => {
  it('keeps tiles dense: nearly all evaluations are of full tiles', () => {
    const { evaluations, rows, rowNfe } = table.integrateRows(request('dopri5', { n: 9600, dimension: 1 }));
    expect(rows).toBe(rowNfe.reduce((sum, nfe) => sum + nfe, 0));
    expect(rows / evaluations).toBeGreaterThan(0.9 * 96);
  });

  it('needs a third of the evaluations of one step for all, where some rows are stiffer', () => {
    // One row in twenty turns forty times as fast.
    const field: RowsRequest['field'] = (x, t, rows) =>
      x.map((v, r) => v * ((rows[r] as number) % 20 === 0 ? 40 * Math.cos(40 * (t[r] as number)) : Math.cos(t[r] as number)));
    const initial = new Float32Array(400).fill(1);
    const each = table.integrateRows(request('dopri5', { field, n: 400, dimension: 1, initial }));
    const together = table.integrateRows(request('dopri5', { field, n: 400, dimension: 1, initial, batch: true }));
    expect(together.rowNfe.every((nfe) => nfe === together.nfe)).toBe(true);
    expect(together.rows / each.rows).toBeGreaterThan(3);
    // ... and every row keeps its tolerance, which the mean over a batch does not promise.
    for (const { x } of [each, together])
      x.forEach((value, r) => {
        expect(Math.abs(value / Math.exp(Math.sin((r % 20 === 0 ? 40 : 1) * 1)) - 1)).toBeLessThan(1e-3);
      });
  });

  it('with one step for all agrees with the float64 reference of the batch, on any threads, and saves inside its steps', () => {
    const [n, d] = [250, 2];
    const initial = native().normal(3n, 0, n, d);
    const times = [0, 0.25, 0.9, 1];
    const field: RowField = (x, t) => x.map((v, i) => rate(Math.floor(i / d)) * Math.cos(rate(Math.floor(i / d)) * t) * v);
    const reference = integrateAdaptive(
      adaptiveTableau(dopri5.tableau),
      { rtol: 1e-4, atol: 1e-4, minStep: 0, controller: 'pi' },
      1000,
      field,
      Float64Array.from(initial),
      times,
    );
    const one = request('dopri5', {
      n,
      dimension: d,
      initial,
      grid: Float64Array.from(times),
      save: Int32Array.of(0, 1, 2, 3),
      rtol: 1e-4,
      atol: 1e-4,
      batch: true,
    });
    const found = table.integrateRows(one);
    expect(found.nfe).toBe(reference.nfe);
    reference.saved.forEach((state, k) => {
      state.forEach((value, i) => {
        // Steps differ by the rounding of the error norm: 1e-4 of a step's own error of 1e-4.
        expect(Math.abs((found.x[k * n * d + i] as number) - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
      });
    });
    for (const threads of [2, 7]) expect(table.integrateRows({ ...one, threads }).x).toEqual(found.x);
  });

  it('never evaluates outside the interval', () => {
    for (const name of Object.keys(pairs) as (keyof typeof pairs)[])
      for (const [from, to] of [
        [0.1, 0.7],
        [0.7, 0.1],
      ] as const) {
        const seen: number[] = [];
        const field: RowsRequest['field'] = (x, t) => {
          seen.push(...t);
          return x.map((v) => -30 * v);
        };
        table.integrateRows(request(name, { field, n: 7, dimension: 1, grid: Float64Array.of(from, to) }));
        expect([Math.min(...seen), Math.max(...seen)]).toEqual([0.1, 0.7]);
      }
  });

  it('takes the closing step with the slope that it has at the end', () => {
    const initial = Float32Array.of(1, 2, 3);
    const closing = Float64Array.of(0.5, 0.25);
    const ask = { field: 'cosine', n: 3, dimension: 1, initial, grid: Float64Array.of(0, 0.6, 1), save: Int32Array.of(1, 2), closing } as const;
    for (const batch of [false, true]) {
      const { x, rowNfe } = table.integrateRows(request('tsit5', { ...ask, batch }));
      const plain = table.integrateRows(request('tsit5', { ...ask, batch, closing: null, grid: Float64Array.of(0, 0.6), save: Int32Array.of(1) }));
      expect([plain.x, plain.rowNfe]).toEqual([x.slice(0, 3), rowNfe]);
      for (let r = 0; r < 3; r++) {
        const slope = rate(r) * Math.cos(rate(r) * 0.6);
        expect(x[3 + r]).toBeCloseTo((x[r] as number) * (0.5 + 0.25 * slope), 5);
      }
      expect(table.integrateRows(request('tsit5', { ...ask, batch, grid: Float64Array.of(0, 0.5), save: Int32Array.of(1) })).x[0]).toBeCloseTo(0.75, 6);
    }
  });
});

describe('rows that end early', () => {
  it('are named, keep the last state they had, and hold up no other row', () => {
    const {
      x,
      rowStatus: status,
      rowNfe,
      nonfiniteRow,
    } = table.integrateRows(request('dopri5', { field: 'spoil', n: 300, dimension: 1, initial: new Float32Array(300).fill(1) }));
    expect(nonfiniteRow).toBe(-1);
    for (let r = 0; r < 300; r++) {
      expect(status[r]).toBe(r % 7 === 3 ? rowStatus.nonFinite : rowStatus.done);
      expect(x[r]).toBeCloseTo(grown(r, r % 7 === 3 ? 0.5 : 1), 3);
      expect(rowNfe[r]).toBeGreaterThan(10);
    }
    const few = table.integrateRows(request('dopri5', { n: 70, dimension: 1, maxSteps: 5, rtol: 1e-6, atol: 1e-6 }));
    expect(new Set(few.rowStatus)).toEqual(new Set([rowStatus.maxSteps, rowStatus.done]));
    few.rowStatus.forEach((code, r) => {
      if (code === rowStatus.maxSteps) expect(few.rowNfe[r]).toBe(2 + 5 * 6);
    });
    const stiff: RowsRequest['field'] = (v) => v.map((value) => -1e6 * value);
    const short = table.integrateRows(request('dopri5', { field: stiff, n: 3, dimension: 1, initial: Float32Array.of(1, 1, 1), minStep: 1e-3 }));
    expect(Array.from(short.rowStatus)).toEqual([rowStatus.minStep, rowStatus.minStep, rowStatus.minStep]);
    const lost: RowsRequest['field'] = (v) => v.map(() => Number.NaN);
    const never = table.integrateRows(request('dopri5', { field: lost, n: 2, dimension: 1, initial: Float32Array.of(3, 4) }));
    expect([Array.from(never.rowStatus), Array.from(never.x)]).toEqual([
      [rowStatus.nonFinite, rowStatus.nonFinite],
      [3, 4],
    ]);
    expect(table.integrateRows(request('dopri5', { n: 2, dimension: 1, initial: Float32Array.of(1, Number.NaN) })).nonfiniteRow).toBe(1);
    const spoilt = table.integrateRows(request('dopri5', { field: 'spoil', n: 300, dimension: 1, batch: true }));
    expect(new Set(spoilt.rowStatus)).toEqual(new Set([rowStatus.nonFinite]));
  });

  it('stop within a step when asked', () => {
    for (const batch of [false, true]) {
      const { stopped, evaluations } = table.integrateRows(request('dopri5', { n: 5000, dimension: 1, stopAfter: 40, batch }));
      expect(stopped).toBe(true);
      expect(evaluations).toBeLessThan(batch ? 40 + 6 * 53 : 40 + 8);
    }
  });

  it('end at once without an interval, and nothing is asked of no rows', () => {
    const still = table.integrateRows(
      request('dopri5', { n: 2, dimension: 1, initial: Float32Array.of(3, 4), grid: Float64Array.of(0.5), save: Int32Array.of(0) }),
    );
    expect([Array.from(still.x), Array.from(still.rowNfe), still.evaluations]).toEqual([[3, 4], [0, 0], 0]);
    expect(table.integrateRows(request('dopri5', { n: 0 }))).toMatchObject({ nfe: 0, evaluations: 0 });
  });

  it.each([
    ['a tolerance below 0', { rtol: -1 }, /step control/],
    ['no absolute tolerance', { atol: 0 }, /step control/],
    ['no steps', { maxSteps: 0 }, /step control/],
    ['a NaN', { minStep: Number.NaN }, /step control/],
    ['a grid that turns', { grid: Float64Array.of(0, 1, 0.5) }, /monotone/],
  ] as const)('refuses %s', (_, fields, message) => {
    expect(table.integrateRows(request('dopri5', fields)).error).toMatch(message);
  });
});
