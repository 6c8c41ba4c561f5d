// A tableau checked: shapes, row sums, order conditions, embedded pair, dense output.

import { argumentError, counted, FlowError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import { finite, integer, record } from '../options.ts';
import { denseWeights, highestOrder, type OrderResidual, orderConditions, orderTolerance } from './order.ts';
import type { Tableau } from './solver.ts';

const keys = ['name', 'order', 'a', 'b', 'c', 'error', 'errorOrder', 'dense', 'denseOrder'] as const satisfies readonly (keyof Tableau)[];
/** Where the conditions of dense output are read: any error in a coefficient shows at most of them. */
const thetas = [0.2, 0.5, 0.7, 0.9];

/** A frozen copy. @throws FlowError ERR_FLOW_CONFIG naming the coefficient or the order condition that fails. */
export function checkTableau(value: unknown, path = 'solver'): Tableau {
  const given = record(value, path, keys);
  if (typeof given.name !== 'string' || given.name === '') throw argumentError('ERR_FLOW_TYPE', `${path}.name`, 'a name', given.name);
  const order = integer(given.order, `${path}.order`, 1, highestOrder);
  const b = numbers(given.b, `${path}.b`);
  const stages = b.length;
  const c = numbers(given.c, `${path}.c`, stages);
  if (!Array.isArray(given.a) || given.a.length !== stages) throw argumentError('ERR_FLOW_SHAPE', `${path}.a`, `${stages} rows, row i with i numbers`, given.a);
  const a = given.a.map((row, i) => numbers(row, `${path}.a[${i}]`, i));
  a.forEach((row, i) => {
    const sum = row.reduce((s, x) => s + x, 0);
    const ci = c[i] as number;
    if (!(Math.abs(sum - ci) <= orderTolerance)) throw argumentError('ERR_FLOW_CONFIG', `${path}.c[${i}]`, `the sum of ${path}.a[${i}], ${sum}`, ci);
    if (!(ci >= 0 && ci <= 1)) throw argumentError('ERR_FLOW_CONFIG', `${path}.c[${i}]`, 'a number in [0, 1], so that no stage leaves the step', ci);
  });
  const residual = orderConditions(a);
  checkOrder(`${path}.order`, order, residual, b);
  if (order < highestOrder && residual(order + 1, b).residual <= orderTolerance) {
    const expected = `the real order: all conditions of order ${order + 1} hold too`;
    throw argumentError('ERR_FLOW_CONFIG', `${path}.order`, expected, order, `Declare order ${order + 1}.`);
  }
  const error = given.error === undefined ? undefined : numbers(given.error, `${path}.error`, stages);
  const errorOrder = error === undefined ? undefined : integer(given.errorOrder, `${path}.errorOrder`, 1, highestOrder);
  if (error && errorOrder) {
    const embedded = b.map((bi, i) => bi - (error[i] as number));
    checkOrder(`${path}.errorOrder`, errorOrder, residual, embedded);
    if (error.every((e) => e === 0)) throw argumentError('ERR_FLOW_CONFIG', `${path}.error`, 'an estimate (not all zeros)', error);
  }
  return deepFreeze({
    name: given.name,
    order,
    a,
    b,
    c,
    ...(error && errorOrder ? { error, errorOrder } : {}),
    ...(given.dense === undefined ? {} : checkDense(given.dense, given.denseOrder, b, residual, path)),
  });
}

/** Conditions 1 .. order hold. */
function checkOrder(path: string, order: number, conditions: OrderResidual, b: readonly number[]): void {
  for (let p = 1; p <= order; p++) {
    const { residual, tree } = conditions(p, b);
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
}

/** Dense output that ends in b, with the order that it has between the ends. */
function checkDense(
  value: unknown,
  declared: unknown,
  b: readonly number[],
  conditions: OrderResidual,
  path: string,
): { dense: number[][]; denseOrder: number } {
  if (!Array.isArray(value) || value.length !== b.length) throw argumentError('ERR_FLOW_SHAPE', `${path}.dense`, `${b.length} rows, one per stage`, value);
  const dense = value.map((row, i) => {
    const coefficients = numbers(row, `${path}.dense[${i}]`);
    const end = coefficients.reduce((s, x) => s + x, 0);
    if (Math.abs(end - (b[i] as number)) > orderTolerance)
      throw argumentError('ERR_FLOW_CONFIG', `${path}.dense[${i}]`, `coefficients that add up to b[${i}] = ${b[i]}`, end);
    return coefficients;
  });
  const holds = (p: number): boolean => thetas.every((theta) => conditions(p, denseWeights(dense, theta), theta).residual <= orderTolerance);
  let denseOrder = 0;
  while (denseOrder < highestOrder && holds(denseOrder + 1)) denseOrder++;
  const wanted = declared === undefined ? Math.max(1, denseOrder) : integer(declared, `${path}.denseOrder`, 1, highestOrder);
  if (denseOrder < wanted)
    throw argumentError('ERR_FLOW_CONFIG', `${path}.denseOrder`, `dense output of order ${wanted}`, denseOrder, 'Check the coefficients of `dense`.');
  return { dense, denseOrder: wanted };
}

function numbers(value: unknown, path: string, length?: number): number[] {
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', path, 'an array of numbers', value);
  const fits = length === undefined ? value.length >= 1 && value.length <= 32 : value.length === length;
  if (!fits) throw argumentError('ERR_FLOW_SHAPE', path, length === undefined ? '1 to 32 numbers' : counted(length, 'number'), value);
  return value.map((x, i) => finite(x, `${path}[${i}]`));
}
