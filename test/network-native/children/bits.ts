// argv: threads, slice (steps per run), samples, split (rows per sample call). Trains 500 steps of one network of each gradient scheme and samples;
// prints one JSON line of SHA-256 digests.

import { createHash } from 'node:crypto';
import type { NativeTrainer, SampleRequest } from '../../../lib/native/binding.ts';
import { native } from '../../../lib/native/load.ts';
import { encodeProgram } from '../../../lib/network/encode.ts';
import { initialiseParameters } from '../../../lib/network/initialise.ts';
import { lower } from '../../../lib/network/lower.ts';
import { mlp } from '../../../lib/network/mlp.ts';
import { withDivergence, withEstimates } from '../../../lib/network/tangent.ts';
import { dataset, network, rates, sampleRequest, trainerRequest } from '../../native-binding/support.ts';

const [threads, slice, samples, split] = process.argv.slice(2).map(Number) as [number, number, number, number];
const { Trainer, info } = native();

async function train(trainer: NativeTrainer, steps: number): Promise<string> {
  const hash = createHash('sha256');
  const losses: number[] = [];
  const norms: number[] = [];
  for (let done = 0; done < steps; ) {
    const result = await trainer.run(rates(Math.min(slice, steps - done)), 1e9).done;
    done += result.steps;
    losses.push(...result.losses);
    norms.push(...result.gradientNorms);
  }
  for (const name of ['parameters', 'ema', 'firstMoment', 'secondMoment'] as const) hash.update(new Uint8Array(trainer.state(name).buffer));
  hash.update(new Uint8Array(Float64Array.from([...losses, ...norms]).buffer));
  const { loss } = await trainer.evaluate('ema', 5n, 3).done;
  hash.update(new Uint8Array(Float64Array.of(loss).buffer));
  trainer.dispose();
  return hash.digest('hex');
}

async function sample(fields: Partial<SampleRequest>, shape: Parameters<typeof network>[0]): Promise<string> {
  const hash = createHash('sha256');
  const net = network(shape);
  for (let first = 0; first < samples; first += split) {
    const n = Math.min(split, samples - first);
    const { x } = await net.sample(sampleRequest(n, 4, { firstRow: first, threads, ...fields })).done;
    hash.update(new Uint8Array(x.buffer));
  }
  net.dispose();
  return hash.digest('hex');
}

/** Log-densities of 1,000 rows: norms, residuals and embeddings, rows in calls of split / 100, two probes at a time or all of them. */
async function score(estimated: boolean): Promise<string> {
  const hash = createHash('sha256');
  const program = lower(mlp({ hidden: [40, 40, 40], classEmbedding: 5, activation: 'gelu' }), 3, { numbers: 1, classes: [4] });
  const { words, constants } = encodeProgram(estimated ? withEstimates(program, threads > 1 ? 2 : 5) : withDivergence(program));
  const net = new (native().Network)(words, constants, initialiseParameters(program, 3));
  const each = Math.ceil(split / 100);
  const fields = {
    ...midpoint,
    grid: Float64Array.of(1, 0.7, 0.3, 0),
    condition: Float32Array.of(0.3, 2),
    sharedCondition: true,
    save: new Int32Array(0),
    shift: null,
    scale: null,
  };
  for (let first = 0; first < 1000; first += each) {
    const n = Math.min(each, 1000 - first);
    const initial = native().normal(9n, first, n, 3);
    const { logDensity, standardError } = await net.logDensity({
      ...sampleRequest(n, 3, { firstRow: first, threads, initial, ...fields }),
      probes: estimated ? 5 : 0,
      columns: null,
      constant: 1,
    }).done;
    for (let i = 0; i < n; i++) hash.update(new Uint8Array(Float64Array.of(logDensity[i] as number, standardError[i] as number).buffer));
  }
  net.dispose();
  return hash.digest('hex');
}

const condition = { numbers: 2, classes: [3] };
const small = { d: 2, width: 32, depth: 3, batch: 300 };
// 420 x 420 weights: the scheme that goes layer by layer; 133 rows straddle a row tile.
const wide = { d: 5, width: 420, depth: 3, batch: 133 };
const large = { ...wide, condition };
const midpoint = { a: Float64Array.of(0, 0, 0.5, 0), b: Float64Array.of(0, 1), c: Float64Array.of(0, 0.5) };
// Layer norms and an embedding in that scheme.
const program = lower(mlp({ hidden: [420, 420], classEmbedding: 40 }), 5, condition);
const { words, constants } = encodeProgram(program);
const embedded = { program: words, constants, parameters: initialiseParameters(program, 2) };
const digests = {
  isa: info().isa,
  tiles: await train(new Trainer(trainerRequest(small, 1000, { threads })), 500),
  // Blocks of one tile each: one or two runners add them in pairs, more runners by the tree.
  pairs: await train(new Trainer(trainerRequest({ ...small, batch: 512 }, 1000, { threads })), 60),
  layers: await train(
    new Trainer(trainerRequest(large, 500, { threads, condition: dataset(3, 500, 9), times: { stratified: true, tMin: 0, tMax: 1, quantiles: null } })),
    12,
  ),
  embedded: await train(new Trainer({ ...trainerRequest(wide, 500, { threads, condition: dataset(3, 500, 9) }), ...embedded }), 6),
  samples: await sample({}, small),
  conditional: await sample({ ...midpoint, condition: Float32Array.of(0.1, -0.4, 1), sharedCondition: true }, { ...small, condition }),
  densities: await score(false),
  estimates: await score(true),
};
process.stdout.write(JSON.stringify(digests));
