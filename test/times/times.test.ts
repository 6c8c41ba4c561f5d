// Time laws: contract, SciPy values, refusals.

import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../lib/times/normal-quantile.ts';
import { defineTime, logitNormal, quantileTable, resolveTime, stratified, uniform } from '../../lib/times/times.ts';
import { timeLawContract } from '../contracts/time-law.ts';

describe('uniform', () => timeLawContract(uniform()));
describe('logitNormal', () => timeLawContract(logitNormal()));
describe('logitNormal(0.4, 1)', () => timeLawContract(logitNormal({ mean: 0.4 })));
describe('stratified logitNormal(-1, 2)', () => timeLawContract(stratified(logitNormal({ mean: -1, std: 2 }))));
describe('power', () => timeLawContract(defineTime({ name: 'power', quantile: (u) => u ** (1 / 3), density: (t) => 3 * t * t })));

describe('time laws', () => {
  it('knows the normal quantile (scipy.stats.norm.ppf)', () => {
    for (const [u, z] of [
      [1e-9, -5.9978070150076865],
      [0.001, -3.090232306167813],
      [0.02425, -1.972961051311885],
      [0.3, -0.5244005127080407],
      [0.5, 0],
      [0.975, 1.959963984540054],
      [0.9999, 3.719016485455709],
    ] as const) {
      expect(Math.abs(normalQuantile(u) - z)).toBeLessThan(8e-9);
    }
  });

  it('resolves names and laws', () => {
    expect(resolveTime(undefined)).toMatchObject({ name: 'uniform', stratified: false });
    expect(resolveTime('stratified')).toMatchObject({ name: 'uniform', stratified: true });
    expect(stratified(logitNormal())).toMatchObject({ name: 'logitNormal', stratified: true });
    expect(quantileTable(stratified())).toBe(null);
    expect(resolveTime({ name: 'half', quantile: (u: number) => u / 2 }).quantile?.(1)).toBe(0.5);
  });

  it.each<[unknown, string, RegExp]>([
    ['unifrom', 'ERR_FLOW_CONFIG', /Did you mean "uniform"/],
    [3, 'ERR_FLOW_TYPE', /time law/],
    [{ name: 'x', quantile: (u: number) => 1 - u }, 'ERR_FLOW_RANGE', /never falls/],
    [{ name: 'x', quantile: (u: number) => 2 * u }, 'ERR_FLOW_RANGE', /in \[0, 1\]/],
    [{ name: 'x', quantile: () => Number.NaN }, 'ERR_FLOW_RANGE', /NaN/],
    [{ name: 'x', quantile: (u: number) => u, desnity: 1 }, 'ERR_FLOW_CONFIG', /Did you mean "density"/],
    [{ quantile: (u: number) => u }, 'ERR_FLOW_TYPE', /time.name/],
  ])('refuses %s', (value, code, message) => {
    expect(() => resolveTime(value)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
