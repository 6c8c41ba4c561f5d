// The native integrator over any field, driven through the test-only addon: closed forms against the float64 integrator and the exact solution.

import { describe, expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { solvers, tableauArrays } from '../../lib/solvers/solvers.ts';
import { type IntegrateRequest, table } from './table.ts';

const methods = Object.values(solvers).map((make) => make({ steps: 1 }));
const euler = { a: new Float64Array(1), b: Float64Array.of(1), c: new Float64Array(1) };
const even = (steps: number, from = 0, to = 1) => Float64Array.from({ length: steps + 1 }, (_, k) => from + ((to - from) * k) / steps);

const request = (fields: Partial<IntegrateRequest>): IntegrateRequest => ({
  field: 'growth',
  dimension: 2,
  n: 5,
  firstRow: 0,
  seed: 4n,
  initial: null,
  sourceScale: 1,
  ...euler,
  grid: even(1),
  save: Int32Array.of((fields.grid?.length ?? 2) - 1),
  shift: null,
  scale: null,
  threads: 1,
  stopAfter: -1,
  ...fields,
});

/** The fields of the addon in float64; `stage` counts evaluations. */
function field64(name: 'growth' | 'turn' | 'row' | 'stage', d: number): (x: Float64Array, t: number) => Float64Array {
  let stage = -1;
  return (x, t) => {
    stage++;
    return x.map((value, i) => {
      const [row, column] = [Math.floor(i / d), i % d];
      if (name === 'growth') return Math.cos(t) * value;
      if (name === 'row') return row;
      if (name === 'stage') return stage;
      const partner = column ^ 1;
      return partner >= d ? 0 : (column % 2 === 0 ? -1 : 1) * (x[row * d + partner] as number);
    });
  };
}

function distance(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += ((got[i] as number) - (expected[i] as number)) ** 2;
    size += (expected[i] as number) ** 2;
  }
  return Math.sqrt(difference / (size || 1));
}

describe('integrate() over a field', () => {
  it('agrees with the float64 integrator: every tableau, field, direction, several tiles, widths and threads', () => {
    const fields = ['growth', 'turn', 'row', 'stage'] as const;
    const sizes = [0, 1, 5, 12, 13, 95, 96, 97, 200, 401];
    let index = 0;
    for (const solver of methods) {
      for (const name of fields) {
        for (const d of [1, 2, 5, 33, 70]) {
          index++;
          const n = sizes[index % sizes.length] as number;
          const steps = 1 + (index % 7);
          const grid = even(steps, 0.1, 1.7).map((t) => t ** 1.5);
          if (index % 3 === 0) grid.reverse();
          const save = Int32Array.from(new Set([0, steps >> 1, steps]));
          const initial = native().normal(BigInt(index), 0, n, d);
          const result = table.integrate(request({ field: name, dimension: d, n, grid, save, initial, threads: 1 + (index % 4), ...tableauArrays(solver) }));
          const where = `${solver.name} ${name} d ${d} n ${n}`;
          expect([result.error, result.nfe, result.nonfiniteRow, result.stopped], where).toEqual([undefined, n === 0 ? 0 : steps * solver.b.length, -1, false]);
          const { saved } = integrate(solver, field64(name, d), Float64Array.from(initial), grid, Array.from(save));
          // A step rounds once per stage and term, of the size of its coefficients; errors grow no more than the flow itself, here by e^2 at most.
          const size = Math.max(1, ...solver.a.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0)));
          const tolerance = steps * (solver.b.length + 2) * size * 2 ** -24 * Math.exp(2);
          saved.forEach((state, s) => {
            expect(distance(result.x.subarray(s * n * d, (s + 1) * n * d), state), where).toBeLessThan(tolerance);
          });
        }
      }
    }
  });

  it('comes to the exact solution at the order of the method', () => {
    const initial = Float32Array.of(1, 0.5, -2, 0.25);
    const [from, to] = [0.2, 1.4];
    const grown = Array.from(initial, (x) => x * Math.exp(Math.sin(to) - Math.sin(from)));
    const [cos, sin] = [Math.cos(to - from), Math.sin(to - from)];
    const turned = [1 * cos - 0.5 * sin, 1 * sin + 0.5 * cos, -2 * cos - 0.25 * sin, -2 * sin + 0.25 * cos];
    for (const solver of methods) {
      for (const [field, exact] of [
        ['growth', grown],
        ['turn', turned],
      ] as const) {
        const error = (steps: number) => {
          const { x } = table.integrate(request({ field, n: 2, initial, grid: even(steps, from, to), ...tableauArrays(solver) }));
          return distance(x, exact);
        };
        // Steps coarse enough that f32 rounding stays below a tenth of the error; above order 4 there are none.
        const steps = solver.order >= 4 ? 4 : 8;
        const ratio = error(steps) / error(2 * steps);
        if (solver.order <= 4) expect(ratio, `${solver.name} ${field}`).toBeGreaterThan(2 ** solver.order * 0.75);
        const fine = 64;
        expect(error(fine), `${solver.name} ${field}`).toBeLessThan(2 * (1.2 / fine) ** solver.order + fine * (solver.b.length + 2) * 2 ** -24);
      }
    }
  });

  it('draws its rows by (seed, row): n, first row, tiles and threads do not matter', () => {
    const grid = even(3);
    const all = table.integrate(request({ field: 'turn', dimension: 3, n: 700, firstRow: 10, grid })).x;
    for (const [first, n, threads] of [
      [10, 700, 8],
      [10, 1, 1],
      [150, 97, 2],
      [709, 1, 3],
    ] as const) {
      const part = table.integrate(request({ field: 'turn', dimension: 3, n, firstRow: first, grid, threads })).x;
      expect(part).toEqual(all.slice(3 * (first - 10), 3 * (first - 10 + n)));
    }
    const noise = table.integrate(request({ dimension: 3, n: 40, firstRow: 2 ** 53 - 40, grid: Float64Array.of(0.3), save: Int32Array.of(0) }));
    expect(noise.x).toEqual(native().normal(4n, 2 ** 53 - 40, 40, 3));
    expect([noise.nfe, noise.evaluations]).toEqual([0, 0]);
  });

  it('scales drawn noise by the source scale, not given rows, and maps what it stores', () => {
    const [shift, scale] = [Float32Array.of(10, -20), Float32Array.of(2, 0.5)];
    const still = { n: 300, grid: Float64Array.of(0), save: Int32Array.of(0), sourceScale: 80 };
    const noise = native().normal(4n, 0, 300, 2);
    expect(table.integrate(request(still)).x).toEqual(noise.map((z) => z * 80));
    expect(table.integrate(request({ ...still, initial: noise })).x).toEqual(noise);
    const mapped = table.integrate(request({ ...still, shift, scale })).x;
    mapped.forEach((value, i) => {
      // one rounding of 80 z, one or two of shift + scale (80 z)
      const exact = (shift[i % 2] as number) + (scale[i % 2] as number) * Math.fround((noise[i] as number) * 80);
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(2 ** -23 * (Math.abs(exact) + Math.abs(exact - (shift[i % 2] as number))));
    });
  });

  it('names the first row that is not finite, whichever thread comes first', () => {
    for (const threads of [1, 2, 8]) {
      const spoiled = (n: number, steps: number) => table.integrate(request({ field: 'spoil', n, grid: even(steps), threads })).nonfiniteRow;
      expect([spoiled(500, 4), spoiled(501, 4), spoiled(3000, 4), spoiled(3000, 3)]).toEqual([-1, 500, 500, -1]);
      const initial = new Float32Array(6000);
      initial[2 * 2222 + 1] = Number.NaN;
      initial[2 * 1313] = Number.POSITIVE_INFINITY;
      expect(table.integrate(request({ field: 'stage', n: 3000, initial, threads })).nonfiniteRow).toBe(1313);
      const noise = native().normal(4n, 0, 3000, 1);
      const first = noise.findIndex((z) => !Number.isFinite(Math.fround(z * Math.fround(1.5e38))));
      expect(first).toBeGreaterThan(0);
      expect(table.integrate(request({ field: 'stage', dimension: 1, n: 3000, sourceScale: 1.5e38, threads })).nonfiniteRow).toBe(first);
    }
  });

  it('stops within a step, says so, and leaves the rest of the output alone', () => {
    const { x, stopped, evaluations } = table.integrate(request({ n: 5000, grid: even(50), stopAfter: 120 }));
    expect([stopped, evaluations]).toEqual([true, 120]);
    expect(x.filter((value) => value !== -77).length).toBe(2 * 2 * 96); // two tiles of 96 rows had been through their 50 steps
  });

  it('saves nothing and computes nothing when nothing is asked for', () => {
    expect(table.integrate(request({ grid: even(5), save: new Int32Array(0) }))).toMatchObject({ evaluations: 0, nonfiniteRow: -1 });
    expect(table.integrate(request({ grid: even(5), save: Int32Array.of(0, 2) })).evaluations).toBe(2); // nothing after the last saved state
  });

  it.each([
    ['n below 0', { n: -1 }, /rows must lie/],
    ['rows past 2^53', { firstRow: 2 ** 53 - 4 }, /rows must lie/],
    ['a size past 63 bits', { n: 2 ** 53, dimension: 2 ** 30 }, /out of memory/],
    ['no dimension', { dimension: 0 }, /dimension/],
    ['no stage', { b: new Float64Array(0) }, /1 to 64 stages/],
    ['65 stages', { a: new Float64Array(65 * 65), b: new Float64Array(65), c: new Float64Array(65) }, /1 to 64 stages/],
    ['a NaN in the tableau', { b: Float64Array.of(Number.NaN) }, /tableau must be finite/],
    ['a grid that turns', { grid: Float64Array.of(0, 1, 0.5) }, /monotone/],
    ['an infinite time', { grid: Float64Array.of(0, Number.POSITIVE_INFINITY) }, /grid must be finite/],
    ['a saved index past the grid', { save: Int32Array.of(0, 2) }, /ascending indices/],
    ['a saved index twice', { save: Int32Array.of(1, 1) }, /ascending indices/],
    ['shift without scale', { shift: Float32Array.of(0, 0) }, /come together/],
  ] as const)('refuses %s', (_, fields, message) => {
    expect(table.integrate(request(fields)).error).toMatch(message);
  });
});
