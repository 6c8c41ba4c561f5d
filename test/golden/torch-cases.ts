// The cases of the PyTorch goldens: networks, settings, and how the native trainer is set up for them.

import { encodeProgram } from '../../lib/network/encode.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { conditionWidth } from '../../lib/network/condition.ts';
import { lower } from '../../lib/network/lower.ts';
import { type MlpOptions, mlp } from '../../lib/network/mlp.ts';
import type { ConditionSpec, MlpSpec } from '../../lib/network/spec.ts';
import { native } from '../../lib/native/load.ts';
import type { NativeTrainer } from '../../lib/native/binding.ts';
import { Random } from '../../lib/random.ts';

export interface TorchCase {
  readonly name: string;
  readonly network: MlpOptions;
  readonly dimension: number;
  readonly condition: ConditionSpec | null;
  readonly batch: number;
  readonly lr: number;
  readonly weightDecay: number;
  readonly clip: number;
}

const classes: ConditionSpec = { numbers: 2, classes: [3, 4] };
export const torchCases: readonly TorchCase[] = [
  { name: 'selu raw', network: { hidden: [64, 64, 64], activation: 'selu', time: 'raw' }, dimension: 2, condition: null, batch: 48, lr: 1e-3, weightDecay: 1e-5, clip: 0 },
  { name: 'silu residual norm', network: { hidden: [24, 24, 24], residual: true, norm: true }, dimension: 5, condition: null, batch: 32, lr: 2e-3, weightDecay: 0.1, clip: 0 },
  { name: 'gelu fourier clipped', network: { hidden: [20, 33], activation: 'gelu' }, dimension: 3, condition: null, batch: 32, lr: 1e-3, weightDecay: 0, clip: 0.5 },
  { name: 'tanh one-hot', network: { hidden: [16, 16], activation: 'tanh' }, dimension: 3, condition: classes, batch: 32, lr: 1e-3, weightDecay: 0.01, clip: 0 },
  { name: 'silu embedding sinusoid', network: { hidden: [16, 16], time: { kind: 'sinusoid', dim: 8 }, classEmbedding: 5 }, dimension: 3, condition: classes, batch: 32, lr: 1e-3, weightDecay: 0.01, clip: 0 },
];

/** Rows of the data set of a case; more rows than a batch, so that epochs turn over within ten steps. */
export const dataRows = 100;
export const steps = 10;
export const seed = 11n;

export function specOf(test: TorchCase): MlpSpec {
  return mlp({ residual: false, norm: false, ...test.network });
}

export interface Prepared {
  readonly trainer: NativeTrainer;
  readonly parameters: Float32Array;
  readonly names: readonly { readonly name: string; readonly shape: readonly number[]; readonly offset: number }[];
  dispose(): void;
}

export function prepare(test: TorchCase): Prepared {
  const spec = specOf(test);
  const program = lower(spec, test.dimension, test.condition);
  const { words, constants } = encodeProgram(program);
  const parameters = initialiseParameters(program, seed, spec);
  const random = new Random(seed, 0x746f7263);
  const binding = native();
  const data = new binding.Dataset(test.dimension);
  data.append(Float32Array.from({ length: dataRows * test.dimension }, () => 1 + 2 * random.normal()));
  const width = conditionWidth(test.condition);
  const condition = width === 0 ? null : new binding.Dataset(width);
  const { numbers = 0, classes = [] } = test.condition ?? {};
  condition?.append(
    Float32Array.from({ length: dataRows * width }, (_, i) => {
      const c = i % width;
      return c < numbers ? random.normal() : random.below((classes[c - numbers] as number) + 1);
    }),
  );
  const trainer = new binding.Trainer({
    program: words,
    constants,
    parameters,
    data,
    source: null,
    sourcePaired: false,
    condition,
    trainRows: Uint32Array.from({ length: dataRows }, (_, i) => i),
    validationRows: new Uint32Array(0),
    path: { kind: 'condOT', sigmaMin: 0 },
    times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
    batchSize: test.batch,
    seed,
    replacement: false,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: test.weightDecay,
    emaDecay: 0,
    emaWarmup: false,
    clip: test.clip,
    threads: 2,
  });
  const dispose = (): void => {
    for (const handle of [trainer, condition, data]) handle?.dispose();
  };
  return { trainer, parameters, names: program.parameters, dispose };
}

/** The training times of a step: u of Philox stream 3, row step * B + i (native/rng/streams.h). */
export function times(test: TorchCase, step: number): Float32Array {
  return Float32Array.from({ length: test.batch }, (_, i) => new Random(seed, 3, step * test.batch + i).uniform());
}
