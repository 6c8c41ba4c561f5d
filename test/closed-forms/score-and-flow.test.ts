// Score and flow together ([SF]2M): the loss and its gradient, and models between two Gaussians against the closed forms of three couplings: independent, optimal
// transport, and the entropic plan, whose bridge is Schroedinger's, given and by sinkhorn(). With covariance c of the pairs, x_t ~ N(t m, V), V = (1-t)^2 + t^2 s^2 + 2 t (1-t) c + sigma^2 t (1-t),
//   v = m + V' / (2 V) (x - t m),   score head = -sigma^2 / 2 (x - t m) / V.

import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  adamw,
  condOT,
  eulerMaruyama,
  heun,
  interpolant,
  loadOnnx,
  Model,
  mlp,
  schrodingerBridge,
  scoreAndFlow,
  sinkhorn,
  stochasticHeun,
  Trainer,
  type TrainOptions,
  train,
  warmupCosine,
} from '../../lib/index.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { withHead } from '../../lib/network/heads.ts';
import { lower } from '../../lib/network/lower.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { type PathForm, pathForm, storePath } from '../../lib/paths/paths.ts';
import { stirRows } from '../../lib/paths/stirring.ts';
import { Random } from '../../lib/random.ts';
import { pathContract } from '../contracts/path.ts';
import { adamFields } from '../support/adam-fields.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

describe('schrodingerBridge', () => {
  pathContract(schrodingerBridge({ sigma: 0.7 }), { alphaAtStart: 0.001, sigmaAtEnd: 0.001 });
});

// A network without hidden layers: the loss is a quadratic of its parameters, and central differences are exact.
const program = lower(mlp({ hidden: [], time: 'raw' }), 2, null, 2);
const { words, constants } = encodeProgram(program);
const rows = 64;
const step = async (
  parameters: Float32Array,
  zero = false,
  { path = pathForm(schrodingerBridge({ sigma: 0.8 })), varies = false }: { readonly path?: PathForm; readonly varies?: boolean } = {},
): Promise<{ loss: number; norm: number; validation: number }> => {
  const binding = native();
  const store = (at: number) => {
    const data = new binding.Dataset(2);
    data.append(Float32Array.from({ length: 2 * rows }, (_, i) => (zero ? 0 : Math.sin(at + 3 * i))));
    return data;
  };
  const every = Uint32Array.from({ length: rows }, (_, i) => i);
  const trainer = new binding.Trainer({
    program: words,
    constants,
    parameters,
    data: store(1),
    source: store(2),
    sourcePaired: false,
    condition: null,
    trainRows: every,
    validationRows: every,
    path,
    times: { stratified: false, tMin: 0.001, tMax: 0.999, quantiles: null },
    objective: { target: 'velocity', loss: 'mse', c: 0, power: 0, weights: null, importance: false, score: { sigma: 0.8, varies } },
    batchSize: 1000,
    seed: 3n,
    ...adamFields,
    threads: 2,
  });
  const { losses, gradientNorms } = await trainer.run(new Float64Array(1), 0).done;
  const { loss } = await trainer.evaluate('parameters', 1n, 200).done;
  trainer.dispose();
  return { loss: losses[0] as number, norm: gradientNorms[0] as number, validation: loss };
};

describe('the loss', () => {
  it('has the gradient of its central differences', async () => {
    const at = Float32Array.from({ length: program.parameterCount }, (_, i) => 0.5 * Math.sin(i + 1));
    const h = 0.25;
    let sum = 0;
    for (let i = 0; i < at.length; i++) {
      const [up, down] = [at.slice(), at.slice()];
      up[i] = (up[i] as number) + h;
      down[i] = (down[i] as number) - h;
      sum += (((await step(up)).loss - (await step(down)).loss) / (2 * h)) ** 2;
    }
    const { norm } = await step(at);
    expect(Math.abs(norm / Math.sqrt(sum) - 1)).toBeLessThan(1e-4);
  });

  it("of rows at zero is E gamma'^2 + 1, and of a constant score b more by E lambda^2 b^2 = 2 b^2 / (3 sigma^2)", async () => {
    const still = await step(new Float32Array(program.parameterCount), true);
    const constant = new Float32Array(program.parameterCount);
    constant.set([1.5, 1.5], program.parameterCount - 2); // the biases of the score head
    const moved = await step(constant, true);
    // (1 - 2t)^2 / (4 t (1 - t)) over [0.001, 0.999]: (log(0.999 / 0.001) - 0.998) / 2 over 0.998.
    const flow = (sigma ** 2 * (Math.log(999) / 2 - 0.998)) / 0.998;
    // 12,800 draws of numbers whose tails are those of 1 / t: a tenth.
    expect(Math.abs(still.validation / (flow + 1) - 1)).toBeLessThan(0.1);
    const more = (2 / 3 / sigma ** 2) * 1.5 ** 2;
    expect(Math.abs((moved.validation - still.validation) / more - 1)).toBeLessThan(0.1);
    expect(Math.abs((moved.loss - still.loss) / more - 1)).toBeLessThan(0.2);
  });
});

const [m, s, sigma] = [1.5, 0.5, 0.8];
const plans = {
  independent: 0,
  'optimal transport': s,
  'the entropic plan': (Math.sqrt(4 * s * s + sigma ** 4) - sigma ** 2) / 2,
  'sinkhorn()': (Math.sqrt(4 * s * s + sigma ** 4) - sigma ** 2) / 2,
} as const;
const variance = (c: number, t: number): number => (1 - t) ** 2 + t * t * s * s + 2 * t * (1 - t) * c + sigma ** 2 * t * (1 - t);
const slope = (c: number, t: number): number => (variance(c, t + 1e-5) - variance(c, t - 1e-5)) / 2e-5 / (2 * variance(c, t));

describe.each(Object.entries(plans))('two Gaussians, %s', (name, c) => {
  let model: Model;
  beforeAll(async () => {
    const random = new Random(4, 4);
    const n = 20_000;
    const x0 = Float32Array.from({ length: n }, () => random.normal());
    const paired = name === 'the entropic plan';
    // x1 given x0 under the plan of covariance c; the other couplings see the two on their own.
    const x1 = x0.map((x) => (paired ? m + c * x + Math.sqrt(s * s - c * c) * random.normal() : m + s * random.normal()));
    model = await train({
      data: x1,
      columns: 1,
      source: { rows: Array.from(x0, (x) => [x]), paired },
      coupling:
        name === 'sinkhorn()' ? sinkhorn({ regularisation: { absolute: 2 * sigma ** 2 } }) : name === 'optimal transport' ? 'minibatchOT' : 'independent',
      objective: scoreAndFlow({ sigma }),
      normalise: false,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2500 }) }),
      steps: 2500,
      batchSize: name === 'optimal transport' || name === 'sinkhorn()' ? 128 : 512,
      seed: 1,
    });
  }, 60_000);

  it('velocity and score are the closed forms', () => {
    const program = encodeProgram(lower(model.record.network, 1, null));
    for (const [head, expected] of [
      [0, (z: number, t: number) => m + slope(c, t) * z],
      [1, (z: number, t: number) => m + slope(c, t) * z - ((sigma * sigma) / 2 / variance(c, t)) * z],
      [-1, (z: number, t: number) => m + slope(c, t) * z + ((sigma * sigma) / 2 / variance(c, t)) * z],
    ] as const) {
      const network = new (native().Network)(program.words, program.constants, withHead(model.record, head).parameters);
      let worst = 0;
      for (const t of [0.1, 0.3, 0.5, 0.7, 0.9]) {
        const z = [-1.5, -0.5, 0, 0.5, 1.5].map((q) => q * Math.sqrt(variance(c, t)));
        const got = network.evaluateSync(
          Float32Array.from(z, (v) => t * m + v),
          new Float32Array(5).fill(t),
          null,
        );
        z.forEach((v, i) => {
          worst = Math.max(worst, Math.abs((got[i] as number) - expected(v, t)));
        });
      }
      expect(worst, `head ${head}`).toBeLessThan(0.2); // v is up to 3; a wrong sign or factor of the score is off by 0.5 and more
      network.dispose();
    }
  });

  it.each([
    ['the flow', heun({ steps: 52 }), [0.25, 0.5, 0.75]],
    ['the bridge', eulerMaruyama({ steps: 200 }), [0.25, 0.5, 0.75]],
    ['another noise', stochasticHeun({ steps: 100, noise: () => 1.2 }), [0.5]],
  ] as const)('%s has the marginals of the bridge', async (_, solver, inside) => {
    const n = 8000;
    const random = new Random(9, 1);
    const source = Array.from({ length: n }, () => [random.normal()]);
    const grid = Array.from({ length: solver.steps + 1 }, (__, k) => k / solver.steps);
    const { saved, times } = await model.sample({ source, seed: 3, solver: { ...solver, grid }, saveAt: [...inside, 1] });
    times.forEach((t, k) => {
      const rows = saved.subarray(k * n, (k + 1) * n);
      const mean = rows.reduce((a, b) => a + b, 0) / n;
      const spread = rows.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
      expect(Math.abs(mean - t * m), `mean at ${t}`).toBeLessThan(0.06);
      expect(Math.abs(spread / variance(c, t) - 1), `variance at ${t}`).toBeLessThan(0.12);
    });
  });

  it('goes back from the data to the source', async () => {
    const random = new Random(9, 2);
    const n = 8000;
    const rows = Array.from({ length: n }, () => [m + s * random.normal()]);
    for (const solver of [heun({ steps: 50 }), eulerMaruyama({ steps: 200 })]) {
      const { x } = await model.encode(rows, { solver, seed: 5 });
      const mean = x.reduce((a, b) => a + b, 0) / n;
      const spread = x.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
      expect(Math.abs(mean)).toBeLessThan(0.08);
      expect(Math.abs(spread - 1)).toBeLessThan(0.12);
    }
  });
});

// sigma(t)^2 = 1.2 - t: F = 1.2 t - t^2 / 2 and F1 = 0.7; x_t ~ N(f m, V), f = F / F1, V = (1-f)^2 + f^2 s^2 + F1 f (1-f),  v = f' (m + V_f / (2 V) (x - f m)).
describe('a bridge whose diffusion falls', () => {
  const rate = (t: number): number => 1.2 - t;
  const F1 = 0.7;
  const clock = (t: number): number => (1.2 * t - (t * t) / 2) / F1;
  const spread = (f: number): number => (1 - f) ** 2 + f * f * s * s + F1 * f * (1 - f);
  const bend = (f: number): number => -2 * (1 - f) + 2 * f * s * s + F1 * (1 - 2 * f);
  const diffusion = (t: number): number => Math.sqrt(rate(t));
  const path = schrodingerBridge({ sigma: diffusion });
  let model: Model;
  beforeAll(async () => {
    const random = new Random(4, 4);
    const n = 20_000;
    model = await train({
      data: Float32Array.from({ length: n }, () => m + s * random.normal()),
      columns: 1,
      source: Array.from({ length: n }, () => [random.normal()]),
      objective: scoreAndFlow({ sigma: diffusion }),
      normalise: false,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2500 }) }),
      steps: 2500,
      batchSize: 512,
      seed: 1,
    });
  }, 60_000);

  it('is the path of the model, and its score head has the scale of sigma(t)', () => {
    expect(model.record.score).toEqual({ sigma: expect.closeTo(Math.sqrt(F1), 8), varies: true });
    expect(isDeepStrictEqual(model.record.path, storePath(path))).toBe(true);
    const { words, constants } = encodeProgram(lower(model.record.network, 1, null));
    for (const head of [0, 1, -1]) {
      const network = new (native().Network)(words, constants, withHead(model.record, head).parameters);
      let [worst, fixed] = [0, 0];
      for (const t of [0.05, 0.2, 0.4, 0.6, 0.8, 0.95]) {
        const f = clock(t);
        const z = [-1.5, -0.5, 0, 0.5, 1.5].map((q) => q * Math.sqrt(spread(f)));
        const got = network.evaluateSync(
          Float32Array.from(z, (v) => f * m + v),
          new Float32Array(5).fill(t),
          null,
        );
        z.forEach((v, i) => {
          const flow = (rate(t) / F1) * (m + (bend(f) / (2 * spread(f))) * v);
          const score = (variance: number): number => head * (variance / 2) * (-v / spread(f));
          worst = Math.max(worst, Math.abs((got[i] as number) - flow - score(rate(t))));
          fixed = Math.max(fixed, Math.abs(score(rate(t)) - score(F1)));
        });
      }
      network.dispose();
      expect(worst, `head ${head}`).toBeLessThan(0.2); // v is up to 4
      if (head !== 0) expect(fixed).toBeGreaterThan(0.45); // a score of the mean diffusion would be off by this
    }
  });

  it.each([
    ['the flow', heun({ steps: 52 })],
    ['the bridge', eulerMaruyama({ steps: 200 })],
    ['more of its noise', stochasticHeun({ steps: 100, noise: (t) => 1.2 * diffusion(t) })],
  ] as const)('%s has its marginals, forth and back', async (_, solver) => {
    const n = 8000;
    const random = new Random(9, 1);
    const grid = Array.from({ length: solver.steps + 1 }, (__, k) => k / solver.steps);
    const moments = (rows: Float32Array): [number, number] => {
      const mean = rows.reduce((a, b) => a + b, 0) / n;
      return [mean, rows.reduce((a, b) => a + (b - mean) ** 2, 0) / n];
    };
    const source = Array.from({ length: n }, () => [random.normal()]);
    const inside = [13, 26, 39].map((k) => Math.round((k * solver.steps) / 52) / solver.steps);
    const { saved, times } = await model.sample({ source, seed: 3, solver: { ...solver, grid }, saveAt: [...inside, 1] });
    times.forEach((t, k) => {
      const [mean, variance] = moments(saved.subarray(k * n, (k + 1) * n));
      expect(Math.abs(mean - clock(t) * m), `mean at ${t}`).toBeLessThan(0.06);
      expect(Math.abs(variance / spread(clock(t)) - 1), `variance at ${t}`).toBeLessThan(0.12);
    });
    const back = await model.encode(
      Array.from({ length: n }, () => [m + s * random.normal()]),
      { solver: { ...solver, grid }, seed: 5, saveAt: [...inside, 0.001] },
    );
    back.times.forEach((t, k) => {
      const [mean, variance] = moments(back.saved.subarray(k * n, (k + 1) * n));
      expect(Math.abs(mean - clock(t) * m), `mean back at ${t}`).toBeLessThan(0.08);
      expect(Math.abs(variance / spread(clock(t)) - 1), `variance back at ${t}`).toBeLessThan(0.12);
    });
  });

  it('tells the score that it learned, in the units of the data', async () => {
    const shifted = Model.fromRecord({ ...model.record, normaliser: { shift: Float32Array.of(2), scale: Float32Array.of(4) } });
    for (const t of [0.2, 0.5, 0.8]) {
      const f = clock(t);
      const z = [-1.5, -0.5, 0, 0.5, 1.5].map((q) => q * Math.sqrt(spread(f)));
      const { score } = await model.score(
        z.map((v) => [f * m + v]),
        { t },
      );
      // Half of sigma^2 times the score is learned to 0.2 and better (above), and here sigma^2 / 2 >= 0.2.
      z.forEach((v, i) => void expect(Math.abs((score[i] as number) + v / spread(f)), `t = ${t}`).toBeLessThan(0.4));
      const wide = await shifted.score(
        z.map((v) => [2 + 4 * (f * m + v)]),
        { t },
      );
      z.forEach((_, i) => void expect(wide.score[i]).toBeCloseTo((score[i] as number) / 4, 4));
    }
    const plain = Model.fromRecord({ ...model.record, path: storePath(interpolant()), score: { sigma: 1 } });
    expect(await caught(() => plain.score([[0]], { t: 1 }))).toMatchObject({ code: 'ERR_FLOW_RANGE', path: 'options.t' });
  });

  it('stirs with the integral of sigma(t)^2', () => {
    const grid = [0.001, 0.2, 0.5, 0.9, 0.999, 1];
    for (const [solver, share] of [
      [eulerMaruyama({ grid }), 1],
      [eulerMaruyama({ grid, noise: (t) => 0.5 * diffusion(t) }), 0.25],
    ] as const) {
      const { noise, head } = stirRows(model.record, solver, grid);
      expect(head).toBeCloseTo(share, 6);
      [0, 1, 2, 3].forEach((k) => {
        const variance = share * F1 * (clock(grid[k + 1] as number) - clock(grid[k] as number));
        expect((noise[k] as number) ** 2).toBeCloseTo(variance, 6);
      });
      expect(noise[4]).toBe(0);
    }
    expect(stirRows(model.record, eulerMaruyama({ grid }), [...grid.slice(0, 5)].reverse()).head).toBe(-1);
  });

  it('is saved, loaded, resumed and exported', async () => {
    const place = temporaryFolder();
    const data = Array.from({ length: 100 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
    const quick: TrainOptions = { data, objective: scoreAndFlow({ sigma: [1, 0.7, 0.5] }), network: mlp({ hidden: [16] }), steps: 20, batchSize: 32, seed: 2 };
    const whole = await train(quick);
    const first = new Trainer({ ...quick, steps: 8 });
    await first.run();
    await first.save(place('run.safetensors'));
    first.dispose();
    const rest = await Trainer.resume(place('run.safetensors'), { data, steps: 20 });
    const resumed = await rest.run();
    expect(resumed.record.parameters).toEqual(whole.record.parameters);
    expect(resumed.record.score).toEqual(whole.record.score);
    await resumed.save(place('model.safetensors'));
    const loaded = await Model.load(place('model.safetensors'));
    for (const solver of [heun({ steps: 8 }), eulerMaruyama({ steps: 12 }), stochasticHeun({ steps: 6 })]) {
      const { x } = await whole.sample({ n: 40, seed: 4, solver });
      expect((await loaded.sample({ n: 40, seed: 4, solver })).x).toEqual(x);
      const onnx = await loadOnnx(onnxBytes(whole.record, { solver }));
      const other = await onnx.sample({ n: 40, seed: 4 });
      const most = x.reduce((a, v) => Math.max(a, Math.abs(v)), 1);
      x.forEach((v, i) => void expect(Math.abs(v - (other.x[i] as number))).toBeLessThan(1e-5 * most));
      onnx.dispose();
    }
    rest.dispose();
  });

  it('refuses noise that is not in proportion to sigma(t), and sigma(t) beside a path', async () => {
    const error = await caught(() => model.sample({ source: [[0]], solver: eulerMaruyama({ noise: () => 1 }) }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.solver.noise']);
    const data = [[1], [2]];
    expect(await caught(() => train({ data, path, objective: scoreAndFlow({ sigma: diffusion }) }))).toMatchObject({
      code: 'ERR_FLOW_CONFIG',
      path: 'options.objective.sigma',
    });
    expect(await caught(() => train({ data, objective: scoreAndFlow({ sigma: () => 0 }) }))).toMatchObject({
      code: 'ERR_FLOW_RANGE',
      path: expect.stringContaining('options.objective.sigma('),
    });
    expect(() => scoreAndFlow({ sigma: 'a' as never })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE' }));
    expect(() => scoreAndFlow({ sigma: [1, 'a'] as never })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_TYPE' }));
  });

  it('takes the diffusion of the path where none is given', async () => {
    const options = { data: [[1], [2]], network: mlp({ hidden: [4] }), steps: 1, objective: 'scoreAndFlow' } as const;
    const scores = async (over: Partial<TrainOptions>) => (await train({ ...options, ...over })).record.score;
    expect(await scores({})).toEqual({ sigma: 1 });
    expect(await scores({ path: schrodingerBridge({ sigma: 0.6 }) })).toEqual({ sigma: 0.6 });
    expect(await scores({ path })).toEqual(model.record.score);
    expect(await scores({ path, objective: scoreAndFlow({ sigma: 0.6 }) })).toEqual({ sigma: 0.6 });
    expect(await scores({ path: interpolant({ gamma: 'brownian', scale: 0.6 }) })).toEqual({ sigma: expect.closeTo(0.6, 12) });
    expect(await scores({ path: interpolant() })).toEqual({ sigma: 1 });
  });

  it('is refused by the core where dAlpha is not above 0', async () => {
    const error = await caught(() =>
      step(new Float32Array(program.parameterCount), false, { path: pathForm(interpolant({ shape: 'encoderDecoder' })), varies: true }),
    );
    expect(error.message).toContain('dAlpha');
  });
});

// Interpolants with a score of their own: the same marginals for any noise.
describe('an interpolant with its score', () => {
  it('is sampled stochastically with the marginals of its flow', async () => {
    const random = new Random(4, 4);
    const n = 20_000;
    const path = interpolant({ shape: 'trigonometric', scale: 0.5 });
    const model = await train({
      data: Float32Array.from({ length: n }, () => m + s * random.normal()),
      columns: 1,
      source: Array.from({ length: n }, () => [random.normal()]),
      path,
      objective: 'scoreAndFlow',
      normalise: false,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2500 }) }),
      steps: 2500,
      batchSize: 512,
      seed: 1,
    });
    const source = Array.from({ length: 8000 }, () => [random.normal()]);
    const { saved, times } = await model.sample({ source, seed: 3, solver: eulerMaruyama({ steps: 200, noise: () => 0.5 }), saveAt: [0.25, 0.5, 0.75, 1] });
    times.forEach((t, k) => {
      const { alpha, sigma: keep, gamma } = path.at(t);
      const rows = saved.subarray(k * 8000, (k + 1) * 8000);
      const mean = rows.reduce((a, b) => a + b, 0) / 8000;
      const got = rows.reduce((a, b) => a + (b - mean) ** 2, 0) / 8000;
      expect(Math.abs(mean - alpha * m), `mean at ${t}`).toBeLessThan(0.06);
      expect(Math.abs(got / (alpha ** 2 * s ** 2 + keep ** 2 + gamma ** 2) - 1), `variance at ${t}`).toBeLessThan(0.12);
    });
  });
});

describe('a model of score and flow', () => {
  const place = temporaryFolder();
  const data = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
  const labels = data.map((_, i) => i % 2);
  const quick: TrainOptions = {
    data,
    condition: { labels },
    dropCondition: 0.2,
    objective: 'scoreAndFlow',
    network: mlp({ hidden: [16] }),
    steps: 30,
    batchSize: 32,
    seed: 2,
  };
  const worst = (a: Float32Array, b: Float32Array): number => a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);

  it('is saved, loaded and exported, guided and not', async () => {
    const model = await train(quick);
    expect(model.record.score).toEqual({ sigma: 1 });
    expect(model.record.path).toMatchObject({ name: 'schrodingerBridge', constants: { sigma: 1 } });
    await model.save(place('sf.safetensors'));
    const loaded = await Model.load(place('sf.safetensors'));
    for (const solver of [heun({ steps: 8 }), eulerMaruyama({ steps: 12 }), stochasticHeun({ steps: 6, noise: () => 0.5 })]) {
      for (const guidance of [1, 2]) {
        const options = { n: 40, seed: 4, condition: 1, solver, guidance } as const;
        const { x } = await model.sample(options);
        expect((await loaded.sample(options)).x).toEqual(x);
        expect((await model.sample({ ...options, threads: 3 })).x).toEqual(x);
        if (!solver.noise && guidance === 2) continue;
        const onnx = await loadOnnx(onnxBytes(model.record, { solver, guidance }));
        const other = await onnx.sample({ n: 40, seed: 4, condition: 1 });
        // A sampler graph of the flow ends at tMax: its closing step is not that of a bridge.
        if (solver.noise) expect(worst(other.x, x)).toBeLessThan(1e-5 * 4);
        onnx.dispose();
      }
    }
    model.dispose();
  });

  it('goes on bit for bit', async () => {
    const whole = await train(quick);
    const first = new Trainer({ ...quick, steps: 12 });
    await first.run();
    await first.save(place('run.safetensors'));
    first.dispose();
    const rest = await Trainer.resume(place('run.safetensors'), { data, condition: { labels }, steps: 30 });
    await rest.run();
    expect(rest.model().record.parameters).toEqual(whole.record.parameters);
    expect(rest.model().record.score).toEqual({ sigma: 1 });
    rest.dispose();
  });

  it.each([
    [{ objective: 'both' }, 'ERR_FLOW_CONFIG', 'options.objective'],
    [{ path: condOT() }, 'ERR_FLOW_CONFIG', 'options.path'],
    [{ prediction: 'x1' }, 'ERR_FLOW_CONFIG', undefined],
    [{ loss: 'adaptive' }, 'ERR_FLOW_CONFIG', 'options.loss'],
    [{ weight: 'minSNR' }, 'ERR_FLOW_CONFIG', 'options.weight'],
  ])('refuses %j', async (options, code, path) => {
    const error = await caught(() => train({ ...quick, ...options } as never));
    expect(error.code).toBe(code);
    if (path !== undefined) expect(error.path).toBe(path);
  });

  it('refuses noise that changes with t', async () => {
    const model = await train({ ...quick, steps: 2 });
    const error = await caught(() => model.sample({ n: 2, condition: 0, solver: eulerMaruyama({ noise: 'fading' }) }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.solver.noise']);
    expect(error.hint).toContain('() => 1');
    model.dispose();
  });
});
