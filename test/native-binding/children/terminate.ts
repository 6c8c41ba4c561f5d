// terminate.ts CYCLES SEED: Workers that train, sample and evaluate at once, each terminated after a random time, in any state of its jobs.
// Prints {cycles, milliseconds: [...]}: how long each terminate() took.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { middle, network, numbers, rates, type Shape, sampleRequest, small, trainer } from '../support.ts';

if (isMainThread) {
  const [cycles, seed] = process.argv.slice(2).map(Number) as [number, number];
  const random = numbers(2 * cycles, seed);
  const milliseconds: number[] = [];
  for (let i = 0; i < cycles; i++) {
    const worker = new Worker(new URL(import.meta.url), { argv: [i % 5 === 4 ? 'large' : 'small', i % 3 === 2 ? 'exit' : 'terminate'] });
    const gone = new Promise<number>((resolve, reject) => worker.once('error', reject).once('exit', resolve));
    await Promise.race([new Promise((resolve) => worker.once('message', resolve)), gone]);
    await new Promise((resolve) => setTimeout(resolve, Math.abs(random[i] as number) * 30));
    const started = performance.now();
    await worker.terminate();
    await gone;
    milliseconds.push(performance.now() - started);
  }
  console.log(JSON.stringify({ cycles, milliseconds }));
} else {
  const shape: Shape = process.argv[2] === 'large' ? { ...middle, batch: 128 } : small;
  const trained = trainer(shape, 2 * shape.batch);
  const sampled = network(shape);
  void trained.run(rates(1e6), 0).done;
  void trained.run(rates(1e6), 50).done;
  void trained.evaluate('ema', 1n, 4).done;
  const sample = (): Promise<unknown> => sampled.sample(sampleRequest(256, 100)).done.then(sample);
  void sample();
  void sample();
  if (process.argv[3] === 'exit') setTimeout(() => process.exit(3), 10);
  parentPort?.postMessage('ready');
}
