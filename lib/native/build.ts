// Native networks and trainers without holding the event loop: parameters go in by parts, a turn of the loop after each, and a job packs them.

import type { Binding, Job, NativeFloats, NativeNetwork, NativeTrainer, TrainerRequest } from './binding.ts';

/** Values copied between two turns: 1 MB, a fraction of a millisecond. */
const part = 1 << 18;

async function staged(binding: Binding, values: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array | NativeFloats> {
  if (values.length <= part) return values;
  const floats = new binding.Floats(values.length);
  try {
    for (let at = 0; at < values.length; at += part) {
      floats.append(values.subarray(at, at + part));
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  } catch (error) {
    floats.dispose();
    throw error;
  }
  return floats;
}

/** The result of a job; rejects with the signal's reason when that is aborted meanwhile, and frees what came too late. */
async function unlessAborted<T extends { dispose(): void }>(job: Job<T>, signal: AbortSignal | undefined): Promise<T> {
  const stop = (): void => job.stop();
  signal?.addEventListener('abort', stop);
  try {
    const made = await job.done;
    if (signal?.aborted) made.dispose();
    return made;
  } finally {
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
  }
}

export async function buildNetwork(binding: Binding, program: Int32Array, constants: Float32Array, parameters: Float32Array): Promise<NativeNetwork> {
  return binding.createNetwork(program, constants, await staged(binding, parameters, undefined)).done;
}

/** A request whose parameters have not been handed over yet. */
export type StagedRequest = TrainerRequest & { readonly parameters: Float32Array };

export async function buildTrainer(binding: Binding, request: StagedRequest, signal: AbortSignal | undefined): Promise<NativeTrainer> {
  return unlessAborted(binding.createTrainer({ ...request, parameters: await staged(binding, request.parameters, signal) }), signal);
}
