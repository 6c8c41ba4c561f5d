// Reflow and distillation: noise kept beside the rows it became, and models that need one step where their teacher needs many.

import { describe, expect, it } from 'vitest';
import { adamw, distil, euler, type Model, mlp, reflow, Trainer, type TrainOptions, train, ve } from '../../lib/index.ts';
import { energyDistance } from '../../lib/metrics/index.ts';
import { native } from '../../lib/native/load.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { Random } from '../../lib/random.ts';
import { caught } from '../support/models.ts';

const random = new Random(3, 9);
/** Two narrow bumps left and right: the flow of independent pairs bends, and one Euler step from noise ends in the middle. */
const bumps = (n: number): Float32Array =>
  Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? (random.uniform() < 0.5 ? -4 : 4) + 0.3 * random.normal() : 0.5 * random.normal() + 7));
const common = { network: mlp({ hidden: [64, 64] }), optimiser: adamw({ lr: 3e-3 }), ema: 0.99, batchSize: 256, validation: 0, threads: 1 } as const;
const fresh = bumps(2000);
const distance = async (model: Model, steps: number): Promise<number> =>
  energyDistance((await model.sample({ n: 2000, seed: 5, solver: euler({ steps }) })).x, fresh, 2);

describe('noise beside the rows', () => {
  it('is not normalised, and the model draws its noise itself', async () => {
    // x = 3 z + 5: in network coordinates data and noise are the same numbers, the velocity is 0 and any number of steps is exact
    const noise = Float32Array.from({ length: 2000 }, () => random.normal());
    const data = noise.map((z) => 3 * z + 5);
    const model = await train({ ...common, data, columns: 1, source: { rows: noise, noise: true }, steps: 800, seed: 1 });
    expect(model.record.source).toBe('gaussian');
    const untold = await caught(() => model.score([[5]], { t: 0.5 })); // noise and data are one: the velocity says nothing of the score
    expect(untold).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'model.training', received: expect.stringContaining('noise that belongs to each row') });
    expect(await caught(() => model.sample({ solver: 'eulerMaruyama' }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.solver' });
    const start = Float32Array.of(-1.5, -0.5, 0, 0.5, 1.5);
    const { x } = await model.sample({ source: start, solver: euler({ steps: 1 }) });
    for (const [i, z] of start.entries()) expect(Math.abs((x[i] as number) - (3 * z + 5))).toBeLessThan(0.3); // a tenth of the spread; normalised noise is off by 5
    expect((await model.sample({ n: 3, seed: 1 })).rows).toBe(3);
  });

  it('is paired, and refuses to be anything else', async () => {
    const options = { data: [[1], [2]], source: { rows: [[0], [1]], noise: true, paired: false } } satisfies TrainOptions;
    expect(await caught(() => new Trainer(options))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.source.paired' });
  });
});

describe('reflow and distil', () => {
  it('reach in one step what the teacher needs many for', async () => {
    const teacher = await train({ ...common, data: bumps(4000), columns: 2, steps: 2500, seed: 1 });
    const [many, one] = [await distance(teacher, 100), await distance(teacher, 1)];
    expect(one).toBeGreaterThan(0.5); // the middle of the two bumps: without this the test would show nothing
    const straight = await reflow(teacher, { ...common, pairs: 8000, steps: 2500, seed: 2 });
    const short = await distil(straight, { ...common, pairs: 8000, steps: 2500, seed: 3 });
    // 2000 rows leave the energy distance a spread of about 0.01 by the chance of the counts left and right
    expect(await distance(straight, 1)).toBeLessThan(0.25 * one);
    expect(await distance(short, 1)).toBeLessThan(many + 0.03);
    const plain = await short.sample({ n: 8, seed: 1 }); // the steps it was made for are its default, natively and in ONNX
    expect(plain.nfe).toBe(1);
    expect(plain.x).toEqual((await short.sample({ n: 8, seed: 1, solver: euler({ steps: 1 }) })).x);
    expect(onnxBytes(short.record)).toEqual(onnxBytes(short.record, { solver: euler({ steps: 1 }) }));
    const four = await distil(straight, { ...common, pairs: 100, steps: 5, samplingSteps: 4 });
    expect((await four.sample({ n: 1 })).nfe).toBe(4);
    expect((await straight.sample({ n: 1 })).nfe).toBe(100);
  }, 60_000);

  it('start a flow of another source at its scale', async () => {
    const path = ve({ sigmaMax: 8 });
    const teacher = await train({ ...common, data: bumps(300), columns: 2, path, steps: 20, seed: 1 });
    const options = { ...common, steps: 20, seed: 3 } as const;
    const solver = euler({ steps: 9 });
    const student = await reflow(teacher, { ...options, pairs: 200, solver });
    const noise = native().normal(BigInt.asUintN(64, ~(3n * 16n)), 0, 200, 2);
    const { x } = await teacher.sample({ source: noise.map((z) => 8 * z), solver });
    const again = await train({ ...options, data: x, columns: 2, source: { rows: noise, noise: true } });
    expect(student.record.parameters).toEqual(again.record.parameters);
  });

  it('each round learns from the flow of the one before', async () => {
    const teacher = await train({ ...common, data: bumps(1000), columns: 2, steps: 150, seed: 1 });
    const options = { ...common, steps: 60, seed: 7 } as const;
    const solver = euler({ steps: 9 });
    const [once, twice] = [await reflow(teacher, { ...options, pairs: 300, solver }), await reflow(teacher, { ...options, pairs: 300, rounds: 2, solver })];
    // The second round by hand: noise of its own stream, carried by the flow of the first, that belongs to the rows it becomes.
    const noise = native().normal(BigInt.asUintN(64, ~(7n * 16n + 1n)), 0, 300, 2);
    const { x } = await once.sample({ source: noise, solver });
    const again = await train({ ...options, data: x, columns: 2, source: { rows: noise, noise: true } });
    expect(twice.record.parameters).toEqual(again.record.parameters);
    expect(twice.record.parameters).not.toEqual(once.record.parameters);
  });

  it('carry the condition and the columns along', async () => {
    const labels = Int32Array.from({ length: 400 }, (_, i) => i % 2);
    const data = Array.from(labels, (label) => [label === 0 ? -3 + 0.1 * random.normal() : 3 + 0.1 * random.normal()]);
    const teacher = await train({ ...common, data, columns: ['place'], condition: { labels, classes: 3 }, steps: 400, seed: 1 });
    const given = { labels: Int32Array.from({ length: 600 }, (_, i) => i % 2) };
    const student = await reflow(teacher, { ...common, pairs: 600, condition: given, steps: 400, seed: 2 });
    expect(student.record).toMatchObject({ columns: ['place'], condition: { numbers: 0, classes: [3] } });
    const { x } = await student.sample({ n: 50, seed: 1, condition: { labels: 1 }, solver: euler({ steps: 2 }) });
    for (const place of x) expect(Math.abs(place - 3)).toBeLessThan(1.5);
  }, 30_000);

  it('refuse what they cannot straighten', async () => {
    const rows = await train({ ...common, data: [[1], [2]], source: [[0], [1]], steps: 1 });
    expect(await caught(() => reflow(rows))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'model' });
    expect(await caught(() => reflow('model' as unknown as Model))).toMatchObject({ code: 'ERR_FLOW_TYPE', path: 'model' });
    const noise = await train({ ...common, data: [[1], [2]], steps: 1 });
    expect(await caught(() => reflow(noise, { data: [[1]] } as object))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.data' });
    expect(await caught(() => reflow(noise, { rounds: 2, checkpoint: 'a' }))).toMatchObject({ path: 'options.checkpoint' });
    expect(await caught(() => distil(noise, { samplingSteps: 0 }))).toMatchObject({ code: 'ERR_FLOW_RANGE', path: 'options.samplingSteps' });
  });
});
