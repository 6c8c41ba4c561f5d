// Log-densities and scores that are known in closed form, by the native core: of a mixture whose flow is known on every path (test/cases/mixture-flow.ts).

import { describe, expect, it } from 'vitest';
import { condOT, dopri5, euler, Model } from '../../lib/index.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { withDivergence, withEstimates } from '../../lib/network/tangent.ts';
import { type Frame, frameOf } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { adaptiveRequest, frameTable } from '../../lib/sampling/adaptive.ts';
import { tableauArrays } from '../../lib/solvers/solvers.ts';
import { mixtureRows, mixtureScore } from '../cases/closed-forms.ts';
import { components, d, logMixture, m, program, request, rows, slope, variance } from '../cases/mixture-flow.ts';
import { affinePaths, stirredPaths } from '../cases/paths.ts';
import { sampleRequest } from '../native-binding/support.ts';
import { untrained } from '../support/models.ts';

describe.each([...affinePaths, ...stirredPaths])('%s', (_, path) => {
  it('the log-density of a mixture is exact to 1e-4 nats', async () => {
    const { words, constants } = encodeProgram(withDivergence(program));
    const net = new (native().Network)(words, constants, Float32Array.from([...m, ...m]));
    const solve = request(path, 400);
    const { x } = net.sampleSync(solve); // where the rows come from
    const { logDensity } = await net.logDensity({ ...solve, save: new Int32Array(0) }).done;
    net.dispose();
    const scale = solve.sourceScale;
    logDensity.forEach((got, r) => {
      const row = (of: Float32Array): Float32Array => of.subarray(r * d, (r + 1) * d);
      // The base is N(0, scale^2), which is p at tMin but for what alpha(tMin) leaves of the data.
      const base = -row(x).reduce((sum, z) => sum + z * z, 0) / (2 * scale * scale) - d * Math.log(scale * Math.sqrt(2 * Math.PI));
      const [first, last] = [logMixture(path, path.tMin, row(x)), logMixture(path, path.tMax, row(solve.initial as Float32Array))];
      expect(Math.abs(got - (last - first + base)), `row ${r}: ${got}, ${last - first + base}`).toBeLessThan(1e-4);
      if (path.at(path.tMin).alpha === 0) expect(Math.abs(got - last), `row ${r}: ${got}, ${last}`).toBeLessThan(1e-4); // the base is that law
    });
  });

  it('with error control too, and that of one Gaussian: every row by steps of its own', async () => {
    const { words, constants } = encodeProgram(withDivergence(program));
    const { tMin, tMax } = path;
    const { a, b, c, adaptive } = adaptiveRequest(dopri5({ rtol: 1e-7, atol: 1e-7 }) as Parameters<typeof adaptiveRequest>[0], frameOf(untrained(d)), true);
    const control = { ...adaptive, frame: frameTable({ from: tMin, to: tMax, slope: (t: number) => slope(path, t) } as unknown as Frame) };
    const fixed = request(path, 1);
    const solve = { ...fixed, a, b, c, frame: null, adaptive: control, weight: 0.1 };
    const scale = solve.sourceScale;
    for (const mean of [m, [0, 0, 0]]) {
      const net = new (native().Network)(words, constants, Float32Array.from([...mean, ...mean]));
      const { x } = net.sampleSync(solve);
      const { logDensity, rowStatus, rowNfe } = await net.logDensity({ ...solve, save: new Int32Array(0) }).done;
      net.dispose();
      expect(rowStatus).toEqual(new Uint8Array(rows));
      expect(new Set(rowNfe).size).toBeGreaterThan(1);
      const log = (t: number, row: Float32Array): number =>
        mean === m
          ? logMixture(path, t, row)
          : -row.reduce((sum, z) => sum + z * z, 0) / (2 * variance(path, t)) - (d / 2) * Math.log(2 * Math.PI * variance(path, t));
      logDensity.forEach((got, r) => {
        const row = (of: Float32Array): Float32Array => of.subarray(r * d, (r + 1) * d);
        const base = -row(x).reduce((sum, z) => sum + z * z, 0) / (2 * scale * scale) - d * Math.log(scale * Math.sqrt(2 * Math.PI));
        const exact = log(tMax, row(solve.initial as Float32Array)) - log(tMin, row(x)) + base;
        expect(Math.abs(got - exact), `row ${r}: ${got}, ${exact}`).toBeLessThan(1e-4);
      });
    }
  });
});

describe.each(affinePaths)('%s', (_, path) => {
  it('the score of a model is that of its velocity, up to the ends', async () => {
    // A record whose velocity is that of pure noise, v = 0 network: score = -dAlpha x / (sigma D).
    const stored = storePath(resolvePath(path));
    const made = Model.fromRecord(untrained(d, { hidden: [2], zeroOutput: true }, { path: stored }));
    const states = mixtureRows(components, 5, 6);
    for (const t of [path.tMin, 1e-3, 0.5, path.tMax === 1 ? 0.99 : path.tMax]) {
      const { alpha, sigma, dAlpha, dSigma } = path.at(t);
      const { score } = await made.score(states, { t });
      score.forEach((got, i) => {
        const exact = alpha === 0 ? -(states[i] as number) / (sigma * sigma) : (-dAlpha * (states[i] as number)) / (sigma * (dAlpha * sigma - alpha * dSigma));
        expect(Math.abs(got - exact)).toBeLessThan(1e-6 * Math.max(1, Math.abs(exact)));
      });
    }
    if (path.at(path.tMax).sigma === 0) expect(() => made.score(states, { t: 1 })).toThrow(/a time at which sigma > 0/);
    made.dispose();
  });
});

describe('the mixture', () => {
  it('is estimated without bias: 4096 probes lie within five standard errors, and their error falls with their number', async () => {
    const truth = withDivergence(program);
    const [exact, net] = [truth, withEstimates(program, 8)].map((one) => {
      const { words, constants } = encodeProgram(one);
      return new (native().Network)(words, constants, Float32Array.from([...m, ...m]));
    }) as [InstanceType<ReturnType<typeof native>['Network']>, InstanceType<ReturnType<typeof native>['Network']>];
    const solve = { ...request(condOT(), 20), save: new Int32Array(0) };
    const { logDensity: want } = await exact.logDensity(solve).done;
    const few = await net.logDensity({ ...solve, probes: 64 }).done;
    const many = await net.logDensity({ ...solve, probes: 4096 }).done;
    for (const network of [exact, net]) network.dispose();
    let ratio = 0;
    want.forEach((value, r) => {
      expect(Math.abs((many.logDensity[r] as number) - value)).toBeLessThan(5 * (many.standardError[r] as number) + 1e-5);
      ratio += (few.standardError[r] as number) / (many.standardError[r] as number) / rows;
    });
    expect(ratio).toBeGreaterThan(6); // sqrt(4096 / 64) = 8; a sum instead of a mean, or fresh signs at each stage, gives another number
    expect(ratio).toBeLessThan(10);
  });

  it('has the variance of one set of signs for a whole solve: 2 (sum of J_ij^2 off the diagonal), integrated along with the field', async () => {
    // With one Euler step from tMax the estimate is h s^T J s: its variance is known from J = c a (1 - tanh^2) m m^T.
    const { words, constants } = encodeProgram(withEstimates(program, 8));
    const net = new (native().Network)(words, constants, Float32Array.from([...m, ...m]));
    const { a, b, c } = tableauArrays(euler());
    const frame = Float64Array.of(0.7, 0.5, 0.2, 1.3);
    const initial = Float32Array.from(m);
    const one = sampleRequest(1, 1, { a, b, c, grid: Float64Array.of(1, 0), frame, initial, save: new Int32Array(0) });
    const { standardError } = await net.logDensity({ ...one, probes: 4096, columns: null, constant: 0 }).done;
    net.dispose();
    const square = m.reduce((sum, v) => sum + v * v, 0);
    const slope = 1.3 * 0.7 * (1 - Math.tanh(0.7 * square) ** 2);
    const off = m.flatMap((p, i) => m.map((q, j) => (i === j ? 0 : (slope * p * q) ** 2))).reduce((sum, value) => sum + value, 0);
    // Three off-diagonal products with signs +-1: the sample variance of 4096 draws lies within 10 %.
    expect(Math.abs(((standardError[0] as number) * Math.sqrt(4096)) ** 2 / (2 * off) - 1)).toBeLessThan(0.1);
  });

  it('keeps its signs for the whole solve: ten steps have the variance of one, not a tenth of it', async () => {
    // a is so small that tanh is linear: J = c a m m^T at every state, and the estimate is sum_k h_k s^T J s with the same s.
    const { words, constants } = encodeProgram(withEstimates(program, 8));
    const net = new (native().Network)(words, constants, Float32Array.from([...m, ...m]));
    const steps = 10;
    const frame = Float64Array.from({ length: 4 * steps }, (_, i) => [1e-4, 0.5, 0, 0.3e4][i % 4] as number);
    const grid = Float64Array.from({ length: steps + 1 }, (_, k) => 1 - k / steps);
    const one = sampleRequest(1, steps, { ...tableauArrays(euler()), grid, frame, initial: Float32Array.from(m), save: new Int32Array(0) });
    const { standardError } = await net.logDensity({ ...one, probes: 4096, columns: null, constant: 0 }).done;
    net.dispose();
    const off = m.flatMap((p, i) => m.map((q, j) => (i === j ? 0 : (0.3 * p * q) ** 2))).reduce((sum, value) => sum + value, 0);
    expect(Math.abs(((standardError[0] as number) * Math.sqrt(4096)) ** 2 / (2 * off) - 1)).toBeLessThan(0.1);
  });

  it('has the score of its field at every state', () => {
    // grad log p_t from u by the table: the closed form on both sides, so that the table's convention is held to the density's.
    const path = condOT();
    const x = Float64Array.from(mixtureRows(components, 4, 8));
    const h = 1e-5;
    const score = mixtureScore(components, path)(x, 0.6);
    x.forEach((_, i) => {
      const [r, j] = [Math.floor(i / d), i % d];
      const at = (delta: number): number =>
        logMixture(
          path,
          0.6,
          Float64Array.from(x.subarray(r * d, (r + 1) * d), (v, k) => (k === j ? v + delta : v)),
        );
      expect(Math.abs((score[i] as number) - (at(h) - at(-h)) / (2 * h))).toBeLessThan(1e-7);
    });
  });
});
