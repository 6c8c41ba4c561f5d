// Entropic couplings: the plan P that minimises sum P C + reg KL(P | independent), C = |x0 - x1|^2, by Sinkhorn's iteration (arXiv 1306.0895); its marginals are
// those of the batch, or, unbalanced, what leaves them costs marginal KL (arXiv 1607.05816). Pairs are drawn from the plan.

import { argumentError, nameFactories } from '../errors.ts';
import { choice, finite, integer, record } from '../options.ts';
import type { OptimalCoupling, Strength } from './coupling.ts';
import { batchElsewhere, type MinibatchOTOptions, transport } from './optimal.ts';

/** A multiple of the mean |x0 - x1|^2 of the rows coupled, in [1e-6, 1e6]; or `{ absolute }`, in squared network coordinates, in [1e-12, 1e12]. */
export type Regularisation = number | { readonly absolute: number };

export interface SinkhornOptions extends MinibatchOTOptions {
  /** Strength of the entropy: towards 0 the plan is that of minibatchOT(), towards infinity the independent one. @default 0.05 of the mean cost */
  readonly regularisation?: Regularisation;
  /** `sample`: each row of data draws its row of noise from the plan. `permutation`: a random permutation of the same spread. @default 'sample' */
  readonly rounding?: 'sample' | 'permutation';
  /**
   * At most so many turns of both marginals, 1 .. 100,000; a permutation has none. Where they end short of `tolerance` the plan is taken as it is, data rows' masses
   * exact; the first such step of a run warns (FLOW_COUPLING_UNSETTLED), and `training.marginals` of the model's record counts them. @default 1000
   */
  readonly iterations?: number;
  /** The iteration ends when the masses of noise rows are off by less (L1, of a whole of 1), in [0, 1]; a permutation has none. @default 0.001 */
  readonly tolerance?: number;
}
export interface UnbalancedOTOptions extends Omit<SinkhornOptions, 'rounding'> {
  /** Price of leaving a marginal, times KL: pairs that cost over twice as much are mostly given up. @default 1, the mean cost */
  readonly marginal?: Regularisation;
}

const common = ['regularisation', 'iterations', 'tolerance', 'ignoreCondition', 'batch'] as const;
/** What other libraries call them. */
const elsewhere = {
  reg: 'regularisation',
  epsilon: 'regularisation',
  blur: 'regularisation, the square of blur',
  method: 'rounding',
  ...batchElsewhere,
} as const;

/**
 * Entropic minibatch transport. Each row of data draws its row of noise from the plan of its batch (by random numbers of its own: a function of seed, step and row),
 * so that all data trains, once, and noise as often as the plan wants. With `rounding: 'permutation'` noise rows are not repeated either: the permutation of least
 * sum of cost / reg less Gumbel noise, solved exactly, without Sinkhorn. Labels and numbers of a condition as in minibatchOT().
 *
 * The plan that belongs to `schrodingerBridge({ sigma })` has regularisation `{ absolute: 2 * sigma ** 2 }` (SB-CFM).
 * Sources: arXiv 1306.0895, 2302.00482; 2307.03672 for bridges.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_RANGE or ERR_FLOW_CONFIG for options that are none.
 * @example train({ data, path: schrodingerBridge({ sigma: 1 }), coupling: sinkhorn({ regularisation: { absolute: 2 } }) })
 */
export function sinkhorn(options: SinkhornOptions = {}): OptimalCoupling {
  const given = record(options, 'sinkhorn', [...common, 'rounding'], elsewhere, ['regularisation', sinkhorn]);
  const permutation = choice(given.rounding ?? 'sample', 'sinkhorn.rounding', ['sample', 'permutation']) === 'permutation';
  for (const name of ['iterations', 'tolerance'] as const)
    if (permutation && given[name] !== undefined)
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `sinkhorn.${name}`,
        "nothing with rounding: 'permutation'",
        given[name],
        'It is solved exactly, without iteration.',
      );
  const regularisation = strength(given.regularisation ?? 0.05, 'sinkhorn.regularisation');
  const limits = checkLimits(given, 'sinkhorn');
  const name = `sinkhorn ${words(regularisation)}${permutation ? ' as a permutation' : limits.words}`;
  return transport(name, given, { kind: 'entropic', regularisation, permutation, ...limits.values });
}

/**
 * Unbalanced minibatch transport: a plan that may leave rows out, at the price of `marginal` KL for each marginal. Pairs are drawn in proportion to the plan's mass:
 * rows of data by theirs (systematically, so that equal masses take each row once), then the row of noise. An outlier of either side gets little mass and hardly
 * trains; what the model learns is the data less what is not worth its way. Towards `marginal: 1e6` it is sinkhorn().
 * Sources: arXiv 1607.05816; in flow matching arXiv 2302.00482.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_RANGE or ERR_FLOW_CONFIG for options that are none.
 * @example train({ data, coupling: unbalancedOT({ regularisation: 0.05, marginal: 1 }) })
 */
export function unbalancedOT(options: UnbalancedOTOptions = {}): OptimalCoupling {
  const given = record(options, 'unbalancedOT', [...common, 'marginal'], { ...elsewhere, regM: 'marginal', reg_m: 'marginal' });
  const regularisation = strength(given.regularisation ?? 0.05, 'unbalancedOT.regularisation');
  const marginal = strength(given.marginal ?? 1, 'unbalancedOT.marginal');
  const limits = checkLimits(given, 'unbalancedOT');
  const name = `unbalancedOT ${words(regularisation)} marginal ${words(marginal)}${limits.words}`;
  return transport(name, given, { kind: 'entropic', regularisation, marginal, permutation: false, ...limits.values });
}

const words = ({ value, absolute }: Strength): string => `${absolute ? 'absolute ' : ''}${value}`;

function strength(value: unknown, path: string): Strength {
  if (typeof value === 'object' && value !== null) {
    const { absolute } = record(value, path, ['absolute']);
    return Object.freeze({ value: finite(absolute, `${path}.absolute`, 1e-12, 1e12), absolute: true });
  }
  if (typeof value !== 'number') throw argumentError('ERR_FLOW_TYPE', path, 'a multiple of the mean cost, or { absolute: 2 }', value);
  return Object.freeze({ value: finite(value, path, 1e-6, 1e6), absolute: false });
}

function checkLimits(
  given: { readonly iterations?: unknown; readonly tolerance?: unknown },
  factory: string,
): {
  readonly values: { readonly iterations: number; readonly tolerance: number };
  readonly words: string;
} {
  const iterations = integer(given.iterations ?? 1000, `${factory}.iterations`, 1, 100_000);
  const tolerance = finite(given.tolerance ?? 1e-3, `${factory}.tolerance`, 0, 1);
  return { values: { iterations, tolerance }, words: ` within ${tolerance} in ${iterations}` };
}

nameFactories('coupling', { sinkhorn, unbalancedOT });
