// Solvers: order conditions, the refusals of defineSolver(), grids, options.

import { describe, expect, it } from 'vitest';
import { checkSolver, defineSolver } from '../../lib/solvers/define.ts';
import { checkGrid, gridOf, uniformGrid } from '../../lib/solvers/grid.ts';
import { orderResidual, trees } from '../../lib/solvers/order.ts';
import type { Tableau } from '../../lib/solvers/solver.ts';
import { euler, heun, midpoint, resolveSolver, rk4, solverByName, solvers, tableauArrays } from '../../lib/solvers/solvers.ts';
import { solverContract } from '../contracts/solver.ts';
import { bogackiShampine, dormandPrince } from './tableaus.ts';

for (const [name, factory] of Object.entries(solvers)) describe(name, () => solverContract(factory));
describe('bosh3', () => solverContract(defineSolver(bogackiShampine)));
describe('dopri5', () => solverContract(defineSolver(dormandPrince)));

describe('order conditions', () => {
  it('counts 1, 1, 2, 4, 9 rooted trees', () => {
    expect([1, 2, 3, 4, 5].map((p) => trees(p).length)).toEqual([1, 1, 2, 4, 9]);
  });

  it('finds the order of every built-in method', () => {
    for (const factory of Object.values(solvers)) {
      const { a, b, order } = factory.tableau;
      for (let p = 1; p <= order; p++) expect(orderResidual(p, a, b).residual).toBeLessThan(1e-15);
      expect(orderResidual(order + 1, a, b).residual).toBeGreaterThan(1e-3);
    }
  });
});

describe('defineSolver', () => {
  const base: Tableau = rk4.tableau;
  it.each<[string, unknown, string, RegExp]>([
    ['a wrong weight', { ...base, b: [1 / 6, 1 / 3, 1 / 3, 1 / 5] }, 'ERR_FLOW_CONFIG', /solver.order: expected a tableau of order 4, got one of order 0/],
    ['a subtle error', { ...base, b: [1 / 6, 1 / 6, 1 / 2, 1 / 6] }, 'ERR_FLOW_CONFIG', /condition of order 4 .* declare order 2|order 3/],
    ['an order too low', { ...base, order: 3 }, 'ERR_FLOW_CONFIG', /Declare order 4/],
    ['an order too high', { ...midpoint.tableau, order: 3 }, 'ERR_FLOW_CONFIG', /declare order 2/],
    ['a row sum', { ...base, c: [0, 0.5, 0.5, 0.9] }, 'ERR_FLOW_CONFIG', /solver.c\[3\]: expected the sum of solver.a\[3\], 1/],
    ['an implicit row', { ...base, a: [[0], [0.5], [0, 0.5], [0, 0, 1]] }, 'ERR_FLOW_SHAPE', /solver.a\[0\]: expected 0 numbers/],
    ['a missing stage', { ...base, c: [0, 0.5, 0.5] }, 'ERR_FLOW_SHAPE', /solver.c/],
    ['a stage outside', { name: 'x', order: 1, a: [[], [2]], b: [1, 0], c: [0, 2] }, 'ERR_FLOW_CONFIG', /\[0, 1\]/],
    ['no number', { ...base, b: [1 / 6, 1 / 3, 1 / 3, Number.NaN] }, 'ERR_FLOW_RANGE', /solver.b\[3\]/],
    ['order 6', { ...base, order: 6 }, 'ERR_FLOW_RANGE', /solver.order/],
    ['a typo', { ...base, eror: [1] }, 'ERR_FLOW_CONFIG', /Did you mean "error"/],
    ['a wrong embedded pair', { ...bogackiShampine, error: [0.1, 0, 0, 0] }, 'ERR_FLOW_CONFIG', /solver.errorOrder/],
    ['wrong dense output', { ...midpoint.tableau, dense: [[0], [0.9]] }, 'ERR_FLOW_CONFIG', /solver.dense\[1\]/],
    ['nothing', null, 'ERR_FLOW_TYPE', /options object/],
  ])('refuses %s', (_, tableau, code, message) => {
    expect(() => defineSolver(tableau as Tableau)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});

describe('solver options', () => {
  it('makes about 100 evaluations by default', () => {
    expect(Object.values(solvers).map((f) => f().steps * f().b.length)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(resolveSolver(undefined)).toMatchObject({ name: 'midpoint', steps: 50 });
    expect(resolveSolver(heun)).toEqual(heun());
    expect(resolveSolver('rk4')).toEqual(rk4());
    expect(checkSolver(JSON.parse(JSON.stringify(rk4({ grid: [1, 0.4, 0] }))))).toEqual(rk4({ grid: [1, 0.4, 0] }));
  });

  it.each<[() => unknown, RegExp]>([
    [() => euler({ steps: 0 }), /euler.steps: expected an integer in \[1, 1000000\], got 0/],
    [() => euler({ steps: 1.5 }), /euler.steps/],
    [() => euler({ step: 3 } as never), /Did you mean "steps"/],
    [() => euler({ grid: [0] }), /2 to 1000001 times/],
    [() => euler({ grid: [0, 0.5, 0.5, 1] }), /euler.grid\[2\]: expected a time above the one before it, 0.5/],
    [() => euler({ grid: [1, 0.5, 0.7] }), /below the one before it/],
    [() => euler({ grid: [0, 1.1] }), /euler.grid\[1\]/],
    [() => euler({ grid: [0, 1], steps: 2 }), /Leave `steps` out/],
    [() => solverByName('mdpoint'), /Did you mean "midpoint"/],
    [() => resolveSolver(4), /midpoint\(\{ steps: 50 \}\)/],
    [() => resolveSolver(() => 1), /midpoint\(\{ steps: 50 \}\)/],
  ])('refuses %s', (call, message) => expect(call).toThrow(message));

  it('keeps grids exact at the ends and turns them round', () => {
    expect(Array.from(uniformGrid(3))).toEqual([0, 1 / 3, 2 / 3, 1]);
    expect(Array.from(gridOf(euler({ steps: 2 }), { tMin: 0.1, tMax: 0.9, reverse: true }))).toEqual([0.9, 0.5, 0.1]);
    expect(Array.from(gridOf(euler({ grid: [0, 0.25, 1] }), { reverse: true }))).toEqual([1, 0.25, 0]);
    expect(Array.from(gridOf(euler({ grid: [1, 0.25, 0] })))).toEqual([1, 0.25, 0]);
    expect(checkGrid(Float64Array.of(0, 1))).toEqual([0, 1]);
    const { a, b, c } = tableauArrays(rk4());
    expect([a.length, a[4], a[9], a[14], b[1], c[3]]).toEqual([16, 0.5, 0.5, 1, 1 / 3, 1]);
    expect(Object.isFrozen(rk4()) && Object.isFrozen(rk4().a[1]) && Object.isFrozen(euler({ grid: [0, 1] }).grid)).toBe(true);
  });
});
