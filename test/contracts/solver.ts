// The law of every solver: its measured order is the declared one within 0.1 on six problems; there and back again; the last saved state is the result.

import { expect, it } from 'vitest';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { defineSolver, type SolverFactory } from '../../lib/solvers/define.ts';
import { gridOf, uniformGrid } from '../../lib/solvers/grid.ts';
import { fittedPower, localError, type SmoothProblem, smoothProblems } from '../cases/smooth-problems.ts';

// A non-autonomous, nonlinear equation with a closed form: x' = -2 (t + 1/2) x^2, so 1/x(t) = (t + 1/2)^2 - 1/4 + 1/x0.
const field = (x: Float64Array, t: number): Float64Array => x.map((v) => -2 * (t + 0.5) * v * v);
const exact = (x0: number, t: number): number => 1 / ((t + 0.5) ** 2 - 0.25 + 1 / x0);

/** The power of h in the error of one step, less one. */
export function measuredOrder(factory: SolverFactory, problem: SmoothProblem): number {
  const once = factory({ steps: 1 });
  const step = (x: Float64Array, t: number, h: number): ArrayLike<number> => integrate(once, problem.field, x, [t, t + h]).saved[0] as Float64Array;
  const [low, high] = factory.tableau.order < 5 ? [1e-12, 1e-8] : [2e-14, 5e-12];
  return fittedPower((h) => localError(problem, h, step), low, high) - 1;
}

export function solverContract(factory: SolverFactory): void {
  it.each(smoothProblems)('has the declared order within 0.1: $name', (problem) => {
    expect(Math.abs(measuredOrder(factory, problem) - factory.tableau.order)).toBeLessThan(0.1);
  });

  it('comes to the solution at that order', () => {
    // Steps so long that rounding is far below the error, hence only half an order sharp.
    const error = (steps: number): number => {
      const [end] = integrate(factory({ steps }), field, Float64Array.of(1), uniformGrid(steps)).saved;
      return Math.abs((end?.[0] as number) - exact(1, 1));
    };
    const { order } = factory.tableau;
    let steps = 4;
    while (error(4 * steps) > 1e-12 && steps < 512) steps *= 2;
    expect(Math.log2(error(steps) / error(2 * steps))).toBeGreaterThan(order - 0.5);
  });

  it('comes back on the reversed grid to within its own error', () => {
    const solver = factory({ steps: 200 });
    const start = Float64Array.of(1, 0.7);
    const end = integrate(solver, field, start, gridOf(solver)).saved[0] as Float64Array;
    const back = integrate(solver, field, end, gridOf(solver, { reverse: true })).saved[0] as Float64Array;
    const forward = Math.max(...Array.from(end, (v, i) => Math.abs(v - exact(start[i] as number, 1))));
    // Both halves make an error of the same size; the way back amplifies it by at most the condition of the flow (below 10 here).
    expect(Math.max(...Array.from(back, (v, i) => Math.abs(v - (start[i] as number))))).toBeLessThan(20 * forward + 1e-12);
  });

  it('saves states and counts evaluations', () => {
    const solver = factory({ grid: [0, 0.3, 0.35, 1] });
    const { saved, nfe } = integrate(solver, field, Float64Array.of(1), gridOf(solver), [0, 2, 3]);
    expect(nfe).toBe(3 * solver.b.length);
    expect(saved.length).toBe(3);
    expect(saved[0]).toEqual(Float64Array.of(1));
    expect(saved[2]).toEqual(integrate(solver, field, Float64Array.of(1), gridOf(solver)).saved[0]);
    expect(integrate(solver, field, Float64Array.of(1), [0, 0.3, 0.35]).saved[0]).toEqual(saved[1]);
  });

  it('is frozen and defines itself again', () => {
    expect(defineSolver(factory.tableau)()).toEqual(factory());
    expect(defineSolver(factory.tableau)({ steps: 3 })).toEqual(factory({ steps: 3 }));
    expect(Object.isFrozen(factory())).toBe(true);
  });
}
