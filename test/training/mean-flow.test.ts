// meanFlow(): the average velocity of a Gaussian against its closed form, one step instead of many, what such a model refuses, and that training resumes bit by bit.

import { describe, expect, it } from 'vitest';
import {
  adamw,
  condOT,
  euler,
  heun,
  Model,
  meanFlow,
  midpoint,
  minSNR,
  mlp,
  reflow,
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
  objective: meanFlow({ instant: 0.5 }),
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

describe('average velocities of N(m, S)', () => {
  it('carry each row along the flow map, in one step as in four, and give the moments', async () => {
    const data = normalRows(normal, 20_000, 1);
    const model = await train({ ...budget, data, columns: 2, normalise: false });
    const { x, saved, nfe } = await model.sample({ n: 4000, seed: 2, saveAt: 2 });
    expect(nfe).toBe(1); // one step by default
    const map = gaussianMap(normal, resolvePath(condOT()), saved.subarray(0, 8000), 1);
    // The rows of the answer spread by 0.3 to 1.2; one Euler step of the velocity itself would end in the mean, off by that spread.
    expect(rms(x, map)).toBeLessThan(0.1);
    const four = await model.sample({ n: 4000, seed: 2, solver: euler({ steps: 4 }) });
    expect(four.nfe).toBe(4);
    expect(rms(four.x, map)).toBeLessThan(0.1);
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
    const model = await train({ ...budget, data, columns: 2, condition: { labels }, dropCondition: 0.2, steps: 1200 });
    const mean = async (options: object): Promise<number> => moments((await model.sample({ n: 1000, seed: 4, ...options })).x, 2).mean[0] as number;
    expect(Math.abs((await mean({ condition: { labels: 0 } })) - (1.5 - 6))).toBeLessThan(0.6);
    expect(Math.abs((await mean({ condition: { labels: 1 } })) - (1.5 + 6))).toBeLessThan(0.6);
    expect(Math.abs((await mean({ guidance: 0 })) - 1.5)).toBeLessThan(1.5); // both classes
    expect(await mean({ condition: { labels: 1 }, guidance: 1.5 })).toBeGreaterThan(8);
    const each = await model.sample({ n: 2, condition: { labels: [0, 1] }, seed: 4 });
    expect((each.x[0] as number) < 0 && (each.x[2] as number) > 0).toBe(true);

    const from = normalRows(normal, 4000, 9);
    const shifted = await train({ ...budget, data: from.map((v) => v + 3), columns: 2, source: { rows: rowsOf(from), paired: true }, steps: 300 });
    const { x } = await shifted.sample({ source: [[0, 0]] });
    for (const v of x) expect(Math.abs(v - 3)).toBeLessThan(0.5);
  }, 60_000);
});

const tiny = { data: normalRows(normal, 200, 1), columns: 2, network: mlp({ hidden: [8] }), objective: 'meanFlow', batchSize: 64, seed: 1 } as const;

describe('training for average velocities', () => {
  it('gives the same model with any number of threads, in one go or resumed, and through a file', async () => {
    {
      const whole = await train({ ...tiny, steps: 60, threads: 1 });
      const file = inFolder('run.safetensors');
      await train({ ...tiny, steps: 23, threads: 3, checkpoint: file });
      const { objective: _, ...rest } = tiny; // the file knows what was learned
      const resumed = await (await Trainer.resume(file, { data: rest.data, steps: 60 })).run();
      expect(resumed.record.parameters).toEqual(whole.record.parameters);
      expect(resumed.record.network.span).toBe(true);
      expect(whole.record.training['objective']).toEqual({ name: 'meanFlow', instant: 0.75 });
      await whole.save(inFolder('model.safetensors'));
      const loaded = await Model.load(inFolder('model.safetensors'));
      const options = { n: 50, seed: 1, solver: euler({ steps: 3 }) };
      expect((await loaded.sample(options)).x).toEqual((await whole.sample({ ...options, threads: 2 })).x);
      expect(await caught(() => train({ ...tiny, objective: meanFlow({ instant: 0.5 }), steps: 80, checkpoint: file }))).toMatchObject({
        code: 'ERR_FLOW_CHECKPOINT',
        path: 'options.objective.instant',
      });
    }
  }, 30_000);

  it('is refused where there is no velocity, no whole path, or a weight of one time', async () => {
    const bad = async (fields: object) => {
      const { code, path } = await caught(() => new Trainer({ ...tiny, ...fields } as TrainOptions));
      return `${code} ${path}`;
    };
    expect(await bad({ prediction: 'x1' })).toBe('ERR_FLOW_CONFIG options.prediction');
    expect(await bad({ path: vp() })).toBe('ERR_FLOW_CONFIG options.path');
    expect(await bad({ weight: minSNR() })).toBe('ERR_FLOW_CONFIG options.weight');
    expect(await bad({ objective: 'shortest' })).toBe('ERR_FLOW_CONFIG options.objective');
    expect(await bad({ objective: { name: 'meanFlow', instant: 1 } })).toBe('ERR_FLOW_RANGE meanFlow.instant');
    expect(await bad({ objective: 'velocity', network: { ...tiny.network, span: true } })).toBe('ERR_FLOW_CONFIG options.network.span');
  });

  it('makes models that take equal Euler steps forwards and nothing else', async () => {
    const model = await train({ ...tiny, steps: 5 });
    const refused = async (work: () => unknown) => {
      const { code, path } = await caught(work);
      return `${code} ${path}`;
    };
    expect(await refused(() => model.sample({ solver: midpoint({ steps: 2 }) }))).toBe('ERR_FLOW_CONFIG options.solver');
    expect(await refused(() => model.sample({ solver: heun }))).toBe('ERR_FLOW_CONFIG options.solver');
    expect(await refused(() => model.sample({ solver: euler({ grid: [0, 0.3, 1] }) }))).toBe('ERR_FLOW_CONFIG options.solver.grid');
    expect(await refused(() => model.encode([[1, 2]]))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.logDensity([[1, 2]]))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.score([[1, 2]], { t: 0.5 }))).toBe('ERR_FLOW_CONFIG model');
    expect(await refused(() => model.withPath(vp()))).toBe('ERR_FLOW_CONFIG model');
    const { x } = await model.sample({ n: 3, seed: 1 });
    expect(model.sampleSync({ n: 3, seed: 1, solver: 'euler' }).x.length).toBe(x.length);
    const student = await reflow(model, { pairs: 50, steps: 3, batchSize: 16 }); // a velocity again
    expect(student.record.network.span).toBeUndefined();
    expect((await student.encode([[1, 2]])).nfe).toBe(100);
  });
});
