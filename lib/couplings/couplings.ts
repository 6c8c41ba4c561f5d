// Couplings as others see them: independent, those by transport, and a user's function, whose indices are checked at every step.

import { argumentError, callIt, nameFactories } from '../errors.ts';
import { choice } from '../options.ts';
import type { Coupling, CustomCoupling } from './coupling.ts';
import { sinkhorn, unbalancedOT } from './entropic.ts';
import { minibatchOT, partialOT } from './optimal.ts';
import { builtInCoupling } from './stored.ts';

/** What a coupling may be called by, without options. */
const named = { independent, minibatchOT, sinkhorn, unbalancedOT, partialOT } as const;
nameFactories('coupling', { independent });
export type CouplingName = keyof typeof named;
export const couplingNames = Object.keys(named) as CouplingName[];

/** What the command line calls them. */
const elsewhere = { ot: 'minibatchOT()', unbalanced: 'unbalancedOT()', partial: 'partialOT()' } as const;

/** Noise and data rows are joined as they are drawn. */
export function independent(): Coupling {
  return Object.freeze({ name: 'independent' as const });
}

/**
 * A coupling of your own: `pair(x0, x1, condition)` returns for each row of x1 the index of its row of x0. Called once per step, the one slow lane.
 * @example defineCoupling({ name: 'reversed', pair: (x0, x1) => Int32Array.from({ length: B }, (_, i) => B - 1 - i) })
 */
export function defineCoupling(coupling: CustomCoupling): CustomCoupling {
  if (typeof coupling !== 'object' || coupling === null) throw argumentError('ERR_FLOW_TYPE', 'coupling', 'an object { name, pair }', coupling);
  const { name, pair } = coupling;
  if (typeof name !== 'string') throw argumentError('ERR_FLOW_TYPE', 'coupling.name', 'a name', name);
  if (name === '' || Object.hasOwn(named, name) || builtInCoupling(name)) throw argumentError('ERR_FLOW_TYPE', 'coupling.name', 'a name of its own', name);
  if (typeof pair !== 'function') throw argumentError('ERR_FLOW_TYPE', 'coupling.pair', 'a function (x0, x1, condition) => Int32Array', pair);
  return Object.freeze({
    name,
    pair: (x0: Float32Array, x1: Float32Array, condition: Float32Array | null): Int32Array => pair.call(coupling, x0, x1, condition),
  });
}

/** The value of a `coupling` option. Undefined means independent. */
export function resolveCoupling(value: unknown, path = 'coupling'): Coupling {
  if (value === undefined) return independent();
  if (typeof value === 'string' && Object.hasOwn(elsewhere, value))
    throw argumentError('ERR_FLOW_CONFIG', path, `one of ${couplingNames.join(', ')}`, value, `Write ${elsewhere[value as keyof typeof elsewhere]}.`);
  if (typeof value === 'string') return named[choice(value, path, couplingNames)]();
  if (typeof value !== 'object' || value === null || !('name' in value || 'pair' in value))
    throw argumentError(
      'ERR_FLOW_TYPE',
      path,
      'a coupling such as minibatchOT()',
      value,
      callIt(value, 'coupling') ?? 'Call the factory, or give your own function as { name, pair }.',
    );
  return builtInCoupling((value as Coupling).name) ?? defineCoupling(value as CustomCoupling);
}

/** Indices returned by a user's coupling: an Int32Array of `batch` integers in [0, batch). Returns a copy. */
export function checkPairs(pairs: unknown, batch: number, path = 'coupling.pair(...)'): Int32Array {
  if (!(pairs instanceof Int32Array)) {
    throw argumentError('ERR_FLOW_TYPE', path, `an Int32Array of ${batch} row indices`, pairs, 'Return one index into x0 per row of x1.');
  }
  if (pairs.length !== batch) throw argumentError('ERR_FLOW_SHAPE', path, `${batch} indices, one per row of x1`, pairs);
  const bad = pairs.findIndex((index) => index < 0 || index >= batch);
  if (bad >= 0) throw argumentError('ERR_FLOW_RANGE', `${path}[${bad}]`, `an index in [0, ${batch})`, pairs[bad]);
  return pairs.slice();
}
