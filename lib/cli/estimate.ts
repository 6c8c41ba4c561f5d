// What a run would take, measured: one second of real training on the real rows, then extrapolated. Memory is counted from the shapes.

import { tableDefaults } from '../table/defaults.ts';
import { type TableTrainOptions, tableNetwork, tableProgram, trainTable } from '../table/fit.ts';
import type { PreparedTable } from '../table/prepare.ts';

export interface Estimate {
  readonly parameters: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly stepsPerSecond: number;
  readonly seconds: number;
  readonly memory: number;
}

/** Trains for about a second and throws the result away. */
export async function estimate(prepared: PreparedTable, options: TableTrainOptions, signal: AbortSignal): Promise<Estimate> {
  const steps = options.steps ?? tableDefaults.steps;
  const batchSize = options.batchSize ?? tableDefaults.batchSize;
  const { codec, rows } = prepared;
  const network = tableNetwork(options);
  const program = tableProgram(codec, options);
  const enough = new AbortController();
  let stepsPerSecond = 0;
  const stop = () => enough.abort();
  const clock = setTimeout(stop, 1000);
  signal.addEventListener('abort', stop);
  const onProgress = (p: { readonly stepsPerSecond: number }) => {
    stepsPerSecond = p.stepsPerSecond;
  };
  try {
    await trainTable(prepared, { ...options, signal: enough.signal, onProgress });
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  } finally {
    clearTimeout(clock);
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  // parameters, gradient, two moments and the running mean; two copies of the rows; activations of a batch, forward and backward
  const widest = network.hidden.reduce((sum, width) => sum + width, codec.width * 4);
  const memory = 60e6 + 4 * (5 * program.parameterCount + 2 * rows * codec.width + 3 * batchSize * widest);
  return { parameters: program.parameterCount, steps, batchSize, stepsPerSecond, seconds: steps / Math.max(stepsPerSecond, 1e-9), memory };
}
