// The public face, type-checked by `npm run types`: what a reader pastes must compile, and what is wrong must not.

import {
  adamw,
  condOT,
  Dataset,
  eulerMaruyama,
  exportOnnx,
  FlowError,
  info,
  loadOnnx,
  Model,
  midpoint,
  mlp,
  type Progress,
  type SampleResult,
  Trainer,
  train,
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
