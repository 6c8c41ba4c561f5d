// Time laws: contract, SciPy values, refusals.

import { describe, expect, it } from 'vitest';
import { betaCdf, betaQuantile } from '../../lib/times/beta-quantile.ts';
import { eulerStepsOf, eulerTimes } from '../../lib/times/euler-times.ts';
import { beta, edmSkew, power, uShaped } from '../../lib/times/laws.ts';
import { normalQuantile } from '../../lib/times/normal-quantile.ts';
import { defineTime, logitNormal, quantileTable, resolveTime, shift, stratified, uniform } from '../../lib/times/times.ts';
import { timeLawContract } from '../contracts/time-law.ts';

describe('uniform', () => timeLawContract(uniform()));
describe('logitNormal', () => timeLawContract(logitNormal()));
describe('logitNormal(0.4, 1)', () => timeLawContract(logitNormal({ mean: 0.4 })));
describe('stratified logitNormal(-1, 2)', () => timeLawContract(stratified(logitNormal({ mean: -1, std: 2 }))));
describe('power 1', () => timeLawContract(power()));
describe('power -0.6', () => timeLawContract(power({ exponent: -0.6 })));
describe('power 10', () => timeLawContract(power({ exponent: 10 })));
describe('beta', () => timeLawContract(beta()));
describe('beta(0.5, 0.5)', () => timeLawContract(beta({ a: 0.5, b: 0.5 })));
describe('beta(0.2, 3)', () => timeLawContract(beta({ a: 0.2, b: 3 })));
describe('beta(50, 2)', () => timeLawContract(beta({ a: 50, b: 2 })));
describe('uShaped', () => timeLawContract(uShaped()));
describe('uShaped 10', () => timeLawContract(uShaped({ steepness: 10 })));
describe('edmSkew', () => timeLawContract(edmSkew()));
describe('stratified edmSkew', () => timeLawContract(stratified(edmSkew({ mean: 0, std: 2 }))));
describe('power', () => timeLawContract(defineTime({ name: 'power', quantile: (u) => u ** (1 / 3), density: (t) => 3 * t * t })));

describe('uniform on a part', () => timeLawContract(uniform({ from: 0.001, to: 0.9 })));
describe('shift', () => timeLawContract(shift()));
describe('shift of logitNormal to the data', () => timeLawContract(shift({ factor: 0.2, law: logitNormal({ mean: 0.3 }), importance: true })));

describe('time laws', () => {
  it('carry their importance', () => {
    const laws = [logitNormal({ importance: true }), power({ importance: true }), beta({ importance: true }), uShaped({ importance: true })];
    for (const law of [...laws, edmSkew({ importance: true }), shift({ importance: true }), shift({ law: power({ importance: true }) })]) {
      expect(law.importance).toBe(true);
      expect([resolveTime(law).importance, stratified(law).importance]).toEqual([true, true]);
    }
    expect(logitNormal().importance).toBeUndefined();
    expect(shift({ factor: 3 }).quantile?.(0.5)).toBe(0.25); // SD3's shift: 0.5 -> 0.75 of the noise
    expect(() => power({ importance: 1 as never })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE' }));
    expect(() => uniform({ from: 0.5, to: 0.5 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
  });

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

  it('knows the beta law (closed forms)', () => {
    for (let k = 1; k < 100; k++) {
      const u = k / 100;
      expect(Math.abs(betaQuantile(1, 1.5, u) - (1 - (1 - u) ** (2 / 3)))).toBeLessThan(1e-14);
      expect(Math.abs(betaQuantile(3, 1, u) - u ** (1 / 3))).toBeLessThan(1e-14);
      expect(Math.abs(betaQuantile(0.5, 0.5, u) - Math.sin((Math.PI * u) / 2) ** 2)).toBeLessThan(1e-14);
      expect(Math.abs(betaCdf(2, 2, u) - u * u * (3 - 2 * u))).toBeLessThan(1e-14);
    }
  });

  it('knows the quantiles of the other laws', () => {
    expect(power({ exponent: 3 }).quantile?.(0.5)).toBeCloseTo(0.5 ** 0.25, 15);
    expect([uShaped().quantile?.(0), uShaped().quantile?.(0.5), uShaped().quantile?.(1)]).toEqual([0, 0.5, 1]);
    expect(edmSkew().quantile?.(0.5)).toBeCloseTo(1 / (1 + Math.exp(-1.2)), 14);
    expect(edmSkew().quantile?.(0)).toBe(1e-4);
    expect(() => beta({ a: 0 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
    expect(() => power({ exponent: -1 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
  });

  it('knows the times at which k Euler steps look', () => {
    for (const k of [1, 3, 4, 64]) {
      const { quantile } = eulerTimes(k);
      for (let i = 0; i < k; i++) for (const within of [0.001, 0.5, 0.999]) expect(quantile?.((i + within) / k)).toBe(i / k);
      expect([quantile?.(0), quantile?.(1)]).toEqual([0, (k - 1) / k]);
      expect(eulerStepsOf(eulerTimes(k).name)).toBe(k);
    }
    expect([eulerStepsOf('65 Euler'), eulerStepsOf(undefined), eulerStepsOf('uniform')]).toEqual([null, null, null]);
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
