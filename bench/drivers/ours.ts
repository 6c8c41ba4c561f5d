// flowmatch over the built addon. Train steps and long samplings go through the treaty (lib/native/binding.ts), so that one native call is one measurement;
// the latency of one row and the whole run go through the public face.

import { createRequire } from 'node:module';
import { adamw, euler, Model, mlp, rk4, train } from '../../lib/index.ts';
import type { Binding, NativeDataset, SampleRequest, TrainerRequest } from '../../lib/native/binding.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import type { Program } from '../../lib/network/ops.ts';
import { withDivergence, withEstimates } from '../../lib/network/tangent.ts';
import { tableauArrays } from '../../lib/solvers/solvers.ts';
import { densitySteps, eulerSteps, type Shape, tangents, toySteps } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import { serve, type Work } from '../serve.ts';
import { plain, record } from './model.ts';

const binding = createRequire(import.meta.url)(process.env['FLOWMATCH_ADDON'] as string) as Binding;
/** What this addon computes in; an addon that does not say so knows f32. */
const offered: { readonly training: readonly string[]; readonly sampling: readonly string[] } = (
  binding.info() as unknown as { precisions?: { training: readonly string[]; sampling: readonly string[] } }
).precisions ?? { training: ['f32'], sampling: ['f32'] };
/** The field is only sent where it says something, so that older addons take the request. */
const precisely = (variant: string): object => (variant === 'f32' ? {} : { precision: variant });

function encoded(shape: Shape, change: (program: Program) => Program = (program) => program) {
  const program = lower(mlp(plain(shape, 'silu')), shape.d, null);
  return { ...encodeProgram(change(program)), parameters: initialiseParameters(program, 1) };
}

function noise(rows: number, columns: number): NativeDataset {
  const dataset = new binding.Dataset(columns);
  dataset.append(binding.normal(3n, 0, rows, columns));
  return dataset;
}

function trainSteps({ shape, kind, threads, variant }: Prepare): Work {
  const rows = shape.d >= 512 ? 4096 : 10_000;
  const data = noise(rows, shape.d);
  const net = encoded(shape);
  const extras = kind === 'train+';
  const request: TrainerRequest = {
    program: net.words,
    constants: net.constants,
    parameters: net.parameters,
    data,
    source: null,
    sourcePaired: false,
    condition: null,
    trainRows: Uint32Array.from({ length: rows }, (_, i) => i),
    validationRows: new Uint32Array(0),
    path: { kind: 'condOT', sigmaMin: 0 },
    times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
    batchSize: shape.B,
    seed: 1n,
    replacement: true,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    emaDecay: extras ? 0.999 : 0,
    emaWarmup: false,
    clip: extras ? 1 : 0,
    threads,
    ...precisely(variant),
  };
  const trainer = new binding.Trainer(request);
  return {
    unit: 1,
    most: 4096,
    async run(k) {
      const { steps, status } = await trainer.run(new Float64Array(k).fill(1e-3), 1e9).done;
      if (steps !== k) throw new Error(`training ended after ${steps} of ${k} steps: ${status}`);
    },
    dispose() {
      trainer.dispose();
      data.dispose();
    },
  };
}

/** k Euler steps of all rows. */
const eulerRequest = ({ shape, threads, variant }: Prepare, k: number): SampleRequest => ({
  n: shape.N,
  firstRow: 0,
  seed: 1n,
  initial: null,
  normaliseInitial: false,
  sourceScale: 1,
  condition: null,
  a: Float64Array.of(0),
  b: Float64Array.of(1),
  c: Float64Array.of(0),
  grid: Float64Array.from({ length: k + 1 }, (_, i) => i / k),
  save: Int32Array.of(k),
  frame: null,
  shift: null,
  scale: null,
  threads,
  ...precisely(variant),
});

/** k Euler steps of all rows; 100 are a unit. */
function sampling(prepare: Prepare): Work {
  const { shape } = prepare;
  const net = encoded(shape);
  const native = new binding.Network(net.words, net.constants, net.parameters);
  return {
    unit: eulerSteps,
    most: shape.N <= 8 ? 100_000 : eulerSteps,
    async run(k) {
      const { status } = await native.sample(eulerRequest(prepare, k)).done;
      if (status !== 'done') throw new Error(`sampling ended: ${status}`);
    },
    dispose: () => native.dispose(),
  };
}

/** The log-densities of all rows, k times. */
function density(prepare: Prepare): Work {
  const { shape } = prepare;
  const exact = tangents(shape) === shape.d;
  const net = encoded(shape, (program) => (exact ? withDivergence(program) : withEstimates(program, 1)));
  const native = new binding.Network(net.words, net.constants, net.parameters);
  const grid = Float64Array.from({ length: densitySteps + 1 }, (_, i) => 1 - i / densitySteps);
  const solve = { ...eulerRequest(prepare, 1), ...tableauArrays(rk4()), grid, save: new Int32Array(0), initial: binding.normal(3n, 0, shape.N, shape.d) };
  return {
    unit: 1,
    most: 64,
    async run(k) {
      for (let i = 0; i < k; i++) {
        const { status } = await native.logDensity({ ...solve, probes: exact ? 0 : 1, columns: null, constant: 0 }).done;
        if (status !== 'done') throw new Error(`the log-density ended: ${status}`);
      }
    },
    dispose: () => native.dispose(),
  };
}

/** 100 Euler steps of one row, k times, as a program calls it. */
function latency({ shape, threads, variant }: Prepare): Work {
  const model = Model.fromRecord(record(shape));
  const solver = euler({ steps: eulerSteps });
  let seed = 0;
  return {
    unit: 1,
    most: 4096,
    run(k) {
      for (let i = 0; i < k; i++) model.sampleSync({ n: 1, solver, seed: seed++, threads, ...precisely(variant) });
    },
    dispose: () => model.dispose(),
  };
}

/** The whole of train(): options, data, steps, the model at the end. */
function toy({ shape, threads, variant }: Prepare): Work {
  const data = binding.normal(3n, 0, 10_000, shape.d);
  return {
    unit: 1,
    least: 1,
    most: 1,
    async run() {
      const network = mlp(plain(shape, 'selu'));
      const options = { network, optimiser: adamw({ lr: 1e-3, weightDecay: 0 }), batchSize: shape.B, replacement: true, seed: 1, threads };
      const model = await train({
        data,
        columns: shape.d,
        ...options,
        steps: toySteps,
        normalise: false,
        ema: 0,
        clip: 0,
        validation: 0,
        ...precisely(variant),
      });
      model.dispose();
    },
    dispose: () => undefined,
  };
}

const makers = { train: trainSteps, 'train+': trainSteps, sample: sampling, latency, density, toy };
await serve(
  () => {
    const { isa, compiler } = binding.info();
    const { training, sampling: forSampling } = offered;
    return {
      name: 'flowmatch',
      version: `${isa}, ${compiler}`,
      variants: { train: training, 'train+': training, sample: forSampling, latency: forSampling, density: forSampling, toy: training },
    };
  },
  (request) => makers[request.kind](request),
);
