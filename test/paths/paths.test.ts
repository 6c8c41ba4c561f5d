// condOT, user paths and their refusals.

import { describe, expect, it } from 'vitest';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { cosine as builtCosine } from '../../lib/paths/cosine.ts';
import { definePath, type PathDefinition } from '../../lib/paths/custom.ts';
import { makeFrame } from '../../lib/paths/frame.ts';
import { linearVP } from '../../lib/paths/linear-vp.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { polynomial } from '../../lib/paths/polynomial.ts';
import { restorePath } from '../../lib/paths/restore.ts';
import { ve } from '../../lib/paths/ve.ts';
import { vp as builtVp } from '../../lib/paths/vp.ts';
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
describe('polynomial 1', () => pathContract(polynomial({ power: 1 }), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('polynomial 2', () => pathContract(polynomial(), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('polynomial 8', () => pathContract(polynomial({ power: 8 }), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('built-in linearVP', () => pathContract(linearVP(), { alphaAtStart: 0, sigmaAtEnd: 0.0448 }));
describe('built-in cosine', () => pathContract(builtCosine(), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('built-in vp', () => pathContract(builtVp(), { alphaAtStart: 0.0066, sigmaAtEnd: 0.0106 }));
describe('built-in vp, lowest', () => pathContract(builtVp({ betaMin: 0.01, betaMax: 10 }), { alphaAtStart: 0.083, sigmaAtEnd: 0.0039 }));
describe('built-in vp, steepest', () => pathContract(builtVp({ betaMin: 5, betaMax: 100 }), { alphaAtStart: 1e-11, sigmaAtEnd: 0.0711 }));
describe('built-in ve', () => pathContract(ve(), { alphaAtStart: 1, sigmaAtEnd: 0.01 }));
describe('built-in ve, longest', () => pathContract(ve({ sigmaMin: 1e-4, sigmaMax: 1000 }), { alphaAtStart: 1, sigmaAtEnd: 1e-4 }));
describe('cosine', () => pathContract(definePath(cosine), { alphaAtStart: 0, sigmaAtEnd: 0 }));
describe('linear-vp', () => pathContract(definePath(linearVp), { alphaAtStart: 0, sigmaAtEnd: 0.1411 }));
describe('vp', () => pathContract(definePath(vp), { alphaAtStart: 0.00658, sigmaAtEnd: 0.0447 }));
describe('bridge', () => pathContract(definePath(bridge), { alphaAtStart: 0.01, sigmaAtEnd: 0.01 }));

describe('built-in paths', () => {
  it('have the values of their formulas', () => {
    // Worked out in double precision from METHOD's table: alpha, sigma, dAlpha, dSigma at t = 0.5, and the noise at the ends.
    const half = (path: { at(t: number): { alpha: number; sigma: number; dAlpha: number; dSigma: number } }): number[] => {
      const { alpha, sigma, dAlpha, dSigma } = path.at(0.5);
      return [alpha, sigma, dAlpha, dSigma];
    };
    const T = 0.125 * 19.9 + 0.05; // 2.5375
    const want: [number[], number[]][] = [
      [half(polynomial({ power: 3 })), [0.125, 0.875, 0.75, -0.75]],
      [half(linearVP()), [0.5, 0.8660254037844386, 1, -0.5773502691896258]],
      [half(builtCosine()), [Math.SQRT1_2, Math.SQRT1_2, 1.1107207345395915, -1.1107207345395915]],
      [half(builtVp()), [Math.exp(-T / 2), Math.sqrt(1 - Math.exp(-T)), 5.025 * Math.exp(-T / 2), (-10.05 * Math.exp(-T)) / (2 * Math.sqrt(1 - Math.exp(-T)))]],
      [half(ve()), [1, Math.sqrt(0.5), 0, -Math.sqrt(0.5) * Math.log(5000)]],
    ];
    for (const [got, exact] of want) got.forEach((v, i) => void expect(v).toBeCloseTo(exact[i] as number, 12));
    expect(1 - builtVp().at(0).sigma ** 2).toBeCloseTo(Math.exp(-10.05), 9);
    expect([ve().at(0).sigma, ve().at(1).sigma, ve().sourceScale]).toEqual([50, 0.01, 50]);
    expect([builtCosine().at(1).sigma, polynomial().at(1).sigma, polynomial().at(0).alpha]).toEqual([0, 0, 0]);
  });

  it('are stored by name and constants, and made again from them', () => {
    const stored = storePath(resolvePath(builtVp({ betaMax: 12 })));
    expect(stored).toEqual({ name: 'vp', tMin: 0, tMax: 0.999, sourceScale: 1, constants: { betaMin: 0.1, betaMax: 12 } });
    expect(restorePath(stored).at(0.3)).toEqual(builtVp({ betaMax: 12 }).at(0.3));
    expect(resolvePath(ve({ sigmaMax: 7 }))).toMatchObject({ name: 've', sourceScale: 7 });
    expect(() => restorePath({ ...stored, constants: { betaMax: 1 } })).toThrow(/betaMax/);
    expect(resolvePath(definePath({ ...vp })).at(0.3).alpha).toBeCloseTo(builtVp().at(0.3).alpha, 7); // a table keeps being one
  });

  it('refuse what is out of range', () => {
    expect(() => polynomial({ power: 1.5 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
    expect(() => builtVp({ betaMin: 20 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
    expect(() => ve({ sigmaMax: 0.5 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
    expect(() => ve({ sigmamax: 5 } as never)).toThrow(/Did you mean "sigmaMax"/);
    expect(() => linearVP({ steps: 1 } as never)).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }));
  });

  it('close the gap to t = 1 where they end before it', () => {
    for (const path of [linearVP(), builtVp()]) {
      const { alpha, sigma, dAlpha, dSigma } = path.at(path.tMax);
      const [x1, x0] = [1.7, -0.6];
      const { a, tau, b, c } = makeFrame(path, 'velocity').step(path.tMax, 1);
      expect([a, tau]).toEqual([1, path.tMax]);
      expect(b * (alpha * x1 + sigma * x0) + c * (dAlpha * x1 + dSigma * x0)).toBeCloseTo(x1, 12);
    }
    const closes = (path: ReturnType<typeof resolvePath>): boolean => makeFrame(path, 'velocity').closes;
    expect([condOT(), ve(), polynomial(), builtCosine()].map(closes)).toEqual([false, false, false, false]);
    expect(makeFrame(resolvePath(bridge), 'velocity').step(0.99, 1)).toEqual({ a: 1, tau: 0.99, b: 1, c: expect.closeTo(0.01, 15) }); // along the velocity
  });
});

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
