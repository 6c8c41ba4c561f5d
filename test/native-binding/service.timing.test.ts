// A good neighbour, by the clock: the event loop stays free, a stop is obeyed, memory stays flat. Latencies are compared with a control run beside them; absolute
// figures belong to scripts/rehearse/latency.sh.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { bundled, run } from './child.ts';
import { dataset, largest, network, numbers, rates, sampleRequest, tiny, trainer } from './support.ts';

const stops = Number(process.env['FLOWMATCH_STOPS'] ?? 30);
const duration = Number(process.env['FLOWMATCH_PING_MS'] ?? 1500);

describe('the event loop', () => {
  it('answers as fast beside our jobs as beside foreign load', { timeout: 120_000 }, async () => {
    const file = await bundled('loop-delay');
    const measure = async (load: string): Promise<{ p50: number; p99: number; max: number; count: number }> => {
      const { out, err } = await run(file, [load, duration]);
      expect(err).toBe('');
      return JSON.parse(out);
    };
    // A busy machine disturbs single runs: the claim holds when one of three attempts shows it, for each load.
    for (const load of ['train', 'sample', 'onnx']) {
      const seen: string[] = [];
      let holds = false;
      for (let attempt = 0; attempt < 3 && !holds; attempt++) {
        const [control, own] = [await measure('foreign'), await measure(load)];
        seen.push(`${load} p99 ${own.p99.toFixed(2)} max ${own.max.toFixed(2)} ms of ${own.count}; control p99 ${control.p99.toFixed(2)} ms`);
        holds = own.p99 <= control.p99 + 2;
      }
      if (process.env['FLOWMATCH_PING_MS']) console.log(seen.join('\n'));
      expect(holds, seen.join('\n')).toBe(true);
    }
  });

  it('goes on while a large trainer and a large model are built', { timeout: 120_000 }, async () => {
    const file = await bundled('construction');
    const seen: string[] = [];
    let holds = false;
    for (let attempt = 0; attempt < 3 && !holds; attempt++) {
      const { out, err } = await run(file);
      expect(err).toBe('');
      const { trainer, model } = JSON.parse(out) as Record<'trainer' | 'model', { sync: number; control: number; held: number }>;
      seen.push(out);
      // The measure sees what it is for: building on this thread holds the loop for as long as it takes.
      for (const { sync, control } of [trainer, model]) expect(control).toBeGreaterThan(0.8 * sync);
      holds = trainer.held < trainer.control / 3 && model.held < model.control / 3;
    }
    expect(holds, seen.join('')).toBe(true);
  });
});

describe('stop()', () => {
  it(`is obeyed within the time of a small part of a job, ${stops} times at the largest shape`, { timeout: 60_000 + stops * 2000 }, async () => {
    const t = trainer(largest, 1024);
    const n = network(largest);
    const moments = numbers(stops, 5).map(Math.abs);
    const begin = performance.now();
    await t.run(rates(1), 0).done;
    const step = performance.now() - begin; // the control: one whole step
    const waits: number[] = [];
    for (let i = 0; i < stops; i++) {
      const job = i % 3 === 2 ? n.sample(sampleRequest(1024, 100)) : t.run(rates(100), 0);
      await new Promise((resolve) => setTimeout(resolve, (moments[i] as number) * Math.min(1.5 * step, 1500)));
      const before = t.step;
      const asked = performance.now();
      job.stop();
      const { status } = (await job.done) as { status: string };
      waits.push(performance.now() - asked);
      expect(status).toBe('stopped');
      expect(t.step - before).toBeLessThanOrEqual(1);
    }
    waits.sort((a, b) => a - b);
    const [p50, p99, max] = [0.5, 0.99, 1].map((q) => waits[Math.floor(q * (waits.length - 1))] as number) as [number, number, number];
    if (process.env['FLOWMATCH_STOPS'])
      console.log(`stop(): p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(1)} ms; a step takes ${step.toFixed(0)} ms`);
    expect(p50).toBeLessThan(Math.max(step / 2, 50));
    expect((await t.run(rates(1), 0).done).steps).toBe(1); // usable afterwards
    expect((await n.sample(sampleRequest(2, 1)).done).status).toBe('done');
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const settle = async (): Promise<number> => {
    let least = Number.POSITIVE_INFINITY; // what finalizers give back comes back in turns of their own
    for (let i = 0; i < 20; i++) {
      collect();
      await new Promise((resolve) => setTimeout(resolve, 10));
      least = Math.min(least, process.memoryUsage().rss);
    }
    return least;
  };

  it.each([
    ['disposed', (h: { dispose(): void }) => h.dispose()],
    ['dropped', () => undefined],
  ])('of handles that are %s comes back', { timeout: 60_000 }, async (_how, drop) => {
    const shape = { ...tiny, width: 256 }; // 0.6 MB of weights and more of state
    const rows = numbers(2 * 20_000);
    const cycle = async (): Promise<void> => {
      const [n, t, data] = [network(shape), trainer(shape), dataset(2, 1)];
      const solve = n.prepare(sampleRequest(16, 100));
      solve.sampleSync(16, 0, 1n, null, null);
      data.append(rows);
      await Promise.all([n.sample(sampleRequest(64, 2)).done, t.run(rates(1), 0).done, data.moments().done]);
      for (const handle of [n, solve, t, data]) drop(handle);
    };
    for (let i = 0; i < 80; i++) await cycle(); // until the allocator keeps no more than it has
    const before = await settle();
    for (let i = 0; i < 60; i++) await cycle();
    const grown = (await settle()) - before;
    // One leaked set of handles in each of 60 cycles would be over 60 x 2.5 MB.
    expect(grown / 2 ** 20).toBeLessThan(40);
  });
});
