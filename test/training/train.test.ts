// What training promises beyond its numbers: defaults that work, errors with a place, early stopping, aborts, states.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../lib/checkpoint/model-file.ts';
import {
  adamw,
  Dataset,
  defineCoupling,
  definePath,
  FlowError,
  Model,
  minibatchOT,
  mlp,
  type Progress,
  Trainer,
  type TrainOptions,
  train,
} from '../../lib/index.ts';
import { Random } from '../../lib/random.ts';
import { LossLog } from '../../lib/training/log.ts';
import { splitRows, validationCount } from '../../lib/training/split.ts';
import { table } from '../native/table.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const at = temporaryFolder();
const random = new Random(5, 1);
const rows = Array.from({ length: 400 }, () => [2 * random.normal() + 5, 0.1 * random.normal() - 3]);
const small: TrainOptions = { data: rows, steps: 60, batchSize: 64, network: mlp({ hidden: [16, 16] }), seed: 1 };

describe('train', () => {
  it('learns: the loss falls, samples have the moments of the data', async () => {
    const seen: Progress[] = [];
    const model = await train({
      ...small,
      columns: ['a', 'b'],
      steps: 1500,
      network: mlp({ hidden: [32, 32] }),
      optimiser: adamw({ lr: 3e-3 }),
      ema: 0.99,
      onProgress: (p) => void seen.push(p),
    });
    const { x, rows: n, columns } = await model.sample({ n: 4000, seed: 3 });
    expect(columns).toEqual(['a', 'b']);
    // 5 standard errors of the mean and of the standard deviation over 400 data rows and 4000 samples, plus 0.1 sd for the fit.
    for (const [j, mean, sd] of [[0, 5, 2], [1, -3, 0.1]] as const) {
      const column = Array.from({ length: n }, (_, i) => x[2 * i + j] as number);
      const m = column.reduce((a, b) => a + b, 0) / n;
      const s = Math.sqrt(column.reduce((a, b) => a + (b - m) ** 2, 0) / n);
      expect(Math.abs(m - mean) / sd).toBeLessThan(5 / Math.sqrt(400) + 0.1);
      expect(Math.abs(s / sd - 1)).toBeLessThan(5 / Math.sqrt(800) + 0.1);
    } // biome-ignore format: two columns
    const steps = seen.map(({ step }) => step);
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ step: 1500, steps: 1500, eta: 0, learningRate: 3e-3, checkpointStep: null, checkpointError: null });
    expect(seen.at(-1)?.validationLoss).toBeGreaterThan(0);
    expect(seen.at(-1)?.loss).toBeLessThan(seen[0]?.loss as number);
  });

  it('is a function of the data and the seed, not of threads or slices', async () => {
    const { record } = await train({ ...small, threads: 1 });
    const trainer = new Trainer({ ...small, threads: 3 });
    for await (const _ of trainer) await new Promise((resolve) => setTimeout(resolve, 3));
    expect(trainer.model().record).toEqual(record);
    expect((await train({ ...small, data: new Dataset({ columns: 2 }).append(rows) })).record).toEqual(record);
    expect((await train({ ...small, data: Float32Array.from(rows.flat()), columns: 2 })).record).toEqual(record);
    expect((await train({ ...small, seed: 2 })).record.parameters).not.toEqual(record.parameters);
  });

  it.each([1, 2, 5, 11])('works on %i rows, with a batch that is larger', async (count) => {
    const model = await train({ ...small, data: rows.slice(0, count), steps: 5, patience: 0 });
    expect(model.record.training).toMatchObject({ rows: count, validationRows: count === 11 ? 1 : 0 });
    expect((await model.sample({ n: 3 })).x.every(Number.isFinite)).toBe(true);
  });

  it('gives constant columns back exactly, and leaves unmarked ones in raw coordinates', async () => {
    const data = rows.map(([a, b], i) => [a as number, 1e6 + 0.5, b as number, i % 2 ? 1 : -1]);
    const model = await train({ ...small, data, normalise: [true, true, true, false] });
    const { x } = await model.sample({ n: 50 });
    for (let i = 0; i < 50; i++) expect(x[4 * i + 1]).toBe(1e6 + 0.5);
    expect(model.record.normaliser?.scale[1]).toBe(0);
    expect([model.record.normaliser?.shift[3], model.record.normaliser?.scale[3]]).toEqual([0, 1]);
    const { x: noise } = await model.encode(data.slice(0, 4));
    expect(noise.every(Number.isFinite)).toBe(true);
    expect((await train({ ...small, normalise: false, steps: 3 })).record.normaliser).toBeNull();
  });

  it('early stopping keeps the best weights', async () => {
    const few = rows.slice(0, 30); // learnt by heart at once: the held-out loss rises
    const model = await train({
      ...small,
      data: few,
      steps: 20_000,
      validation: 0.4,
      evaluateEvery: 20,
      patience: 5,
      network: mlp({ hidden: [64, 64] }),
      optimiser: adamw({ lr: 1e-2 }),
      ema: 0,
      checkpoint: at('early'),
    });
    const { steps, bestStep, validation } = model.record.training as { steps: number; bestStep: number; validation: { steps: number[]; losses: number[] } };
    expect(steps).toBe(bestStep + 5 * 20);
    const least = Math.min(...validation.losses);
    expect(validation.steps[validation.losses.indexOf(least)]).toBe(bestStep);
    // The same run, ended at the best step, has those weights.
    const again = await train({
      ...small,
      data: few,
      steps: bestStep,
      validation: 0.4,
      evaluateEvery: 20,
      network: mlp({ hidden: [64, 64] }),
      optimiser: adamw({ lr: 1e-2 }),
      ema: 0,
    });
    expect(again.record.parameters).toEqual(model.record.parameters);
    expect((await Model.load(at('early'))).record).toEqual(model.record);
    // A finished run is not trained again.
    expect(
      (
        await train({
          ...small,
          data: few,
          steps: 20_000,
          validation: 0.4,
          evaluateEvery: 20,
          patience: 5,
          network: mlp({ hidden: [64, 64] }),
          optimiser: adamw({ lr: 1e-2 }),
          ema: 0,
          checkpoint: at('early'),
        })
      ).record,
    ).toEqual(model.record);
  });

  it('names the step at which it diverged, and keeps the weights before it', async () => {
    const trainer = new Trainer({
      ...small,
      steps: 5000,
      optimiser: adamw({ lr: 1000 }),
      clip: 0,
      normalise: false,
      data: rows.map(([a]) => [1e30 * (a as number)]),
      network: mlp({ hidden: [16], activation: 'relu' }),
    });
    const error = await caught(() => trainer.run());
    expect(error).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_DIVERGED', path: `step ${trainer.step + 1}` });
    expect(error.message).toMatch(
      /^step \d+: (loss is (Infinity|NaN)|gradient is not finite \(loss [\d.e+]+\))\. Weights of step \d+ kept\. Try lr <= 1e-3 or clip: 1 or normalise: true\./,
    );
    expect(trainer.state).toBe('failed');
    expect(trainer.model().info().step).toBe(trainer.step);
  });

  it.each([undefined, defineCoupling({ name: 'as drawn', pair: (x0) => Int32Array.from({ length: x0.length / 2 }, (_, i) => i) })])(
    'names the step at which a finite loss exploded (coupling %#), and leaves the last good checkpoint',
    async (coupling) => {
      const file = at(`exploded-${coupling === undefined}`);
      let steps = 0;
      const lr = (step: number) => (step < 20 ? 1e-3 : 1000);
      const run = train({
        ...small,
        data: rows,
        steps: 500,
        optimiser: adamw({ lr }),
        checkpoint: { file, everySteps: 20 },
        ...(coupling ? { coupling } : {}),
        onProgress: ({ step }) => {
          steps = step;
        },
      });
      const error = await caught(() => run);
      expect(error).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_DIVERGED', path: expect.stringMatching(/^step 2[1-9]$/) });
      expect(error.message).toMatch(/^step \d+: the loss is \S+e\+\d+, it began at [\d.]+\. Try lr <= 1e-3\.$/);
      expect(steps).toBeLessThan(500);
      expect((await Model.load(file)).info().step).toBe(20);
    },
  );

  it('takes a path, a coupling, a time law and source rows of the user', async () => {
    const h = Math.PI / 2;
    let called = 0;
    const model = await train({
      ...small,
      path: definePath({
        name: 'cosine',
        at: (t) => ({ alpha: Math.sin(h * t), sigma: Math.cos(h * t), dAlpha: h * Math.cos(h * t), dSigma: -h * Math.sin(h * t) }),
      }),
      coupling: defineCoupling({
        name: 'mirror',
        pair: (x0, x1) => {
          called++;
          expect(x0.length).toBe(x1.length);
          return Int32Array.from({ length: 64 }, (_, i) => 63 - i);
        },
      }),
      time: 'logitNormal',
      source: { rows: rows.map(([a, b]) => [b as number, a as number]), paired: true },
    });
    expect(called).toBe(60);
    expect(model.record).toMatchObject({ source: 'rows', path: { name: 'cosine' }, training: { coupling: 'mirror', time: 'logitNormal' } });
    await model.save(at('custom'));
    const loaded = await Model.load(at('custom'));
    const start = rows.slice(0, 3);
    expect((await loaded.sample({ source: start })).x).toEqual((await model.sample({ source: start })).x);
    expect(await caught(() => loaded.sample({ n: 3 }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.source' });
  });

  it('the identity coupling is the independent one, bit for bit, on the slow lane', async () => {
    const identity = defineCoupling({ name: 'identity', pair: (x0) => Int32Array.from({ length: x0.length / 2 }, (_, i) => i) });
    const { parameters } = (await train({ ...small, coupling: identity })).record;
    expect(parameters).toEqual((await train(small)).record.parameters);
  });

  describe('minibatch optimal transport', () => {
    const labels = rows.map((_, i) => i % 3);
    const numbers = rows.map(([a]) => [(a as number) ** 2]);

    it('gives the same bits on any number of threads, and other bits than independent pairs, with and without conditions', async () => {
      for (const condition of [undefined, { labels }, { numbers, labels }]) {
        for (const batch of [64, 192]) {
          const settings: TrainOptions = { ...small, ...(condition ? { condition } : {}), coupling: minibatchOT({ batch }), evaluateEvery: 20 };
          const [first, ...others] = await Promise.all([1, 2, 3, 8].map(async (threads) => (await train({ ...settings, threads })).record));
          for (const other of others) expect(other).toEqual(first);
          expect(first?.parameters).not.toEqual((await train({ ...settings, coupling: 'independent' })).record.parameters);
          expect(first?.training).toMatchObject({ coupling: `minibatchOT of ${batch}` });
          const plain = (await train({ ...settings, coupling: 'minibatchOT' })).record.parameters;
          if (batch === 64) expect(plain).toEqual(first?.parameters);
          else expect(plain).not.toEqual(first?.parameters);
        }
      }
    });

    it('is the coupling that its own pairs give on the slow lane', async () => {
      for (const condition of [undefined, { numbers, labels }]) {
        const [width, classes] = condition ? [2, 1] : [0, 0];
        const pair = (x0: Float32Array, x1: Float32Array, y: Float32Array | null): Int32Array => {
          expect(y?.length ?? 0).toBe(64 * width);
          return table.couple(table.chosen().isa, x0, x1, 64, 2, y, classes, 1);
        };
        const settings: TrainOptions = { ...small, ...(condition ? { condition } : {}), validation: 0 };
        const byHand = (await train({ ...settings, coupling: defineCoupling({ name: 'by hand', pair }) })).record.parameters;
        expect((await train({ ...settings, coupling: 'minibatchOT' })).record.parameters).toEqual(byHand);
      }
    });

    it.each([1, 2])('couples the rows of four batches at once and cuts them (%i threads)', async (threads) => {
      // A network that says 0 and does not learn: the loss of a step is the mean of |x1 - x0|^2 / d over its pairs.
      const still: TrainOptions = {
        ...small,
        network: mlp({ hidden: [4], zeroOutput: true }),
        optimiser: adamw({ lr: 1e-30, weightDecay: 0 }),
        steps: 8,
        validation: 0,
        threads,
      };
      const drawn: [x0: number[], x1: number[]] = [[], []];
      const spy = defineCoupling({
        name: 'spy',
        pair: (x0, x1) => {
          drawn[0].push(...x0);
          drawn[1].push(...x1);
          return Int32Array.from({ length: 64 }, (_, i) => i);
        },
      });
      await train({ ...still, coupling: spy });
      const losses = (await train({ ...still, coupling: minibatchOT({ batch: 256 }) })).record.training['losses'] as { values: number[] };
      for (const group of [0, 1]) {
        const [x0, x1] = drawn.map((x) => Float32Array.from(x.slice(512 * group, 512 * (group + 1)))) as [Float32Array, Float32Array];
        const pairs = table.couple(table.chosen().isa, x0, x1, 256, 2, null, 0, 1);
        const shares = Array.from({ length: 4 }, (_, step) => {
          let sum = 0;
          for (let j = 64 * step; j < 64 * (step + 1); j++)
            for (let c = 0; c < 2; c++) sum += ((x1[2 * j + c] as number) - (x0[2 * (pairs[j] as number) + c] as number)) ** 2;
          return sum / 128;
        });
        shares.forEach((expected, step) => {
          // f32: a difference, its square, a sum of 128 of them in blocks.
          expect(Math.abs((losses.values[4 * group + step] as number) / expected - 1)).toBeLessThan(16 * 2 ** -24);
        });
      }
    });

    it('resumes in the middle of a group to the same bytes', async () => {
      const options: TrainOptions = { ...small, coupling: minibatchOT({ batch: 256 }) };
      await train({ ...options, checkpoint: at('wide-whole') });
      const first = new Trainer({ ...options, checkpoint: { file: at('wide-cut'), everySteps: 18 } });
      for await (const { step } of first) if (step >= 18) break;
      first.dispose();
      const resumed = await Trainer.resume(at('wide-cut'), { data: options.data });
      for await (const _ of resumed);
      resumed.dispose();
      expect((await Model.load(at('wide-cut'))).record).toEqual((await Model.load(at('wide-whole'))).record);
    });

    it('holds out rows under the same coupling: their loss is below that of independent pairs', async () => {
      const held = async (coupling: 'independent' | 'minibatchOT'): Promise<number> => {
        const { training } = (await train({ ...small, steps: 200, validation: 0.5, coupling })).record;
        return (training['validation'] as { losses: number[] }).losses.at(-1) as number;
      };
      expect(await held('minibatchOT')).toBeLessThan(0.7 * (await held('independent')));
    });

    it('warns of a condition that is ignored, and only then', async () => {
      const codes: unknown[] = [];
      const listen = (warning: Error): void => void codes.push((warning as NodeJS.ErrnoException).code);
      process.on('warning', listen);
      await train({ ...small, condition: { labels }, coupling: minibatchOT() });
      await train({ ...small, coupling: minibatchOT({ ignoreCondition: true }) });
      await new Promise(setImmediate);
      expect(codes).toEqual([]);
      const { record } = await train({ ...small, condition: { labels }, coupling: minibatchOT({ ignoreCondition: true }) });
      await new Promise(setImmediate);
      process.off('warning', listen);
      expect(codes).toEqual(['FLOW_COUPLING_IGNORES_CONDITION']);
      expect(record.training).toMatchObject({ coupling: 'minibatchOT ignoring the condition' });
    });

    it('resumes to the same bytes, by its stored name, and refuses another coupling', async () => {
      const options: TrainOptions = { ...small, condition: { labels }, coupling: minibatchOT() };
      await train({ ...options, checkpoint: at('ot-whole') });
      const first = new Trainer({ ...options, checkpoint: { file: at('ot-cut'), everySteps: 17 } });
      for await (const { step } of first) if (step >= 17) break;
      first.dispose();
      const other = await caught(() => train({ ...options, coupling: 'independent', checkpoint: at('ot-cut') }));
      expect(other).toMatchObject({ code: 'ERR_FLOW_CHECKPOINT', message: expect.stringMatching(/options\.coupling.*"minibatchOT".*"independent"/) });
      const resumed = await Trainer.resume(at('ot-cut'), { data: options.data, condition: { labels } });
      for await (const _ of resumed);
      resumed.dispose();
      expect((await Model.load(at('ot-cut'))).record).toEqual((await Model.load(at('ot-whole'))).record);
    });
  });

  const failing: [string, Partial<TrainOptions>, string, RegExp][] = [
    ['a NaN', { data: [[1, 2], [3, Number.NaN]], columns: ['a', 'b'] }, 'ERR_FLOW_NONFINITE', /^options\.data\[1\]\[1\] \("b"\) is NaN/],
    ['objects', { data: [{ x: 1 }] as never }, 'ERR_FLOW_TYPE', /Use data\.map\(\(p\) => \[p\.x\]\)/],
    ['no rows', { data: [] }, 'ERR_FLOW_SHAPE', /at least one row/],
    ['too few column names', { columns: ['a'] }, 'ERR_FLOW_SHAPE', /expected \[n, 1\], got \[n, 2\]/],
    ['a condition of other length', { condition: [[1]] }, 'ERR_FLOW_SHAPE', /expected 400 rows, one per data row, got 1/],
    ['source rows of another width', { source: [[1, 2, 3]] }, 'ERR_FLOW_SHAPE', /expected \[n, 2\], got \[n, 3\]/],
    ['paired rows of other length', { source: { rows: [[1, 2]], paired: true } }, 'ERR_FLOW_SHAPE', /400 rows, one per data row/],
    ['early stopping without held-out rows', { validation: 0, patience: 3 }, 'ERR_FLOW_CONFIG', /needs held-out rows/],
    ['marks for other columns', { normalise: [true] }, 'ERR_FLOW_SHAPE', /2 marks, one per column/],
    ['a schedule that fails', { optimiser: adamw({ lr: (step) => (step < 30 ? 1e-3 : Number.NaN) }) }, 'ERR_FLOW_RANGE', /optimiser\.lr\(30\)/],
    ['a coupling of wrong length', { coupling: { name: 'bad', pair: () => new Int32Array(3) } }, 'ERR_FLOW_SHAPE', /coupling\.pair/],
    ['a coupling out of range', { coupling: { name: 'bad', pair: () => new Int32Array(64).fill(64) } }, 'ERR_FLOW_RANGE', /\[0, 64\), got 64/],
  ]; // biome-ignore format: one case a line
  it.each(failing)('refuses %s when it comes to it', async (_, change, code, message) => {
    const error = await caught(() => train({ ...small, ...change }));
    expect(error).toMatchObject({ name: 'FlowError', code });
    expect(error.message).toMatch(message);
  });

  it('passes on what a callback throws', async () => {
    const oops = new Error('oops');
    await expect(train({ ...small, onProgress: () => { throw oops; } })).rejects.toBe(oops); // biome-ignore format: short
  });

  it("rejects with the signal's reason, before, during the data and while training", async () => {
    const reason = { my: 'reason' };
    await expect(train({ ...small, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const running = train({ ...small, steps: 1e9, network: mlp({ hidden: [256, 256, 256] }), batchSize: 4096, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 60);
    await expect(running).rejects.toBe(reason);
  });
});

describe('Trainer', () => {
  it('stands still at the step it reports, in the body of a loop', async () => {
    const trainer = new Trainer({ ...small, steps: 3000, evaluateEvery: 300 }); // an evaluation is reported, however fast the machine is
    let bodies = 0;
    for await (const { step, steps } of trainer) {
      expect([trainer.step, trainer.steps, trainer.state]).toEqual([step, steps, 'standing']);
      expect(trainer.model().info().step).toBe(step);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(trainer.step).toBe(step);
      if (++bodies === 3) break;
    }
    expect(trainer.state).toBe('standing');
    const stood = trainer.step;
    const model = await trainer.run();
    expect([trainer.step, trainer.state, model.info().step]).toEqual([3000, 'done', 3000]);
    expect(stood).toBeLessThan(3000);
    expect(model.record).toEqual((await train({ ...small, steps: 3000, evaluateEvery: 300 })).record);
  });

  it('saves a checkpoint in the middle of a run, which is a model file as well', async () => {
    const trainer = new Trainer({ ...small, steps: 4000 });
    const running = trainer.run();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { hash, step } = await trainer.save(at('middle'));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect((await Model.load(at('middle'))).info()).toMatchObject({ step, hash });
    const whole = await running;
    const resumed = await Trainer.resume(at('middle'), { data: rows });
    expect((await resumed.run()).record).toEqual(whole.record);
    expect((await readModelFile(at('middle'))).record).toEqual(whole.record);
  });

  it('has a typed error for every wrong moment', async () => {
    const fresh = new Trainer(small);
    expect(await caught(() => fresh.model())).toMatchObject({ code: 'ERR_FLOW_STATE' });
    expect(await caught(() => fresh.save(at('x')))).toMatchObject({ code: 'ERR_FLOW_STATE' });
    expect(await caught(() => fresh.save(''))).toMatchObject({ code: 'ERR_FLOW_TYPE', path: 'file' });
    const busy = new Trainer({ ...small, steps: 1e9 });
    const running = busy.run();
    running.catch(() => undefined);
    expect(await caught(() => busy.run())).toMatchObject({ code: 'ERR_FLOW_STATE' });
    expect(await caught(() => busy.model())).toMatchObject({ code: 'ERR_FLOW_STATE', hint: expect.stringMatching(/pause/) });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await busy[Symbol.asyncDispose]();
    expect(await caught(() => running)).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    for (const call of [() => busy.run(), () => busy.model(), () => busy.save(at('x')), () => busy.pause(), () => busy.proceed(), () => busy.stop()]) {
      expect(await caught(call)).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_DISPOSED' });
    }
    busy.dispose();
    expect([busy.state, busy.step]).toEqual(['disposed', 0]);
  });

  it('stop() ends a run early with the model so far', async () => {
    const trainer = new Trainer({ ...small, steps: 1e9 });
    const running = trainer.run();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await trainer.stop();
    const model = await running;
    expect(model.info().step).toBe(trainer.step);
    expect(trainer.state).toBe('standing');
  });

  it('disposes by `using`, and dispose and asyncDispose exist on this Node', async () => {
    expect([typeof Symbol.dispose, typeof Symbol.asyncDispose]).toEqual(['symbol', 'symbol']);
    const trainer = new Trainer(small);
    {
      using held = trainer;
      await held.run();
    }
    expect(trainer.state).toBe('disposed');
  });
});

describe('checkpoints on a failing disk', () => {
  it('go on by default and tell, stop when asked to', async () => {
    const gone = at('no/such/folder/run');
    const seen: Progress[] = [];
    const warnings: Error[] = [];
    const listen = (warning: Error) => void warnings.push(warning);
    process.on('warning', listen);
    const model = await train({ ...small, checkpoint: { file: gone, everySteps: 10 }, onProgress: (p) => void seen.push(p) });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(model.info().step).toBe(60);
    expect(seen.at(-1)?.checkpointError).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_IO' });
    expect(warnings.map(String).join()).toMatch(/ENOENT while writing .*Training goes on and tries again/);
    expect(await caught(() => train({ ...small, checkpoint: { file: gone, onError: 'stop' } }))).toMatchObject({ code: 'ERR_FLOW_IO' });
  });

  it('everySeconds: 0 saves all the time', async () => {
    await train({ ...small, checkpoint: { file: at('often'), everySeconds: 0 } });
    expect(readFileSync(at('often')).length).toBeGreaterThan(1000);
  });
});

describe('parts', () => {
  it('the split is a partition, and small sets keep their rows', () => {
    for (const [n, fraction, held] of [[1, 0.9, 0], [2, 0.1, 0], [9, 0.1, 0], [10, 0.1, 1], [1000, 0.25, 250], [100_000, 0.1, 4096]] as const) {
      expect(validationCount(n, fraction)).toBe(held);
      const { train: kept, validation } = splitRows(n, fraction, 3n);
      expect(validation.length).toBe(held);
      expect([...kept, ...validation].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
    } // biome-ignore format: one case each
    expect(splitRows(1000, 0.25, 3n)).toEqual(splitRows(1000, 0.25, 3n));
    expect(splitRows(1000, 0.25, 4n)).not.toEqual(splitRows(1000, 0.25, 3n));
  });

  it('the loss log keeps every mean in bounded memory', () => {
    const log = new LossLog();
    for (let k = 0; k < 10_000; k++) log.add(k);
    expect(log.values.length).toBeLessThan(1024);
    expect(log.window).toBe(16);
    expect(log.values[3]).toBe(3 * 16 + 7.5);
    expect(log.values.length * log.window + log.count).toBe(10_000);
    expect(log.mean()).toBe(10_000 - 50.5);
  });

  it('FlowError is the error of the options, of the data and of the core', async () => {
    expect(await caught(() => train({ ...small, steps: 0 }))).toBeInstanceOf(FlowError);
    expect(await caught(() => train({ ...small, data: [[Number.NaN]] }))).toBeInstanceOf(FlowError);
  });
});
