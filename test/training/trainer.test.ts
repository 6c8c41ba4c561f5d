// Calls that meet: pause, save, stop, dispose and a second run, at awkward moments. Nothing may hang, overtake another's pause, or leave a listener behind.

import { getEventListeners } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mlp, Trainer, type TrainOptions, train } from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught } from '../support/models.ts';

const at = temporaryFolder();
const rows = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(3 * i)]);
const small: TrainOptions = { data: rows, steps: 1e9, batchSize: 32, network: mlp({ hidden: [16, 16] }), seed: 1, evaluateEvery: 50 };
const begun = async (trainer: Trainer): Promise<void> => {
  while (trainer.step === 0) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe('Trainer: calls that meet', () => {
  it('stop() and asyncDispose resolve inside and outside of a loop that stands', async () => {
    const trainer = new Trainer(small);
    let bodies = 0;
    for await (const _ of trainer) {
      bodies++;
      await trainer.stop();
    }
    expect([bodies, trainer.state]).toEqual([1, 'standing']);
    const again = trainer[Symbol.asyncIterator]();
    await again.next();
    await trainer[Symbol.asyncDispose]();
    expect(await caught(() => again.next())).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    expect(trainer.state).toBe('disposed');
  });

  it("a save under way never ends the caller's pause", async () => {
    const trainer = new Trainer(small);
    const running = trainer.run();
    await begun(trainer);
    const saves = [trainer.save(at('a')), trainer.save(at('b'))];
    await trainer.pause();
    const { step } = trainer;
    saves.push(trainer.save(at('c')));
    for (const save of await Promise.all(saves)) expect(save.step).toBe(step);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([trainer.state, trainer.step, trainer.model().info().step]).toEqual(['standing', step, step]);
    trainer.proceed();
    while (trainer.step === step) await new Promise((resolve) => setTimeout(resolve, 1));
    await trainer.stop();
    await running;
  });

  it('pause() resolves when proceed() comes first', async () => {
    const trainer = new Trainer(small);
    const running = trainer.run();
    await begun(trainer);
    const paused = trainer.pause();
    trainer.proceed();
    await paused;
    await trainer.stop();
    await running;
  });

  it('refuses a second run while one is paused; the first ends exactly', async () => {
    const trainer = new Trainer({ ...small, steps: 400 });
    const running = trainer.run();
    await trainer.pause();
    expect(trainer.state).toBe('standing');
    expect(await caught(() => trainer.run())).toMatchObject({ code: 'ERR_FLOW_STATE', message: expect.stringContaining('paused in a run') });
    trainer.proceed();
    const model = await running;
    expect([trainer.step, trainer.state]).toEqual([400, 'done']);
    expect(model.record).toEqual((await train({ ...small, steps: 400 })).record);
  });

  it('a loop that was overtaken by another run ends with an error and spoils nothing', async () => {
    const trainer = new Trainer({ ...small, steps: 400 });
    const error = await caught(async () => {
      for await (const _ of trainer) await trainer.run();
    });
    expect(error).toMatchObject({ code: 'ERR_FLOW_STATE', message: expect.stringContaining('elsewhere') });
    expect([trainer.state, trainer.model().info().step]).toEqual(['done', 400]);
  });

  it('leaves no listener on the signal, however often it paused', async () => {
    const { signal } = new AbortController();
    const trainer = new Trainer({ ...small, signal });
    const running = trainer.run();
    await begun(trainer);
    for (let i = 0; i < 5; i++) await trainer.save(at('often'));
    expect(getEventListeners(signal, 'abort').length).toBe(1);
    await trainer.stop();
    await running;
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });

  it('an abort ends a pause', async () => {
    const controller = new AbortController();
    const trainer = new Trainer({ ...small, signal: controller.signal });
    const running = trainer.run();
    await trainer.pause();
    controller.abort('enough');
    expect(await caught(() => running)).toBe('enough');
    expect(trainer.state).toBe('standing');
  });

  it('a save that fails when the loop is left rejects, and nothing hangs behind it', async () => {
    const file = at('gone/run');
    mkdirSync(dirname(file));
    const { signal } = new AbortController();
    const trainer = new Trainer({ ...small, signal, checkpoint: { file, everySteps: 1e9, onError: 'stop' } });
    const error = await caught(async () => {
      for await (const _ of trainer) {
        rmSync(dirname(file), { recursive: true });
        break;
      }
    });
    expect(error).toMatchObject({ code: 'ERR_FLOW_IO' });
    expect([trainer.state, getEventListeners(signal, 'abort').length]).toEqual(['standing', 0]);
    await trainer.stop();
  });

  it('disposed while a checkpoint is written, it stays disposed', async () => {
    const trainer = new Trainer({ ...small, checkpoint: { file: at('disposed'), everySeconds: 0 } });
    const running = trainer.run();
    running.catch(() => undefined);
    await begun(trainer);
    await new Promise((resolve) => setImmediate(resolve));
    await trainer[Symbol.asyncDispose]();
    expect(await caught(() => running)).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    expect([trainer.state, trainer.step]).toEqual(['disposed', 0]);
  });

  it('resume() reads each option once and takes undefined for not given', async () => {
    await train({ ...small, steps: 20, checkpoint: at('resume') });
    const options = { data: rows, steps: 40, batchSize: undefined, seed: undefined, evaluateEvery: undefined } as unknown as TrainOptions;
    const trainer = await Trainer.resume(at('resume'), options);
    expect((await trainer.run()).record).toEqual((await train({ ...small, steps: 40 })).record);
    const throwing = Object.defineProperty({ data: rows } as TrainOptions, 'coupling', {
      enumerable: true,
      get: () => {
        throw new Error('read');
      },
    });
    expect(await caught(() => Trainer.resume(at('resume'), throwing))).toMatchObject({ code: 'ERR_FLOW_TYPE', path: 'options.coupling' });
  });
});
