// meanFlow() and shortcut(): the average velocity of a Gaussian against its closed form, one step instead of many, what such a model refuses, and that training resumes
// bit by bit.

import { describe, expect, it } from 'vitest';
import {
  adamw,
  condOT,
  distil,
  euler,
  logitNormal,
  Model,
  meanFlow,
  midpoint,
  minSNR,
  mlp,
  reflow,
  shortcut,
  Trainer,
  type TrainOptions,
  train,
  vp,
  warmupCosine,
} from '../../lib/index.ts';
import { moments } from '../../lib/metrics/index.ts';
import { resolvePath } from '../../lib/paths/paths.ts';
import { covariance, gaussianMap, normalRows, type PlaneNormal } from '../cases/closed-forms.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const inFolder = temporaryFolder();
const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };
const steps = 2500;
const budget = {
  network: mlp({ hidden: [48, 48], time: 'raw' }),
  steps,
  batchSize: 512,
  optimiser: adamw({ lr: warmupCosine({ peak: 4e-3, warmup: 100, steps }) }),
  validation: 0,
  seed: 3,
} as const;
const rowsOf = (flat: Float32Array): number[][] => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i] as number, flat[2 * i + 1] as number]);
const rms = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum / a.length);
};

describe.each([
  ['mean flow', meanFlow({ instant: 0.5 })],
  ['shortcuts', shortcut({ instant: 0.5, mostSteps: 16, teacher: 'current' })],
])('average velocities of N(m, S) by %s', (_, objective) => {
  it('carry each row along the flow map, in one step as in four, and give the moments', async () => {
    const data = normalRows(normal, 20_000, 1);
    const model = await train({ ...budget, objective, data, columns: 2, normalise: false });
    const { x, saved, nfe } = await model.sample({ n: 4000, seed: 2, saveAt: 2 });
    expect(nfe).toBe(1); // one step by default
    const map = gaussianMap(normal, resolvePath(condOT()), saved.subarray(0, 8000), 1);
    // The rows of the answer spread by 0.3 to 1.2; one Euler step of the velocity itself would end in the mean, off by that spread.
    expect(rms(x, map)).toBeLessThan(0.1);
    const four = await model.sample({ n: 4000, seed: 2, solver: euler({ steps: 4 }) });
    expect(four.nfe).toBe(4);
    expect(rms(four.x, map)).toBeLessThan(0.1);
    // On the way too: after a quarter of the time, and from there on in steps of a quarter.
    const quarter = await model.sample({ n: 4000, seed: 2, solver: euler({ grid: [0, 0.25] }), saveAt: 2 });
    expect(rms(quarter.x, gaussianMap(normal, resolvePath(condOT()), saved.subarray(0, 8000), 0.25))).toBeLessThan(0.1);
    const got = moments(x, 2);
    const [xx, xy, yy] = covariance(normal);
    normal.mean.forEach((m, c) => {
      expect(Math.abs((got.mean[c] as number) - m)).toBeLessThan(5 * Math.sqrt(xx / 4000) + 0.06);
    });
    [xx, xy, xy, yy].forEach((exact, i) => {
      expect(Math.abs((got.covariance[i] as number) - exact)).toBeLessThan(0.15 * xx);
    });
  }, 60_000);

  it('depend on the class, follow guidance, and start at source rows', async () => {
    const labels = Int32Array.from({ length: 4000 }, (_, i) => i % 2);
    const data = normalRows(normal, 4000, 1).map((v, i) => (i % 2 === 0 ? v + ((labels[i >> 1] as number) === 0 ? -6 : 6) : v));
    const model = await train({ ...budget, objective, data, columns: 2, condition: { labels }, dropCondition: 0.2, steps: 1200 });
    const mean = async (options: object): Promise<number> => moments((await model.sample({ n: 1000, seed: 4, ...options })).x, 2).mean[0] as number;
    expect(Math.abs((await mean({ condition: { labels: 0 } })) - (1.5 - 6))).toBeLessThan(0.6);
    expect(Math.abs((await mean({ condition: { labels: 1 } })) - (1.5 + 6))).toBeLessThan(0.6);
    expect(Math.abs((await mean({ guidance: 0 })) - 1.5)).toBeLessThan(1.5); // both classes
    expect(await mean({ condition: { labels: 1 }, guidance: 1.5 })).toBeGreaterThan(8);
    const each = await model.sample({ n: 2, condition: { labels: [0, 1] }, seed: 4 });
    expect((each.x[0] as number) < 0 && (each.x[2] as number) > 0).toBe(true);

    const from = normalRows(normal, 4000, 9);
    const shifted = await train({ ...budget, objective, data: from.map((v) => v + 3), columns: 2, source: { rows: rowsOf(from), paired: true }, steps: 300 });
    const { x } = await shifted.sample({ source: [[0, 0]] });
    for (const v of x) expect(Math.abs(v - 3)).toBeLessThan(0.5);
  }, 60_000);
});

const tiny = { data: normalRows(normal, 200, 1), columns: 2, network: mlp({ hidden: [8] }), batchSize: 64, seed: 1 } as const;
const refused = async (work: () => unknown): Promise<string> => {
  const { code, path } = await caught(work);
  return `${code} ${path}`;
};

describe.each([
  ['meanFlow', meanFlow({ instant: 0.5 }), 'instant', { name: 'meanFlow', instant: 0.75 }, true],
  ['shortcut', shortcut({ instant: 0.875, limit: 4 }), 'limit', { name: 'shortcut', instant: 0.875, mostSteps: 128, teacher: 'ema' }, 128],
] as const)('training for average velocities: %s', (objective, other, differs, stored, span) => {
  it.each(['f32', 'bf16'] as const)(
    'gives the same model with any number of threads, in one go or resumed, and through a file: %s',
    async (precision) => {
      const options = { ...tiny, objective, precision };
      const whole = await train({ ...options, steps: 60, threads: 1 });
      const file = inFolder(`run-${objective}-${precision}.safetensors`);
      await train({ ...options, steps: 23, threads: 3, checkpoint: file });
      const resumed = await (await Trainer.resume(file, { data: tiny.data, steps: 60 })).run(); // the file knows what was learned
      expect(resumed.record.parameters).toEqual(whole.record.parameters);
      expect(resumed.record.network.span).toBe(span);
      expect(whole.record.training['objective']).toEqual(stored);
      await whole.save(inFolder('model.safetensors'));
      const loaded = await Model.load(inFolder('model.safetensors'));
      const sampling = { n: 50, seed: 1, solver: euler({ steps: 4 }) };
      expect((await loaded.sample(sampling)).x).toEqual((await whole.sample({ ...sampling, threads: 2 })).x);
      expect(await refused(() => train({ ...options, objective: other, steps: 80, checkpoint: file }))).toBe(
        `ERR_FLOW_CHECKPOINT options.objective.${differs}`,
      );
    },
    30_000,
  );

  it('is refused where there is no velocity, no whole path, or a weight of one time', async () => {
    const bad = (fields: object) => refused(() => new Trainer({ ...tiny, objective, ...fields } as TrainOptions));
    expect(await bad({ prediction: 'x1' })).toBe('ERR_FLOW_CONFIG options.prediction');
    expect(await bad({ path: vp() })).toBe('ERR_FLOW_CONFIG options.path');
    expect(await bad({ weight: minSNR() })).toBe('ERR_FLOW_CONFIG options.weight');
    expect(await bad({ time: logitNormal({ importance: true }) })).toBe('ERR_FLOW_CONFIG options.time');
    expect(await bad({ objective: 'shortest' })).toBe('ERR_FLOW_CONFIG options.objective');
    expect(await bad({ objective: { name: objective, instant: 1 } })).toBe(`ERR_FLOW_RANGE ${objective}.instant`);
    expect(await bad({ objective: { name: objective, sigma: 1 } })).toBe(`ERR_FLOW_CONFIG ${objective}.sigma`);
    expect(await bad({ objective: 'velocity', network: { ...tiny.network, span } })).toBe('ERR_FLOW_CONFIG options.network.span');
    expect(await bad({ network: { ...tiny.network, span: 64 } })).toBe('ERR_FLOW_CONFIG options.network.span');
    expect(await bad({ network: { ...tiny.network, span: 3 } })).toBe('ERR_FLOW_RANGE options.network.span');
  });

  it('makes models that take equal Euler steps forwards and nothing else', async () => {
    const model = await train({ ...tiny, objective, steps: 5 });
    expect(await refused(() => model.sample({ solver: midpoint({ steps: 2 }) }))).toBe('ERR_FLOW_CONFIG options.solver');
    expect(await refused(() => model.sample({ solver: 'heun' }))).toBe('ERR_FLOW_CONFIG options.solver');
    expect(await refused(() => model.sample({ solver: euler({ grid: [0, 0.3, 1] }) }))).toBe('ERR_FLOW_CONFIG options.solver.grid');
    expect(await refused(() => model.encode([[1, 2]]))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.logDensity([[1, 2]]))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.score([[1, 2]], { t: 0.5 }))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.withPath(vp()))).toBe('ERR_FLOW_CONFIG model');
    const { x } = await model.sample({ n: 3, seed: 1 });
    expect(model.sampleSync({ n: 3, seed: 1, solver: euler({ steps: 1 }) }).x).toEqual(x);
    const student = await reflow(model, { solver: euler({ steps: 2 }), pairs: 50, steps: 3, batchSize: 16 }); // a velocity again
    expect(student.record.network.span).toBeUndefined();
    expect((await student.encode([[1, 2]])).nfe).toBe(100);
    const again = await reflow(student, { objective, pairs: 50, steps: 3, batchSize: 16 });
    expect(again.record.network.span).toBe(span);
    expect((await again.sample()).nfe).toBe(1);
    expect(await refused(() => distil(student, { objective } as object))).toBe('ERR_FLOW_CONFIG options.objective'); // its times are those of steps
  });
});

describe('shortcuts', () => {
  it('take 1, 2, 4, ... steps from times that they know', async () => {
    const model = await train({ ...tiny, objective: shortcut({ mostSteps: 8 }), steps: 5 });
    for (const steps of [1, 2, 4, 8]) expect((await model.sample({ solver: euler({ steps }) })).nfe).toBe(steps);
    for (const steps of [3, 6, 16, 100]) expect(await refused(() => model.sample({ solver: euler({ steps }) }))).toBe('ERR_FLOW_CONFIG options.solver.steps');
    const { message } = await caught(() => model.sample({ solver: 'euler' }));
    expect(message).toContain('expected 1, 2, ... or 8 equal steps over [0, 1], as the model learned them, got 100.');
    expect(message).toContain('euler({ steps: 4 })');
    expect((await model.sample({ solver: euler({ grid: [0.5, 0.75, 1] }) })).nfe).toBe(2);
    expect(await refused(() => model.sample({ solver: euler({ grid: [0.125, 0.375] }) }))).toBe('ERR_FLOW_CONFIG options.solver.grid');
  });

  it('have options of their own, and a network that says velocities as well when it is told no span', async () => {
    for (const [options, wanted] of [
      [{ mostSteps: 12 }, 'ERR_FLOW_RANGE shortcut.mostSteps'],
      [{ mostSteps: 2048 }, 'ERR_FLOW_RANGE shortcut.mostSteps'],
      [{ limit: 0 }, 'ERR_FLOW_RANGE shortcut.limit'],
      [{ teacher: 'mean' }, 'ERR_FLOW_CONFIG shortcut.teacher'],
      [{ steps: 4 }, 'ERR_FLOW_CONFIG shortcut.steps'],
    ] as const)
      expect(await refused(() => shortcut(options as object))).toBe(wanted);
    expect(shortcut()).toEqual({ name: 'shortcut', instant: 0.875, mostSteps: 128, teacher: 'ema' });
    const data = normalRows(normal, 500, 1);
    const of = async (objective: NonNullable<TrainOptions['objective']>) => (await train({ ...tiny, data, objective, steps: 30 })).record.parameters;
    expect(await of(shortcut({ teacher: 'current' }))).not.toEqual(await of('shortcut'));
    expect(await of(shortcut({ limit: 0.01 }))).not.toEqual(await of('shortcut'));
    expect(await of(shortcut({ limit: 1e6 }))).toEqual(await of('shortcut'));
  });
});
