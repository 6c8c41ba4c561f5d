// The four forms of a prediction against the points they are made of, at all t and at the ends; and against closed forms of the score.

import { describe, expect, it } from 'vitest';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { conversion, convert } from '../../lib/paths/convert.ts';
import { cosine } from '../../lib/paths/cosine.ts';
import { linearVP } from '../../lib/paths/linear-vp.ts';
import type { PredictionKind } from '../../lib/paths/mix.ts';
import type { Path } from '../../lib/paths/path.ts';
import { polynomial } from '../../lib/paths/polynomial.ts';
import { ve } from '../../lib/paths/ve.ts';
import { vp } from '../../lib/paths/vp.ts';

const kinds = ['velocity', 'x1', 'noise', 'score'] as const;
const paths: Path[] = [condOT(), condOT({ sigmaMin: 0.1 }), polynomial({ power: 3 }), linearVP(), cosine(), vp(), ve({ sigmaMax: 8 })];
const [x1, x0] = [1.3, -0.4];

/** The state and its four forms at t, from x1 and x0. */
function truth(path: Path, t: number): Record<PredictionKind | 'x', number> {
  const { alpha, sigma, dAlpha, dSigma } = path.at(t);
  return { x: alpha * x1 + sigma * x0, velocity: dAlpha * x1 + dSigma * x0, x1, noise: x0, score: -x0 / sigma };
}

/** Which conversions have no value at an end: what they must divide by is zero there. */
function singular(path: Path, t: number, from: PredictionKind, to: PredictionKind): boolean {
  const { alpha, sigma, dAlpha, dSigma } = path.at(t);
  const d = dAlpha * sigma - alpha * dSigma;
  if (to === 'velocity' && dAlpha === 0 && (from === 'noise' || from === 'score')) return false; // u = dSigma x0, whatever alpha is
  if (from === 'velocity' && d === 0 && alpha === 0 && to !== 'x1') return false; // the state alone tells x0
  const by = { velocity: to === 'score' ? sigma * d : d, x1: sigma, noise: to === 'score' ? sigma : alpha, score: to === 'noise' ? 1 : alpha }[from];
  return from !== to && by === 0;
}

describe.each(paths.map((path) => [path.name, path] as const))('%s', (_, path) => {
  it.each(kinds.flatMap((from) => kinds.map((to) => [from, to] as const)))('%s -> %s', (from, to) => {
    for (const t of [0, 1e-7, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-7, 1].filter((one) => one <= path.tMax)) {
      const want = truth(path, t);
      if (from === 'score' && path.at(t).sigma === 0) continue; // there is no score to start from
      if (singular(path, t, from, to)) {
        expect(() => conversion(path, t, from, to), `t = ${t}`).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 't' }));
        continue;
      }
      const by = conversion(path, t, from, to);
      const got = convert({ path, t, from, to, x: [want.x], value: [want[from]] })[0] as number;
      // Rounding: 2^-52 of the terms that the result is a difference of, a few of them.
      const slack = 1e-14 * (1 + Math.abs(by.x * want.x) + Math.abs(by.value * want[from]) + Math.abs(want[to]));
      const { alpha, sigma, dAlpha, dSigma } = path.at(t);
      const terms = Math.abs(alpha * dSigma) + Math.abs(sigma * dAlpha) + Math.abs(dAlpha) + Math.abs(dSigma);
      expect(Number.isFinite(got)).toBe(true);
      expect(Math.abs(got - want[to]), `t = ${t}`).toBeLessThan(slack * (1 + terms));
    }
  });
});

describe('conversions', () => {
  it('of condOT are those everybody knows', () => {
    expect(conversion(condOT(), 0.25, 'velocity', 'x1')).toEqual({ x: 1, value: 0.75 });
    expect(conversion(condOT(), 0.25, 'velocity', 'noise')).toEqual({ x: 1, value: -0.25 });
    expect(conversion(condOT(), 0.25, 'velocity', 'score').x).toBeCloseTo(-1 / 0.75, 15);
    expect(conversion(condOT(), 1, 'velocity', 'x1')).toEqual({ x: 1, value: 0 });
    expect(conversion(condOT(), 0, 'x1', 'velocity')).toEqual({ x: -1, value: 1 });
  });

  it('refuse what they cannot turn', () => {
    const right = { path: condOT(), t: 0.5, from: 'velocity', to: 'x1', x: [1, 2], value: [1, 2] } as const;
    expect(() => convert({ ...right, value: [1] })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_SHAPE', received: '1 number' }));
    expect(() => convert({ ...right, to: 'scor' as never })).toThrow(/Did you mean "score"/);
    expect(() => convert({ ...right, t: 1.1 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
    expect(() => conversion(vp(), 1, 'velocity', 'x1')).toThrow(/0.999/);
    const bridge = (t: number) => ({ alpha: t, sigma: 1 - t, gamma: t * (1 - t), dAlpha: 1, dSigma: -1, dGamma: 1 - 2 * t });
    expect(() => conversion({ name: 'bridge', tMin: 0, tMax: 1, at: bridge }, 0.5, 'velocity', 'x1')).toThrow(
      expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }),
    );
  });
});
