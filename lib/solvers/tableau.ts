// The two uses of a tableau: with fixed steps, and with error control. What a tableau must be stands in check-tableau.ts.

import { argumentError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import type { Tableau } from './solver.ts';

/** The tableau for fixed steps: without the estimate, and without last stages that only the estimate or the next step would read. */
export function fixedTableau(tableau: Tableau): Tableau {
  let stages = tableau.b.length;
  while (stages > 1 && tableau.b[stages - 1] === 0) stages--;
  const { name, order, a, b, c } = tableau;
  if (stages === b.length) return deepFreeze({ name, order, a, b, c });
  return deepFreeze({ name, order, a: a.slice(0, stages), b: b.slice(0, stages), c: c.slice(0, stages) });
}

/** What error control reads: the last stage is the slope at the end of the step (the first of the next), and there is dense output. */
export interface AdaptiveTableau extends Tableau {
  readonly error: readonly number[];
  readonly errorOrder: number;
  readonly dense: readonly (readonly number[])[];
}

/**
 * The tableau for error control. Where its last stage is not the slope at the end (a row of `a` equal to b), such a stage is added: it costs nothing, as the
 * next step begins with it. Without dense output of its own it gets the cubic through both states and slopes: 3 theta^2 - 2 theta^3 on b, and so on.
 */
export function adaptiveTableau(tableau: Tableau): AdaptiveTableau {
  const { error, errorOrder } = tableau;
  if (!error || !errorOrder) throw argumentError('ERR_FLOW_CONFIG', 'solver', 'a tableau with an error estimate', tableau.name);
  const last = tableau.b.length - 1;
  const ends = tableau.b[last] === 0 && tableau.c[last] === 1 && (tableau.a[last] as readonly number[]).every((x, i) => x === tableau.b[i]);
  const more = ends ? [] : [0];
  const a = ends ? tableau.a : [...tableau.a, tableau.b];
  const b = [...tableau.b, ...more];
  const c = ends ? tableau.c : [...tableau.c, 1];
  const own = tableau.dense && (ends ? tableau.dense : [...tableau.dense, [0]]);
  const hermite = b.map((bi, i) => [
    i === 0 ? 1 : 0,
    3 * bi - (i === 0 ? 2 : 0) - (i === b.length - 1 ? 1 : 0),
    -2 * bi + (i === 0 || i === b.length - 1 ? 1 : 0),
  ]);
  const degree = Math.max(...(own ?? hermite).map((row) => row.length));
  const dense = (own ?? hermite).map((row) => [...row, ...Array<number>(degree - row.length).fill(0)]);
  return { name: tableau.name, order: tableau.order, a, b, c, error: [...error, ...more], errorOrder, dense };
}
