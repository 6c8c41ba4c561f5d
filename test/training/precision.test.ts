// Training in bf16: as good as in f32 after the same steps, cut anywhere it ends with the same bytes, and its precision is part of a checkpoint.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adamw, Model, mlp, synthetic, Trainer, type TrainOptions, train } from '../../lib/index.ts';
import { energyDistance } from '../../lib/metrics/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const at = temporaryFolder();
const steps = 600;
const options = (seed: number, precision: 'f32' | 'bf16', more: Partial<TrainOptions> = {}): TrainOptions => ({
  data: synthetic('moons', { n: 4000, seed: 1 }).x,
  columns: 2,
  network: mlp({ hidden: [64, 64, 64] }),
  optimiser: adamw({ lr: 2e-3 }),
  batchSize: 256,
  steps,
  evaluateEvery: steps,
  seed,
  precision,
  ...more,
});
/** The last validation loss: 400 held-out rows with fixed times and noise, in f32. */
const final = (model: Model): number => (model.record.training['validation'] as { losses: number[] }).losses.at(-1) as number;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('training in bf16', () => {
  it('ends within 1 % of the loss of f32 on each of ten seeds, with samples as good', { timeout: 300_000 }, async () => {
    const real = synthetic('moons', { n: 2000, seed: 99 }).x;
    const distances: { f32: number[]; bf16: number[] } = { f32: [], bf16: [] };
    const ratios: number[] = [];
    for (let seed = 0; seed < 10; seed++) {
      const [wide, narrow] = [await train(options(seed, 'f32')), await train(options(seed, 'bf16'))];
      ratios.push(final(narrow) / final(wide));
      expect(narrow.record.training['precision']).toBe('bf16');
      expect(wide.record.training).not.toHaveProperty('precision');
      if (seed >= 4) continue;
      for (const [model, precision] of [[wide, 'f32'] as const, [narrow, 'bf16'] as const]) {
        const { x } = await model.sample({ n: 2000, seed: 5, precision });
        distances[precision].push(energyDistance(x, real, 2, { statistic: 'U' }));
      }
    }
    expect(Math.max(...ratios.map((r) => Math.abs(r - 1))), `${ratios}`).toBeLessThan(0.01);
    // What two samples of one model, or two seeds, differ by is of this size; a bias of bf16 would stand out of it.
    const spread = Math.max(...distances.f32) - Math.min(...distances.f32);
    expect(mean(distances.bf16) - mean(distances.f32), JSON.stringify(distances)).toBeLessThan(spread + 2e-3);
  });

  it('ends with the same bytes when it is cut and continued', async () => {
    const whole = options(3, 'bf16', { steps: 120, evaluateEvery: 50 });
    await train({ ...whole, checkpoint: at('whole') });
    const trainer = new Trainer({ ...whole, threads: 1, checkpoint: { file: at('cut'), everySteps: 37 } });
    for await (const { step } of trainer) if (step >= 37) break;
    trainer.dispose();
    const resumed = await Trainer.resume(at('cut'), { data: whole.data, columns: 2, threads: 2 });
    await resumed.run();
    resumed.dispose();
    expect(readFileSync(at('cut')).equals(readFileSync(at('whole')))).toBe(true);
  });

  it('refuses to go on in another precision, naming it', async () => {
    const short = options(3, 'bf16', { steps: 4 });
    await train({ ...short, checkpoint: at('narrow') });
    const error = await caught(() => train({ ...short, steps: 8, precision: 'f32', checkpoint: at('narrow') }));
    expect(error).toMatchObject({ code: 'ERR_FLOW_CHECKPOINT', path: 'options.precision' });
    expect(error.message).toMatch(/bf16.*f32/s);
    await train({ ...options(3, 'f32', { steps: 4 }), checkpoint: at('wide') });
    const other = await caught(async () => (await Trainer.resume(at('wide'), { data: short.data, columns: 2, steps: 8, precision: 'bf16' })).run());
    expect(other).toMatchObject({ code: 'ERR_FLOW_CHECKPOINT', path: 'options.precision' });
  });

  it('gives other weights than f32, and not far away', async () => {
    const [wide, narrow] = await Promise.all([train(options(1, 'f32', { steps: 20 })), train(options(1, 'bf16', { steps: 20 }))]);
    const [a, b] = [wide.record.parameters, narrow.record.parameters];
    const far = Math.sqrt(mean([...a].map((v, i) => (v - (b[i] as number)) ** 2))) / Math.sqrt(mean([...a].map((v) => v ** 2)));
    expect(far).toBeGreaterThan(1e-6);
    expect(far).toBeLessThan(0.05);
  });
});

describe('sampling below f32', () => {
  it('moves rows by no more than its precision, through every method', async () => {
    const model = await train(options(2, 'f32', { steps: 200 }));
    const base = { n: 300, seed: 4 } as const;
    const { x } = await model.sample(base);
    const away = (rows: Float32Array): number => Math.max(...rows.map((v, i) => Math.abs(v - (x[i] as number)))) / Math.max(...x.map(Math.abs));
    // |dx| grows with the solve: exp(L) times the bound on u, L the Lipschitz constant of the flow, here below 3.
    for (const [precision, bound] of [
      ['f32', 0],
      ['f32-amx', 2e-5],
      ['bf16x3', 4e-4],
      ['bf16', 0.2],
    ] as const) {
      const sampled = await model.sample({ ...base, precision });
      expect(away(sampled.x), precision).toBeLessThanOrEqual(bound);
      expect(model.sampleSync({ ...base, precision }).x).toEqual(sampled.x);
      const parts: number[] = [];
      for await (const batch of model.sampleBatches({ ...base, precision, batchRows: 77 })) parts.push(...batch.x);
      expect(Float32Array.from(parts)).toEqual(sampled.x);
      const back = await model.encode(sampled.x, { precision });
      expect(back.x.every(Number.isFinite)).toBe(true);
    }
    expect(away((await model.sample({ ...base, precision: 'bf16' })).x)).toBeGreaterThan(1e-6);
    await model.save(at('model'));
    const loaded = await Model.load(at('model'));
    expect((await loaded.sample({ ...base, precision: 'bf16' })).x).toEqual((await model.sample({ ...base, precision: 'bf16' })).x);
  });
});
