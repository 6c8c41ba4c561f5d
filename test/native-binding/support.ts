// Small native networks, trainers and requests for the tests of the binding; nothing here checks anything.

import type { NativeDataset, SampleRequest, TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { lower } from '../../lib/network/lower.ts';
import { mlp } from '../../lib/network/mlp.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';

export interface Shape {
  readonly d: number;
  readonly width: number;
  readonly depth: number;
  readonly batch: number;
  readonly condition?: ConditionSpec;
}
export const tiny: Shape = { d: 2, width: 16, depth: 2, batch: 32 };
export const small: Shape = { d: 2, width: 64, depth: 3, batch: 256 };
export const middle: Shape = { d: 64, width: 512, depth: 4, batch: 1024 };
/** The largest shape of the performance table. */
export const largest: Shape = { d: 256, width: 1024, depth: 6, batch: 1024 };

/** Uniform numbers in [-1, 1): Weyl sequence, mixed. */
export function numbers(count: number, seed = 1): Float32Array {
  const out = new Float32Array(count);
  let state = seed >>> 0;
  for (let i = 0; i < count; i++) {
    state = (state + 0x9e3779b9) >>> 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    out[i] = ((z ^ (z >>> 16)) >>> 0) / 2 ** 31 - 1;
  }
  return out;
}

/** Words, constants and parameters of about unit gain. */
export function encoded({ d, width, depth, condition }: Shape) {
  const program = lower(mlp({ hidden: Array.from({ length: depth }, () => width), residual: false, norm: false }), d, condition ?? null);
  const { words, constants } = encodeProgram(program);
  const parameters = numbers(program.parameterCount);
  for (const { offset, shape, role } of program.parameters) {
    const count = shape.reduce((a, b) => a * b, 1);
    const gain = role === 'weight' ? Math.sqrt(3 / (shape[1] as number)) : 0.1;
    for (let i = offset; i < offset + count; i++) parameters[i] = (parameters[i] as number) * gain;
  }
  return { words, constants, parameters, program };
}

export function network(shape: Shape) {
  const { words, constants, parameters } = encoded(shape);
  const { Network } = native();
  return new Network(words, constants, parameters);
}

export function dataset(columns: number, rows: number, seed = 2): NativeDataset {
  const { Dataset } = native();
  const data = new Dataset(columns);
  data.append(numbers(rows * columns, seed));
  return data;
}

export function trainerRequest(shape: Shape, rows = 2 * shape.batch, fields: Partial<TrainerRequest> = {}): TrainerRequest {
  const { words, constants, parameters } = encoded(shape);
  return {
    program: words,
    constants,
    parameters,
    data: fields.data ?? dataset(shape.d, rows),
    source: null,
    sourcePaired: false,
    condition: null,
    trainRows: Uint32Array.from({ length: rows }, (_, i) => i),
    validationRows: Uint32Array.from({ length: Math.min(rows, 64) }, (_, i) => i),
    path: { kind: 'condOT', sigmaMin: 0 },
    times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
    batchSize: shape.batch,
    seed: 7n,
    replacement: false,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    emaDecay: 0.99,
    emaWarmup: true,
    clip: 1,
    threads: 0,
    ...fields,
  };
}

export function trainer(shape: Shape, rows?: number, fields?: Partial<TrainerRequest>) {
  const { Trainer } = native();
  return new Trainer(trainerRequest(shape, rows, fields));
}

/** Euler with `steps` steps on [0, 1], the last state kept. */
export function sampleRequest(n: number, steps: number, fields: Partial<SampleRequest> = {}): SampleRequest {
  return {
    n,
    firstRow: 0,
    seed: 3n,
    initial: null,
    normaliseInitial: false,
    sourceScale: 1,
    condition: null,
    sharedCondition: false,
    a: new Float64Array(1),
    b: Float64Array.of(1),
    c: new Float64Array(1),
    grid: Float64Array.from({ length: steps + 1 }, (_, i) => i / steps),
    save: Int32Array.of(steps),
    frame: null,
    shift: null,
    scale: null,
    threads: 0,
    ...fields,
  };
}

export const rates = (steps: number) => new Float64Array(steps).fill(1e-3);

/** The error that `work` throws or rejects with; undefined when it does not. */
export async function failure(work: () => unknown): Promise<{ code?: string; path?: string; message?: string; name?: string } | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}
