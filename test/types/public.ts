// The public face, type-checked by `npm run types`: what a reader pastes must compile, and what is wrong must not.

import {
  adamw,
  type C2stResult,
  type Coupling,
  type CouplingName,
  c2st,
  condOT,
  cosine,
  Dataset,
  type Diffusion,
  distil,
  euler,
  eulerMaruyama,
  exportOnnx,
  FlowError,
  type InterpolantOptions,
  info,
  interpolant,
  loadOnnx,
  type MinibatchOTOptions,
  Model,
  midpoint,
  mlp,
  type Objective,
  type PartialOTOptions,
  type Path,
  type Progress,
  partialOT,
  type Regularisation,
  reflow,
  type SampleResult,
  type SinkhornOptions,
  type SyntheticDensity,
  type SyntheticName,
  schrodingerBridge,
  scoreAndFlow,
  shortcut,
  sinkhorn,
  syntheticDensity,
  syntheticVersions,
  Trainer,
  train,
  type UnbalancedOTOptions,
  unbalancedOT,
} from '../../lib/index.ts';

export async function readme(data: number[][], signal: AbortSignal): Promise<void> {
  const model: Model = await train({
    data,
    condition: { numbers: data, labels: [0, 1] },
    dropCondition: 0.1,
    source: 'gaussian',
    normalise: true,
    network: mlp({ hidden: [256, 256, 256], activation: 'silu' }),
    path: condOT(),
    coupling: 'independent',
    time: 'uniform',
    optimiser: adamw({ lr: 1e-3 }),
    precision: 'bf16',
    batchSize: 256,
    steps: 20_000,
    ema: 0.999,
    clip: 1,
    validation: 0.1,
    seed: 7,
    threads: 2,
    signal,
    onProgress: ({ step, steps, loss, eta }: Progress) => console.log(step, steps, loss, eta),
    checkpoint: { file: 'run.safetensors', everySeconds: 30 },
  });
  const { x, nfe }: SampleResult = await model.sample({
    n: 10_000,
    solver: Math.random() < 0.5 ? midpoint({ steps: 50 }) : eulerMaruyama({ steps: 100, noise: 'memoryless' }),
    seed: 1,
    firstRow: 0,
    saveAt: 10,
    guidance: { scale: 2, interval: [0.1, 0.9] },
    precision: 'bf16x3',
    signal,
  });
  const rows: Float32Array = x;
  void [rows, nfe];
  const noise = await model.encode(rows, { solver: 'rk4' });
  for await (const batch of model.sampleBatches({ n: 1e6, seed: 1n })) void batch.x;
  void model.sampleSync({ n: 2, source: noise.x }).saved.length;
  const { hash } = await model.save('moons.safetensors');
  void hash.length;
  await exportOnnx(model, 'moons.onnx', { graph: 'sampler', solver: midpoint({ steps: 50 }) });
  const onnx = await loadOnnx('moons.onnx');
  const same: SampleResult = await onnx.sample({ n: 10_000, seed: 1 });
  void same;
  await using trainer = new Trainer({ data: new Dataset({ columns: ['a', 'b'] }).append(data), seed: 1 });
  for await (const p of trainer) void [p.step, p.loss, p.stepsPerSecond, p.eta];
  using last = trainer.model();
  await trainer.save('run.safetensors');
  void [last.info().step, info().isa, (await Trainer.resume('run.safetensors', { data })).step];
  void (await Model.load('moons.safetensors')).record.dimension;
  try {
    // @ts-expect-error steps is a number
    await train({ data, steps: '10' });
    // @ts-expect-error data is needed
    await train({});
    // @ts-expect-error a typo
    await train({ data, setps: 10 });
    // @ts-expect-error a typo
    await model.sample({ m: 10 });
    // @ts-expect-error a model has no public constructor
    new Model(model.record);
  } catch (error) {
    if (error instanceof FlowError && error.code === 'ERR_FLOW_CONFIG') console.log(error.path, error.hint);
  }
}

export async function couplings(data: number[][]): Promise<void> {
  const strengths: Regularisation[] = [0.05, { absolute: 2 }];
  const options: SinkhornOptions = { regularisation: 0.1, rounding: 'permutation', batch: 512, ignoreCondition: true };
  const unbalanced: UnbalancedOTOptions = { regularisation: { absolute: 2 }, marginal: 1, iterations: 500, tolerance: 1e-4 };
  const partial: PartialOTOptions & MinibatchOTOptions = { mass: 0.95, batch: 512 };
  const all: Coupling[] = [sinkhorn(options), unbalancedOT(unbalanced), partialOT(partial), ...strengths.map((regularisation) => sinkhorn({ regularisation }))];
  const names: CouplingName[] = ['independent', 'minibatchOT', 'sinkhorn', 'unbalancedOT', 'partialOT'];
  for (const coupling of [...all, ...names]) await train({ data, coupling });
  // @ts-expect-error unbalanced plans have no permutation
  unbalancedOT({ rounding: 'permutation' });
  // @ts-expect-error another rounding
  sinkhorn({ rounding: 'argmax' });
  // @ts-expect-error no unit but `absolute`
  sinkhorn({ regularisation: { relative: 1 } });
  // @ts-expect-error the name of another library
  sinkhorn({ epsilon: 1 });
  // @ts-expect-error a share is a number
  partialOT({ mass: '0.9' });
  // @ts-expect-error a coupling that there is not
  await train({ data, coupling: 'sinkhron' });
}

export async function paths(data: number[][], source: number[][]): Promise<void> {
  const sigmas: Diffusion[] = [1, (t) => 1.5 - t, [1, 2, 1], new Float32Array(3).fill(1)];
  const bridges: Path[] = sigmas.map((sigma) => schrodingerBridge({ sigma }));
  const own: InterpolantOptions = {
    alpha: (t) => t * t,
    sigma: (t) => 1 - t * t,
    gamma: (t) => t * (1 - t),
    dAlpha: (t) => 2 * t,
    tMin: 0,
    tMax: 1,
    name: 'late',
  };
  const all: Path[] = [...bridges, interpolant(), interpolant({ shape: 'encoderDecoder', gamma: 'brownian', scale: 2 }), interpolant(own)];
  all.push(condOT({ sigma: 0.1, sigmaMin: 0 }), cosine({ sigma: 0.1 }));
  for (const path of all) await train({ data, source, path, objective: scoreAndFlow() });
  await train({ data, source, objective: scoreAndFlow({ sigma: (t) => 1 + t }) });
  // @ts-expect-error a shape that there is not
  interpolant({ shape: 'cubic' });
  // @ts-expect-error a gamma that there is not
  interpolant({ gamma: 'cosine' });
  // @ts-expect-error a function of t gives a number
  schrodingerBridge({ sigma: () => '1' });
}

export async function fewSteps(data: number[][]): Promise<void> {
  const objective: Objective = shortcut({ instant: 0.5, mostSteps: 16, teacher: 'current', limit: 4 });
  const model = await train({ data, objective });
  await model.sample({ n: 4, solver: euler({ steps: 4 }) });
  await reflow(model, { objective: 'shortcut' });
  // @ts-expect-error velocities at the times of its steps: distil() decides the objective
  await distil(model, { objective: 'meanFlow' });
  // @ts-expect-error another teacher
  shortcut({ teacher: 'mean' });
}

export async function measures(fresh: Float32Array, samples: Float64Array): Promise<void> {
  const { accuracy, standardError, folds }: C2stResult = await c2st(fresh, samples, 2, { folds: 5, hidden: [20, 20], epochs: 10, seed: 1n, threads: 2 });
  const name: SyntheticName = 'moons';
  const versions: readonly string[] = syntheticVersions(name);
  const law: SyntheticDensity | null = syntheticDensity(name, versions[0] === undefined ? {} : { version: versions[0] });
  const values: Float64Array | undefined = law?.logDensity(fresh);
  void [accuracy + standardError, folds.length, law?.entropy, values];
  // @ts-expect-error the density of some sets is not known
  syntheticDensity(name).entropy;
  // @ts-expect-error rows are flat
  await c2st([[1, 2]], samples, 2);
  // @ts-expect-error a set that there is not
  syntheticDensity('mons');
}
