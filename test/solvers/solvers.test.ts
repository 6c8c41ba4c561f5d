// Solvers: order conditions, the refusals of defineSolver(), grids, options.

import { describe, expect, it } from 'vitest';
import { checkSolver, defineSolver } from '../../lib/solvers/define.ts';
import { checkGrid, gridOf, uniformGrid } from '../../lib/solvers/grid.ts';
import { orderResidual, trees } from '../../lib/solvers/order.ts';
import type { Tableau } from '../../lib/solvers/solver.ts';
import { bosh3, dopri5, dopri8, euler, heun, midpoint, resolveSolver, rk4, solverByName, solvers, tableauArrays, tsit5 } from '../../lib/solvers/solvers.ts';
import { solverContract } from '../contracts/solver.ts';

for (const [name, factory] of Object.entries(solvers)) describe(name, () => solverContract(factory));

describe('order conditions', () => {
  it('counts 1, 1, 2, 4, 9, 20, 48, 115 rooted trees', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8].map((p) => trees(p).length)).toEqual([1, 1, 2, 4, 9, 20, 48, 115]);
  });

  it('finds the order of every built-in method', () => {
    for (const factory of Object.values(solvers)) {
      const { a, b, order } = factory.tableau;
      for (let p = 1; p <= order; p++) expect(orderResidual(p, a, b).residual).toBeLessThan(2e-14); // written with 16 digits
      expect(orderResidual(order + 1, a, b).residual).toBeGreaterThan(1e-6);
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
    ['order 9', { ...base, order: 9 }, 'ERR_FLOW_RANGE', /solver.order/],
    ['a typo', { ...base, eror: [1] }, 'ERR_FLOW_CONFIG', /Did you mean "error"/],
    ['a wrong embedded pair', { ...bosh3.tableau, error: [0.1, 0, 0, 0] }, 'ERR_FLOW_CONFIG', /solver.errorOrder/],
    ['wrong dense output', { ...midpoint.tableau, dense: [[0], [0.9]] }, 'ERR_FLOW_CONFIG', /solver.dense\[1\]/],
    ['an estimate of nothing', { ...bosh3.tableau, error: [0, 0, 0, 0] }, 'ERR_FLOW_CONFIG', /not all zeros/],
    [
      'dense output that is wrong between the ends',
      {
        ...bosh3.tableau,
        dense: [
          [1, -4 / 3, 5 / 9],
          [0, 0.9, -0.9 + 1 / 3],
          [0, 4 / 3, -8 / 9],
          [0, -1, 1],
        ],
      },
      'ERR_FLOW_CONFIG',
      /solver.denseOrder: expected dense output of order 3, got 0/,
    ],
    ['nothing', null, 'ERR_FLOW_TYPE', /options object/],
  ])('refuses %s', (_, tableau, code, message) => {
    expect(() => defineSolver(tableau as Tableau)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});

describe('solver options', () => {
  it('makes about 100 evaluations by default', () => {
    const fixed = Object.values(solvers).filter((make) => make.tableau.error === undefined);
    expect(fixed.map((f) => f().steps * f().b.length)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(resolveSolver(undefined)).toMatchObject({ name: 'midpoint', steps: 50 });
    expect(resolveSolver('heun')).toEqual(heun());
    expect(resolveSolver('rk4')).toEqual(rk4());
    expect(checkSolver(JSON.parse(JSON.stringify(rk4({ grid: [1, 0.4, 0] }))))).toEqual(rk4({ grid: [1, 0.4, 0] }));
  });

  it('chooses its steps where the tableau estimates its error, unless steps or a grid are given', () => {
    const adaptive = { rtol: 1e-5, atol: 1e-5, minStep: 0, controller: 'pi', control: 'row' };
    for (const make of [bosh3, dopri5, tsit5, dopri8]) {
      expect(make()).toMatchObject({ steps: 1000, adaptive, error: make.tableau.error });
      expect(make({ steps: 7 })).toMatchObject({ steps: 7 });
      expect(make({ grid: [0, 0.5, 1] })).toMatchObject({ steps: 2 });
      for (const fixed of [make({ steps: 7 }), make({ grid: [0, 1] })]) expect(Object.keys(fixed)).not.toContain('adaptive');
    }
    // With fixed steps the stage that only the estimate reads is left out.
    expect([bosh3, dopri5, tsit5, dopri8].map((make) => make({ steps: 1 }).b.length)).toEqual([3, 6, 6, 13]);
    const own = dopri5({ rtol: 1e-3, atol: 1e-7, maxSteps: 50, minStep: 1e-6, controller: 'integral', control: 'batch' });
    expect(own).toMatchObject({ steps: 50, adaptive: { rtol: 1e-3, atol: 1e-7, minStep: 1e-6, controller: 'integral', control: 'batch' } });
    expect(checkSolver(own)).toBe(own);
    expect(checkSolver(JSON.parse(JSON.stringify(own)))).toEqual(own);
    expect(resolveSolver('tsit5')).toEqual(tsit5());
    const custom = defineSolver({ name: 'heunEuler', order: 2, a: [[], [1]], b: [0.5, 0.5], c: [0, 1], error: [-0.5, 0.5], errorOrder: 1 });
    expect(custom({ rtol: 0.1 })).toMatchObject({ adaptive: { rtol: 0.1 } });
    expect(custom({ steps: 3 })).toMatchObject({ steps: 3, b: [0.5, 0.5] });
  });

  it.each<[() => unknown, RegExp]>([
    [() => euler({ rtol: 1e-3 }), /euler.rtol: expected steps or a grid \(this tableau estimates no error\)/],
    [() => dopri5({ rtol: 1e-3, steps: 5 }), /dopri5.steps: expected no steps beside rtol/],
    [() => dopri5({ maxSteps: 9, grid: [0, 1] }), /dopri5.grid: expected no grid beside maxSteps/],
    [() => dopri5({ rtol: -1 }), /dopri5.rtol/],
    [() => dopri5({ atol: 0 }), /dopri5.atol/],
    [() => dopri5({ maxSteps: 0 }), /dopri5.maxSteps/],
    [() => dopri5({ minStep: 2 }), /dopri5.minStep/],
    [() => dopri5({ controller: 'PI' as never }), /Did you mean "pi"/],
    [() => dopri5({ control: 'rows' as never }), /Did you mean "row"/],
    [() => checkSolver({ ...dopri5(), adaptive: { rtol: 2 } }), /rtol/],
    [() => checkSolver({ ...rk4(), adaptive: { rtol: 0.1 } }), /estimates no error/],
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
