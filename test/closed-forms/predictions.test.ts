// Models trained to say x1 or noise, with other losses, weights and time laws, reproduce a mixture as a velocity model does; what they say is the closed form;
// a checkpoint resumes with the same objective, and refuses another.

import { describe, expect, it } from 'vitest';
import {
  adamw,
  adaptive,
  condOT,
  edm,
  heun,
  logitNormal,
  Model,
  midpoint,
  minSNR,
  mlp,
  pseudoHuber,
  Trainer,
  train,
  vp,
  warmupCosine,
} from '../../lib/index.ts';
import { energyDistance } from '../../lib/metrics/index.ts';
import { type Component, mixtureRows, mixtureScore } from '../cases/closed-forms.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const place = temporaryFolder();
const components: Component[] = [
  { weight: 0.25, mean: [3, 0], std: 0.4 },
  { weight: 0.75, mean: [-1, 2], std: 0.7 },
];
const steps = 2000;
const budget = {
  data: mixtureRows(components, 20_000, 1),
  columns: 2,
  network: mlp({ hidden: [64, 64] }),
  steps,
  batchSize: 512,
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, warmup: 100, steps }) }),
  seed: 3,
} as const;

describe('trained', () => {
  it.each([
    ['x1', { prediction: 'x1' }],
    ['x1, min-SNR', { prediction: 'x1', weight: minSNR() }],
    ['x1 on vp, edm', { prediction: 'x1', path: vp(), weight: edm() }],
    ['noise', { prediction: 'noise' }],
    ['noise on vp, min-SNR', { prediction: 'noise', path: vp(), weight: minSNR() }],
    ['velocity, pseudo-Huber, logit-normal with importance', { loss: pseudoHuber({ c: 1 }), time: logitNormal({ std: 1.5, importance: true }) }],
    ['velocity, adaptive', { loss: adaptive({ power: 0.5, c: 1 }) }],
  ] as const)('%s reproduces a mixture', async (name, options) => {
    const model = await train({ ...budget, ...options });
    const { x } = await model.sample({ n: 2000, seed: 2, solver: heun({ steps: 50 }) });
    // Unbiased; the standard error of two samples of 2000 is about 0.004, the mean distance of two rows 2.5. Robust losses lean to the median of u, hence 0.04 for all.
    const distance = energyDistance(x, mixtureRows(components, 2000, 9), 2, { statistic: 'U' });
    expect(distance, name).toBeLessThan(0.04);
    const moved = x.map((v) => v + 0.35);
    expect(energyDistance(moved, mixtureRows(components, 2000, 9), 2, { statistic: 'U' })).toBeGreaterThan(0.04);
  });

  it('x1 says the posterior mean, in network coordinates', async () => {
    const model = await train({ ...budget, normalise: false, prediction: 'x1' });
    const t = 0.5;
    const rows = mixtureRows(components, 200, 11);
    const noise = mixtureRows([{ weight: 1, mean: [0, 0], std: 1 }], 200, 12);
    const xt = Float64Array.from(rows, (v, i) => t * v + (1 - t) * (noise[i] as number));
    const score = mixtureScore(components, condOT())(xt, t);
    // One Euler step of an x1 model from t is the linear step to what it says.
    const { x } = await model.sample({ source: Float32Array.from(xt), solver: midpoint({ grid: [t, 1] }) });
    const errors = Float64Array.from({ length: 200 }, (_, r) =>
      Math.hypot(...[0, 1].map((c) => (x[2 * r + c] as number) - ((xt[2 * r + c] as number) + (1 - t) ** 2 * (score[2 * r + c] as number)) / t)),
    ).sort();
    expect(errors[100]).toBeLessThan(0.12);
  });
});

describe('a checkpoint', () => {
  it('keeps the objective, goes on with it, and refuses another', async () => {
    const file = place('run.safetensors');
    const short = { ...budget, steps: 40, optimiser: adamw(), batchSize: 32, validation: 0 };
    const options = { ...short, prediction: 'x1', loss: pseudoHuber({ c: 0.2 }), weight: minSNR({ gamma: 3 }), time: 'uniform' } as const;
    const whole = await train(options);
    expect(whole.record).toMatchObject({ prediction: 'x1', training: { prediction: 'x1', loss: { name: 'pseudoHuber', c: 0.2 }, weight: { name: 'minSNR' } } });
    await train({ ...options, steps: 20, checkpoint: file });
    const again = await Trainer.resume(file, { data: budget.data, columns: 2, steps: 40 });
    expect((await again.run()).record.parameters).toEqual(whole.record.parameters);
    for (const [change, message] of [
      [{ prediction: 'noise' }, /options.prediction/],
      [{ loss: 'mse' }, /options.loss/],
      [{ weight: edm() }, /options.weight/],
    ] as const)
      expect((await caught(() => train({ ...options, ...change, steps: 50, checkpoint: file }))).message).toMatch(message);
    const own = place('own.safetensors');
    await train({ ...short, steps: 5, weight: (t) => 1 + t, checkpoint: own });
    expect((await caught(() => Trainer.resume(own, { data: budget.data, columns: 2 }))).path).toBe('options.weight');
    const saved = place('model.safetensors');
    await whole.save(saved);
    expect((await Model.load(saved)).record.prediction).toBe('x1');
  });
});
