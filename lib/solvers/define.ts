// defineSolver(): a tableau that proves itself (shapes, row sums, order conditions, embedded pair, dense output) and becomes a factory of solvers.

import { argumentError, FlowError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import { finite, integer, ownFields, record } from '../options.ts';
import { checkGrid } from './grid.ts';
import { highestOrder, orderResidual, orderTolerance } from './order.ts';
import type { Solver, Tableau } from './solver.ts';
import { withNoise } from './stochastic.ts';

export interface SolverOptions {
  /** Equal steps on [0, 1]: an integer in [1, 1e6]. The default makes 100 network evaluations per row. */
  readonly steps?: number;
  /** Where to step instead: at least two strictly monotone times in [0, 1]; descending = from data to noise. */
  readonly grid?: readonly number[] | Float64Array;
}
export type SolverFactory = ((options?: SolverOptions) => Solver) & { readonly tableau: Tableau };

/**
 * A solver from its Butcher tableau, checked up to order 5.
 * @throws FlowError ERR_FLOW_CONFIG naming the coefficient or the order condition that fails.
 * @example const heun3 = defineSolver({ name: 'heun3', order: 3, a: [[], [1 / 3], [0, 2 / 3]], b: [1 / 4, 0, 3 / 4], c: [0, 1 / 3, 2 / 3] });
 */
export function defineSolver(tableau: Tableau): SolverFactory {
  const checked = checkTableau(tableau);
  const make = (options: SolverOptions = {}): Solver => {
    const given = record(options, checked.name, ['steps', 'grid']);
    if (given.grid === undefined) {
      const preset = Math.max(1, Math.round(100 / checked.b.length));
      return Object.freeze({ ...checked, steps: integer(given.steps ?? preset, `${checked.name}.steps`, 1, 1_000_000) });
    }
    const grid = checkGrid(given.grid, `${checked.name}.grid`);
    if (given.steps !== undefined && given.steps !== grid.length - 1) {
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `${checked.name}.steps`,
        `${grid.length - 1}, the steps of the grid`,
        given.steps,
        'Leave `steps` out when a grid is given.',
      );
    }
    return Object.freeze({ ...checked, steps: grid.length - 1, grid });
  };
  return Object.freeze(Object.assign(make, { tableau: checked }));
}

/** A solver from anywhere (a factory's result, an object literal with `steps` or `grid`), checked as strictly as a new one. */
export function checkSolver(value: unknown, path = 'solver'): Solver {
  if (typeof value !== 'object' || value === null)
    throw argumentError('ERR_FLOW_TYPE', path, 'a solver such as midpoint({ steps: 50 })', value, 'Call the factory.');
  const { steps, grid, noise, ...tableau } = ownFields(value, path);
  const solver = defineSolver(tableau as unknown as Tableau)({ ...(grid === undefined ? { steps } : { grid }) } as SolverOptions);
  return noise === undefined ? solver : withNoise(solver, noise, path);
}

function checkTableau(value: unknown): Tableau {
  const given = record(value, 'solver', ['name', 'order', 'a', 'b', 'c', 'error', 'errorOrder', 'dense']);
  if (typeof given.name !== 'string' || given.name === '') throw argumentError('ERR_FLOW_TYPE', 'solver.name', 'a name', given.name);
  const order = integer(given.order, 'solver.order', 1, highestOrder);
  const b = numbers(given.b, 'solver.b');
  const stages = b.length;
  const c = numbers(given.c, 'solver.c', stages);
  if (!Array.isArray(given.a) || given.a.length !== stages) throw argumentError('ERR_FLOW_SHAPE', 'solver.a', `${stages} rows, row i with i numbers`, given.a);
  const a = given.a.map((row, i) => numbers(row, `solver.a[${i}]`, i));
  a.forEach((row, i) => {
    const sum = row.reduce((s, x) => s + x, 0);
    const ci = c[i] as number;
    if (!(Math.abs(sum - ci) <= orderTolerance)) throw argumentError('ERR_FLOW_CONFIG', `solver.c[${i}]`, `the sum of solver.a[${i}], ${sum}`, ci);
    if (!(ci >= 0 && ci <= 1)) throw argumentError('ERR_FLOW_CONFIG', `solver.c[${i}]`, 'a number in [0, 1], so that no stage leaves the step', ci);
  });
  checkOrder('solver.order', order, a, b, true);
  const error = given.error === undefined ? undefined : numbers(given.error, 'solver.error', stages);
  const errorOrder = error === undefined ? undefined : integer(given.errorOrder, 'solver.errorOrder', 1, highestOrder);
  if (error && errorOrder) {
    const embedded = b.map((bi, i) => bi - (error[i] as number));
    checkOrder('solver.errorOrder', errorOrder, a, embedded, false);
  }
  const dense = given.dense === undefined ? undefined : checkDense(given.dense, b);
  return deepFreeze({ name: given.name, order, a, b, c, ...(error && errorOrder ? { error, errorOrder } : {}), ...(dense ? { dense } : {}) });
}

/** Conditions 1 .. order hold; with `exact`, those of order + 1 do not (the declared order is the real one). */
function checkOrder(path: string, order: number, a: readonly (readonly number[])[], b: readonly number[], exact: boolean): void {
  for (let p = 1; p <= order; p++) {
    const { residual, tree } = orderResidual(p, a, b);
    if (residual > orderTolerance || !Number.isFinite(residual)) {
      const expected = `a tableau of order ${order}`;
      const hint = `A condition of order ${p} (tree ${tree}) is off by ${residual.toPrecision(3)}: check the coefficients, or declare order ${p - 1}.`;
      throw new FlowError('ERR_FLOW_CONFIG', `${path}: expected ${expected}, got one of order ${p - 1}. ${hint}`, {
        path,
        expected,
        received: String(p - 1),
        hint,
      });
    }
  }
  if (exact && order < highestOrder && orderResidual(order + 1, a, b).residual <= orderTolerance) {
    throw argumentError('ERR_FLOW_CONFIG', path, `the real order: all conditions of order ${order + 1} hold too`, order, `Declare order ${order + 1}.`);
  }
}

function checkDense(value: unknown, b: readonly number[]): number[][] {
  if (!Array.isArray(value) || value.length !== b.length) throw argumentError('ERR_FLOW_SHAPE', 'solver.dense', `${b.length} rows, one per stage`, value);
  return value.map((row, i) => {
    const coefficients = numbers(row, `solver.dense[${i}]`);
    const end = coefficients.reduce((s, x) => s + x, 0);
    if (Math.abs(end - (b[i] as number)) > orderTolerance)
      throw argumentError('ERR_FLOW_CONFIG', `solver.dense[${i}]`, `coefficients that add up to b[${i}] = ${b[i]}`, end);
    return coefficients;
  });
}

function numbers(value: unknown, path: string, length?: number): number[] {
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', path, 'an array of numbers', value);
  const fits = length === undefined ? value.length >= 1 && value.length <= 32 : value.length === length;
  if (!fits) throw argumentError('ERR_FLOW_SHAPE', path, length === undefined ? '1 to 32 numbers' : `${length} numbers`, value);
  return value.map((x, i) => finite(x, `${path}[${i}]`));
}
