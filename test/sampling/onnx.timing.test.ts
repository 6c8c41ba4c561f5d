// onnxruntime works in a thread of its own: the event loop turns meanwhile, as often as beside a thread that only computes.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { loadOnnx } from '../../lib/sampling/onnx-load.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { untrained } from '../support/models.ts';

test('the event loop turns while onnxruntime works', async () => {
  using sampler = await loadOnnx(onnxBytes(untrained(2, { hidden: [256, 256] }), { solver: rk4({ steps: 20 }) }), { threads: 1 });
  const turnsPerSecond = async (work: () => Promise<unknown>): Promise<number> => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const begin = performance.now();
    await work();
    const seconds = (performance.now() - begin) / 1000;
    clearInterval(timer);
    return ticks / seconds;
  };
  const spin = 'const end = performance.now() + 300; while (performance.now() < end);';
  const control = await turnsPerSecond(() => once(new Worker(spin, { eval: true }), 'exit')); // a thread that only computes
  // run() on this thread would leave a handful of turns between its calls: hundreds of times fewer
  expect(await turnsPerSecond(() => sampler.sample({ n: 4000 }))).toBeGreaterThan(control / 10);
});
