// A good neighbour: a stop leaves no trace, Workers do not disturb each other, the garbage collector knows what is held. What needs a clock: service.timing.test.ts.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { loadReport } from '../../lib/native/load.ts';
import { bundled } from './child.ts';
import { dataset, rates, small, trainer } from './support.ts';

describe('stop()', () => {
  it('leaves a trainer as if the interrupted step had never begun', async () => {
    const [stopped, straight] = [trainer(small), trainer(small)];
    let steps = 0;
    for (let i = 0; i < 20; i++) {
      const job = stopped.run(rates(1000), 0);
      await new Promise((resolve) => setTimeout(resolve, i / 2));
      job.stop();
      steps += (await job.done).steps;
    }
    await straight.run(rates(steps), 0).done;
    expect(stopped.step).toBe(steps);
    for (const name of ['parameters', 'ema', 'firstMoment', 'secondMoment'] as const) expect(stopped.state(name)).toEqual(straight.state(name));
  });
});

describe('Workers', () => {
  it('train and sample at once, each with its own addon instance, and get what one alone gets', { timeout: 60_000 }, async () => {
    const file = await bundled('neighbour');
    const env = { ...process.env, FLOWMATCH_ADDON: loadReport().from.replace(/^FLOWMATCH_ADDON=/, '') };
    const digest = async (seed: number) => {
      const worker = new Worker(file, { workerData: seed, env });
      const exited = once(worker, 'exit'); // both events may come in one turn of the loop
      const [message] = await once(worker, 'message');
      await exited;
      return message as string;
    };
    const alone = [await digest(1), await digest(2)];
    const together = await Promise.all([digest(1), digest(2), digest(1), digest(2)]);
    expect(together).toEqual([alone[0], alone[1], alone[0], alone[1]]);
    expect(alone[0]).not.toBe(alone[1]);
  });
});

describe('memory', () => {
  it('is told to the garbage collector, and taken back by dispose()', () => {
    const external = () => process.memoryUsage().external;
    const before = external();
    const data = dataset(100, 20_000);
    expect(external() - before).toBeGreaterThanOrEqual(8e6);
    data.dispose();
    expect(external() - before).toBeLessThan(8e6 + 1e6);
  });
});
