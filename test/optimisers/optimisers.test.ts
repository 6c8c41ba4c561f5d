// AdamW's constants and the schedules: contract, hand values, refusals.

import { describe, expect, it } from 'vitest';
import { adamw, learningRates, resolveOptimiser } from '../../lib/optimisers/adamw.ts';
import { constant, linear, warmupCosine } from '../../lib/optimisers/schedules.ts';
import { scheduleContract } from '../contracts/schedule.ts';

describe('constant', () => scheduleContract(constant(1e-3), 10));
describe('warmupCosine', () => scheduleContract(warmupCosine({ peak: 1e-3, warmup: 10, steps: 100, floor: 1e-5 }), 100));
describe('warmupCosine, all warm-up', () => scheduleContract(warmupCosine({ peak: 1, warmup: 10, steps: 10 }), 10));
describe('linear', () => scheduleContract(linear({ peak: 1e-3, steps: 100 }), 100));

describe('schedules', () => {
  it('have the values of their formulas', () => {
    const cosine = warmupCosine({ peak: 2, warmup: 4, steps: 104, floor: 1 });
    expect([0, 1, 3, 4, 54, 104, 500].map(cosine)).toEqual([0.5, 1, 2, 2, 1.5, 1, 1]);
    expect([0, 50, 100, 101].map(linear({ peak: 2, steps: 100, floor: 1 }))).toEqual([2, 1.5, 1, 1]);
    expect([0, 1, 2, 6].map(linear({ peak: 2, warmup: 2, steps: 6 }))).toEqual([1, 2, 2, 0]);
  });

  it('are tabulated and checked', () => {
    expect(Array.from(learningRates(adamw({ lr: (k) => k }), 5, 3))).toEqual([5, 6, 7]);
    expect(Array.from(learningRates(adamw({ lr: 2 }), 5, 2))).toEqual([2, 2]);
    for (const bad of [Number.NaN, -1, Number.POSITIVE_INFINITY, 'x']) {
      const lr = (k: number) => (k === 6 ? (bad as number) : 1);
      expect(() => learningRates(adamw({ lr }), 5, 3)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'optimiser.lr(6)' }));
    }
  });
});

describe('adamw', () => {
  it('fills in the defaults and freezes', () => {
    expect(adamw()).toEqual({ name: 'adamw', lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
    expect(Object.isFrozen(adamw())).toBe(true);
    expect(resolveOptimiser(undefined)).toEqual(adamw());
    expect(resolveOptimiser(adamw({ weightDecay: 1e-5 }))).toEqual(adamw({ weightDecay: 1e-5 }));
  });

  it.each<[unknown, RegExp]>([
    [{ learningRate: 1 }, /Write lr\./],
    [{ nesterov: true }, /Known options: lr, beta1/],
    [{ beta1: 1 }, /adamw.beta1/],
    [{ lr: -1 }, /adamw.lr/],
    [{ lr: '1' }, /adamw.lr: expected a number/],
    [{ weightdecay: 1 }, /Did you mean "weightDecay"/],
    [{ epsilon: 0 }, /adamw.epsilon/],
  ])('refuses %s', (options, message) => expect(() => adamw(options as never)).toThrow(message));

  it('refuses what is no optimiser', () => {
    expect(() => resolveOptimiser('adam')).toThrow(/adamw\(/);
    expect(() => resolveOptimiser({ name: 'sgd', lr: 1 })).toThrow(/"adamw"/);
    expect(() => warmupCosine({ peak: 1, warmup: 11, steps: 10 })).toThrow(/warmupCosine.warmup/);
    expect(() => linear({ peak: 1 } as never)).toThrow(/linear.steps/);
  });
});
