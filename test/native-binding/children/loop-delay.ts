// loop-delay.ts LOAD MILLISECONDS: how late the event loop answers a ping that a second thread sends every millisecond, while LOAD runs:
// `foreign` (other processes keep the cores busy), `train`, `sample` or `onnx`. Prints {p50, p99, max, count} in milliseconds.
// The loop's own histogram starves with the loop; the pinging thread has its own clock.

import { spawn } from 'node:child_process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { info } from '../../../lib/native/info.ts';
import { onnxBytes } from '../../../lib/onnx/export.ts';
import { loadOnnx } from '../../../lib/sampling/onnx-load.ts';
import { euler } from '../../../lib/solvers/solvers.ts';
import { untrained } from '../../support/models.ts';
import { largest, middle, network, rates, sampleRequest, trainer } from '../support.ts';

if (isMainThread) {
  const [load, duration] = [process.argv[2], Number(process.argv[3])];
  const shared = new SharedArrayBuffer(8);
  const flag = new Int32Array(shared);
  const stop = load === 'foreign' ? foreign() : load === 'onnx' ? await onnx() : own(load as 'train' | 'sample');
  await new Promise((resolve) => setTimeout(resolve, 150)); // the load has begun
  const pinger = new Worker(new URL(import.meta.url), { workerData: { shared, duration } });
  pinger.on('message', (message: 'ping' | object) => {
    if (message === 'ping') {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    } else {
      console.log(JSON.stringify(message));
      stop();
    }
  });
} else {
  const { shared, duration } = workerData as { shared: SharedArrayBuffer; duration: number };
  const flag = new Int32Array(shared);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const delays: number[] = [];
  const end = performance.now() + duration;
  while (performance.now() < end) {
    Atomics.store(flag, 0, 0);
    const sent = performance.now();
    parentPort?.postMessage('ping');
    Atomics.wait(flag, 0, 0);
    delays.push(performance.now() - sent);
    Atomics.wait(pause, 0, 0, 1);
  }
  delays.sort((a, b) => a - b);
  const at = (q: number) => delays[Math.floor(q * (delays.length - 1))];
  parentPort?.postMessage({ p50: at(0.5), p99: at(0.99), max: at(1), count: delays.length });
}

function foreign(): () => void {
  const processes = Array.from({ length: info().threads }, () => spawn(process.execPath, ['-e', 'for(;;);']));
  return () => {
    for (const one of processes) one.kill('SIGKILL');
  };
}

/** Jobs without a gap: two are always queued. */
function own(load: 'train' | 'sample'): () => void {
  let going = true;
  const t = load === 'train' ? trainer(largest, 1024) : undefined;
  const n = load === 'sample' ? network(middle) : undefined;
  const again = (): void => {
    if (!going) return;
    const job = t ? t.run(rates(1000), 50) : n!.sample(sampleRequest(1024, 10));
    void (job.done as Promise<unknown>).then(again);
  };
  again();
  again();
  return () => {
    going = false;
  };
}

/** A sampler graph in onnxruntime-node on all cores, without a gap. */
async function onnx(): Promise<() => void> {
  const record = untrained(middle.d, { hidden: [middle.width, middle.width, middle.width, middle.width] });
  const sampler = await loadOnnx(onnxBytes(record, { solver: euler({ steps: 10 }) }), { threads: info().threads });
  let going = true;
  const again = (): void => {
    if (going) void sampler.sample({ n: 1024, seed: 1 }).then(again, () => undefined); // what dispose() cuts off is refused
  };
  again();
  again();
  return () => {
    going = false;
    sampler.dispose();
  };
}
