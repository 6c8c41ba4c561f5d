// The frame against a closed form, for every pair of paths and every prediction: a network that says exactly what it was trained to say on one path gives the
// velocity, the score and the SDE drift of a mixture on any other path, at all times and at the ends; nothing is NaN anywhere.

import { describe, expect, it } from 'vitest';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { cosine } from '../../lib/paths/cosine.ts';
import { definePath } from '../../lib/paths/custom.ts';
import { edge, makeFrame, type Prediction, stageRows, trainedKinds } from '../../lib/paths/frame.ts';
import { cubicsOf, frameAt, frameTable, readCubics } from '../../lib/paths/frame-table.ts';
import { linearVP } from '../../lib/paths/linear-vp.ts';
import type { Path } from '../../lib/paths/path.ts';
import { resolvePath } from '../../lib/paths/paths.ts';
import { polynomial } from '../../lib/paths/polynomial.ts';
import type { KnownPath } from '../../lib/paths/restore.ts';
import { ve } from '../../lib/paths/ve.ts';
import { vp } from '../../lib/paths/vp.ts';
import { type Field, framed, integrateFramed } from '../../lib/sampling/reference/integrate.ts';
import { uniformGrid } from '../../lib/solvers/grid.ts';
import { euler, heun, midpoint, rk4 } from '../../lib/solvers/solvers.ts';
import { type Component, gaussianField, gaussianMap, mixtureField, mixtureScore, type PlaneNormal } from '../cases/closed-forms.ts';

const q = Math.PI / 2;
const own = definePath({
  name: 'own cosine',
  at: (t) => ({ alpha: Math.sin(q * t), sigma: Math.cos(q * t), dAlpha: q * Math.cos(q * t), dSigma: -q * Math.sin(q * t) }),
});
const paths: KnownPath[] = [
  condOT(),
  condOT({ sigmaMin: 0.1 }),
  polynomial(),
  polynomial({ power: 4 }),
  linearVP(),
  cosine(),
  vp(),
  ve(),
  ve({ sigmaMax: 8 }),
  own,
];
const label = (path: Path): string => `${path.name} ${path.at(0).sigma.toFixed(0)} ${path.at(0.5).alpha.toFixed(2)} ${path.at(1).sigma.toFixed(2)}`;
const components: Component[] = [
  { weight: 0.25, mean: [3, 0], std: 0.4 },
  { weight: 0.75, mean: [-1, 2], std: 0.7 },
];
const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };

/** What a perfect network says at (t, x) on its path, by Tweedie: x1 = (x + sigma^2 score) / alpha, x0 = -sigma score. */
function perfect(kind: Prediction, path: Path, velocity: Field, score: Field): Field {
  if (kind === 'velocity') return velocity;
  return (x, t) => {
    const { alpha, sigma } = path.at(t);
    const s = score(x, t);
    return kind === 'noise' ? s.map((v) => -sigma * v) : x.map((v, i) => (v + sigma * sigma * (s[i] as number)) / alpha);
  };
}

const base = Float64Array.of(0.3, -0.7, 2, 1, -1.5, 0.1);

describe.each(paths.map((path) => [label(path), path] as const))('trained on %s', (_, trained) => {
  it.each(trainedKinds)('%s, sampled along every path', (kind) => {
    const net = perfect(kind, trained, mixtureField(components, trained), mixtureScore(components, trained));
    for (const path of paths) {
      const frame = makeFrame(trained, kind, path === trained ? trained : path);
      const { from, to, top } = frame;
      expect(from < to && to <= top && top <= path.tMax, label(path)).toBe(true);
      for (const u of [0, 1e-7, 1e-3, 0.25, 0.5, 0.75, 0.999, 1 - 1e-7, 1]) {
        const t = Math.min(from + u * (to - from), to);
        const at = `${label(path)} at ${t}`;
        const row = frame.slope(t);
        for (const value of Object.values(row)) expect(Number.isFinite(value), at).toBe(true);
        const { alpha, sigma } = path.at(t);
        const x = base.map((v) => v * Math.max(1, sigma));
        const near = trained.at(row.tau);
        if (kind === 'x1' && near.alpha < 1e-4) continue; // the oracle itself divides by alpha
        const close = (got: Float64Array, want: Float64Array, terms: { b: number; c: number; a: number }): void => {
          const said = net(
            x.map((v) => terms.a * v),
            row.tau,
          );
          // Rounding: 1e-15 of the terms, of tau (known to 1e-15 alpha sigma / D, so that 1e-13 does) and, for a path read from its table, 1e-9.
          const exact = trained === own || path === own ? 3e-9 : 1e-12;
          got.forEach((v, i) => {
            const size = Math.abs(terms.b * (x[i] as number)) + Math.abs(terms.c) * (1 + Math.abs(said[i] as number)) + Math.abs(want[i] as number);
            expect(Math.abs(v - (want[i] as number)), at).toBeLessThan(exact * (1 + size) * (1 + 1 / Math.max(near.sigma, 1e-3)));
          });
        };
        close(framed(net, row, x), mixtureField(components, path)(x, t), row);
        if (sigma < 1e-3) continue;
        const score = frame.score(t);
        close(framed(net, score, x), mixtureScore(components, path)(x, t), score);
        const g = 0.8;
        const drift = frame.drift(t, g);
        const u0 = mixtureField(components, path)(x, t);
        const s0 = mixtureScore(components, path)(x, t);
        close(
          framed(net, drift, x),
          u0.map((v, i) => v + 0.5 * g * g * (s0[i] as number)),
          drift,
        );
        // Whatever is asked of it is a mix of x1 and x0: their means, by Tweedie.
        if (alpha < 1e-3) continue;
        const data = frame.mix(t, 1, 0);
        close(
          framed(net, data, x),
          x.map((v, i) => (v + sigma * sigma * (s0[i] as number)) / alpha),
          data,
        );
      }
    }
  });
});

describe.each([condOT(), polynomial({ power: 4 }), vp(), own].map((path) => [label(path), path] as const))('trained on %s', (_, trained) => {
  it.each(trainedKinds)('%s: the table is the frame', (kind) => {
    for (const path of [condOT({ sigmaMin: 0.1 }), polynomial(), linearVP(), ve()]) {
      const frame = makeFrame(trained, kind, path);
      const table = frameTable(frame);
      if (table === null) {
        expect(frame.identity).toBe(true);
        continue;
      }
      expect(table.times.length).toBeLessThan(2000);
      for (let k = 0; k <= 200; k++) {
        const t = frame.from + ((frame.to - frame.from) * k) / 200;
        const [read, exact] = [frameAt(table, t), frame.slope(t)];
        for (const key of ['a', 'tau', 'b', 'c'] as const) expect(Math.abs(read[key] - exact[key])).toBeLessThan(1e-6 * (1 + Math.abs(exact[key])));
      }
    }
  });
});

describe('the same end points along another path', () => {
  it.each(paths.map((path) => [label(path), path] as const))('trained on %s', (_, trained) => {
    const field = gaussianField(normal, trained);
    for (const path of paths) {
      const frame = makeFrame(trained, 'velocity', path);
      // From the state that the flow of the trained path has at the meeting of the two.
      const { a, tau } = frame.slope(frame.from);
      const x0 = base.map((v) => v * trained.at(trained.tMin).sigma);
      const start = gaussianMap(normal, trained, x0, tau).map((v) => v / a);
      const grid = [...uniformGrid(800, frame.from, frame.top), ...(frame.closes ? [1] : [])];
      const got = integrateFramed(rk4(), frame, field, start, grid);
      const end = path.at(path.tMax);
      const [alpha, sigma] = path.tMax < 1 || (frame.closes && end.sigma === 0) ? [1, 0] : [end.alpha, end.sigma];
      const last = frame.slope(frame.to);
      const reached = trained.at(last.tau);
      // The exact map of the trained path to (alpha, sigma), whatever it has there; an exact step is right to sigma^2 / (2 s^2) of the distance from the mean.
      const exact = gaussianMap(normal, { ...trained, at: (t) => (t === 2 ? { ...trained.at(1), alpha, sigma } : trained.at(t)) }, x0, 2);
      const left = frame.closes || frame.to < frame.top ? (0.5 * (reached.sigma / reached.alpha) ** 2) / 0.3 ** 2 : 0;
      for (let r = 0; r < x0.length; r += 2) {
        const far = Math.hypot((exact[r] as number) - 1.5 * alpha, (exact[r + 1] as number) + alpha);
        const off = Math.hypot((got[r] as number) - (exact[r] as number), (got[r + 1] as number) - (exact[r + 1] as number));
        // Order 4 on fields whose rates grow as 1 / t near a noise end that velocities tell little of: 1e-4 of the state there.
        expect(off, label(path)).toBeLessThan(1.2 * left * far + 2e-4 * (1 + far));
      }
    }
  });
});

describe('ends', () => {
  // A network of error 0.01 and 50 steps: the conversion alone, its time held off the end by 1e-5, drifts by whole units. What the frame does stays near 0.01.
  const error = 0.01;
  const field = { x1: null, noise: null } as const;
  const data = { alpha: 1, sigma: 0 };
  const path = condOT();
  const exact = (kind: keyof typeof field): Field => {
    const score: Field = (x, t) => x.map((v) => -v / (t * t + (1 - t) * (1 - t))); // N(0, 1)
    return perfect(kind, path, gaussianField({ mean: [0, 0], std: [1, 1], angle: 0 }, path), score);
  };
  const right =
    (kind: keyof typeof field): Field =>
    (x, t) =>
      t === 0 && kind === 'x1' ? x.map(() => 0) : exact(kind)(x, t);
  const wrong =
    (kind: keyof typeof field): Field =>
    (x, t) =>
      right(kind)(x, t).map((v) => v + error);
  const naive = (kind: keyof typeof field): { slope: (t: number) => ReturnType<ReturnType<typeof makeFrame>['slope']> } => {
    const frame = makeFrame(path, kind);
    return { slope: (t) => frame.mix(Math.min(Math.max(t, 1e-5), 1 - 1e-5), data.alpha, -1) };
  };

  it.each([
    ['x1', heun(), 5],
    ['noise', euler(), 5],
  ] as const)('%s: a clamp alone drifts, the frame does not', (kind, solver, least) => {
    const start = Float64Array.of(0.4, -1.1);
    const never = { exact: () => false, step: () => ({ a: 1, tau: 0, b: 1, c: 0 }) };
    const drifted = integrateFramed(solver, { ...naive(kind), ...never }, wrong(kind), start, uniformGrid(50));
    expect(Math.max(...drifted.map((v, i) => Math.abs(v - (start[i] as number))))).toBeGreaterThan(least);
    const frame = makeFrame(path, kind);
    const from = start.map((v) => v * frame.startScale);
    for (const method of [euler(), heun(), midpoint(), rk4()]) {
      const [got, without] = [wrong(kind), right(kind)].map((net) => integrateFramed(method, frame, net, from, uniformGrid(50, frame.from, frame.top)));
      // Steps of h = 1 / 50 add h / (1 - t) (x1) or h / t (noise) of the error: in all 1 + 1/2 + ... + 1/49 = 4.5 of it; x1 once more at the end, noise h / from = 10.2
      // at its start, for Euler, who has one look there.
      const bound = kind === 'x1' ? 6 * error : 16 * error;
      got?.forEach((v, i) => void expect(Math.abs(v - (without?.[i] as number)), method.name).toBeLessThan(bound));
    }
  });

  it('x1 ends with the exact step: right for a point, whatever came before', () => {
    for (const one of [condOT(), cosine(), polynomial(), linearVP(), vp()]) {
      const frame = makeFrame(one, 'x1');
      const point: Field = (x) => x.map((_, i) => [2, -3][i % 2] as number);
      const grid = [...uniformGrid(5, frame.from, frame.top), ...(frame.closes ? [1] : [])];
      integrateFramed(heun(), frame, point, Float64Array.of(0.3, 0.9), grid).forEach((v, i) => void expect(v).toBeCloseTo([2, -3][i % 2] as number, 12));
    }
    const last = stageRows(makeFrame(condOT(), 'x1'), euler(), [0.5, 1]) as Float64Array;
    expect(Array.from(last)).toEqual([1, 0.5, -2, 2]); // x + h (-2 x + 2 x1) = x1
  });

  it('noise starts where alpha / sigma = 1 / 512, with the bias that the mean has there', () => {
    const frame = makeFrame(condOT(), 'noise');
    expect(frame.from).toBeCloseTo(1 / 513, 12);
    expect(frame.from).toBeGreaterThan(1e-3);
    expect(frame.startScale).toBeCloseTo(512 / 513, 12);
    // N(m, s^2): what is left out is alpha m, which the flow carries to s alpha m / sqrt(alpha^2 s^2 + sigma^2).
    const round: PlaneNormal = { mean: [4, 4], std: [0.5, 0.5], angle: 0 };
    const score: Field = (x, t) => x.map((v) => -(v - 4 * t) / (0.25 * t * t + (1 - t) * (1 - t)));
    const net = perfect('noise', condOT(), gaussianField(round, condOT()), score);
    const z = Float64Array.of(0.7, -0.2);
    const got = integrateFramed(
      rk4(),
      frame,
      net,
      z.map((v) => v * frame.startScale),
      uniformGrid(400, frame.from, 1),
    );
    const { alpha, sigma } = condOT().at(frame.from);
    got.forEach((v, i) => {
      const want = 4 + (0.5 * (sigma * (z[i] as number) - alpha * 4)) / Math.sqrt(0.25 * alpha * alpha + sigma * sigma);
      expect(Math.abs(v - want)).toBeLessThan(1e-5);
      expect(Math.abs(v - 4 - 0.5 * (z[i] as number))).toBeLessThan(1.1 * edge * 4 * 0.5);
    });
  });

  it('refuses what a bridge cannot tell', () => {
    const bridge = resolvePath({
      name: 'bridge',
      at: (t: number) => ({ alpha: t, sigma: 1 - t, gamma: t * (1 - t), dAlpha: 1, dSigma: -1, dGamma: 1 - 2 * t }),
    });
    expect(makeFrame(bridge, 'velocity').identity).toBe(true);
    expect(() => makeFrame(bridge, 'x1')).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }));
    expect(() => makeFrame(condOT(), 'velocity', bridge)).toThrow(/gamma/);
    expect(() => makeFrame(bridge, 'velocity', condOT())).toThrow(/gamma/);
  });
});

describe('cubics', () => {
  it('hold several functions to 1e-8, at every scale', () => {
    const table = cubicsOf((t) => [1 / (1.001 - t), Math.sin(9 * t), 3], 0, 1);
    for (let k = 0; k <= 1000; k++) {
      const t = k / 1000;
      const [a, b, c] = readCubics(table, t) as [number, number, number];
      expect(Math.abs(a * (1.001 - t) - 1)).toBeLessThan(1e-5);
      expect(Math.abs(b - Math.sin(9 * t))).toBeLessThan(1e-7);
      expect(c).toBeCloseTo(3, 12);
    }
    expect(readCubics(table, 7)).toEqual(readCubics(table, 1));
    expect(readCubics(table, -7)).toEqual(readCubics(table, 0));
  });
});
