// Paths with fresh noise: constant (I-CFM), interpolants ready-made and of a user's functions, and bridges of a given diffusion. Laws, values worked out by hand,
// refusals.

import { describe, expect, it } from 'vitest';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { conversion } from '../../lib/paths/convert.ts';
import { cosine } from '../../lib/paths/cosine.ts';
import { definePath } from '../../lib/paths/custom.ts';
import { monotoneCubic, runningVariance } from '../../lib/paths/diffusion.ts';
import { interpolant } from '../../lib/paths/interpolant.ts';
import type { PathPoint } from '../../lib/paths/path.ts';
import { pathForm, resolvePath, storePath } from '../../lib/paths/paths.ts';
import { restorePath } from '../../lib/paths/restore.ts';
import { derivative } from '../../lib/paths/scalar.ts';
import { diffusionOf, schrodingerBridge } from '../../lib/paths/schrodinger-bridge.ts';
import { pathFields } from '../../lib/paths/table.ts';
import { pathContract } from '../contracts/path.ts';

const whole = { alphaAtStart: 0, sigmaAtEnd: 0 };
const between = { alphaAtStart: 0.001, sigmaAtEnd: 0.001 };
const root = (t: number): number => 0.5 * Math.sqrt(t * (1 - t));

describe('condOT with sigma', () => pathContract(condOT({ sigma: 0.1 }), whole));
describe('condOT with sigma and sigmaMin', () => pathContract(condOT({ sigma: 10, sigmaMin: 0.2 }), { ...whole, sigmaAtEnd: 0.2 }));
describe('cosine with sigma', () => pathContract(cosine({ sigma: 0.3 }), whole));
describe('linear, sine', () => pathContract(interpolant(), whole));
describe('linear, brownian', () => pathContract(interpolant({ gamma: 'brownian', scale: 0.7 }), between));
describe('trigonometric, sine', () => pathContract(interpolant({ shape: 'trigonometric', scale: 2 }), whole));
describe('trigonometric, brownian', () =>
  pathContract(interpolant({ shape: 'trigonometric', gamma: 'brownian' }), { alphaAtStart: 0.00158, sigmaAtEnd: 0.00158 }));
describe('encoder-decoder, sine', () => pathContract(interpolant({ shape: 'encoderDecoder' }), { ...whole, apart: true }));
describe('encoder-decoder, brownian', () => pathContract(interpolant({ shape: 'encoderDecoder', gamma: 'brownian' }), { ...whole, apart: true }));
describe('own gamma', () => pathContract(interpolant({ gamma: (t) => t * (1 - t) }), whole));
describe('own gamma, steep at the ends', () =>
  pathContract(interpolant({ gamma: root, tMin: 0.002, tMax: 0.998 }), { alphaAtStart: 0.002, sigmaAtEnd: 0.002 }));
describe('own alpha and sigma', () =>
  pathContract(interpolant({ alpha: (t) => t * t, sigma: (t) => 1 - t * t, gamma: 'brownian' }), { ...whole, alphaAtStart: 1e-6, sigmaAtEnd: 0.002 }));
describe('bridge of falling diffusion', () => pathContract(schrodingerBridge({ sigma: (t) => 1.5 - t }), { alphaAtStart: 0.0021, sigmaAtEnd: 0.0003 }));
describe('bridge of wild diffusion', () =>
  pathContract(schrodingerBridge({ sigma: (t) => Math.exp(3 * Math.sin(6 * t)) }), { alphaAtStart: 1e-3, sigmaAtEnd: 1e-3 }));
describe('bridge of values', () => pathContract(schrodingerBridge({ sigma: [0.5, 2, 1, 1, 0.3] }), { alphaAtStart: 2e-4, sigmaAtEnd: 1e-4 }));

/** Largest difference of two paths, relative to the largest value of each field. */
function apart(a: { at(t: number): PathPoint }, b: { at(t: number): PathPoint }, [from, to] = [0.001, 0.999]): number {
  let most = 0;
  for (const field of pathFields) {
    const values = Array.from({ length: 997 }, (_, k) => from + ((to - from) * k) / 996).map((t) => [a.at(t)[field], b.at(t)[field]] as const);
    const largest = Math.max(1e-3, ...values.map(([x]) => Math.abs(x)));
    most = Math.max(most, ...values.map(([x, y]) => Math.abs(x - y) / largest));
  }
  return most;
}

describe('constant noise', () => {
  it('is around the line and not in the target', () => {
    expect(condOT({ sigma: 0.1 }).at(0.3)).toEqual({ alpha: 0.3, sigma: 0.7, gamma: 0.1, dAlpha: 1, dSigma: -1, dGamma: 0 });
    const { gamma, dGamma, ...rest } = cosine({ sigma: 0.1 }).at(0.3);
    expect([gamma, dGamma]).toEqual([0.1, 0]);
    expect(cosine().at(0.3)).toMatchObject(rest);
    expect(condOT({ sigma: 0.75 }).sourceScale).toBe(1.25);
    expect(cosine({ sigma: 0.75 }).sourceScale).toBe(1.25);
  });

  it('of 0 is none: the same file and the same native path as before', () => {
    expect(storePath(condOT({ sigma: 0 }))).toEqual({ name: 'condOT', tMin: 0, tMax: 1, sourceScale: 1, constants: { sigmaMin: 0 } });
    expect(pathForm(condOT({ sigma: 0 }))).toEqual({ kind: 'condOT', sigmaMin: 0 });
    expect(storePath(condOT({ sigma: 0.1 })).constants).toEqual({ sigmaMin: 0, sigma: 0.1 });
    expect(storePath(cosine()).constants).toEqual({});
    expect(pathForm(condOT({ sigma: 0.1 }))).toMatchObject({ kind: 'table', nodes: { length: 24 } });
  });

  it.each([[-0.1], [1e-5], [11], ['0.1'], [Number.NaN]])('refuses %s', (sigma) => {
    expect(() => condOT({ sigma: sigma as number })).toThrow(expect.objectContaining({ path: 'condOT.sigma' }));
    expect(() => cosine({ sigma: sigma as number })).toThrow(expect.objectContaining({ path: 'cosine.sigma' }));
  });
});

describe('interpolants', () => {
  it('have the values of their formulas at t = 1/4', () => {
    const six = (path: { at(t: number): PathPoint }): number[] => pathFields.map((field) => path.at(0.25)[field]);
    const [s, c, q] = [Math.sin(Math.PI / 8), Math.cos(Math.PI / 8), Math.PI / 2];
    const want: [number[], number[]][] = [
      [six(interpolant()), [0.25, 0.75, 0.5, 1, -1, Math.PI]],
      [six(interpolant({ gamma: 'brownian', scale: 2 })), [0.25, 0.75, 2 * Math.sqrt(3 / 16), 1, -1, 2 / Math.sqrt(3)]],
      [six(interpolant({ shape: 'trigonometric', scale: 0.5 })), [s, c, 0.25, q * c, -q * s, Math.PI / 2]],
      [six(interpolant({ shape: 'encoderDecoder' })), [0, 0.25, 0.5, 0, -Math.PI, Math.PI]],
    ];
    for (const [got, exact] of want) got.forEach((v, i) => void expect(v).toBeCloseTo(exact[i] as number, 14));
    const middle = interpolant({ shape: 'encoderDecoder' }).at(0.5);
    expect([middle.alpha, middle.sigma, middle.gamma]).toEqual([expect.closeTo(0, 15), 0, 1]);
    const [first, last] = [interpolant({ shape: 'encoderDecoder' }).at(0), interpolant({ shape: 'encoderDecoder' }).at(1)];
    expect([first.alpha, first.sigma, first.gamma, last.alpha, last.sigma, last.gamma]).toEqual([0, 1, 0, 1, 0, 0]);
  });

  it('with brownian noise on a line are the bridge', () => {
    expect(apart(interpolant({ gamma: 'brownian', scale: 0.6 }), schrodingerBridge({ sigma: 0.6 }))).toBeLessThan(1e-15);
    expect(diffusionOf(interpolant({ gamma: 'brownian', scale: 0.6 }))).toEqual({ sigma: expect.closeTo(0.6, 12), varies: false });
    expect(diffusionOf(interpolant())).toBeNull();
    expect(diffusionOf(condOT())).toBeNull();
    expect(diffusionOf(interpolant({ shape: 'encoderDecoder' }))).toBeNull();
  });

  it('work out derivatives that are not given', () => {
    const functions = { alpha: (t: number) => t ** 3, sigma: (t: number) => 1 - t ** 3, gamma: root };
    const derivatives = {
      dAlpha: (t: number) => 3 * t * t,
      dSigma: (t: number) => -3 * t * t,
      dGamma: (t: number) => (0.25 * (1 - 2 * t)) / Math.sqrt(t * (1 - t)),
    };
    const ends = { tMin: 0.001, tMax: 0.999 };
    expect(apart(interpolant({ ...functions, ...derivatives, ...ends }), interpolant({ ...functions, ...ends }))).toBeLessThan(1e-9);
    expect(apart(interpolant({ gamma: root, ...ends }), interpolant({ gamma: 'brownian', scale: 0.5 }))).toBeLessThan(1e-6);
    // Of sqrt(t) at 0.001, where its fifth derivative is 1e14; of sin(t) far from anything.
    expect(derivative(Math.sqrt, 0.001, 1)(0.001)).toBeCloseTo(0.5 / Math.sqrt(0.001), 7);
    expect(derivative(Math.sin, 0, 1)(0.4)).toBeCloseTo(Math.cos(0.4), 11);
  });

  it('are stored by name and constants where they are ready-made, else as a table', () => {
    const stored = storePath(interpolant({ shape: 'trigonometric', gamma: 'brownian', scale: 0.4 }));
    expect(stored).toEqual({ name: 'trigonometricInterpolant', tMin: 0.001, tMax: 0.999, sourceScale: 1, constants: { brownian: 0.4 } });
    expect(() => restorePath({ ...stored, constants: { brownian: 0 } })).toThrow(/constants.scale/);
    expect(() => restorePath({ ...stored, constants: {} })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE' }));
    expect(() => restorePath({ ...stored, constants: { cubic: 1 } })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }));
    expect(storePath(interpolant({ gamma: (t) => t - t * t }))).toMatchObject({ name: 'interpolant', table: { length: 12 * 2049 } });
    expect(storePath(interpolant({ gamma: root, tMin: 0.001, tMax: 0.999, name: 'mine' }))).toMatchObject({ name: 'mine', table: { length: 12 * 16385 } });
  });

  it.each<[string, object, string, string | RegExp]>([
    ['a gamma that is not 0 at the start', { gamma: (t: number) => 1 - t }, 'ERR_FLOW_CONFIG', 'interpolant.gamma(0)'],
    ['a gamma that is not 0 at the data', { gamma: (t: number) => t }, 'ERR_FLOW_CONFIG', 'interpolant.gamma(1)'],
    ['reversed time', { alpha: (t: number) => 1 - t, sigma: (t: number) => t }, 'ERR_FLOW_CONFIG', 'interpolant.alpha(0)'],
    ['a sigma that stays at the data', { alpha: (t: number) => t, sigma: (t: number) => 1 - 0.9 * t }, 'ERR_FLOW_CONFIG', 'interpolant.sigma(1)'],
    ['a wrong derivative', { gamma: (t: number) => t * (1 - t), dGamma: (t: number) => 1 - t }, 'ERR_FLOW_CONFIG', /^interpolant\(0\.\d+\)\.dGamma$/],
    ['a slightly wrong derivative', { alpha: (t: number) => t, sigma: (t: number) => 1 - t, dAlpha: () => 1.001 }, 'ERR_FLOW_CONFIG', /dAlpha/],
    ['a gamma too steep for [0, 1]', { gamma: root }, 'ERR_FLOW_CONFIG', /^interpolant\(/],
    [
      'an infinite derivative',
      { gamma: root, dGamma: (t: number) => (0.25 * (1 - 2 * t)) / Math.sqrt(t * (1 - t)) },
      'ERR_FLOW_NONFINITE',
      'interpolant.dGamma(0)',
    ],
    ['a gamma that is NaN inside', { gamma: (t: number) => (t > 0.4 && t < 0.6 ? Number.NaN : t * (1 - t)) }, 'ERR_FLOW_NONFINITE', /^interpolant.gamma\(0\.4/],
    ['a bend', { alpha: (t: number) => t, sigma: (t: number) => 1 - t, gamma: (t: number) => Math.min(t, 1 - t) }, 'ERR_FLOW_CONFIG', /^interpolant\(/],
    ['alpha without sigma', { alpha: (t: number) => t }, 'ERR_FLOW_CONFIG', 'interpolant.sigma'],
    ['a shape beside alpha', { alpha: (t: number) => t, sigma: (t: number) => 1 - t, shape: 'linear' }, 'ERR_FLOW_CONFIG', 'interpolant.shape'],
    ['an unknown shape', { shape: 'linar' }, 'ERR_FLOW_CONFIG', 'interpolant.shape'],
    ['an unknown gamma', { gamma: 'sin' }, 'ERR_FLOW_CONFIG', 'interpolant.gamma'],
    ['the scale of a function', { gamma: (t: number) => t * (1 - t), scale: 2 }, 'ERR_FLOW_CONFIG', 'interpolant.scale'],
    ['a derivative of what is ready-made', { dGamma: () => 0 }, 'ERR_FLOW_CONFIG', 'interpolant.dGamma'],
    ['times of what is ready-made', { tMin: 0.1 }, 'ERR_FLOW_CONFIG', 'interpolant.tMin'],
    [
      'times beyond a brownian gamma',
      { alpha: (t: number) => t, sigma: (t: number) => 1 - t, gamma: 'brownian', tMin: 0 },
      'ERR_FLOW_RANGE',
      'interpolant.tMin',
    ],
    ['the name of condOT()', { gamma: (t: number) => t * (1 - t), name: 'condOT' }, 'ERR_FLOW_CONFIG', 'interpolant.name'],
    ['no name', { gamma: (t: number) => t * (1 - t), name: '' }, 'ERR_FLOW_TYPE', 'interpolant.name'],
    ['no scale', { scale: 0 }, 'ERR_FLOW_RANGE', 'interpolant.scale'],
    ['the letter of the papers', { beta: (t: number) => t }, 'ERR_FLOW_CONFIG', 'interpolant.beta'],
    [
      'a function that throws',
      {
        gamma: () => {
          throw new Error('boo');
        },
      },
      'ERR_FLOW_CONFIG',
      'interpolant.gamma(0)',
    ],
    ['words', { gamma: () => 'a' }, 'ERR_FLOW_TYPE', 'interpolant.gamma(0)'],
  ])('refuse %s', (_, options, code, path) => {
    expect(() => interpolant(options)).toThrow(expect.objectContaining({ code, path: typeof path === 'string' ? path : expect.stringMatching(path) }));
  });

  it('have three terms, which no conversion tells apart', () => {
    for (const path of [condOT({ sigma: 0.1 }), interpolant(), schrodingerBridge({ sigma: (t) => 1 + t })])
      for (const to of ['x1', 'noise', 'score'] as const)
        expect(() => conversion(path, 0.5, 'velocity', to)).toThrow(
          expect.objectContaining({ code: 'ERR_FLOW_CONFIG', hint: expect.stringContaining('three terms') }),
        );
  });
});

describe('a bridge of given diffusion', () => {
  /** sigma = 1 + t: F = ((1 + t)^3 - 1) / 3. */
  const closed = {
    at: (t: number): PathPoint => {
      const [F, F1, rate] = [((1 + t) ** 3 - 1) / 3, 7 / 3, (1 + t) ** 2];
      const gamma = Math.sqrt(F - (F * F) / F1);
      return { alpha: F / F1, sigma: 1 - F / F1, gamma, dAlpha: rate / F1, dSigma: -rate / F1, dGamma: (rate - (2 * F * rate) / F1) / (2 * gamma) };
    },
  };

  it('is its closed form', () => {
    expect(apart(closed, schrodingerBridge({ sigma: (t) => 1 + t }))).toBeLessThan(1e-6); // what a table may miss
    expect(diffusionOf(schrodingerBridge({ sigma: (t) => 1 + t }))).toEqual({ sigma: expect.closeTo(Math.sqrt(7 / 3), 9), varies: true });
  });

  it('of a constant function is that of the number', () => {
    expect(apart(schrodingerBridge({ sigma: 0.7 }), schrodingerBridge({ sigma: () => 0.7 }))).toBeLessThan(1e-6);
    expect(apart(schrodingerBridge({ sigma: 0.7 }), schrodingerBridge({ sigma: Float32Array.of(0.5, 0.5) }))).toBeGreaterThan(0.1);
    expect(diffusionOf(schrodingerBridge({ sigma: () => 0.7 }))).toEqual({ sigma: expect.closeTo(0.7, 9), varies: false });
    expect(diffusionOf(schrodingerBridge({ sigma: 0.7 }))).toEqual({ sigma: 0.7, varies: false });
  });

  it('keeps all its noise: gamma^2 rises as sigma^2 at the start, and the same at the data', () => {
    const sigma = (t: number): number => Math.exp(Math.sin(5 * t));
    const path = schrodingerBridge({ sigma });
    const { tMin, tMax } = path;
    expect(path.at(tMin).gamma ** 2 / tMin).toBeCloseTo(sigma(tMin / 2) ** 2, 2);
    expect(path.at(tMax).gamma ** 2 / (1 - tMax)).toBeCloseTo(sigma(1 - tMin / 2) ** 2, 2);
  });

  it('runs through values without overshooting', () => {
    // SciPy 1.17.1, PchipInterpolator([0, .25, .5, .75, 1], [1, 3, 2, 2, 0.5])([.1, .2, .3, .6, .7, .8, .95]).
    const read = monotoneCubic([1, 3, 2, 2, 0.5]);
    const want = [2.208, 2.904, 2.896, 2, 2, 1.916, 0.944];
    [0.1, 0.2, 0.3, 0.6, 0.7, 0.8, 0.95].forEach((t, i) => void expect(read(t)).toBeCloseTo(want[i] as number, 12));
    expect([read(0), read(0.25), read(1)]).toEqual([1, 3, 0.5]);
    expect(monotoneCubic([1, 2])(0.3)).toBeCloseTo(1.3, 15);
  });

  it('integrates sigma^2 exactly', () => {
    const { until, total } = runningVariance((t: number) => 1 + t, 'sigma');
    expect(total).toBeCloseTo(7 / 3, 13); // a sum of 2048 cells

    for (const t of [0, 1e-7, 0.001, 0.3, 0.5, 0.99999, 1]) expect(until(t)).toBeCloseTo(((1 + t) ** 3 - 1) / 3, 13);
  });

  it('is its own file', () => {
    const known = resolvePath(schrodingerBridge({ sigma: (t) => 1 + t }));
    const again = restorePath(structuredClone(storePath(known)));
    expect(again.name).toBe('schrodingerBridge');
    expect(diffusionOf(again)).toEqual(diffusionOf(known));
  });

  it.each<[string, unknown, string, string | RegExp]>([
    ['none', 0, 'ERR_FLOW_RANGE', 'schrodingerBridge.sigma'],
    ['one that vanishes', (t: number) => t, 'ERR_FLOW_RANGE', /^schrodingerBridge\.sigma\(/],
    ['one that explodes', (t: number) => 1 / t, 'ERR_FLOW_RANGE', /^schrodingerBridge\.sigma\(/],
    ['one that jumps', (t: number) => (t < 0.5 ? 1 : 2), 'ERR_FLOW_CONFIG', /^schrodingerBridge\.sigma\(0\.(49|50)/],
    ['one that is not a number', () => Number.NaN, 'ERR_FLOW_NONFINITE', /^schrodingerBridge\.sigma\(/],
    ['one value', [1], 'ERR_FLOW_SHAPE', 'schrodingerBridge.sigma'],
    ['a value of 0', [1, 0, 1], 'ERR_FLOW_RANGE', 'schrodingerBridge.sigma[1]'],
    ['a word among values', [1, 'a'], 'ERR_FLOW_TYPE', 'schrodingerBridge.sigma[1]'],
    ['a word', 'a', 'ERR_FLOW_TYPE', 'schrodingerBridge.sigma'],
    ['a record', {}, 'ERR_FLOW_TYPE', 'schrodingerBridge.sigma'],
  ])('refuses %s', (_, sigma, code, path) => {
    expect(() => schrodingerBridge({ sigma: sigma as never })).toThrow(
      expect.objectContaining({ code, path: typeof path === 'string' ? path : expect.stringMatching(path) }),
    );
  });
});

describe('definePath', () => {
  it('takes a finer table where a path is steep', () => {
    const at = (t: number) => ({ alpha: t, sigma: 1 - t, gamma: root(t), dAlpha: 1, dSigma: -1, dGamma: (0.25 * (1 - 2 * t)) / Math.sqrt(t * (1 - t)) });
    const path = definePath({ name: 'steep', tMin: 0.001, tMax: 0.999, at });
    expect(path.table.length).toBe(12 * 16385);
    expect(apart({ at }, path)).toBeLessThan(1e-6);
  });
});
