// Sampling in the native core: the parts of a plan, two of them queued, and their results put together.

import { FlowError } from '../errors.ts';
import type { ModelRecord } from '../model/record.ts';
import type { Job, NativeNetwork, SampleResult as NativeResult } from '../native/binding.ts';
import { fewRows, type KeptSolve, type KeptSolves } from './kept.ts';
import type { SampleResult } from './options.ts';
import type { Alike, Plan } from './plan.ts';

/** What a run of native calls is: n rows, `each` at a time, the job of some of them, and who is told of every job. */
interface Parts<T> {
  readonly n: number;
  readonly each: number;
  readonly signal: AbortSignal | undefined;
  readonly start: (first: number, count: number) => Job<T>;
  readonly track: (job: Job<T>) => void;
}

/** Runs the parts in order, two of them queued; `add` gets each result. An aborted signal stops them and rejects with its reason. */
export async function runParts<T>({ n, each, signal, start, track }: Parts<T>, add: (result: T) => void): Promise<void> {
  signal?.throwIfAborted();
  const jobs: Job<T>[] = [];
  const stop = (): void => {
    for (const job of jobs) job.stop();
  };
  signal?.addEventListener('abort', stop);
  try {
    let asked = 0;
    const ask = (): void => {
      if (asked >= n || signal?.aborted) return;
      const count = Math.min(each, n - asked);
      const job = start(asked, count);
      job.done.catch(() => undefined); // a rejection is seen where it is awaited, or not at all after an earlier one
      track(job);
      jobs.push(job);
      asked += count;
    };
    ask();
    ask();
    for (let job = jobs[0]; job !== undefined; job = jobs[0]) {
      const result = await job.done;
      jobs.shift(); // a job holds its result: none is kept twice
      signal?.throwIfAborted();
      add(result);
      ask();
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** Runs a plan on the native threads. `track` sees every job, so that a disposed model can stop them. */
export async function sampleNative(
  packed: NativeNetwork | Promise<NativeNetwork>,
  model: ModelRecord,
  plan: Plan,
  track: (job: Job<NativeResult>) => void = () => undefined,
): Promise<SampleResult> {
  plan.signal?.throwIfAborted();
  const network = packed instanceof Promise ? await packed : packed;
  const collect = new Collector(model, plan);
  await runParts({ ...plan, start: (first, count) => network.sample(plan.part(first, count)), track }, (result) => collect.add(result));
  return collect.result();
}

/** The same on the calling thread: for tiny jobs. */
export function sampleNativeSync(network: NativeNetwork, model: ModelRecord, plan: Plan, kept?: KeptSolves): SampleResult {
  plan.signal?.throwIfAborted();
  const { alike, n } = plan;
  if (kept !== undefined && alike !== null && n > 0 && n <= fewRows) {
    const found = kept.find(alike, network);
    if (found !== null) return sampleKept(found, model, plan, alike);
  }
  const collect = new Collector(model, plan);
  for (let first = 0; first < plan.n; first += plan.each) collect.add(network.sampleSync(plan.part(first, Math.min(plan.each, plan.n - first))));
  return collect.result();
}

/** A few rows by a solve that is kept ready. */
function sampleKept({ solve, nfe }: KeptSolve, { dimension, columns }: ModelRecord, plan: Plan, { start, condition }: Alike): SampleResult {
  const { n: rows, firstRow, seed, times } = plan;
  const x = solve.sampleSync(rows, firstRow, seed, start, condition);
  if (typeof x === 'number') throw notFinite(x);
  const nfePerRow = new Int32Array(rows).fill(nfe);
  return { x, rows, dimension, columns, firstRow, nfe, nfePerRow, status: new Uint8Array(rows), unfinished: 0, times, saved: new Float32Array(0) };
}

function notFinite(row: number): FlowError {
  const hint = 'Take more steps, and look at the start row and the condition; a diverged training leaves such models too.';
  return new FlowError('ERR_FLOW_NONFINITE', `row ${row} of the result is not finite. ${hint}`, { path: `x[${row}]`, expected: 'finite values', hint });
}

/** Puts the parts of a result together. */
class Collector {
  readonly #model: ModelRecord;
  readonly #plan: Plan;
  #x: Float32Array = new Float32Array(0);
  #saved: Float32Array = new Float32Array(0);
  #rows = 0;
  #evaluations = 0;
  readonly #nfePerRow: Int32Array;
  readonly #status: Uint8Array;

  constructor(model: ModelRecord, plan: Plan) {
    this.#model = model;
    this.#plan = plan;
    this.#nfePerRow = new Int32Array(plan.n);
    this.#status = new Uint8Array(plan.n);
  }

  /** (saves, count, d), the last save being the final state. */
  add({ x, nfe, rowNfe, rowStatus, nonfiniteRow, status }: NativeResult): void {
    const d = this.#model.dimension;
    const { n, times } = this.#plan;
    if (status !== 'done') throw new FlowError('ERR_FLOW_DISPOSED', 'model: it was disposed while sampling.', { path: 'model' });
    const { saves } = this.#plan;
    const count = x.length / (saves * d);
    if (nonfiniteRow >= 0) throw notFinite(this.#rows + nonfiniteRow);
    if (rowNfe && rowStatus) {
      this.#nfePerRow.set(rowNfe, this.#rows);
      this.#status.set(rowStatus, this.#rows);
      for (const evaluations of rowNfe) this.#evaluations += evaluations;
    } else {
      this.#nfePerRow.fill(nfe, this.#rows, this.#rows + count);
      this.#evaluations += nfe * count;
    }
    if (count === n && saves === 1) {
      this.#x = x;
      this.#rows = n;
      if (times.length > 0) this.#saved = x.slice();
      return;
    }
    if (this.#rows === 0) {
      this.#x = new Float32Array(n * d);
      this.#saved = new Float32Array(times.length * n * d);
    }
    const frame = (k: number): Float32Array => x.subarray(k * count * d, (k + 1) * count * d);
    this.#x.set(frame(saves - 1), this.#rows * d);
    for (let k = 0; k < times.length; k++) this.#saved.set(frame(k), (k * n + this.#rows) * d);
    this.#rows += count;
  }

  result(): SampleResult {
    const { dimension, columns } = this.#model;
    const { n: rows, firstRow, times } = this.#plan;
    const [nfePerRow, status] = [this.#nfePerRow, this.#status];
    const unfinished = status.reduce((sum, code) => sum + (code === 0 ? 0 : 1), 0);
    const nfe = rows === 0 ? 0 : this.#evaluations / rows;
    return { x: this.#x, rows, dimension, columns, firstRow, nfe, nfePerRow, status, unfinished, times, saved: this.#saved };
  }
}
