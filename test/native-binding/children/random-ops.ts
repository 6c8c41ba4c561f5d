// random-ops.ts WORKERS OPERATIONS SEED: Workers that create, run, stop, transfer, collect and dispose in random order, each on its own handles, while
// one more thread writes into the SharedArrayBuffer that their inputs lie in. Prints the codes of the errors that came; any other error ends the process.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Job, NativeDataset, NativeNetwork, NativeSolve, NativeTrainer } from '../../../lib/native/binding.ts';
import { native } from '../../../lib/native/load.ts';
import { dataset, network, numbers, rates, sampleRequest, tiny, trainer } from '../support.ts';

interface Data {
  readonly role: 'writer' | 'user';
  readonly shared: SharedArrayBuffer;
  readonly operations: number;
  readonly seed: number;
}

if (isMainThread) await main();
else if ((workerData as Data).role === 'writer') writer(workerData as Data);
else await user(workerData as Data);

async function main(): Promise<void> {
  const [workers, operations, seed] = process.argv.slice(2).map(Number) as [number, number, number];
  const shared = new SharedArrayBuffer(4 + 4 * 512);
  const start = (data: Omit<Data, 'shared' | 'operations'>) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { ...data, shared, operations } satisfies Data });
    return new Promise<Record<string, number>>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  };
  const writing = start({ role: 'writer', seed });
  const users = await Promise.all(Array.from({ length: workers }, (_, i) => start({ role: 'user', seed: seed + i })));
  Atomics.store(new Int32Array(shared), 0, 1);
  await writing;
  const codes: Record<string, number> = {};
  for (const counts of users) for (const [code, count] of Object.entries(counts)) codes[code] = (codes[code] ?? 0) + count;
  console.log(JSON.stringify(codes));
}

function writer({ shared }: Data): void {
  const flag = new Int32Array(shared, 0, 1);
  const values = new Float32Array(shared, 4);
  for (let i = 0; Atomics.load(flag, 0) === 0; i++) values[i % 512] = i % 7 === 0 ? Number.NaN : i % 100;
  parentPort?.postMessage({});
}

async function user({ shared, operations, seed }: Data): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const codes: Record<string, number> = {};
  const random = numbers(4 * operations, seed);
  let at = 0;
  const below = (n: number) => Math.floor(((random[at++ % random.length] as number) + 1) * 0.5 * n);
  let [n, t, data]: [NativeNetwork, NativeTrainer, NativeDataset] = [network(tiny), trainer(tiny), dataset(2, 64)];
  let kept: NativeSolve | undefined;
  const pending = new Set<Promise<unknown>>();
  let jobs: Job<unknown>[] = [];
  const count = (error: unknown): void => {
    const { code, name } = error as { code?: string; name?: string };
    if (name !== 'FlowError' || !code) throw error;
    codes[code] = (codes[code] ?? 0) + 1;
  };
  const start = (job: Job<unknown>): void => {
    jobs.push(job);
    const settled: Promise<unknown> = job.done.catch(count).then(() => pending.delete(settled));
    pending.add(settled);
  };
  const racing = new Float32Array(shared, 4, 64);
  const acts: (() => unknown)[] = [
    () => start(n.sample(sampleRequest(1 + below(200), 1 + below(8)))),
    () => start(n.sample(sampleRequest(32, 4, { initial: racing }))),
    () => {
      const initial = numbers(64);
      start(n.sample(sampleRequest(32, 4, { initial })));
      structuredClone(initial.buffer, { transfer: [initial.buffer as ArrayBuffer] });
    },
    () => start(t.run(rates(1 + below(10)), below(3))),
    () => start(t.evaluate('ema', 1n, 1)),
    () => start(t.draw()),
    () =>
      start(
        t.runPaired(
          Int32Array.from({ length: tiny.batch }, (_, i) => i),
          1e-3,
        ),
      ),
    () => start(data.moments()),
    () => start(data.hash()),
    () => start(data.normalise(new Float32Array(2), new Float32Array(2).fill(1.01))),
    () => data.append(below(2) ? racing : numbers(64)),
    () => data.read(0, data.rows),
    () => t.state('ema'),
    () => {
      kept = n.prepare(sampleRequest(1, 1 + below(8)));
    },
    () => kept?.sampleSync(1 + below(16), below(100), 5n, null, null),
    () => kept?.dispose(),
    () => n.evaluateSync(racing, racing.subarray(0, 32), null),
    () => native().normal(1n, below(100), below(20), 3),
    () => jobs[below(jobs.length)]?.stop(),
    () => n.dispose(),
    () => t.dispose(),
    () => data.dispose(),
    () => {
      n = network(tiny);
    },
    () => {
      t = trainer(tiny, 64, below(2) ? { data } : {});
    },
    () => {
      data = dataset(2, 64);
    },
    () => collect(),
    () => new Promise((resolve) => setImmediate(resolve)),
  ];
  for (let i = 0; i < operations; i++) {
    try {
      await acts[below(acts.length)]?.();
    } catch (error) {
      count(error);
    }
    if (jobs.length > 50) {
      await Promise.all(pending);
      jobs = [];
    }
  }
  for (const job of jobs) job.stop();
  await Promise.all(pending);
  parentPort?.postMessage(codes);
}
