// A classifier on the training core. An MLP of two hidden ReLU layers fits E[y | features], y = -1 or 1, by least squares; the sign of its output is the class.
// The square is a proper scoring rule (Brier, 1950), least where the output is 2 P(y = 1 | features) - 1, as the logarithm is: both give the Bayes classifier.
// In the words of the core: data x1 = y, condition = features, target x1, and a program that reads the condition alone, so that t and noise have no say.

import { unhurried } from '../abort.ts';
import type { Binding, NativeDataset, NativeTrainer, SampleRequest } from '../native/binding.ts';
import { buildNetwork, buildTrainer } from '../native/build.ts';
import { checkProgram } from '../network/check.ts';
import { encodeProgram } from '../network/encode.ts';
import { initialiseInTurns } from '../network/initialise.ts';
import { depends, inputs, type Op, type Parameter, type Program, type Value } from '../network/ops.ts';

export interface Labelled {
  /** (n, columns) in a native store. */
  readonly features: NativeDataset;
  /** (n, 1), -1 or 1. */
  readonly labels: NativeDataset;
}
export interface FitOptions {
  readonly hidden: readonly number[];
  /** At most so many passes over the rows. */
  readonly epochs: number;
  readonly seed: bigint;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
}

const rate = 1e-3;
const batchRows = 200;
/** Fitting ends when the mean loss of so many epochs in a row is not `tolerance` below the best. A loss of squares falls twice as fast as the log-loss near 1/2. */
const patience = 10;
const tolerance = 2e-4;

/** features (columns) -> hidden, ReLU ... -> one number. */
export function classifierProgram(columns: number, hidden: readonly number[]): Program {
  const values: Value[] = [
    { name: 'x', width: 1, depends: depends.x },
    { name: 't', width: 1, depends: depends.t },
    { name: 'condition', width: columns, depends: depends.condition },
  ];
  const ops: Op[] = [];
  const parameters: Parameter[] = [];
  let offset = 0;
  const parameter = (name: string, role: 'weight' | 'bias', ...shape: number[]): number => {
    const at = parameters.push({ name, shape, role, offset }) - 1;
    offset += shape.reduce((a, b) => a * b, 1);
    return at;
  };
  let input: number = inputs.condition;
  [...hidden, 1].forEach((width, i) => {
    const weight = parameter(`layers.${i}.weight`, 'weight', width, (values[input] as Value).width);
    const bias = parameter(`layers.${i}.bias`, 'bias', width);
    const output = values.push({ name: `layers.${i}`, width, depends: depends.condition }) - 1;
    ops.push({ kind: 'dense', input, weight, bias, activation: i < hidden.length ? 'relu' : 'identity', output });
    input = output;
  });
  return checkProgram({ version: 1, dimension: 1, conditionWidth: columns, values, ops, parameters, parameterCount: offset, output: input });
}

/** Fits a classifier to the rows `train` of the data; returns what it says of the features `test` (m, columns): (m), above 0 for class 1. */
export async function classify(binding: Binding, data: Labelled, train: Uint32Array, test: Float32Array, options: FitOptions): Promise<Float32Array> {
  const program = classifierProgram(data.features.columns, options.hidden);
  const { words, constants } = encodeProgram(program);
  const { signal, threads, seed } = options;
  const steps = Math.ceil(train.length / batchRows); // even parts of the rows, so that the losses of an epoch are those of the rows
  const native = await buildTrainer(
    binding,
    {
      program: words,
      constants,
      parameters: await unhurried(initialiseInTurns(program, seed), signal),
      data: data.labels,
      source: null,
      sourcePaired: false,
      condition: data.features,
      trainRows: train,
      validationRows: new Uint32Array(0),
      path: { kind: 'condOT', sigmaMin: 0 },
      times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
      objective: { target: 'x1', loss: 'mse', c: 1, power: 1, weights: null, importance: false },
      batchSize: Math.floor(train.length / steps),
      seed,
      replacement: false,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      emaDecay: 0,
      emaWarmup: false,
      clip: 0,
      threads,
    },
    signal,
  );
  try {
    await descend(native, steps, options);
    const network = await buildNetwork(binding, words, constants, await native.copy('parameters').done);
    try {
      const job = network.sample(outputRequest(test, program.conditionWidth, threads));
      return (await finished(job, signal)).x;
    } finally {
      network.dispose();
    }
  } finally {
    native.dispose();
  }
}

async function descend(native: NativeTrainer, steps: number, { epochs, signal }: FitOptions): Promise<void> {
  const rates = new Float64Array(steps).fill(rate);
  let [best, stale] = [Number.POSITIVE_INFINITY, 0];
  for (let epoch = 0; epoch < epochs && stale < patience; epoch++) {
    const { losses } = await finished(native.run(rates, 0), signal);
    const loss = losses.reduce((sum, v) => sum + v, 0) / steps;
    stale = loss > best - tolerance ? stale + 1 : 0;
    best = Math.min(best, loss);
  }
}

/** The result of a job that stops when the signal is aborted. */
async function finished<T>(job: { readonly done: Promise<T>; stop(): void }, signal: AbortSignal | undefined): Promise<T> {
  const stop = (): void => job.stop();
  signal?.addEventListener('abort', stop);
  try {
    return await job.done;
  } finally {
    signal?.removeEventListener('abort', stop);
    signal?.throwIfAborted();
  }
}

/** The value of a network for each condition: one Euler step of length 1 from 0. */
function outputRequest(condition: Float32Array, columns: number, threads: number): SampleRequest {
  const n = condition.length / columns;
  return {
    n,
    firstRow: 0,
    seed: 0n,
    initial: new Float32Array(n),
    normaliseInitial: false,
    sourceScale: 1,
    condition,
    sharedCondition: false,
    a: new Float64Array(1),
    b: new Float64Array([1]),
    c: new Float64Array(1),
    grid: new Float64Array([0, 1]),
    save: new Int32Array([1]),
    frame: null,
    shift: null,
    scale: null,
    threads,
  };
}
