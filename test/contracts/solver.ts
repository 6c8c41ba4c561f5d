// The law of every solver: its measured order is the declared one within 0.1; there and back again; the last saved state is the result.

import { expect, it } from 'vitest';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { defineSolver, type SolverFactory } from '../../lib/solvers/define.ts';
import { gridOf } from '../../lib/solvers/grid.ts';

// A non-autonomous, nonlinear equation with a closed form: x' = -2 (t + 1/2) x^2, so 1/x(t) = (t + 1/2)^2 - 1/4 + 1/x0.
const field = (x: Float64Array, t: number): Float64Array => x.map((v) => -2 * (t + 0.5) * v * v);
const exact = (x0: number, t: number): number => 1 / ((t + 0.5) ** 2 - 0.25 + 1 / x0);

/** Slope of log error over log h, extrapolated to h = 0 from three halvings, the finest ones whose errors are far above rounding. */
export function measuredOrder(factory: SolverFactory): number {
  const start = Float64Array.of(8);
  const error = (steps: number): number => {
    const solver = factory({ steps });
    const [end] = integrate(solver, field, start, gridOf(solver)).saved;
    return Math.abs((end?.[0] as number) - exact(8, 1));
  };
  let steps = 32;
  while (steps < 1024 && error(8 * steps) > 3e-14) steps *= 2;
  const slope = (n: number): number => Math.log2(error(n) / error(2 * n));
  return 2 * slope(2 * steps) - slope(steps);
}

export function solverContract(factory: SolverFactory): void {
  it('has the declared order within 0.1', () => {
    expect(Math.abs(measuredOrder(factory) - factory.tableau.order)).toBeLessThan(0.1);
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
    expect(defineSolver(factory.tableau)().b).toEqual(factory().b);
    expect(Object.isFrozen(factory())).toBe(true);
  });
}
