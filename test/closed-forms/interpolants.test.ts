// Paths with fresh noise against closed forms with that noise integrated out: the field of N(m, S) integrates to the flow map, velocity and score of a mixture are
// conditional means, at all t and at the ends; and small models trained on them learn the velocity and the data. What a model of such a path cannot say is refused.

import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  adamw,
  condOT,
  cosine,
  eulerMaruyama,
  heun,
  interpolant,
  Model,
  meanFlow,
  mlp,
  type Path,
  schrodingerBridge,
  Trainer,
  type TrainOptions,
  train,
  warmupCosine,
} from '../../lib/index.ts';
import { moments } from '../../lib/metrics/index.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { lower } from '../../lib/network/lower.ts';
import { makeFrame } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import type { KnownPath } from '../../lib/paths/restore.ts';
import { Random } from '../../lib/random.ts';
import { framed, integrate } from '../../lib/sampling/reference/integrate.ts';
import { fitGrid } from '../../lib/solvers/grid.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { type Component, gaussianField, gaussianMap, mixtureField, mixtureRows, mixtureScore, type PlaneNormal } from '../cases/closed-forms.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught, untrained } from '../support/models.ts';

const own = interpolant({ alpha: (t) => t * t * (3 - 2 * t), sigma: (t) => 1 - t * t * (3 - 2 * t), gamma: (t) => 2 * t * (1 - t), name: 'own' });
const paths: Record<string, Path> = {
  'condOT with sigma': condOT({ sigma: 0.3 }),
  'cosine with sigma': cosine({ sigma: 0.3 }),
  'linear, sine': interpolant(),
  'linear, brownian': interpolant({ gamma: 'brownian', scale: 0.6 }),
  'trigonometric, sine': interpolant({ shape: 'trigonometric', scale: 0.5 }),
  'encoder-decoder': interpolant({ shape: 'encoderDecoder' }),
  'functions of the user': own,
  'a bridge of falling diffusion': schrodingerBridge({ sigma: (t) => 1.5 - t }),
};
const each = Object.entries(paths).map(([name, path]) => [name, resolvePath(path)] as const);

const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };
const components: Component[] = [
  { weight: 0.25, mean: [3, 0], std: 0.4 },
  { weight: 0.75, mean: [-1, 2], std: 0.7 },
];
const times = [0, 1e-7, 1e-3, 0.1, 0.25, 0.5, 0.75, 0.9, 1 - 1e-3, 1 - 1e-7, 1];

describe.each(each)('%s', (_, path) => {
  it('integrates to the flow map and closes at the data', () => {
    const start = path.sourceScale ?? 1;
    const x0 = Float64Array.from([0.3, -0.7, 2, 1, -1.5, 0.1], (v) => v * start);
    const { grid, closes } = fitGrid(rk4({ steps: 800 }), path);
    const field = gaussianField(normal, path);
    const { saved } = integrate(rk4(), field, x0, grid, [200, 400, 600, 800]);
    [200, 400, 600, 800].forEach((k, i) => {
      // Rates reach 4 pi / 0.3 (cos^4 on a deviation of 0.3): (42 / 800)^4 / 120 of the state.
      gaussianMap(normal, path, x0, grid[k] as number).forEach((exact, j) => {
        expect(Math.abs((saved[i]?.[j] as number) - exact), `t = ${grid[k]}`).toBeLessThan(1e-6);
      });
    });
    const frame = makeFrame(path, 'velocity');
    expect([closes, frame.closes]).toEqual([path.tMax < 1, path.tMax < 1]);
    if (!closes) return;
    const closed = framed(field, frame.step(path.tMax, 1), saved[3] as Float64Array);
    const exact = gaussianMap(normal, { ...path, at: (t) => (t > path.tMax ? { ...path.at(t), alpha: 1, sigma: 0, gamma: 0 } : path.at(t)) }, x0, 1);
    // A step of Euler's, h = 1 - tMax: h^2 / 2 of x'', which is that of sqrt(V), V = alpha^2 s^2 + n^2, below V'^2 / (4 V^(3/2)) + |V''| / (2 sqrt(V)): for s = 0.3 and
    // slopes of V below 3 at most 30 of the distance from the mean; and n^2 is read at tMax.
    closed.forEach((v, i) => void expect(Math.abs(v - (exact[i] as number))).toBeLessThan(30 * (1 - path.tMax) ** 2 * 3));
  });

  it('begins with the law of its source and ends with that of the data, or with its noise around it', () => {
    const [first, last] = [path.at(path.tMin), path.at(path.tMax)];
    const variance = ({ sigma, gamma }: typeof first): number => sigma * sigma + gamma * gamma;
    const open = path.tMin > 0;
    // What is cut off beyond [tMin, tMax]: 0.001 of diffusion, at most 1.5^2 here.
    expect(Math.abs(variance(first) - (path.sourceScale ?? 1) ** 2)).toBeLessThan(open ? 0.005 : 1e-15);
    const left = path.tMin === 0 && last.gamma > 0.1 ? 0.3 ** 2 : 0;
    expect(Math.abs(variance(last) - left)).toBeLessThan(open ? 0.003 : 1e-15);
  });

  it('has the conditional mean of its target as velocity, and of -eps / gamma as score', () => {
    // E[(u - v(x_t)) g(x_t)] = 0 and E[(eps + gamma s(x_t)) g(x_t)] = 0 for any g; here g = 1, x, y: five standard errors of 20,000 draws.
    const n = 20_000;
    const [x1, random] = [mixtureRows(components, n, 4), new Random(5, 6)];
    const x0 = Float64Array.from(x1, () => random.normal());
    const eps = Float64Array.from(x1, () => random.normal());
    for (const t of [path.tMin, 0.2, 0.5, 0.8, path.tMax]) {
      const { alpha, sigma, gamma, dAlpha, dSigma, dGamma } = path.at(t);
      const mixed = (a: number, b: number, c: number): Float64Array => Float64Array.from(x1, (v, i) => a * v + b * (x0[i] as number) + c * (eps[i] as number));
      const [xt, ut] = [mixed(alpha, sigma, gamma), mixed(dAlpha, dSigma, dGamma)];
      const v = mixtureField(components, path)(xt, t);
      const s = mixtureScore(components, path)(xt, t);
      const errors = { velocity: ut.map((u, i) => u - (v[i] as number)), score: eps.map((e, i) => e + gamma * (s[i] as number)) };
      for (const [what, error] of Object.entries(errors))
        for (const c of [0, 1])
          for (const g of [() => 1, (i: number) => xt[2 * i] as number, (i: number) => xt[2 * i + 1] as number]) {
            const terms = Float64Array.from({ length: n }, (__, i) => (error[2 * i + c] as number) * g(i));
            const { mean, std } = moments(terms, 1);
            expect(Math.abs(mean[0] as number), `${what} at ${t}`).toBeLessThan((5 * (std[0] as number)) / Math.sqrt(n) + 1e-12);
          }
    }
  });

  it('is finite at all t', () => {
    const x = Float64Array.of(0.3, -0.7, 2, 1, -1.5, 0.1);
    for (const t of times) {
      expect(mixtureField(components, path)(x, t).every(Number.isFinite), `velocity at ${t}`).toBe(true);
      expect(mixtureScore(components, path)(x, t).every(Number.isFinite), `score at ${t}`).toBe(true);
    }
  });
});

describe.each(each)('a model trained on %s', (_, path) => {
  it('learns the velocity with the noise integrated out, and its data', async () => {
    const [m, s, n] = [1.5, 0.5, 20_000];
    const random = new Random(4, 4);
    const data = Float32Array.from({ length: n }, () => m + s * random.normal());
    const model = await train({
      data,
      columns: 1,
      path,
      normalise: false,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2000 }) }),
      steps: 2000,
      batchSize: 512,
      seed: 1,
    });
    const { words, constants } = encodeProgram(lower(model.record.network, 1, null));
    const network = new (native().Network)(words, constants, model.record.parameters);
    let [error, size, blind] = [0, 0, 0];
    for (const t of [0.05, 0.15, 0.3, 0.45, 0.55, 0.7, 0.85, 0.95]) {
      const { alpha, sigma, gamma, dAlpha, dSigma, dGamma } = path.at(t);
      const variance = alpha ** 2 * s ** 2 + sigma ** 2 + gamma ** 2;
      const z = [-1.5, -1, -0.5, 0, 0.5, 1, 1.5].map((q) => q * Math.sqrt(variance));
      const got = network.evaluateSync(
        Float32Array.from(z, (v) => alpha * m + v),
        new Float32Array(7).fill(t),
        null,
      );
      z.forEach((v, i) => {
        const field = (fresh: number): number =>
          dAlpha * m + ((dAlpha * alpha * s * s + dSigma * sigma + fresh * dGamma * gamma) / (alpha ** 2 * s ** 2 + sigma ** 2 + fresh * gamma ** 2)) * v;
        error += ((got[i] as number) - field(1)) ** 2;
        blind += (field(0) - field(1)) ** 2;
        size += field(1) ** 2;
      });
    }
    console.log(`${path.name}: relative error ${Math.sqrt(error / size).toFixed(4)}, without gamma ${Math.sqrt(blind / size).toFixed(4)}`);
    expect(Math.sqrt(error / size)).toBeLessThan(0.04);
    expect(error).toBeLessThan(blind / 9);
    network.dispose();
    // Samples: mean and variance of the data, with the constant noise where there is one.
    const { x } = await model.sample({ n: 8000, seed: 2, solver: heun({ steps: 100 }) });
    const { mean, std } = moments(x, 1);
    const left = path.tMax === 1 ? path.at(1).gamma : 0;
    expect(Math.abs((mean[0] as number) - m)).toBeLessThan(0.04);
    expect(Math.abs((std[0] as number) / Math.hypot(s, left) - 1)).toBeLessThan(0.06);
    model.dispose();
  });
});

describe('a model on a path with fresh noise', () => {
  const place = temporaryFolder();
  const data = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const quick: TrainOptions = { data, network: mlp({ hidden: [16] }), steps: 30, batchSize: 32, seed: 2, threads: 1 };

  it.each(each)('%s goes on bit for bit, from what its file says of the path', async (name, path) => {
    const whole = await train({ ...quick, path });
    const first = new Trainer({ ...quick, path, steps: 12 });
    await first.run();
    const file = place(`${name.replaceAll(' ', '-')}.safetensors`);
    await first.save(file);
    first.dispose();
    const rest = await Trainer.resume(file, { data, steps: 30, threads: 2 });
    await rest.run();
    const model = rest.model();
    expect(model.record.parameters).toEqual(whole.record.parameters);
    expect(isDeepStrictEqual(model.record.path, storePath(path))).toBe(true);
    await model.save(file);
    using again = await Model.load(file);
    expect((await again.sample({ n: 20, seed: 3 })).x).toEqual((await whole.sample({ n: 20, seed: 3, threads: 3 })).x);
    rest.dispose();
  });

  it('is not resumed on another', async () => {
    const first = new Trainer({ ...quick, path: own, steps: 3 });
    await first.run();
    await first.save(place('other.safetensors'));
    first.dispose();
    for (const path of [interpolant(), interpolant({ gamma: (t) => 2.001 * t * (1 - t), name: 'own' }), condOT()]) {
      const error = await caught(async () => (await Trainer.resume(place('other.safetensors'), { data, path, steps: 5 })).run());
      expect([error.code, error.path]).toEqual(['ERR_FLOW_CHECKPOINT', expect.stringContaining('options.path')]);
    }
  });

  it.each(each)('%s is refused what its velocity does not tell, and says why', async (_, path) => {
    const why = expect.stringContaining('three terms');
    for (const prediction of ['x1', 'noise'] as const)
      expect(await caught(() => train({ ...quick, path, prediction }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.prediction', hint: why });
    using model = Model.fromRecord(untrained(2, {}, { path: storePath(path) }));
    expect(await caught(() => model.withPath(cosine()))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'path', hint: why });
    expect((await model.withPath(path).sample({ n: 3, seed: 1 })).x).toEqual((await model.sample({ n: 3, seed: 1 })).x); // its own, again
    using plain = Model.fromRecord(untrained(2));
    expect(await caught(() => plain.withPath(path))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'path', hint: why });
    expect(await caught(() => model.score([[0, 0]], { t: 0.5 }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', hint: why });
    const stirred = await caught(() => model.sample({ n: 2, solver: eulerMaruyama({ steps: 4 }) }));
    expect([stirred.code, stirred.path]).toEqual(['ERR_FLOW_CONFIG', 'options.solver']);
    for (const weight of ['minSNR', 'edm'] as const)
      expect(await caught(() => train({ ...quick, path, weight }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.weight', hint: why });
  });

  it('starts at source rows themselves, of constant noise as well', async () => {
    using model = await train({ ...quick, path: condOT({ sigma: 0.1 }), source: data });
    const { saved } = await model.sample({ source: data.slice(0, 5), solver: heun({ steps: 2 }), saveAt: [0, 1] });
    data
      .slice(0, 5)
      .flat()
      .forEach((v, i) => void expect(saved[i]).toBeCloseTo(v, 5));
    using gaussian = await train({ ...quick, path: condOT({ sigma: 2 }), normalise: false });
    const start = (await gaussian.sample({ n: 4000, seed: 1, solver: heun({ steps: 2 }), saveAt: [0, 1] })).saved.subarray(0, 8000);
    expect(Math.sqrt(start.reduce((sum, v) => sum + v * v, 0) / 8000) / Math.sqrt(5)).toBeCloseTo(1, 1);
  });

  it('has the log-density of what it draws', async () => {
    // A velocity of exactly 0 carries N(0, 1 + sigma^2) to itself.
    const record = untrained(2, { hidden: [3] }, { path: storePath(condOT({ sigma: 0.75 }) as KnownPath) });
    using model = Model.fromRecord({ ...record, parameters: new Float32Array(record.parameters.length) });
    const { logDensity } = await model.logDensity([[0.5, -1]]);
    expect(logDensity[0]).toBeCloseTo(-Math.log(2 * Math.PI * 1.5625) - 1.25 / (2 * 1.5625), 5);
  });

  it('takes mean flow where it reaches from 0 to 1', async () => {
    using model = await train({ ...quick, path: interpolant(), objective: meanFlow() });
    expect((await model.sample({ n: 4, seed: 1 })).x.every(Number.isFinite)).toBe(true);
    expect(await caught(() => train({ ...quick, path: interpolant({ gamma: 'brownian' }), objective: meanFlow() }))).toMatchObject({ path: 'options.path' });
  });
});
