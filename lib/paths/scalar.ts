// A user's scalar function of t, and its derivative where none is given: five-point differences at ever shorter steps, until two of them agree best.

import { argumentError, FlowError } from '../errors.ts';
import { difference, type Sample } from './tabulate.ts';

/** A function whose values are finite numbers; anything else, and what it throws, becomes an error that names it and the t. */
export function scalar(value: unknown, path: string): (t: number) => number {
  if (typeof value !== 'function') throw argumentError('ERR_FLOW_TYPE', path, 'a function of t', value);
  return (t) => {
    let result: unknown;
    try {
      result = (value as (t: number) => unknown)(t);
    } catch (cause) {
      throw new FlowError('ERR_FLOW_CONFIG', `${path}(${t}): expected a number, but the function threw.`, { path: `${path}(${t})`, cause });
    }
    if (typeof result !== 'number') throw argumentError('ERR_FLOW_TYPE', `${path}(${t})`, 'a number', result);
    if (!Number.isFinite(result)) {
      const hint = 'Give the limits at singular points such as t = 0 and t = 1; where it takes tMin and tMax, they may leave others out.';
      throw argumentError('ERR_FLOW_NONFINITE', `${path}(${t})`, 'a finite number', result, hint);
    }
    return result;
  };
}

/** df/dt from values inside [tMin, tMax]: a long step where f is smooth, a short one where it is steep. */
export function derivative(f: (t: number) => number, tMin: number, tMax: number): (t: number) => number {
  const sample: Sample = (t) => [f(t)];
  return (t) => {
    let [best, least, before] = [0, Number.POSITIVE_INFINITY, Number.NaN];
    for (let k = 6; k <= 24; k += 3) {
      const slope = difference(sample, 0, t, (tMax - tMin) * 2 ** -k, tMin, tMax);
      const change = Math.abs(slope - before);
      if (change < least) [best, least] = [slope, change];
      before = slope;
    }
    return best;
  };
}
