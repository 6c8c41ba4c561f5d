// Resuming: a run cut anywhere, any number of times, ends with the bytes of the uninterrupted run.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../lib/checkpoint/model-file.ts';
import { adamw, Dataset, Model, mlp, Trainer, type TrainOptions, train, warmupCosine } from '../../lib/index.ts';
import { Random } from '../../lib/random.ts';
import { bundle, start } from '../support/bundle.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const at = temporaryFolder();
const random = new Random(5, 1);
const rows = Array.from({ length: 300 }, () => [random.normal() * 2 + 1, random.normal(), random.normal() - 3]);
const labels = rows.map((_, i) => i % 3);

const base = (steps: number): TrainOptions => ({
  data: rows,
  columns: ['a', 'b', 'c'],
  condition: { numbers: rows.map(([a]) => [(a as number) ** 2]), labels },
  network: mlp({ hidden: [16, 16], norm: true, residual: true, classEmbedding: 2 }),
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, warmup: 20, steps }), weightDecay: 1e-3 }),
  time: 'stratified',
  batchSize: 64,
  steps,
  ema: 0.95,
  evaluateEvery: 25,
  patience: 50,
  seed: 11,
});
const content = (name: string) => new Uint8Array(readFileSync(at(name)));

/** Trains until `stop` steps at least have passed, then stops: a checkpoint is left. @returns the step it stands at. */
async function part(options: TrainOptions, stop: number): Promise<number> {
  const trainer = new Trainer(options);
  for await (const { step } of trainer) if (step >= stop) break;
  const { step } = trainer;
  trainer.dispose();
  return step;
}

describe('resuming', () => {
  it('gives the bytes of the uninterrupted run at 50 random split points, across thread counts', async () => {
    const steps = 200;
    await train({ ...base(steps), checkpoint: at('whole') });
    const whole = content('whole');
    const { record } = await readModelFile(at('whole'));
    expect(record.training).toMatchObject({ steps, losses: { window: 1 } });
    const cuts = new Random(9, 2);
    for (let k = 0; k < 50; k++) {
      const name = `cut${k}`;
      const stop = 1 + Math.floor((cuts.word() / 2 ** 32) * (steps - 1));
      // An exact cut: everySteps puts a boundary at `stop`, where a checkpoint is written and the loop looks out.
      const first = new Trainer({ ...base(steps), threads: 1 + (k % 3), checkpoint: { file: at(name), everySteps: stop } });
      for await (const progress of first) if (progress.step >= stop) break;
      first.dispose();
      expect((await readModelFile(at(name))).trainer).toMatchObject({ step: stop });
      await train({ ...base(steps), threads: 1 + ((k + 1) % 3), checkpoint: at(name) });
      if (Buffer.compare(content(name), whole) !== 0) expect.fail(`cut at ${stop}: the file differs from the uninterrupted run's`);
    }
  });

  it('goes on in new processes, each killed by its own clock', async () => {
    const steps = 120;
    const program = await bundle(
      `import { adamw, mlp, Trainer } from '#flowmatch';
      const [file, stop, threads] = process.argv.slice(2);
      const rows = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(i * i)]);
      const trainer = new Trainer({ data: rows, steps: ${steps}, seed: 3, batchSize: 32, network: mlp({ hidden: [16, 16] }), optimiser: adamw({ lr: 2e-3 }),
        threads: Number(threads), evaluateEvery: 10, checkpoint: { file, everySteps: 7 } });
      for await (const { step } of trainer) if (step >= Number(stop)) process.exit(0);
      console.log(trainer.step);`,
      at('resume.mjs'),
    );
    expect(await start(program, [at('p-whole'), 1e9, 2]).ended).toMatchObject({ code: 0, out: `${steps}\n`, err: '' });
    for (const stop of [1, 40, 90]) expect(await start(program, [at('p-cut'), stop, 1]).ended).toMatchObject({ code: 0, err: '' });
    expect(await start(program, [at('p-cut'), 1e9, 2]).ended).toMatchObject({ code: 0, out: `${steps}\n` });
    expect(content('p-cut')).toEqual(content('p-whole'));
  });

  it('is the same run when it is aborted, stopped or paused', async () => {
    const steps = 150;
    const options = { ...base(steps), data: new Dataset({ columns: ['a', 'b', 'c'] }).append(rows) };
    await train({ ...options, checkpoint: at('calm') });
    const controller = new AbortController();
    const reason = new Error('enough');
    const aborted = train({ ...options, checkpoint: at('rough'), signal: controller.signal, onProgress: (p) => p.step > 30 && controller.abort(reason) });
    await expect(aborted).rejects.toBe(reason);
    const at1 = ((await readModelFile(at('rough'))).trainer as { step: number }).step;
    expect(at1).toBeLessThan(steps);
    const trainer = new Trainer({ ...options, checkpoint: at('rough') });
    const running = trainer.run();
    await trainer.pause();
    expect(trainer.state).toBe('standing');
    const seen = trainer.step;
    expect(trainer.model().info().step).toBe(seen);
    trainer.proceed();
    await trainer.stop();
    await running;
    await trainer.run();
    expect(trainer.state).toBe('done');
    trainer.dispose();
    expect(content('rough')).toEqual(content('calm'));
  });

  it('extends a run: more steps with the same past', async () => {
    const options: TrainOptions = { data: rows, steps: 60, batchSize: 32, network: mlp({ hidden: [8] }), seed: 1 };
    await train({ ...options, steps: 100, checkpoint: at('long') });
    await train({ ...options, checkpoint: at('short') });
    let resumed: unknown;
    await train({ ...options, steps: 100, checkpoint: at('short'), onResume: (r) => (resumed = r) });
    expect(resumed).toMatchObject({ step: 60, file: at('short') });
    expect(content('short')).toEqual(content('long'));
  });

  it('Trainer.resume needs the data only', async () => {
    const options: TrainOptions = { data: rows, steps: 80, batchSize: 32, network: mlp({ hidden: [8] }), seed: 1, ema: 0.9 };
    await train({ ...options, checkpoint: at('r-whole') });
    const stood = await part({ ...options, checkpoint: { file: at('r-cut'), everySteps: 10 } }, 20);
    expect(stood).toBe(20);
    const trainer = await Trainer.resume(at('r-cut'), { data: rows });
    const model = await trainer.run();
    expect(trainer.resumed?.step).toBe(stood);
    expect(content('r-cut')).toEqual(content('r-whole'));
    expect((await Model.load(at('r-cut'))).record).toEqual(model.record);
  });
});

describe('a checkpoint of something else is refused by name', () => {
  const options: TrainOptions = { data: rows, columns: ['a', 'b', 'c'], steps: 20, batchSize: 32, network: mlp({ hidden: [8] }), seed: 1 };
  const other = (change: Partial<TrainOptions>) => caught(() => train({ ...options, checkpoint: at('mine'), ...change }));
  const wide = rows.map((row) => [...row, 0, 1]);

  it('data, columns and options', async () => {
    await train({ ...options, checkpoint: at('mine') });
    const before = content('mine');
    const cases: [Partial<TrainOptions>, RegExp][] = [
      [{ data: wide, columns: ['a', 'b', 'c', 'd', 'e'] }, /dim 3 in file, 5 in data: columns "d", "e" are new/],
      [{ data: rows.map((row) => row.slice(1)), columns: ['b', 'c'] }, /dim 3 in file, 2 in data: column "a" is missing/],
      [{ columns: ['a', 'b', 'z'] }, /column "z" is new, column "c" is missing/],
      [{ columns: ['b', 'a', 'c'] }, /another order: a, b, c in file, b, a, c in data/],
      [{ data: rows.slice(1) }, /300 rows in file, 299 in data/],
      [{ data: rows.map((row, i) => (i === 7 ? [0, 0, 0] : row)) }, /other data rows: SHA-256 [0-9a-f]{8} in file, [0-9a-f]{8} now/],
      [{ condition: { labels } }, /condition rows were not given then, now/],
      [{ batchSize: 33 }, /^options\.batchSize: 32 in .*mine.*, 33 now/],
      [{ seed: 2 }, /^options\.seed: "1" in .*, "2" now/],
      [{ network: mlp({ hidden: [9] }) }, /^options\.network\.hidden\[0\]: 8 in .*, 9 now/],
      [{ time: 'stratified' }, /^options\.time\.stratified: false in .*, true now/],
      [{ optimiser: adamw({ lr: 2e-3 }) }, /^options\.optimiser\.lr: a constant 0\.001 in file, 0\.002 now/],
      [{ optimiser: adamw({ beta1: 0.8 }) }, /^options\.optimiser\.beta1: 0\.9 in .*, 0\.8 now/],
      [{ normalise: false }, /^options\.normalise: true in .*, false now/],
      [{ steps: 10 }, /^options\.steps: the checkpoint stands at step 20, 10 are asked for/],
    ];
    for (const [change, message] of cases) {
      const error = await other(change);
      expect(error).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_CHECKPOINT' });
      expect(error.message).toMatch(message);
    }
    expect(content('mine')).toEqual(before);
  });

  it('a finished model, and a file of another kind, are not replaced', async () => {
    const model = await train(options);
    await model.save(at('model'));
    expect((await caught(() => train({ ...options, checkpoint: at('model') }))).message).toMatch(/is a finished model, not a training checkpoint/);
    writeFileSync(at('letter'), 'dear diary');
    for (const resume of [true, false]) {
      expect(await caught(() => train({ ...options, checkpoint: { file: at('letter'), resume } }))).toMatchObject({ code: 'ERR_FLOW_CHECKPOINT' });
    }
    expect(readFileSync(at('letter'), 'utf8')).toBe('dear diary');
    expect(existsSync(at('model'))).toBe(true);
  });

  it('a place that cannot be looked at is told before the data is read', async () => {
    writeFileSync(at('no folder'), '');
    const file = join(at('no folder'), 'run.safetensors');
    for (const resume of [true, false])
      expect(await caught(() => train({ ...options, data: [[Number.NaN, 0, 0]], checkpoint: { file, resume } }))).toMatchObject({
        code: 'ERR_FLOW_IO',
        path: file,
      });
  });

  it('what a file cannot hold must be given again', async () => {
    const scheduled = { ...options, optimiser: adamw({ lr: () => 1e-3 }) };
    await train({ ...scheduled, checkpoint: at('scheduled') });
    expect(await caught(() => Trainer.resume(at('scheduled'), { data: rows }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.optimiser' });
  });
});
