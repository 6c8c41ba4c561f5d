// Exact minibatch optimal transport, of all rows or of a share of them, and what every coupling by transport can be told.

import { argumentError, nameFactories } from '../errors.ts';
import { finite, integer, record } from '../options.ts';
import type { OptimalCoupling, TransportPlan } from './coupling.ts';

export interface MinibatchOTOptions {
  /** true couples without regard to the condition, which skews what each condition learns; it warns. @default false */
  readonly ignoreCondition?: boolean;
  /** Rows coupled at once and then cut into training batches: a multiple of batchSize, at most 4096. More rows straighten more. @default batchSize */
  readonly batch?: number;
}
export interface PartialOTOptions extends MinibatchOTOptions {
  /** Share of the rows that is joined, in (0, 1]; 1 is minibatchOT(). @default 0.9 */
  readonly mass?: number;
}

/** What train() calls the like. */
export const batchElsewhere = { batchSize: 'batch' } as const;

/** Rows of a batch that a coupling by transport can take: the costs of 4096 rows need 128 MiB, of partialOT() up to 320. */
export const mostCoupledRows = 4096;

/** The coupling of that name, which begins with that of its factory, and plan, with the options that all have; `options` are known to have no other keys. */
export function transport(name: string, options: { readonly ignoreCondition?: unknown; readonly batch?: unknown }, plan?: TransportPlan): OptimalCoupling {
  const { ignoreCondition, batch } = options;
  const factory = name.split(' ', 1)[0];
  if (ignoreCondition !== undefined && typeof ignoreCondition !== 'boolean')
    throw argumentError('ERR_FLOW_TYPE', `${factory}.ignoreCondition`, 'true or false', ignoreCondition);
  const rows = batch === undefined ? null : integer(batch, `${factory}.batch`, 1, mostCoupledRows);
  return Object.freeze({
    name: `${name}${rows === null ? '' : ` of ${rows}`}${ignoreCondition ? ' ignoring the condition' : ''}`,
    optimal: Object.freeze({ ignoreCondition: ignoreCondition === true, batch: rows, ...(plan && { plan: Object.freeze(plan) }) }),
  });
}

/**
 * Exact minibatch optimal transport: in each batch the noise rows are permuted so that the sum of |x0 - x1|^2 (network coordinates) is least, which
 * straightens the flow. Always a permutation; batches of 1 .. 4096 rows; `batch` couples more rows at once than a step takes. With a condition it is aware of it
 * (C2OT): labels are coupled within each class, numbers by the cost |x0_i - x1_j|^2 + w |y0_i - y1_j|^2, w so that 5 % of all pairs cost no more than the
 * drawn ones.
 * Sources: arXiv 2302.00482 and 2304.14772; with conditions arXiv 2503.10636.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_RANGE or ERR_FLOW_CONFIG for options that are none.
 * @example const model = await train({ data, coupling: minibatchOT({ batch: 1024 }), batchSize: 256 });
 */
export function minibatchOT(options: MinibatchOTOptions = {}): OptimalCoupling {
  return transport('minibatchOT', record(options, 'minibatchOT', ['ignoreCondition', 'batch'], batchElsewhere, ['batch', minibatchOT]));
}

/**
 * Partial optimal transport: of the n rows of noise and n of data only the k = round(mass n) pairs (within each class, with labels) of least total |x0 - x1|^2 are
 * joined, exactly. Only those rows train; a batch keeps its size, as each pair is taken n / k times (rounded up or down, by chance), with times of its own. Rows of
 * data that are far from all noise stay out, and so do rows of noise that no data is near: the model learns the closest share `mass` of every batch, not all of it.
 * Otherwise as minibatchOT(). The costs of n rows take up to 4 times the memory. Source: the dummy points of arXiv 2002.08276.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_RANGE or ERR_FLOW_CONFIG for options that are none.
 * @example train({ data, coupling: partialOT({ mass: 0.95 }) }) // a few rows of data are rubbish
 */
export function partialOT(options: PartialOTOptions = {}): OptimalCoupling {
  const given = record(options, 'partialOT', ['mass', 'ignoreCondition', 'batch'], batchElsewhere, ['mass', partialOT]);
  const mass = finite(given.mass ?? 0.9, 'partialOT.mass', 0, 1);
  if (mass === 0) throw argumentError('ERR_FLOW_RANGE', 'partialOT.mass', 'a share in (0, 1]', mass);
  return transport(`partialOT ${mass}`, given, { kind: 'partial', mass });
}

nameFactories('coupling', { minibatchOT, partialOT });
