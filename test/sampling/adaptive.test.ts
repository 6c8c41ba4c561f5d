// The float64 reference of error control: DETEST against SciPy's RK45, dense output, ends, statuses, both directions.

import { describe, expect, it } from 'vitest';
import { type AcceptedStep, integrateAdaptive } from '../../lib/sampling/reference/adaptive.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { rowStatus } from '../../lib/sampling/status.ts';
import { denseWeights } from '../../lib/solvers/order.ts';
import { bosh3, dopri5, dopri8, tsit5 } from '../../lib/solvers/solvers.ts';
import { adaptiveTableau } from '../../lib/solvers/tableau.ts';
import { type Problem, problems, scaledError, tolerances } from '../cases/detest.ts';
import { fittedPower, localError, smoothProblems } from '../cases/smooth-problems.ts';

const pairs = { bosh3, dopri5, tsit5, dopri8 };
const names = Object.keys(pairs) as (keyof typeof pairs)[];
const control = (tolerance: number, controller: 'pi' | 'integral' = 'pi') => ({ rtol: tolerance, atol: tolerance, minStep: 0, controller });

/** The error of every accepted step against the solution through its start (sixteen steps of dopri8), in units of the tolerance: the largest. */
function worstLocalError(problem: Problem, steps: readonly AcceptedStep[], tolerance: number): number {
  const fine = dopri8({ steps: 1 });
  return Math.max(
    ...steps.map(({ t, h, before, after }) => {
      const grid = Float64Array.from({ length: 17 }, (_, i) => (i === 16 ? t + h : t + (i / 16) * h));
      const [end] = integrate(fine, problem.field, before, grid).saved;
      const sum = after.reduce((s, value, j) => {
        const scale = tolerance * (1 + Math.max(Math.abs(value), Math.abs(before[j] as number)));
        return s + ((value - ((end as Float64Array)[j] as number)) / scale) ** 2;
      }, 0);
      return Math.sqrt(sum / after.length);
    }),
  );
}

describe('DETEST in float64', () => {
  it('is 25 problems at tolerances from 1e-3 to 1e-10', () => {
    expect([new Set(problems.map(({ name }) => name)).size, Math.max(...tolerances), Math.min(...tolerances)]).toEqual([25, 1e-3, 1e-10]);
  });

  it.each(problems.map((p) => [p.name, p] as const))('%s: as many evaluations as SciPy, and every step within its tolerance', (_, problem) => {
    for (const [i, tolerance] of tolerances.entries()) {
      const steps: AcceptedStep[] = [];
      const { nfe, saved, status } = integrateAdaptive(
        adaptiveTableau(dopri5.tableau),
        control(tolerance, 'integral'),
        1e5,
        problem.field,
        problem.start,
        [0, 20],
        (step) => steps.push(step),
      );
      const [evaluations, theirs] = problem.scipy[i] as readonly [number, number];
      const where = `${problem.name} at ${tolerance}`;
      expect(status).toBe(rowStatus.done);
      expect(Math.abs(nfe / evaluations - 1), where).toBeLessThan(0.1);
      // At t = 20 errors have grown with the flow (a thousandfold on the orbits), for every integrator: no more than SciPy's, where that is above 2.
      expect(scaledError(saved[1] as Float64Array, problem.end, tolerance), where).toBeLessThan(Math.max(2, 1.1 * theirs));
      // What the controller promises is the error of a step. At loose tolerances steps are so long that the estimate is no longer the leading term.
      const checked = i % 2 === 1 && i < 7 && problem.start.length < 30; // not all, as it costs sixteen steps a step
      if (checked) expect(worstLocalError(problem, steps, tolerance), where).toBeLessThan(tolerance < 1e-5 ? 2 : 20);
    }
  });

  it('rejects a third as many steps with the PI controller, whose steps are a fifth shorter', () => {
    const total = { pi: [0, 0], integral: [0, 0] };
    for (const problem of problems) {
      for (const tolerance of [1e-4, 1e-6, 1e-8]) {
        for (const controller of ['pi', 'integral'] as const) {
          const { nfe, rejected } = integrateAdaptive(
            adaptiveTableau(dopri5.tableau),
            control(tolerance, controller),
            1e5,
            problem.field,
            problem.start,
            [0, 20],
          );
          total[controller] = [(total[controller][0] as number) + nfe, (total[controller][1] as number) + rejected];
        }
      }
    }
    const [pi, integral] = [total.pi as [number, number], total.integral as [number, number]];
    expect(pi[0]).toBeLessThan(1.25 * integral[0]);
    expect(pi[1]).toBeLessThan(integral[1] / 3);
  });
});

describe.each(names)('%s', (name) => {
  const tableau = adaptiveTableau(pairs[name].tableau);

  it('keeps the error in step with the tolerance, forwards and backwards', () => {
    for (const problem of smoothProblems) {
      for (const tolerance of [1e-4, 1e-7, 1e-10]) {
        const there = integrateAdaptive(tableau, control(tolerance), 1e5, (x, t) => problem.field(x, t), problem.start, [0, 1]);
        const exact = problem.exact(1);
        // Growth along these problems is at most e^2 per unit of sin(10t).
        const error = Math.max(...exact.map((v, j) => Math.abs(v - ((there.saved[1] as Float64Array)[j] as number))));
        expect(error, `${problem.name} ${tolerance}`).toBeLessThan(100 * tolerance);
        const back = integrateAdaptive(tableau, control(tolerance), 1e5, (x, t) => problem.field(x, t), Float64Array.from(exact), [1, 0]);
        const lost = Math.max(...Array.from(problem.start, (v, j) => Math.abs(v - ((back.saved[1] as Float64Array)[j] as number))));
        expect(lost, `${problem.name} ${tolerance} back`).toBeLessThan(100 * tolerance);
      }
    }
  });

  it('has dense output of the order that it declares', () => {
    // A step whose weights are those at theta = 0.6 comes to t + 0.6 h.
    const { denseOrder = 0 } = pairs[name].tableau;
    const inside = { ...tableau, b: denseWeights(tableau.dense, 0.6) };
    const problem = smoothProblems[0] as (typeof smoothProblems)[number];
    const step = (x: Float64Array, t: number, h: number) => integrate(inside, problem.field, x, [t, t + h / 0.6]).saved[0] as Float64Array;
    const power = fittedPower((h) => localError(problem, h, step), 1e-13, 1e-10);
    expect(Math.abs(power - 1 - denseOrder)).toBeLessThan(0.1);
  });

  it('steps the same whatever is saved, never leaves the interval, and saves its ends exactly', () => {
    const problem = smoothProblems[2] as (typeof smoothProblems)[number];
    const times: number[] = [];
    const field = (x: Float64Array, t: number): Float64Array => {
      times.push(t);
      return problem.field(x, t);
    };
    const plain = integrateAdaptive(tableau, control(1e-6), 1e5, field, problem.start, [0.1, 0.77]);
    expect(Math.min(...times)).toBe(0.1);
    expect(Math.max(...times)).toBe(0.77);
    const saving = integrateAdaptive(tableau, control(1e-6), 1e5, problem.field, problem.start, [0.1, 0.2, 0.200001, 0.5, 0.77]);
    expect(saving.nfe).toBe(plain.nfe);
    expect(saving.saved[0]).toEqual(problem.start);
    expect(saving.saved[4]).toEqual(plain.saved[1]);
    expect(integrateAdaptive(tableau, control(1e-6), 9, problem.field, problem.start, [0.3, 0.3]).saved).toEqual([problem.start, problem.start]);
  });
});

describe('a solve that ends early', () => {
  const tableau = adaptiveTableau(dopri5.tableau);
  const problem = smoothProblems[0] as (typeof smoothProblems)[number];

  it('says so and keeps the last state that it had', () => {
    const few = integrateAdaptive(tableau, control(1e-9), 7, problem.field, problem.start, [0, 0.01, 1]);
    expect([few.status, few.accepted + few.rejected]).toEqual([rowStatus.maxSteps, 7]);
    expect(few.nfe).toBe(2 + 6 * 7);
    expect(few.t).toBeGreaterThan(0.01);
    expect((few.saved[2] as Float64Array)[0]).toBeCloseTo(problem.exact(few.t)[0] as number, 7);

    const wall = integrateAdaptive(tableau, control(1e-6), 1e4, (x, t) => x.map((v) => (t > 0.5 ? Number.NaN : v)), Float64Array.of(1), [0, 1]);
    expect(wall.status).toBe(rowStatus.nonFinite);
    expect(wall.t).toBeCloseTo(0.5, 10);
    expect((wall.saved[1] as Float64Array)[0]).toBeCloseTo(Math.exp(0.5), 5);

    const stiff = integrateAdaptive(tableau, { ...control(1e-8), minStep: 1e-3 }, 1e4, (x) => x.map((v) => -1e5 * v), Float64Array.of(1), [0, 1]);
    expect(stiff.status).toBe(rowStatus.minStep);

    const pole = integrateAdaptive(tableau, control(1e-8), 1e4, (x) => x.map((v) => v * v), Float64Array.of(1), [0, 2]);
    expect(pole.status).not.toBe(rowStatus.done);
    expect(Math.abs(pole.t - 1)).toBeLessThan(1e-6);
    expect(integrateAdaptive(tableau, control(1e-6), 99, (x) => x.map(() => Number.NaN), Float64Array.of(1), [0, 1]).status).toBe(rowStatus.nonFinite);
  });
});
