// Weights below 2^-126 must not slow training: a CPU that handles them by microcode takes a hundred times as long for each. Processor time of single-threaded
// steps, the two kinds in turn, the least of each: a ratio of one run.

import { describe, expect, it } from 'vitest';
import { encoded, network, sampleRequest, small, tiny, trainer } from './support.ts';

const steps = 40;

/** Least processor time of `steps` steps for each trainer, taken in turns. */
async function leastTimes(trainers: readonly ReturnType<typeof trainer>[]): Promise<number[]> {
  const least = trainers.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < 12; round++) {
    for (const [i, t] of trainers.entries()) {
      const before = process.cpuUsage();
      const { status } = await t.run(new Float64Array(steps), 0).done; // a rate of 0: the weights stay what they are
      expect(status).toBe('done');
      const { user, system } = process.cpuUsage(before);
      least[i] = Math.min(least[i] as number, user + system);
    }
  }
  return least;
}

describe('subnormal weights', () => {
  it.each(['f32', 'bf16'] as const)('slow a step in %s by less than a fifth', { timeout: 60_000, retry: 2 }, async (precision) => {
    const { parameters } = encoded(small);
    const fields = { threads: 1, precision, clip: 0, emaDecay: 0 } as const;
    const subnormal = parameters.map((p) => p * 1e-39);
    expect(subnormal.every((p) => Math.abs(p) < 2 ** -126)).toBe(true);
    const trainers = [trainer(small, undefined, fields), trainer(small, undefined, { ...fields, parameters: subnormal })];
    const [normal, slow] = (await leastTimes(trainers)) as [number, number];
    for (const t of trainers) t.dispose();
    expect(slow / normal).toBeLessThan(1.2);
  });
});

describe('the JavaScript thread', () => {
  it('keeps its subnormals after a synchronous call', () => {
    const n = network(tiny);
    n.sampleSync(sampleRequest(4, 2));
    n.dispose();
    const [a, b] = Float64Array.of(2 ** -1060, 2) as unknown as [number, number];
    expect(a * b).toBe(2 ** -1059);
  });
});
