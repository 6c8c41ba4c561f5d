// Where onnxruntime runs: a worker thread of the main thread, which shares memory and ends with it.
// Inside a Worker of the user's, a child process: terminate() of that Worker would tear a thread of ours down inside the runtime's native code, and its addon
// then aborts the whole process (seen with onnxruntime-node 1.30 in 18 of 20 tries). A child just loses its channel and exits.

import { spawn } from 'node:child_process';
import { isMainThread, type TransferListItem, Worker } from 'node:worker_threads';
import { workerSource } from './onnx-worker.ts';

export interface HostData {
  readonly runtime: string;
  readonly bytes: Uint8Array;
  readonly threads: number;
}
export interface Host {
  /** Shared memory reaches the other side. */
  readonly shares: boolean;
  post(message: object, transfer: readonly TransferListItem[]): void;
  /** Keeps the process alive, or does not. */
  hold(on: boolean): void;
}
export interface HostEvents {
  message(message: unknown): void;
  error(error: Error): void;
  exit(): void;
}

export function openHost(data: HostData, gate: Int32Array, events: HostEvents): Host {
  return isMainThread ? threadHost(data, gate, events) : processHost(data, events);
}

function threadHost(data: HostData, gate: Int32Array, events: HostEvents): Host {
  const worker = new Worker(workerSource, { eval: true, execArgv: [], workerData: { ...data, gate }, name: 'flowmatch-onnx' });
  worker.on('message', events.message);
  worker.on('error', events.error);
  worker.on('exit', events.exit);
  return {
    shares: true,
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: (on) => (on ? worker.ref() : worker.unref()),
  };
}

/** Exported for tests. */
export function processHost(data: HostData, events: HostEvents): Host {
  const child = spawn(process.execPath, ['-e', workerSource], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], serialization: 'advanced', windowsHide: true });
  child.on('message', events.message);
  child.on('error', events.error);
  child.on('exit', events.exit);
  const post = (message: object): void => {
    if (child.connected) child.send(message);
  };
  post({ kind: 'open', ...data });
  return {
    shares: false,
    post,
    hold: (on) => {
      if (on) child.ref();
      else child.unref();
      const channel = child.channel as { ref?(): void; unref?(): void } | null | undefined;
      if (on) channel?.ref?.();
      else channel?.unref?.();
    },
  };
}
