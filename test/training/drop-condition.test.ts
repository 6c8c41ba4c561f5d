// dropCondition: how often and for which rows, what stays as it was, and what a guided model of two Gaussians draws.

import { describe, expect, it } from 'vitest';
import { adamw, heun, Model, mlp, Trainer, type TrainOptions, train, warmupCosine } from '../../lib/index.ts';
import { native } from '../../lib/native/load.ts';
import { nullCondition } from '../../lib/network/condition.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { lower } from '../../lib/network/lower.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';
import { Random } from '../../lib/random.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { guidedField } from '../../lib/sampling/reference/guided.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { adamFields } from '../support/adam-fields.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

/** Which share of each batch lost its condition: with x1 = x0 = 0 and v = the indicator of the null row, the loss is that share. */
async function shares(condition: ConditionSpec, batchSize: number, steps: number, threads = 1): Promise<Float64Array> {
  const binding = native();
  const rows = 60;
  const program = lower(mlp({ hidden: [], time: 'raw' }), 1, condition);
  const { words, constants } = encodeProgram(program);
  const parameters = new Float32Array(program.parameterCount);
  // inputs: x, t, then the numbers and their indicator, or the indicators of the classes, the null one last
  parameters[2 + (condition.numbers > 0 ? condition.numbers : (condition.classes[0] as number))] = 1;
  const store = (width: number, fill: (i: number) => number) => {
    const data = new binding.Dataset(width);
    data.append(Float32Array.from({ length: rows * width }, (_, i) => fill(i)));
    return data;
  };
  const row = nullCondition(condition);
  const every = Uint32Array.from({ length: rows }, (_, i) => i);
  const trainer = new binding.Trainer({
    program: words,
    constants,
    parameters,
    data: store(1, () => 0),
    source: store(1, () => 0),
    sourcePaired: false,
    condition: store(row.length, (i) => (row.length === 1 ? i % 3 : i % 2 === 0 ? 0.5 : 0)),
    trainRows: every,
    validationRows: every,
    path: { kind: 'condOT', sigmaMin: 0 },
    times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
    dropCondition: { probability: condition.drop ?? 0, row },
    batchSize,
    seed: 5n,
    ...adamFields,
    threads,
  });
  const { losses } = await trainer.run(new Float64Array(steps), 0).done;
  const { loss } = await trainer.evaluate('parameters', 1n, 50).done;
  trainer.dispose();
  expect(Math.abs(loss - (condition.drop ?? 0))).toBeLessThan(5 * Math.sqrt(0.25 / (50 * rows)));
  return losses;
}

describe('rows that lose their condition', () => {
  it.each([
    ['classes', { numbers: 0, classes: [3], drop: 0.3 }],
    ['numbers', { numbers: 1, classes: [], drop: 0.1 }],
  ] as [string, ConditionSpec][])('%s: as many as asked for, each on its own', async (_, condition) => {
    const [p, steps, batch] = [condition.drop as number, 200, 128];
    const found = await shares(condition, batch, steps);
    const mean = found.reduce((a, b) => a + b, 0) / steps;
    const variance = found.reduce((a, b) => a + (b - mean) ** 2, 0) / (steps - 1);
    expect(Math.abs(mean - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / (steps * batch)));
    // Independent rows: the share of a batch is binomial; its sample variance over 200 batches has a relative error of sqrt(2 / 199).
    expect(Math.abs(variance / ((p * (1 - p)) / batch) - 1)).toBeLessThan(5 * Math.sqrt(2 / (steps - 1)));
    // A pure function of (seed, row): two batches of 64 are one of 128, on any threads.
    const halves = await shares(condition, 64, 2 * steps, 3);
    found.forEach((share, k) => {
      expect(share).toBeCloseTo(((halves[2 * k] as number) + (halves[2 * k + 1] as number)) / 2, 6);
    });
  });
});

const place = temporaryFolder();
const labels = Array.from({ length: 300 }, (_, i) => i % 2);
const data = labels.map((label, i) => [3 * label + Math.sin(i), Math.cos(2 * i)]);
const quick = { data, condition: { labels }, network: mlp({ hidden: [16] }), steps: 30, batchSize: 32, seed: 2, evaluateEvery: 10 } as const;

describe('dropCondition', () => {
  it('of 0 is the same model, bit for bit', async () => {
    const [plain, zero] = [await train(quick), await train({ ...quick, dropCondition: 0 })];
    expect(zero.record.parameters).toEqual(plain.record.parameters);
    expect(zero.record.condition).toEqual({ numbers: 0, classes: [2] });
  });

  it('stands in the model, its file and its description, also with optimal transport', async () => {
    const model = await train({ ...quick, condition: { labels, numbers: data }, dropCondition: 0.25, coupling: 'minibatchOT' });
    expect(model.record.condition).toEqual({ numbers: 2, classes: [2], drop: 0.25 });
    await model.save(place('drop.safetensors'));
    const loaded = await Model.load(place('drop.safetensors'));
    expect(loaded.record.condition).toEqual(model.record.condition);
    const options = { n: 4, seed: 1, condition: { numbers: [1, 0], labels: 1 }, guidance: 2 } as const;
    expect((await loaded.sample(options)).x).toEqual((await model.sample(options)).x);
  });

  it('goes on bit for bit, and is not changed on the way', async () => {
    const options: TrainOptions = { ...quick, dropCondition: 0.2 };
    const whole = await train(options);
    const first = new Trainer({ ...options, steps: 12 });
    await first.run();
    await first.save(place('run.safetensors'));
    first.dispose();
    const rest = await Trainer.resume(place('run.safetensors'), { data, condition: { labels }, steps: 30 });
    await rest.run();
    expect(rest.model().record.parameters).toEqual(whole.record.parameters);
    rest.dispose();
    const error = await caught(() => train({ ...options, dropCondition: 0.3, checkpoint: place('run.safetensors') }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CHECKPOINT', 'options.dropCondition']);
  });

  it.each([
    [{ dropCondition: 1 }, 'ERR_FLOW_RANGE'],
    [{ dropCondition: -0.1 }, 'ERR_FLOW_RANGE'],
    [{ dropCondition: '10 %' }, 'ERR_FLOW_TYPE'],
    [{ dropCondition: 0.1, condition: undefined }, 'ERR_FLOW_CONFIG'],
  ])('%j is refused', async (options, code) => {
    const error = await caught(() => train({ ...quick, ...options } as never));
    expect([error.code, error.path]).toEqual([code, 'options.dropCondition']);
  });
});

describe('a model of two Gaussians', () => {
  // Class k is N(m_k, s^2) in one column; without a class both, as a mixture. Guided closed forms are integrated in float64; the trained model must draw the same.
  const [means, s] = [[-1, 1], 0.5] as const;
  const velocity = (m: number) => (x: number, t: number) => m + ((t * s * s - (1 - t)) / (t * t * s * s + (1 - t) ** 2)) * (x - t * m);
  const weightOf = (m: number, x: number, t: number) => Math.exp(-((x - t * m) ** 2) / (2 * (t * t * s * s + (1 - t) ** 2)));
  const given = (k: 0 | 1) => (x: Float64Array, t: number) => x.map((v) => velocity(means[k])(v, t));
  const none = (x: Float64Array, t: number) =>
    x.map((v) => {
      const [a, b] = [weightOf(means[0], v, t), weightOf(means[1], v, t)];
      return (a * velocity(means[0])(v, t) + b * velocity(means[1])(v, t)) / (a + b);
    });

  it('draws what the closed form draws, for w = 0, 1, 3 and 3 on an interval', async () => {
    const random = new Random(1, 9);
    const which = Array.from({ length: 20_000 }, (_, i) => i % 2);
    const rows = Float32Array.from(which, (k) => (means[k] as number) + s * random.normal());
    const model = await train({
      data: rows,
      columns: 1,
      condition: { labels: which },
      dropCondition: 0.2,
      normalise: false,
      network: mlp({ hidden: [48, 48] }),
      optimiser: adamw({ lr: warmupCosine({ peak: 5e-3, steps: 2500 }) }),
      steps: 2500,
      batchSize: 512,
      seed: 1,
    });
    const n = 2000;
    const noise = Float64Array.from(await noiseRows(7n, 0, n, 1));
    const solver = heun({ steps: 40 });
    const grid = Array.from({ length: 41 }, (_, i) => i / 40);
    for (const [scale, from, to] of [
      [1, 0, 1],
      [0, 0, 1],
      [3, 0, 1],
      [3, 0.3, 0.8],
    ] as const) {
      const want = integrate(solver, guidedField(given(1), none, { scale, from, to }), noise, grid).saved[0] as Float64Array;
      const { x } = await model.sample({ n, seed: 7, condition: 1, solver, guidance: { scale, interval: [from, to] } });
      const rms = Math.sqrt(want.reduce((sum, v, i) => sum + (v - (x[i] as number)) ** 2, 0) / n);
      const plain = integrate(solver, given(1), noise, grid).saved[0] as Float64Array;
      const moved = Math.sqrt(want.reduce((sum, v, i) => sum + (v - (plain[i] as number)) ** 2, 0) / n);
      console.log(`w = ${scale} on [${from}, ${to}]: rms ${rms.toFixed(3)} from the closed form, which is ${moved.toFixed(3)} from the plain condition`);
      expect(rms).toBeLessThan(0.06 + (scale > 1 ? 0.06 : 0)); // guidance by 3 triples the error of a side
      if (scale !== 1) expect(moved).toBeGreaterThan(2 * rms);
    }
    model.dispose();
  });
});
