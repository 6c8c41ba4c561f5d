// flowmatch solves: fixed steps and log-densities through the treaty, one row and steps under error control through the public face.

import { adamw, dopri5, euler, Model, mlp, rk4, synthetic, train } from '../../lib/index.ts';
import { withDivergence, withEstimates } from '../../lib/network/tangent.ts';
import { tableauArrays } from '../../lib/solvers/solvers.ts';
import { adaptive as adaptively, densitySteps, eulerSteps, type Shape, tangents } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import type { Work } from '../serve.ts';
import { bare, plain, record } from './model.ts';
import { binding, encoded, eulerRequest, precisely } from './ours-requests.ts';

/** k Euler steps of all rows; 100 are a unit. */
export function sampling(prepare: Prepare): Work {
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
export function density(prepare: Prepare): Work {
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
export function latency({ shape, threads, variant }: Prepare): Work {
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

const trained = new Map<string, Model>();
/** A flow from noise to 8 gaussians, trained once for each shape. */
async function planarFlow(shape: Shape): Promise<Model> {
  const key = JSON.stringify(shape);
  const there = trained.get(key);
  if (there) return there;
  const { x: data } = synthetic('8gaussians', { n: 10_000, seed: 1 });
  const network = mlp(plain(shape));
  const model = await train({
    data,
    columns: 2,
    network,
    optimiser: adamw({ lr: 1e-3 }),
    batchSize: shape.B,
    steps: adaptively.trainingSteps,
    ...bare,
    seed: 1,
  });
  trained.set(key, model);
  return model;
}

/** All rows to a tolerance, k times; steps by the integral rule, as peers have it (the default rule takes a few more of them, and errs less at the same tolerance). */
export async function adaptive({ shape, threads, variant }: Prepare): Promise<Work> {
  const model = await planarFlow(shape);
  const { tolerance } = adaptively;
  const solver = dopri5({ rtol: tolerance, atol: tolerance, controller: 'integral' });
  return {
    unit: 1,
    most: 64,
    async run(k) {
      for (let i = 0; i < k; i++) await model.sample({ n: shape.N, solver, seed: i, threads, ...precisely(variant) });
    },
    dispose: () => undefined,
  };
}
