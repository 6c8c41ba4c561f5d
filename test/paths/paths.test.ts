// condOT, user paths and their refusals.

import { describe, expect, it } from 'vitest';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { definePath, type PathDefinition } from '../../lib/paths/custom.ts';
import { resolvePath, restorePath } from '../../lib/paths/paths.ts';
import { pathContract } from '../contracts/path.ts';

const q = Math.PI / 2;
const cosine: PathDefinition = {
  name: 'cosine',
  at: (t) => ({ alpha: Math.sin(q * t), sigma: Math.cos(q * t), dAlpha: q * Math.cos(q * t), dSigma: -q * Math.sin(q * t) }),
};
const linearVp: PathDefinition = {
  name: 'linear-vp',
  tMax: 0.99,
  at: (t) => ({ alpha: t, sigma: Math.sqrt(1 - t * t), dAlpha: 1, dSigma: -t / Math.sqrt(1 - t * t) }),
};
const vp: PathDefinition = {
  name: 'vp',
  tMax: 0.99,
  at: (t) => {
    const T = 0.5 * (1 - t) ** 2 * 19.9 + (1 - t) * 0.1;
    const dT = -(1 - t) * 19.9 - 0.1;
    const [alpha, sigma] = [Math.exp(-T / 2), Math.sqrt(1 - Math.exp(-T))];
    return { alpha, sigma, dAlpha: -0.5 * dT * alpha, dSigma: (dT * Math.exp(-T)) / (2 * sigma) };
  },
};
const bridge: PathDefinition = {
  name: 'bridge',
  tMin: 0.01,
  tMax: 0.99,
  at: (t) => {
    const gamma = 0.5 * Math.sqrt(t * (1 - t));
    return { alpha: t, sigma: 1 - t, gamma, dAlpha: 1, dSigma: -1, dGamma: (0.125 * (1 - 2 * t)) / gamma };
  },
};

describe('condOT', () => pathContract(condOT(), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('condOT with sigmaMin', () => pathContract(condOT({ sigmaMin: 0.1 }), { alphaAtStart: 0, sigmaAtEnd: 0.1 }));
describe('cosine', () => pathContract(definePath(cosine), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('linear-vp', () => pathContract(definePath(linearVp), { alphaAtStart: 0, sigmaAtEnd: 0.1411 }));
describe('vp', () => pathContract(definePath(vp), { alphaAtStart: 0.00658, sigmaAtEnd: 0.0447 }));
describe('bridge', () => pathContract(definePath(bridge), { alphaAtStart: 0.01, sigmaAtEnd: 0.01 }));

describe('definePath', () => {
  it('reads from the table what the function gives, to 1e-9', () => {
    const path = definePath(cosine);
    for (let k = 0; k <= 1000; k++) {
      const [read, exact] = [path.at(k / 1000), cosine.at(k / 1000)];
      for (const field of ['alpha', 'sigma', 'dAlpha', 'dSigma'] as const) expect(Math.abs(read[field] - exact[field])).toBeLessThan(1e-9);
    }
  });

  it('stays inside [tMin, tMax] and forgets the function', () => {
    let calls = 0;
    const path = definePath({
      ...linearVp,
      at: (t) => {
        calls++;
        expect(t).toBeGreaterThanOrEqual(0);
        expect(t).toBeLessThanOrEqual(0.99);
        return linearVp.at(t);
      },
    });
    const before = calls;
    path.at(0.3);
    expect(calls).toBe(before);
    expect(before).toBeLessThan(50_000);
  });

  const good = cosine.at;
  it.each<[string, object, string, RegExp]>([
    [
      'a wrong derivative',
      { ...cosine, at: (t: number) => ({ ...good(t), dSigma: q * Math.sin(q * t) }) },
      'ERR_FLOW_CONFIG',
      /dSigma: expected the t-derivative of sigma, about/,
    ],
    ['a slightly wrong derivative', { ...cosine, at: (t: number) => ({ ...good(t), dAlpha: good(t).dAlpha * 1.001 }) }, 'ERR_FLOW_CONFIG', /dAlpha/],
    ['an infinite end', { ...linearVp, tMax: 1 }, 'ERR_FLOW_NONFINITE', /Narrow \[tMin, tMax\]/],
    [
      'reversed time',
      { name: 'r', at: (t: number) => ({ alpha: 1 - t, sigma: t, dAlpha: -1, dSigma: 1 }) },
      'ERR_FLOW_CONFIG',
      /t = 0 is noise and t = 1 is data/,
    ],
    [
      'a jump',
      { name: 'j', at: (t: number) => ({ alpha: t, sigma: 1 - t, dAlpha: 1, dSigma: t > 0.50097 && t < 0.501 ? 3 : -1 }) },
      'ERR_FLOW_CONFIG',
      /smooth function/,
    ],
    ['a missing field', { name: 'm', at: (t: number) => ({ alpha: t, dAlpha: 1, dSigma: -1 }) }, 'ERR_FLOW_TYPE', /sigma: expected a number, got undefined/],
    ['a mistyped field', { name: 'm', at: (t: number) => ({ ...good(t), dalpha: 1 }) }, 'ERR_FLOW_CONFIG', /Did you mean "dAlpha"/],
    [
      'a throwing function',
      {
        name: 't',
        at: () => {
          throw new Error('boo');
        },
      },
      'ERR_FLOW_CONFIG',
      /threw/,
    ],
    ['a reserved name', { ...cosine, name: 'condOT' }, 'ERR_FLOW_CONFIG', /name/],
    ['no function', { name: 'x', at: 3 }, 'ERR_FLOW_TYPE', /path.at/],
    ['an empty interval', { ...cosine, tMin: 0.5, tMax: 0.5 }, 'ERR_FLOW_RANGE', /tMax/],
  ])('refuses %s', (_, definition, code, message) => {
    expect(() => definePath(definition as PathDefinition)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  it('resolves options and refuses strangers', () => {
    expect(resolvePath(undefined).name).toBe('condOT');
    expect(resolvePath(condOT({ sigmaMin: 0.1 }))).toMatchObject({ name: 'condOT', sigmaMin: 0.1 });
    expect(resolvePath(cosine).name).toBe('cosine');
    expect(() => resolvePath(3)).toThrow(/condOT\(\)/);
    expect(() => condOT({ sigmaMin: 1 })).toThrow(/sigmaMin/);
    expect(() => restorePath({ name: 'cosmic', tMin: 0, tMax: 1, sourceScale: 1 })).toThrow(/newer version/);
    expect(() => restorePath({ name: 'own', tMin: 0, tMax: 1, sourceScale: 1, table: new Float64Array(13) })).toThrow(/n x 12/);
  });
});
