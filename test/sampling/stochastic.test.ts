// Stochastic solvers. For Gaussian data a step is affine in state and noise, so that mean and variance after every step follow from a recursion without any
// sampling: they must be those of the path, for every path and noise, to the order of the solver. Then the native core against float64 on the same noise.

import { describe, expect, it } from 'vitest';
import {
  condOT,
  cosine,
  definePath,
  euler,
  eulerMaruyama,
  fading,
  heun,
  linearVP,
  loadOnnx,
  Model,
  memoryless,
  midpoint,
  type NoiseOption,
  type Path,
  polynomial,
  proportional,
  type StochasticFactory,
  stochasticHeun,
  ve,
  vp,
} from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { native } from '../../lib/native/load.ts';
import { nullCondition } from '../../lib/network/condition.ts';
import { lower } from '../../lib/network/lower.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { type Frame, frameOf, makeFrame } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import type { KnownPath } from '../../lib/paths/restore.ts';
import { stirring } from '../../lib/paths/stirring.ts';
import { noiseRows, portableNormal } from '../../lib/sampling/noise.ts';
import { oracleField } from '../../lib/sampling/reference/evaluate.ts';
import { guidedField } from '../../lib/sampling/reference/guided.ts';
import { type Field, framed, integrate } from '../../lib/sampling/reference/integrate.ts';
import { fitGrid } from '../../lib/solvers/grid.ts';
import { resolveNoise } from '../../lib/solvers/noise.ts';
import type { Solver } from '../../lib/solvers/solver.ts';
import { keep } from '../onnx/corpus.ts';
import { run, sessionOf } from '../onnx/run.ts';
import { caught, untrained } from '../support/models.ts';

/** One stochastic solve in float64: the rows of stirring() around `net`, noise given by the step. */
function solve(frame: Frame, solver: Solver, net: Field, start: Float64Array, normals: (k: number) => ArrayLike<number>): Float64Array {
  const { grid: fitted, closes } = fitGrid(solver, { tMin: frame.from, tMax: frame.top });
  const grid = closes && frame.closes ? [...fitted, 1] : Array.from(fitted);
  const { rows, noise } = stirring(frame, solver, grid);
  let stage = 0;
  const field: Field = (x) => {
    const [a, tau, b, c] = rows.subarray(4 * stage, 4 * ++stage) as unknown as [number, number, number, number];
    return framed(net, { a, tau, b, c }, x);
  };
  return integrate(solver, field, start, grid, [grid.length - 1], { stir: noise, normals }).saved[0] as Float64Array;
}

/** The step k of a solve as an affine map: state -> gain state + still, noise -> stirred noise. `uncorrected`: the slope of the flow instead of the drift. */
function affine(frame: Frame, solver: Solver, grid: ArrayLike<number>, uncorrected: boolean) {
  const { rows, noise } = stirring(frame, solver, grid);
  const u = gaussian(frame.path);
  return (k: number) => {
    const at = (x: number, z: number): number => {
      let stage = k * solver.b.length;
      const field: Field = (y, t) => {
        const [a, tau, b, c] = rows.subarray(4 * stage, 4 * ++stage) as unknown as [number, number, number, number];
        return uncorrected ? u(y, t) : framed(u, { a, tau, b, c }, y);
      };
      const step = { stir: [noise[k] as number], normals: () => [z] };
      const ends = [grid[k] as number, grid[k + 1] as number];
      return (integrate(solver, field, Float64Array.of(x), ends, [1], step).saved[0] as Float64Array)[0] as number;
    };
    const still = at(0, 0);
    return { still, gain: at(1, 0) - still, stirred: at(0, 1) - still };
  };
}

// Data N(m, S) in one column: u = dAlpha m + L (x - alpha m), L = (dAlpha alpha S + dSigma sigma) / (alpha^2 S + sigma^2).
const [m, S] = [0.8, 0.49];
const gaussian =
  (path: Path): Field =>
  (x, t) => {
    const { alpha, sigma, dAlpha, dSigma } = path.at(t);
    const slope = (dAlpha * alpha * S + dSigma * sigma) / (alpha * alpha * S + sigma * sigma);
    return x.map((v) => dAlpha * m + slope * (v - alpha * m));
  };

/**
 * Largest error of mean and variance, over the standard deviation and the variance, at all times from 0.3 on but the closing one. Before that memoryless noise
 * has not forgotten yet that its first steps are as long as its memory.
 */
function momentError(path: KnownPath, solver: Solver, uncorrected = false): number {
  const { grid: fitted } = fitGrid(solver, path);
  const grid = path.tMax < 1 ? [...fitted, 1] : Array.from(fitted);
  const step = affine(makeFrame(path, 'velocity'), solver, grid, uncorrected);
  let [mean, variance, worst] = [0, 0, 0];
  fitted.forEach((t, k) => {
    const { alpha, sigma } = path.at(t);
    const [exactMean, exactVariance] = [alpha * m, alpha * alpha * S + sigma * sigma];
    if (k === 0) [mean, variance] = [exactMean, exactVariance];
    else {
      const { still, gain, stirred } = step(k - 1);
      [mean, variance] = [gain * mean + still, gain * gain * variance + stirred * stirred];
    }
    if (t >= 0.3) worst = Math.max(worst, Math.abs(variance / exactVariance - 1), Math.abs(mean - exactMean) / Math.sqrt(exactVariance));
  });
  return worst;
}

const paths: [string, KnownPath][] = [
  ['condOT', condOT()],
  ['condOT, sigmaMin 0.1', condOT({ sigmaMin: 0.1 })],
  ['polynomial 2', polynomial({ power: 2 })],
  ['cosine', cosine()],
  ['linearVP', linearVP()],
  ['vp', vp()],
  ['ve', ve({ sigmaMax: 5 })],
  ['a path of its own', definePath({ name: 'own', at: (t) => ({ alpha: t * (2 - t), sigma: 1 - t, dAlpha: 2 - 2 * t, dSigma: -1 }) })],
].map(([name, path]) => [name as string, resolvePath(path)]);
const noises: [string, NoiseOption][] = [
  ['proportional', proportional()],
  ['proportional 0.3', proportional({ eta: 0.3 })],
  ['fading', fading()],
  ['memoryless', memoryless()],
  ['g(t)', (t: number) => 0.5 + t],
];

describe.each(paths)('marginals of %s', (_, path) => {
  it.each(noises)('%s: Euler-Maruyama of weak order 1, stochastic Heun of weak order 2', (name, noise) => {
    const error = (make: StochasticFactory, steps: number): number => momentError(path, make({ steps, noise }));
    const [coarse, fine] = [error(eulerMaruyama, 200), error(eulerMaruyama, 400)];
    expect(fine).toBeLessThan(0.035);
    expect(Math.abs(Math.log2(coarse / fine) - 1)).toBeLessThan(0.1);
    const [first, second] = [error(stochasticHeun, 200), error(stochasticHeun, 400)];
    expect(second).toBeLessThan(3e-4);
    // Memoryless noise keeps something of its first step, where it has no bound: 1.7 measured, for g of any other shape 2.
    expect(Math.log2(first / second)).toBeGreaterThan(name === 'memoryless' ? 1.65 : 1.9);
  });

  it('noise without the correction of the drift is another distribution (the mistake of other libraries)', () => {
    for (const [, noise] of noises) {
      const right = momentError(path, stochasticHeun({ steps: 200, noise }));
      const wrong = momentError(path, stochasticHeun({ steps: 200, noise }), true);
      expect(wrong).toBeGreaterThan(0.15);
      expect(wrong).toBeGreaterThan(100 * right);
    }
  });
});

describe('schedules', () => {
  // Any g keeps the marginals, so that those say nothing of which g it was.
  it('have the values of their formulas; memoryless noise is that of the diffusion behind vp and ve', () => {
    const [condot, trained] = [condOT(), ve({ sigmaMin: 0.01, sigmaMax: 50 })];
    for (const t of [0.1, 0.5, 0.9]) {
      const point = condot.at(t);
      expect(proportional({ eta: 0.3 }).variance(t, point)).toBeCloseTo(2 * 0.3 * (1 - t), 14);
      expect(fading({ eta: 0.5 }).variance(t, point)).toBeCloseTo(0.25 * (1 - t), 14);
      expect(resolveNoise((time: number) => 3 * time, 'noise').variance(t, point)).toBeCloseTo(9 * t * t, 12);
      expect(memoryless().variance(t, point)).toBeCloseTo((2 * (1 - t)) / t, 12);
      // beta(t) of dX = -beta X / 2 dt + sqrt(beta) dW, and d sigma^2 of dX = sqrt(d sigma^2 / dt) dW (arXiv 2011.13456), both turned round.
      expect(memoryless().variance(t, vp({ betaMin: 0.1, betaMax: 20 }).at(t))).toBeCloseTo(0.1 + 19.9 * (1 - t), 9);
      expect(memoryless().variance(t, trained.at(t)) / trained.at(t).sigma ** 2).toBeCloseTo(2 * Math.log(5000), 9);
    }
  });
});

describe('the last step', () => {
  it.each(paths)('has no noise: %s', async (_, path) => {
    const model = Model.fromRecord(recordOf(path));
    const source = Float32Array.from({ length: 24 }, (__, i) => Math.sin(i) * 4);
    const [from, to] = [0.25, path.tMax];
    const draw = (solver: Solver, seed: number) => model.sample({ source, seed, solver }).then(({ x }) => x);
    for (const noise of noises.map(([, one]) => one)) {
      for (const make of [eulerMaruyama, stochasticHeun]) {
        // One step is the last one: whatever the seed, that of the flow. One step before it is not.
        const flow = make === eulerMaruyama ? euler : heun;
        expect(await draw(make({ grid: [from, to], noise }), 1)).toEqual(await draw(flow({ grid: [from, to] }), 2));
        const two = make({ grid: [from, (from + to) / 2, to], noise });
        expect(await draw(two, 1)).not.toEqual(await draw(two, 2));
      }
      for (const grid of [
        [0, 0.2, 0.6, to],
        [to, 0.6, 0.2, 0],
      ]) {
        const stirred = stirring(makeFrame(path, 'velocity'), eulerMaruyama({ grid, noise }), grid).noise;
        expect([(stirred[1] as number) > 0, stirred[2]]).toEqual([true, 0]);
      }
    }
    model.dispose();
  });
});

describe('backwards', () => {
  it.each(paths.filter(([, path]) => path.tMax === 1))('from the data of %s to its noise', (_, path) => {
    const solver = stochasticHeun({ steps: 200, noise: proportional({ eta: 0.7 }) });
    const grid = fitGrid(solver, path).grid.reverse();
    const step = affine(makeFrame(path, 'velocity'), solver, grid, false);
    const end = path.at(1);
    let [mean, variance, noisy] = [m * end.alpha, end.alpha ** 2 * S + end.sigma ** 2, 0];
    for (let k = 0; k + 1 < grid.length; k++) {
      const { still, gain, stirred } = step(k);
      [mean, variance] = [gain * mean + still, gain * gain * variance + stirred * stirred];
      if (stirred > 0) noisy++;
    }
    const { alpha, sigma } = path.at(0);
    const exact = alpha * alpha * S + sigma * sigma;
    expect(Math.abs(variance / exact - 1)).toBeLessThan(5e-3);
    expect(Math.abs(mean - alpha * m) / Math.sqrt(exact)).toBeLessThan(5e-3);
    expect(noisy).toBeGreaterThan(190);
  });
});

const condition = { numbers: 1, classes: [3], drop: 0.1 };
function recordOf(path: KnownPath, conditional = false): ModelRecord {
  const fields = {
    path: storePath(path),
    normaliser: { shift: Float32Array.of(3, -2), scale: Float32Array.of(0.5, 4) },
    condition: conditional ? condition : null,
  };
  const plain = untrained(2, { hidden: [24, 40], time: 'raw' }, fields);
  return { ...plain, parameters: plain.parameters.map((p, i) => p + 0.05 * Math.sin(7 * i + 1)) };
}
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs((a[i] as number) - (b[i] as number)));
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return error / size;
};

describe('the native core and exported graphs', () => {
  const cases: [string, KnownPath, Solver, boolean, Partial<ModelRecord>?][] = [
    ['Euler-Maruyama on condOT', condOT(), eulerMaruyama({ steps: 12 }), false],
    ['stochastic Heun, memoryless, on cosine', cosine(), stochasticHeun({ steps: 8, noise: 'memoryless' }), false],
    ['stochastic Heun to the closing step of vp', vp(), stochasticHeun({ steps: 6, noise: 'fading' }), false],
    ['Euler-Maruyama on times of its own to a closing step', linearVP(), eulerMaruyama({ grid: [0, 0.1, 0.4, 0.8, 1], noise: (t) => t }), false],
    ['Euler-Maruyama on ve', ve({ sigmaMax: 4 }), eulerMaruyama({ steps: 9, noise: 'memoryless' }), false],
    ['Euler-Maruyama of a noise prediction', condOT(), eulerMaruyama({ steps: 10 }), false, { prediction: 'noise' }],
    ['stochastic Heun of a data prediction', cosine(), stochasticHeun({ steps: 6, noise: 'fading' }), false, { prediction: 'x1' }],
    ['stochastic Heun on another path', condOT(), stochasticHeun({ steps: 6 }), false, { samplingPath: storePath(cosine()) }],
    ['stochastic Heun, guided', condOT(), stochasticHeun({ steps: 7, noise: proportional({ eta: 0.5 }) }), true],
  ];
  it.each(cases)('%s: as in float64 on the same noise', async (name, path, solver, guided, fields = {}) => {
    const record = { ...recordOf(path, guided), ...fields };
    const n = 120;
    const model = Model.fromRecord(record);
    const program = lower(record.network, 2, record.condition);
    const rows = Array.from({ length: n }, (_, i) => [Math.sin(i), i % 3]);
    const side = (value: (i: number) => ArrayLike<number>): Field =>
      oracleField(program, record.parameters, guided ? Array.from({ length: n }, (_, i) => Array.from(value(i))).flat() : null);
    const given = side((i) => [rows[i]?.[0] as number, 0, rows[i]?.[1] as number]);
    const none = side(() => nullCondition(condition));
    const guidance = { scale: 2, from: 0.1, to: 0.6 };
    const u = guided ? guidedField(given, none, guidance) : given;
    const noise = await noiseRows(6n, 0, n, 2);
    const start = Float64Array.from(noise, (v) => v * frameOf(record).startScale);
    const end = solve(frameOf(record), solver, u, start, (k) => native().normal(6n, 0, n, 2, k));
    const want = end.map((v, i) => v * (i % 2 ? 4 : 0.5) + (i % 2 ? -2 : 3));
    const options = { n, seed: 6, solver, ...(guided ? { condition: rows, guidance: { scale: 2, interval: [0.1, 0.6] as const } } : {}) };
    const { x, nfe } = await model.sample({ ...options, threads: 1 });
    expect(worst(x, want)).toBeLessThan(1e-5);
    expect(nfe).toBeGreaterThanOrEqual(solver.steps * solver.b.length);

    // Rows are their own: any threads, any split.
    expect((await model.sample({ ...options, threads: 3 })).x).toEqual(x);
    const tail = await model.sample({ ...options, n: 20, firstRow: 100, ...(guided ? { condition: rows.slice(100) } : {}) });
    expect(tail.x).toEqual(x.slice(200));
    expect((await model.sample({ ...options, seed: 7 })).x).not.toEqual(x);

    const bytes = onnxBytes(record, { solver, ...(guided ? { guidance: options.guidance as { scale: number; interval: [number, number] } } : {}) });
    const onnx = await loadOnnx(bytes);
    const { guidance: _, solver: __, ...call } = options as typeof options & { guidance?: unknown };
    const other = await onnx.sample(call);
    expect(worst(other.x, x)).toBeLessThan(1e-5);
    expect(onnx.info.flow?.solver?.noise).toBe(solver.noise?.name);
    expect(onnx.info.inputs.map((input) => input.name)).not.toContain('grid');
    const error = await caught(() => onnx.sample({ ...call, grid: [0, 1] }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.grid']);
    onnx.dispose();

    const steps = onnx.info.flow?.solver?.steps as number;
    const increments = Float32Array.from(Array.from({ length: steps }, (___, k) => Array.from(native().normal(6n, 0, n, 2, k))).flat());
    const feeds = {
      noise: { data: noise, dims: [n, 2] },
      increments: { data: increments, dims: [steps, n, 2] },
      ...(guided ? { condition: { data: Float32Array.from(rows.flat()), dims: [n, 2] } } : {}),
    };
    const session = await sessionOf(bytes);
    const again = await run(session, feeds);
    expect(worst(again, x)).toBeLessThan(1e-5);
    keep(name.replaceAll(/[^a-z0-9]+/gi, '-'), bytes, feeds, again);
    await session.release();
    model.dispose();
  });

  it('no noise is the flow, bit for bit', async () => {
    const model = Model.fromRecord(recordOf(condOT()));
    const options = { n: 50, seed: 1 } as const;
    const { x } = await model.sample({ ...options, solver: eulerMaruyama({ steps: 10, noise: proportional({ eta: 0 }) }) });
    expect(x).toEqual((await model.sample({ ...options, solver: euler({ steps: 10 }) })).x);
    model.dispose();
  });

  it('keeps N(0, 1) where the flow of the path stands still: cosine and data N(0, 1)', async () => {
    const plain = untrained(1, { hidden: [2] }, { path: storePath(cosine()) });
    const model = Model.fromRecord({ ...plain, parameters: plain.parameters.map(() => 0) });
    const n = 20_000;
    for (const noise of [proportional({ eta: 2 }), memoryless()]) {
      const { saved, times } = await model.sample({ n, seed: 3, solver: stochasticHeun({ steps: 100, noise }), saveAt: 6 });
      times.forEach((t, k) => {
        const rows = saved.subarray(k * n, (k + 1) * n);
        const mean = rows.reduce((a, b) => a + b, 0) / n;
        const variance = rows.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
        // Five standard errors, and what the recursion above gives for the step.
        expect(Math.abs(mean), `mean at ${t}`).toBeLessThan(5 / Math.sqrt(n));
        expect(Math.abs(variance - 1), `variance at ${t}`).toBeLessThan(5 * Math.sqrt(2 / n) + 0.005);
      });
      // The states move all the same: the first and the last are hardly the same rows.
      const [first, last] = [saved.subarray(0, n), saved.subarray(5 * n)];
      const covariance = first.reduce((sum, v, i) => sum + v * (last[i] as number), 0) / n;
      expect(Math.abs(covariance)).toBeLessThan(0.3);
    }
    model.dispose();
  });

  it('makes the same noise without the addon', () => {
    for (const step of [0, 3, 200]) {
      const [here, there] = [portableNormal(9n, 5, 20, 3, step), native().normal(9n, 5, 20, 3, step)];
      expect(worst(here, there)).toBeLessThan(1e-6);
      expect(there).not.toEqual(native().normal(9n, 5, 20, 3));
    }
  });

  it('encodes by the reverse equation: another seed, other noise, of unit size', async () => {
    const model = Model.fromRecord(recordOf(condOT()));
    const { x: rows } = await model.sample({ n: 400, seed: 1, solver: stochasticHeun({ steps: 50 }) });
    const solver = stochasticHeun({ steps: 50, noise: proportional({ eta: 2 }) });
    const [a, b] = [await model.encode(rows, { solver, seed: 1 }), await model.encode(rows, { solver, seed: 2 })];
    expect(a.x).not.toEqual(b.x);
    expect((await model.encode(rows, { solver, seed: 1, threads: 2 })).x).toEqual(a.x);
    expect(a.x.every(Number.isFinite)).toBe(true);
    model.dispose();
  });
});

describe('what is refused', () => {
  const model = Model.fromRecord(recordOf(condOT()));
  it.each([
    [() => eulerMaruyama({ noise: 'loud' } as never), 'ERR_FLOW_TYPE', 'eulerMaruyama.noise'],
    [() => eulerMaruyama({ noise: 3 } as never), 'ERR_FLOW_TYPE', 'eulerMaruyama.noise'],
    [() => proportional({ eta: -1 }), 'ERR_FLOW_RANGE', 'proportional.eta'],
    [() => model.sample({ solver: eulerMaruyama({ noise: () => -1 }) }), 'ERR_FLOW_RANGE', 'eulerMaruyama.noise(0)'],
    [() => model.sample({ solver: eulerMaruyama({ noise: { name: 'x', variance: () => -1 } }) }), 'ERR_FLOW_RANGE', 'eulerMaruyama.noise.variance(0)'],
    [() => model.sample({ solver: eulerMaruyama({ noise: () => 'much' as never }) }), 'ERR_FLOW_TYPE', 'eulerMaruyama.noise(0)'],
    [() => model.sample({ solver: { ...midpoint(), noise: proportional() } }), 'ERR_FLOW_CONFIG', 'options.solver.noise'],
    [() => Model.fromRecord({ ...model.record, source: 'rows' }).sample({ source: [[1, 2]], solver: 'eulerMaruyama' }), 'ERR_FLOW_CONFIG', 'options.solver'],
    [
      () => Model.fromRecord({ ...model.record, training: { coupling: 'minibatchOT' } }).sample({ solver: 'stochasticHeun' }),
      'ERR_FLOW_CONFIG',
      'options.solver',
    ],
    [
      () => Model.fromRecord({ ...model.record, training: { source: 'paired noise' } }).sample({ solver: 'stochasticHeun' }),
      'ERR_FLOW_CONFIG',
      'options.solver',
    ],
    [() => Model.fromRecord({ ...model.record, training: { coupling: 'minibatchOT' } }).score([[1, 2]], { t: 0.5 }), 'ERR_FLOW_CONFIG', 'model.training'],
    [() => model.logDensity([[1, 2]], { solver: 'stochasticHeun' }), 'ERR_FLOW_CONFIG', 'options.solver'],
    [() => onnxBytes(model.record, { solver: 'eulerMaruyama', grid: 'required' }), 'ERR_FLOW_CONFIG', 'options.grid'],
  ] as const)('%s', async (work, code, path) => {
    const error = await caught(work);
    expect([error.code, error.path]).toEqual([code, path]);
  });

  it('a velocity graph does not know the score of its path', async () => {
    const onnx = await loadOnnx(onnxBytes(model.record, { graph: 'velocity' }));
    const error = await caught(() => onnx.sample({ n: 2, solver: 'eulerMaruyama' }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.solver']);
    onnx.dispose();
  });
});
