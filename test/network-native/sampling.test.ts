// Native fixed-step solves against the float64 integrator with the float64 oracle: every op, shared and per-row conditions, frames, saves, both directions.
// Sampling runs a rewritten program (row-constant work once per stage, split first layers), so this is where that rewriting is held to account.

import { describe, expect, it } from 'vitest';
import type { SampleRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { oracleField } from '../../lib/sampling/reference/evaluate.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { solvers, tableauArrays } from '../../lib/solvers/solvers.ts';
import { sampleRequest } from '../native-binding/support.ts';
import { type Case, caseAt, named } from './cases.ts';

const methods = Object.values(solvers).map((make) => make({ steps: 1 }));
/** Error of the state over its norm: f32 rounding of the field and of each step, with room for the growth of four unit-gain steps. */
const tolerance = 1e-5;

/** A grid that is not uniform and not long; every fifth crosses a window of 64 stages. */
function gridOf(index: number): Float64Array {
  const steps = index % 5 === 0 ? 70 : 1 + (index % 4);
  const grid = Float64Array.from({ length: steps + 1 }, (_, k) => (k / steps) ** 1.5);
  return index % 3 === 0 ? grid.reverse() : grid;
}

function distance(got: ArrayLike<number>, expected: Float64Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((e, i) => {
    difference += ((got[i] as number) - e) ** 2;
    size += e * e;
  });
  return Math.sqrt(difference / (size || 1));
}

/** Largest error over the saved states of one solve. */
function compare({ network, inputs }: Case, index: number, fields: Partial<SampleRequest>, condition: Float32Array | null, framed = false): number {
  const { program } = network;
  const { rows, x, parameters } = inputs;
  const solver = methods[index % methods.length] as (typeof methods)[number];
  const grid = gridOf(index);
  const steps = grid.length - 1;
  const { words, constants } = encodeProgram(program);
  const { Network } = native();
  const net = new Network(words, constants, parameters);
  const stages = solver.b.length;
  // A frame with no meaning but four different numbers per stage; the oracle reads the same table by the time of the stage.
  const frame = new Float64Array(4 * steps * stages);
  const byTime = new Map<number, Float64Array>();
  for (let i = 0; i < steps * stages; i++) {
    const k = Math.floor(i / stages);
    const [from, to] = [grid[k] as number, grid[k + 1] as number];
    const t = from + (solver.c[i % stages] as number) * (to - from);
    frame.set([0.9 + 0.1 * t, Math.fround(1 - t / 2), 0.3 * t - 0.1, 0.8 - 0.2 * t], 4 * i);
    byTime.set(t, frame.subarray(4 * i, 4 * i + 4));
  }
  const save = Int32Array.from(new Set([0, steps >> 1, steps]));
  const shared = condition !== null && condition.length !== rows * program.conditionWidth;
  const request = { grid, save, ...tableauArrays(solver), initial: x, condition, sharedCondition: shared, frame: framed ? frame : null, ...fields };
  const { x: got, nonfiniteRow, nfe } = net.sampleSync(sampleRequest(rows, steps, request));
  net.dispose();
  expect([nonfiniteRow, nfe]).toEqual([-1, rows === 0 ? 0 : steps * stages]);

  const repeated = shared ? Float32Array.from({ length: rows * program.conditionWidth }, (_, i) => condition[i % condition.length] as number) : condition;
  const net64 = oracleField(program, parameters, repeated);
  const field = (z: Float64Array, t: number): Float64Array => {
    if (!framed) return net64(z, Math.fround(t));
    const [a, tau, b, c] = byTime.get(t) as unknown as [number, number, number, number];
    const v = net64(
      z.map((value) => a * value),
      tau,
    );
    return v.map((value, i) => b * (z[i] as number) + c * value);
  };
  const { saved } = integrate(solver, field, Float64Array.from(x), grid, Array.from(save));
  const size = rows * program.dimension;
  return Math.max(...saved.map((state, s) => distance(got.subarray(s * size, (s + 1) * size), state)));
}

const count = named.length + 60;

describe('native solves', () => {
  it(`of ${count} networks agree with the float64 integrator`, () => {
    for (let index = 0; index < count; index++) {
      const one = caseAt(index);
      expect(compare(one, index, { threads: 1 + (index % 3) }, one.inputs.condition), `${index} ${one.network.name}`).toBeLessThan(tolerance);
    }
  });

  it('agree with one condition row shared by all', () => {
    let seen = 0;
    for (let index = 0; index < count; index++) {
      const one = caseAt(index);
      const { condition } = one.inputs;
      if (condition === null || condition.length === 0) continue;
      seen++;
      expect(compare(one, index, {}, condition.slice(0, one.network.program.conditionWidth)), `${index} ${one.network.name}`).toBeLessThan(tolerance);
    }
    expect(seen).toBeGreaterThan(20);
  });

  it('agree in a frame', () => {
    for (let index = 0; index < count; index += 2) {
      const one = caseAt(index);
      expect(compare(one, index, {}, one.inputs.condition, true), `${index} ${one.network.name}`).toBeLessThan(tolerance);
    }
  });
});
