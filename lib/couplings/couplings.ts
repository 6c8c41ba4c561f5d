// Couplings as others see them: independent, minibatch optimal transport, and a user's function, whose indices are checked at every step.

import { argumentError } from '../errors.ts';
import { choice, integer, record } from '../options.ts';
import type { BuiltInCoupling, Coupling, CustomCoupling, OptimalCoupling } from './coupling.ts';

/** Noise and data rows are joined as they are drawn. */
export function independent(): Coupling {
  return Object.freeze({ name: 'independent' as const });
}

export interface MinibatchOTOptions {
  /** true couples without regard to the condition, which skews what each condition learns; it warns. @default false */
  readonly ignoreCondition?: boolean;
  /** Rows coupled at once and then cut into training batches: a multiple of batchSize, at most 4096. More rows straighten more. @default batchSize */
  readonly batch?: number;
}

/** Rows of a batch that minibatchOT() can take: the costs of 4096 rows need 64 MiB. */
export const mostCoupledRows = 4096;

/**
 * Exact minibatch optimal transport: in each batch the noise rows are permuted so that the sum of |x0 - x1|^2 (network coordinates) is least, which
 * straightens the flow. Always a permutation; batches of 1 .. 4096 rows; `batch` couples more rows at once than a step takes. With a condition it is aware of it (C2OT): labels are coupled within each class, numbers by
 * the cost |x0_i - x1_j|^2 + w |y0_i - y1_j|^2, w so that 5 % of all pairs cost no more than the drawn ones.
 * Sources: arXiv 2302.00482 and 2304.14772; with conditions arXiv 2503.10636.
 * @throws FlowError ERR_FLOW_TYPE or ERR_FLOW_CONFIG for options that are none.
 * @example const model = await train({ data, coupling: minibatchOT({ batch: 1024 }), batchSize: 256 });
 */
export function minibatchOT(options: MinibatchOTOptions = {}): OptimalCoupling {
  const { ignoreCondition, batch } = record(options, 'options', ['ignoreCondition', 'batch']);
  if (ignoreCondition !== undefined && typeof ignoreCondition !== 'boolean')
    throw argumentError('ERR_FLOW_TYPE', 'options.ignoreCondition', 'true or false', ignoreCondition);
  const rows = batch === undefined ? null : integer(batch, 'options.batch', 1, mostCoupledRows);
  const name = `minibatchOT${rows === null ? '' : ` of ${rows}`}${ignoreCondition ? ' ignoring the condition' : ''}`;
  return Object.freeze({ name, optimal: Object.freeze({ ignoreCondition: ignoreCondition === true, batch: rows }) });
}

/** A built-in coupling by the name that it has in files; null for any other. */
export function builtInCoupling(name: unknown): BuiltInCoupling | null {
  if (name === 'independent') return Object.freeze({ name });
  const parts = typeof name === 'string' ? /^minibatchOT(?: of ([1-9]\d{0,3}))?( ignoring the condition)?$/.exec(name) : null;
  if (parts === null || Number(parts[1] ?? 1) > mostCoupledRows) return null;
  return minibatchOT({ ignoreCondition: parts[2] !== undefined, ...(parts[1] === undefined ? {} : { batch: Number(parts[1]) }) });
}

/**
 * A coupling of your own: `pair(x0, x1, condition)` returns for each row of x1 the index of its row of x0. Called once per step, the one slow lane.
 * @example defineCoupling({ name: 'reversed', pair: (x0, x1) => Int32Array.from({ length: B }, (_, i) => B - 1 - i) })
 */
export function defineCoupling(coupling: CustomCoupling): CustomCoupling {
  if (typeof coupling !== 'object' || coupling === null) throw argumentError('ERR_FLOW_TYPE', 'coupling', 'an object { name, pair }', coupling);
  const { name, pair } = coupling;
  if (typeof name !== 'string' || name === '' || builtInCoupling(name)) throw argumentError('ERR_FLOW_TYPE', 'coupling.name', 'a name of its own', name);
  if (typeof pair !== 'function') throw argumentError('ERR_FLOW_TYPE', 'coupling.pair', 'a function (x0, x1, condition) => Int32Array', pair);
  return Object.freeze({
    name,
    pair: (x0: Float32Array, x1: Float32Array, condition: Float32Array | null): Int32Array => pair.call(coupling, x0, x1, condition),
  });
}

/** The value of a `coupling` option. Undefined means independent. */
export function resolveCoupling(value: unknown, path = 'coupling'): Coupling {
  if (value === undefined) return independent();
  if (typeof value === 'string') {
    return builtInCoupling(choice(value, path, ['independent', 'minibatchOT'])) as Coupling;
  }
  if (typeof value !== 'object' || value === null) throw argumentError('ERR_FLOW_TYPE', path, 'a coupling such as independent()', value);
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
