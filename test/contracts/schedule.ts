// The law of every learning-rate schedule: finite and >= 0 at every step, also long after its end; a pure function of the step.

import { expect, it } from 'vitest';
import { adamw, learningRates } from '../../lib/optimisers/adamw.ts';
import type { Schedule } from '../../lib/optimisers/optimiser.ts';

export function scheduleContract(schedule: Schedule, length: number): void {
  it('is finite and >= 0, also past its end', () => {
    for (const step of [0, 1, length - 1, length, length + 1, 10 * length, 1e9]) {
      expect(Number.isFinite(schedule(step)) && schedule(step) >= 0, `step ${step}`).toBe(true);
    }
  });

  it('is a pure function of the step', () => {
    const once = learningRates(adamw({ lr: schedule }), 0, length + 5);
    expect(learningRates(adamw({ lr: schedule }), 3, length + 2)).toEqual(once.slice(3));
  });
}
