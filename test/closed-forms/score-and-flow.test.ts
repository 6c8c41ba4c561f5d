// Score and flow together ([SF]2M): the loss and its gradient, and models between two Gaussians against the closed forms of three couplings: independent, optimal
// transport, and the entropic plan, whose bridge is Schroedinger's. With covariance c of the pairs, x_t ~ N(t m, V), V = (1-t)^2 + t^2 s^2 + 2 t (1-t) c + sigma^2 t (1-t),
//   v = m + V' / (2 V) (x - t m),   score head = -sigma^2 / 2 (x - t m) / V.

import { beforeAll, describe, expect, it } from 'vitest';
import {
  adamw,
  condOT,
  eulerMaruyama,
  heun,
  loadOnnx,
  Model,
  mlp,
  schrodingerBridge,
  scoreAndFlow,
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
import { pathForm } from '../../lib/paths/paths.ts';
import { Random } from '../../lib/random.ts';
import { pathContract } from '../contracts/path.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

describe('schrodingerBridge', () => {
  pathContract(schrodingerBridge({ sigma: 0.7 }), { alphaAtStart: 0.001, sigmaAtEnd: 0.001 });
});

describe('the loss', () => {
  // A network without hidden layers: the loss is a quadratic of its parameters, and central differences are exact.
  const sigma = 0.8;
  const program = lower(mlp({ hidden: [], time: 'raw' }), 2, null, 2);
  const { words, constants } = encodeProgram(program);
  const rows = 64;
  const step = async (parameters: Float32Array, zero = false): Promise<{ loss: number; norm: number; validation: number }> => {
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
      path: pathForm(schrodingerBridge({ sigma })),
      times: { stratified: false, tMin: 0.001, tMax: 0.999, quantiles: null },
      objective: { target: 'velocity', loss: 'mse', c: 0, power: 0, weights: null, importance: false, score: { sigma } },
      batchSize: 1000,
      seed: 3n,
      replacement: false,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weightDecay: 0,
      emaDecay: 0,
      emaWarmup: false,
      clip: 0,
      threads: 2,
    });
    const { losses, gradientNorms } = await trainer.run(new Float64Array(1), 0).done;
    const { loss } = await trainer.evaluate('parameters', 1n, 200).done;
    trainer.dispose();
    return { loss: losses[0] as number, norm: gradientNorms[0] as number, validation: loss };
  };

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
const plans = { independent: 0, 'optimal transport': s, 'the entropic plan': (Math.sqrt(4 * s * s + sigma ** 4) - sigma ** 2) / 2 } as const;
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
      coupling: name === 'optimal transport' ? 'minibatchOT' : 'independent',
      objective: scoreAndFlow({ sigma }),
      normalise: false,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2500 }) }),
      steps: 2500,
      batchSize: name === 'optimal transport' ? 128 : 512,
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
