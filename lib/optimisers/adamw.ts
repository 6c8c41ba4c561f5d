// AdamW (Loshchilov and Hutter, arXiv 1711.05101): theta <- theta (1 - lr wd); m, v running means; theta <- theta - lr mHat / (sqrt(vHat) + epsilon).

import { argumentError, callIt, isUncalled, nameFactories } from '../errors.ts';
import { finite, ownFields, record } from '../options.ts';
import type { AdamW, Schedule } from './optimiser.ts';

/** What other libraries call them. */
const elsewhere = { learningRate: 'lr', learning_rate: 'lr', rate: 'lr', eps: 'epsilon', weight_decay: 'weightDecay', betas: 'beta1 and beta2' } as const;

/**
 * AdamW's constants.
 * @param options.lr Learning rate: a number in [0, 1000], or a schedule. @default 1e-3
 * @param options.beta1 In [0, 1). @default 0.9
 * @param options.beta2 In [0, 1). @default 0.999
 * @param options.epsilon In (0, 1]. @default 1e-8
 * @param options.weightDecay Decoupled decay, >= 0; multiplied by lr. @default 0
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example adamw({ lr: warmupCosine({ peak: 2e-3, warmup: 200, steps: 5000 }) })
 */
export function adamw(options: Partial<Omit<AdamW, 'name'>> = {}): AdamW {
  const given = record(options, 'adamw', ['lr', 'beta1', 'beta2', 'epsilon', 'weightDecay'], elsewhere, ['lr', adamw]);
  const lr = given.lr ?? 1e-3;
  if (isUncalled(lr)) throw argumentError('ERR_FLOW_TYPE', 'adamw.lr', 'a number or a schedule of rates', lr, callIt(lr, 'rate'));
  const below = 1 - 2 ** -24;
  return Object.freeze({
    name: 'adamw',
    lr: typeof lr === 'function' ? (lr as Schedule) : finite(lr, 'adamw.lr', 0, 1000),
    beta1: finite(given.beta1 ?? 0.9, 'adamw.beta1', 0, below),
    beta2: finite(given.beta2 ?? 0.999, 'adamw.beta2', 0, below),
    epsilon: finite(given.epsilon ?? 1e-8, 'adamw.epsilon', 1e-30, 1),
    weightDecay: finite(given.weightDecay ?? 0, 'adamw.weightDecay', 0, 1000),
  });
}

nameFactories('optimiser', { adamw });

/** The value of an `optimiser` option. Undefined means adamw(). */
export function resolveOptimiser(value: unknown, path = 'optimiser'): AdamW {
  if (value === undefined) return adamw();
  if (typeof value !== 'object' || value === null)
    throw argumentError('ERR_FLOW_TYPE', path, 'an optimiser such as adamw({ lr: 1e-3 })', value, callIt(value, 'optimiser'));
  const { name, ...constants } = ownFields(value, path);
  if (name !== 'adamw') throw argumentError('ERR_FLOW_CONFIG', `${path}.name`, '"adamw"', name, 'Call adamw() to make one.');
  return adamw(constants);
}

/** Learning rates of steps first, first + 1, ..., checked. */
export function learningRates(optimiser: AdamW, first: number, count: number): Float64Array {
  const { lr } = optimiser;
  if (typeof lr === 'number') return new Float64Array(count).fill(lr);
  return Float64Array.from({ length: count }, (_, k) => {
    const value: unknown = lr(first + k);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw argumentError('ERR_FLOW_RANGE', `optimiser.lr(${first + k})`, 'a finite learning rate >= 0', value);
    }
    return value;
  });
}
