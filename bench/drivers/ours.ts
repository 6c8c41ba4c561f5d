// flowmatch over the built addon. Train steps and long samplings go through the treaty (lib/native/binding.ts), so that one native call is one measurement;
// the latency of one row, steps under error control and the whole run go through the public face.

import { adamw, mlp, train } from '../../lib/index.ts';
import type { TrainerRequest } from '../../lib/native/binding.ts';
import { toySteps } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import { serve, type Work } from '../serve.ts';
import { bare, plain } from './model.ts';
import { binding, encoded, noise, offered, precisely } from './ours-requests.ts';
import { adaptive, density, latency, sampling } from './ours-solve.ts';

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
        ...bare,
        ...precisely(variant),
      });
      model.dispose();
    },
    dispose: () => undefined,
  };
}

const makers = { train: trainSteps, 'train+': trainSteps, sample: sampling, latency, adaptive, density, toy };
await serve(
  () => {
    const { isa, compiler } = binding.info();
    const { training, sampling: forSampling } = offered;
    return {
      name: 'flowmatch',
      version: `${isa}, ${compiler}`,
      variants: { train: training, 'train+': training, sample: forSampling, latency: forSampling, adaptive: forSampling, density: forSampling, toy: training },
    };
  },
  (request) => makers[request.kind](request),
);
