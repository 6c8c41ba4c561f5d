// One onnxruntime session in a thread of its own, as promises: replies by number, errors typed, abort at once, no thread left behind.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { TransferListItem } from 'node:worker_threads';
import { FlowError } from '../errors.ts';
import { type Host, openHost } from './onnx-host.ts';

export interface Feed {
  readonly name: string;
  readonly type: 'float32' | 'float64' | 'int64' | 'int32';
  readonly data: Float32Array | Float64Array | BigInt64Array | Int32Array;
  readonly dims: readonly number[];
}
/** A model input as the solver in the worker fills it; a dim of -1 stands for the rows. */
export interface Slot {
  readonly name: string;
  readonly type: 'float32' | 'float64';
  readonly dims: readonly number[];
}
export type Request =
  | { readonly kind: 'run'; readonly feeds: readonly Feed[]; readonly output: string }
  | {
      readonly kind: 'solve';
      readonly x: Float32Array;
      readonly n: number;
      readonly d: number;
      readonly a: readonly (readonly number[])[];
      readonly b: readonly number[];
      readonly c: readonly number[];
      readonly grid: readonly number[];
      /** After the last time of the grid: x <- shift + x * state + v * velocity, shift by column. */
      readonly close: { readonly x: number; readonly v: number; readonly shift: readonly number[] } | null;
      readonly bind: { readonly x: Slot; readonly t: Slot; readonly rest: readonly Feed[]; readonly output: string };
    };
export interface Reply {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  /** Evaluations per row; 0 for a single call. */
  readonly nfe: number;
}

const command = 'npm install onnxruntime-node';

/** The file of onnxruntime-node as the caller's project sees it, then as this library does. */
export function findRuntime(from: readonly string[] = [join(process.cwd(), 'package.json'), import.meta.url]): string {
  let cause: unknown;
  for (const place of from) {
    try {
      return createRequire(place).resolve('onnxruntime-node');
    } catch (error) {
      cause = error;
    }
  }
  throw missing('the package onnxruntime-node is not installed', cause);
}

function missing(why: string, cause: unknown): FlowError {
  const hint = `Run: ${command} (where scripts may not use the network: ONNXRUNTIME_NODE_INSTALL=skip ${command}).`;
  return new FlowError('ERR_FLOW_ORT_MISSING', `onnxruntime-node: ${why}. ${hint}`, { path: 'onnxruntime-node', hint, cause });
}

interface Pending {
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/** Threads that may be inside the runtime's native code; a process that exits waits for each to come out (a call takes some tens of milliseconds). */
const running = new Set<Channel>();
const exitPatience = 10_000;
let watching = false;
function watch(channel: Channel): void {
  running.add(channel);
  if (watching) return;
  watching = true;
  process.on('exit', () => {
    for (const { gate } of running) Atomics.store(gate, 0, 1);
    for (const { gate } of running) if (Atomics.load(gate, 1) !== 0) Atomics.wait(gate, 1, 1, exitPatience);
  });
}

/** What the worker's listeners hold; never the session itself, so that a dropped session can be collected and its thread closed. */
class Channel {
  readonly host: Host;
  readonly pending = new Map<number, Pending>();
  readonly ready: Promise<void>;
  /** [closing, busy], see onnx-worker.ts. */
  readonly gate = new Int32Array(new SharedArrayBuffer(8));
  failure: FlowError | undefined;
  last = 0;
  #started: Pending | undefined;

  constructor(runtime: string, bytes: Uint8Array, threads: number) {
    this.ready = new Promise((resolve, reject) => {
      this.#started = { resolve: () => resolve(), reject };
    });
    this.host = openHost({ runtime, bytes, threads }, this.gate, {
      message: (message) => this.receive(message as { id: number; error?: string } & Reply),
      error: (error: NodeJS.ErrnoException) => {
        const memory = error.code === 'ERR_WORKER_OUT_OF_MEMORY';
        this.fail(new FlowError(memory ? 'ERR_FLOW_NOMEM' : 'ERR_FLOW_ONNX', `onnxruntime's thread failed: ${error.message}`, { cause: error }));
      },
      exit: () => {
        running.delete(this);
        this.fail(new FlowError('ERR_FLOW_ONNX', "onnxruntime's thread has ended."));
      },
    });
    watch(this);
  }

  receive({ id, error, data, dims, nfe }: { id: number; error?: string } & Reply): void {
    if (id === 0) {
      if (error !== undefined)
        this.fail(/Cannot find module|ERR_DLOPEN|cannot open shared|\.node/.test(error) ? missing(`it does not load: ${error}`, undefined) : refused(error));
      else this.#started?.resolve({ data, dims, nfe: 0 });
    } else {
      const waiting = this.pending.get(id);
      this.pending.delete(id);
      if (error !== undefined) waiting?.reject(refused(error));
      else waiting?.resolve({ data, dims, nfe: nfe ?? 0 });
    }
    this.settle();
  }

  fail(error: FlowError): void {
    this.failure ??= error;
    this.#started?.reject(this.failure);
    for (const waiting of this.pending.values()) waiting.reject(this.failure);
    this.pending.clear();
    this.settle();
  }

  /** The thread keeps the process alive only while somebody waits for it. */
  settle(): void {
    this.host.hold(this.pending.size > 0);
  }

  close(): void {
    this.host.hold(false);
    this.host.post({ kind: 'close' }, []);
  }
}

function refused(error: string): FlowError {
  const received = error.replace(/\s+/g, ' ').slice(0, 400);
  return new FlowError('ERR_FLOW_ONNX', `onnxruntime: ${received}`, { path: 'onnxruntime', received: received.slice(0, 40) });
}

const dropped = new FinalizationRegistry<Channel>((channel) => channel.close());

export class OnnxSession {
  readonly #channel: Channel;
  #disposed = false;

  /** Copies `bytes`, starts the thread and loads the model there. `threads`: 0 = onnxruntime's choice. */
  static async open(runtime: string, bytes: Uint8Array, threads: number): Promise<OnnxSession> {
    const session = new OnnxSession(runtime, bytes, threads);
    try {
      await session.#channel.ready;
    } catch (error) {
      session.dispose();
      throw error;
    }
    return session;
  }

  private constructor(runtime: string, bytes: Uint8Array, threads: number) {
    this.#channel = new Channel(runtime, bytes, threads);
    dropped.register(this, this.#channel, this);
  }

  /** Rejects at once with `signal.reason` when aborted; a solve then stops at its next evaluation, a single call runs out unseen. */
  call(request: Request, signal?: AbortSignal, transfer: readonly TransferListItem[] = []): Promise<Reply> {
    const channel = this.#channel;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#disposed) return reject(disposed());
      if (channel.failure) return reject(channel.failure);
      const id = ++channel.last;
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const abort = (): void => {
        Atomics.store(stop, 0, 1);
        reject(signal?.reason);
      };
      const done = (): void => signal?.removeEventListener('abort', abort);
      channel.pending.set(id, {
        resolve: (reply) => {
          done();
          resolve(reply);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      signal?.addEventListener('abort', abort, { once: true });
      channel.settle();
      channel.host.post({ id, ...request, ...(channel.host.shares ? { stop } : {}) }, transfer);
    });
  }

  /** Waiting calls are rejected; the thread ends when its current call does. Idempotent. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    dropped.unregister(this);
    this.#channel.fail(disposed());
    this.#channel.close();
  }
}

const disposed = (): FlowError =>
  new FlowError('ERR_FLOW_DISPOSED', 'onnx: expected a loaded model, got one that was disposed. Call loadOnnx again.', { path: 'onnx' });
