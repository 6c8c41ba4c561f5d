// Training under the plans of transport: a pure function of seed and step whatever the threads, resumed to the same bytes; which rows train, and what they learn.

import { describe, expect, it } from 'vitest';
import type { OptimalCoupling } from '../../lib/couplings/coupling.ts';
import { adamw, defineCoupling, Model, mlp, partialOT, sinkhorn, Trainer, type TrainOptions, train, unbalancedOT } from '../../lib/index.ts';
import { Random } from '../../lib/random.ts';
import { table } from '../native/table.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const at = temporaryFolder();
const random = new Random(5, 1);
const rows = Array.from({ length: 400 }, () => [2 * random.normal() + 5, 0.1 * random.normal() - 3]);
const labels = rows.map((_, i) => i % 3);
const numbers = rows.map(([a]) => [(a as number) ** 2]);
const small: TrainOptions = { data: rows, steps: 24, batchSize: 64, network: mlp({ hidden: [16] }), seed: 1, evaluateEvery: 12 };
const couplings: Record<string, (batch?: { batch: number }) => OptimalCoupling> = {
  sample: (batch) => sinkhorn({ ...batch }),
  permutation: (batch) => sinkhorn({ rounding: 'permutation', ...batch }),
  unbalanced: (batch) => unbalancedOT({ ...batch }),
  partial: (batch) => partialOT({ mass: 0.8, ...batch }),
};

describe.each(Object.entries(couplings))('%s', (name, make) => {
  it('gives the same bits on any number of threads, with conditions and without', async () => {
    for (const condition of [undefined, { numbers, labels }]) {
      for (const batch of [64, 192]) {
        const settings: TrainOptions = { ...small, ...(condition ? { condition } : {}), coupling: make({ batch }) };
        const [first, ...others] = await Promise.all([1, 2, 3].map(async (threads) => (await train({ ...settings, threads })).record));
        for (const other of others) expect(other).toEqual(first);
        expect(first?.parameters).not.toEqual((await train({ ...settings, coupling: 'minibatchOT' })).record.parameters);
        expect(first?.training).toMatchObject({ coupling: make({ batch }).name });
      }
    }
  });

  it('resumes in the middle of a group to the same bytes, by its stored name, and refuses another', async () => {
    const options: TrainOptions = { ...small, condition: { labels }, coupling: make({ batch: 256 }) };
    await train({ ...options, checkpoint: at(`${name}-whole`) });
    const first = new Trainer({ ...options, checkpoint: { file: at(`${name}-cut`), everySteps: 10 } });
    for await (const { step } of first) if (step >= 10) break;
    first.dispose();
    expect(await caught(() => train({ ...options, coupling: make(), checkpoint: at(`${name}-cut`) }))).toMatchObject({ code: 'ERR_FLOW_CHECKPOINT' });
    const resumed = await Trainer.resume(at(`${name}-cut`), { data: options.data, condition: { labels } });
    for await (const _ of resumed);
    resumed.dispose();
    expect((await Model.load(at(`${name}-cut`))).record).toEqual((await Model.load(at(`${name}-whole`))).record);
  });

  it('trains on the pairs that it draws, in groups, and takes conditions along with the rows', async () => {
    // A network that says 0 and does not learn: the loss of a step is the mean of |x1 - x0|^2 / d over its pairs.
    const still: TrainOptions = {
      ...small,
      network: mlp({ hidden: [4], zeroOutput: true }),
      optimiser: adamw({ lr: 1e-30, weightDecay: 0 }),
      steps: 8,
      validation: 0,
      condition: { labels },
    };
    const drawn: [x0: number[], x1: number[], y: number[]] = [[], [], []];
    const spy = defineCoupling({
      name: 'spy',
      pair: (x0, x1, y) => {
        [x0, x1, y as Float32Array].forEach((values, k) => void (drawn[k] as number[]).push(...values));
        return Int32Array.from({ length: 64 }, (_, i) => i);
      },
    });
    await train({ ...still, coupling: spy });
    const losses = (await train({ ...still, coupling: make({ batch: 256 }) })).record.training['losses'] as { values: number[] };
    for (const group of [0, 1]) {
      const part = (k: 0 | 1 | 2, width: number): Float32Array => Float32Array.from(drawn[k].slice(width * 256 * group, width * 256 * (group + 1)));
      const [x0, x1, y] = [part(0, 2), part(1, 2), part(2, 1)];
      const pairs = table.couple(table.chosen().isa, x0, x1, 256, 2, y, 1, 1, 1, make().optimal.plan, 1, 256 * group);
      for (let step = 0; step < 4; step++) {
        let sum = 0;
        for (let s = 64 * step; s < 64 * (step + 1); s++) {
          const [i, j] = [pairs[s] as number, pairs[256 + s] as number];
          for (let c = 0; c < 2; c++) sum += ((x1[2 * j + c] as number) - (x0[2 * i + c] as number)) ** 2;
        }
        // f32: a difference, its square, a sum of 128 of them in blocks.
        expect(Math.abs(((losses.values[4 * group + step] as number) * 128) / sum - 1)).toBeLessThan(16 * 2 ** -24);
      }
    }
  });

  it('holds out rows under the same coupling', async () => {
    const held = async (coupling: TrainOptions['coupling']): Promise<number> => {
      const { training } = (await train({ ...small, steps: 60, validation: 0.5, ...(coupling ? { coupling } : {}) })).record;
      return (training['validation'] as { losses: number[] }).losses.at(-1) as number;
    };
    expect(await held(make())).toBeLessThan(0.9 * (await held(undefined)));
  });
});

describe('marginals', () => {
  type Marginals = { unsettled: number; worst: number } | undefined;
  const marginalsOf = (model: Model): Marginals => model.record.training['marginals'] as Marginals;
  const warned = async (run: () => Promise<Model>): Promise<[Model, string[]]> => {
    const texts: string[] = [];
    const listen = (warning: Error & { code?: string }): void => void (warning.code === 'FLOW_COUPLING_UNSETTLED' && texts.push(warning.message));
    process.on('warning', listen);
    try {
      const model = await run();
      await new Promise((resolve) => setImmediate(resolve)); // warnings come in a turn of their own
      return [model, texts];
    } finally {
      process.off('warning', listen);
    }
  };
  const error = (coupling: OptimalCoupling, step: number): number => {
    // The batch of that step, as a user's coupling sees it, and its plan from another place.
    const { x0, x1 } = batches[step] as { x0: Float32Array; x1: Float32Array };
    return table.entropicPlan(table.chosen().isa, x0, x1, 64, 2, coupling.optimal.plan as never).error;
  };
  const batches: { x0: Float32Array; x1: Float32Array }[] = [];
  const spy = defineCoupling({
    name: 'spy',
    pair: (x0, x1) => {
      batches.push({ x0: x0.slice(), x1: x1.slice() });
      return Int32Array.from({ length: 64 }, (_, i) => i);
    },
  });

  it('that are not met are counted step by step and warned of once, with numbers', async () => {
    batches.length = 0;
    await train({ ...small, coupling: spy });
    const sharp = sinkhorn({ regularisation: 0.01, iterations: 20, tolerance: 0.02 });
    const errors = Array.from({ length: 24 }, (_, step) => error(sharp, step));
    const [model, texts] = await warned(() => train({ ...small, coupling: sharp }));
    const marginals = marginalsOf(model);
    expect(marginals).toEqual({ unsettled: errors.filter((e) => e >= 0.02).length, worst: Math.max(...errors) });
    expect(marginals?.unsettled).toBeGreaterThan(0);
    expect(marginals?.unsettled).toBeLessThan(24);
    expect(texts.length).toBe(1);
    expect(texts[0]).toMatch(/^sinkhorn\(\): a plan stopped after 20 iterations with marginals off by [\d.e-]+, wanted 0\.02\./);
    expect((await warned(() => train({ ...small, coupling: unbalancedOT({ iterations: 1 }) })))[1][0]).toMatch(/^unbalancedOT\(\)/);
  });

  it('that are met say by how much, and nothing is warned of; plans without iteration say nothing', async () => {
    const [model, texts] = await warned(() => train({ ...small, coupling: sinkhorn() }));
    const { unsettled, worst } = marginalsOf(model) as { unsettled: number; worst: number };
    expect([unsettled, texts]).toEqual([0, []]);
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(1e-3);
    for (const coupling of [sinkhorn({ rounding: 'permutation' }), partialOT()]) expect(marginalsOf(await train({ ...small, coupling }))).toBeUndefined();
  });

  it('are off by two at most, the whole mass twice, however sharp the plan and short the iteration', () => {
    const draw = new Random(11, 1);
    const x0 = Float32Array.from({ length: 128 }, () => draw.normal());
    const eight = Float32Array.from({ length: 128 }, (_, i) => 4 * (i % 2 ? Math.sin : Math.cos)((Math.floor(i / 2) * Math.PI) / 4) + 0.1 * draw.normal());
    const plans = [1e-3, 1e-4, 1e-5, 1e-6].flatMap((regularisation) =>
      [1, 6, 20, 100].flatMap((iterations) => [sinkhorn({ regularisation, iterations }), unbalancedOT({ regularisation, iterations, marginal: 1e-4 })]),
    );
    for (const isa of table.available())
      for (const { name, optimal } of plans) {
        const off = table.entropicPlan(isa, x0, eight, 64, 2, optimal.plan as never).error;
        expect([name, off >= 0 && off <= 2.00001, off]).toEqual([name, true, off]);
      }
  });

  it('that were far from met are kept in a checkpoint', async () => {
    const options: TrainOptions = {
      ...small,
      coupling: unbalancedOT({ marginal: 1e-4, iterations: 1 }),
      checkpoint: { file: at('marginals-far'), everySteps: 7 },
    };
    const first = new Trainer(options);
    for await (const { step } of first) if (step >= 7) break;
    first.dispose();
    const [resumed, texts] = await warned(async () => (await Trainer.resume(at('marginals-far'), { data: rows })).run());
    expect(marginalsOf(resumed)?.unsettled).toBe(24);
    expect(marginalsOf(resumed)?.worst).toBeLessThanOrEqual(2.00001);
    expect(texts).toEqual([]); // the first part has warned
  });

  it('are counted the same however a run is cut, in groups and by class', async () => {
    const options: TrainOptions = {
      ...small,
      condition: { labels },
      coupling: sinkhorn({ regularisation: 0.01, iterations: 12, tolerance: 0.02, batch: 128 }),
    };
    const whole = marginalsOf(await train({ ...options, checkpoint: at('marginals-whole') }));
    const first = new Trainer({ ...options, checkpoint: { file: at('marginals-cut'), everySteps: 7 } });
    for await (const { step } of first) if (step >= 7) break;
    first.dispose();
    const resumed = await Trainer.resume(at('marginals-cut'), { data: rows, condition: { labels } });
    expect(marginalsOf(await resumed.run())).toEqual(whole);
    resumed.dispose();
    expect(whole?.unsettled).toBeGreaterThan(0);
  });
});

it('unbalanced and partial models leave rubbish out: a hundredth of the rows lies far away', async () => {
  const n = 2000;
  const draw = new Random(3, 1);
  const data = Float32Array.from({ length: n }, (_, i) => (i % 100 === 0 ? 30 : draw.normal()));
  const far = async (coupling: OptimalCoupling | 'independent'): Promise<number> => {
    const model = await train({
      data,
      columns: 1,
      normalise: false,
      coupling,
      steps: 800,
      batchSize: 128,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: 3e-3 }),
      ema: 0.99,
      seed: 2,
    });
    const { x } = await model.sample({ n: 4000, solver: 'heun', seed: 1 });
    return x.filter((v) => v > 6).length / 4000;
  };
  expect(await far(unbalancedOT({ marginal: { absolute: 20 }, regularisation: { absolute: 0.5 } }))).toBeLessThan(5e-4);
  expect(await far(partialOT({ mass: 0.95 }))).toBeLessThan(5e-4);
  expect(await far('independent')).toBeGreaterThan(2e-3);
});
