// argv: threads, slice (steps per run), rows per sample call, samples, rows of the large batch. Trains in bf16 by each gradient scheme, samples and computes log-densities in every
// precision below f32; prints one JSON line of SHA-256 digests.

import { createHash } from 'node:crypto';
import type { SampleRequest } from '../../../lib/native/binding.ts';
import { native } from '../../../lib/native/load.ts';
import { encodeProgram } from '../../../lib/network/encode.ts';
import { initialiseParameters } from '../../../lib/network/initialise.ts';
import { lower } from '../../../lib/network/lower.ts';
import { mlp } from '../../../lib/network/mlp.ts';
import { withDivergence, withEstimates } from '../../../lib/network/tangent.ts';
import { dataset, network, rates, type Shape, sampleRequest, trainerRequest } from '../../native-binding/support.ts';

const [threads, slice, split, samples, batch] = process.argv.slice(2).map(Number) as [number, number, number, number, number];
const { Trainer, info } = native();
const condition = { numbers: 2, classes: [3] };
const small: Shape = { d: 2, width: 40, depth: 2, batch: 300 };
const blocks: Shape = { d: 2, width: 40, depth: 1, batch: 256 }; // one tile a block: a thread alone adds pairs of them in place
const large: Shape = { d: 5, width: 420, depth: 3, batch, condition };

async function train(shape: Shape, steps: number): Promise<string> {
  const hash = createHash('sha256');
  const trainer = new Trainer(trainerRequest(shape, 500, { threads, precision: 'bf16', ...(shape.condition ? { condition: dataset(3, 500, 9) } : {}) }));
  const numbers: number[][] = [[], []];
  for (let done = 0; done < steps; ) {
    const { steps: taken, losses, gradientNorms } = await trainer.run(rates(Math.min(slice, steps - done)), 1e9).done;
    done += taken;
    numbers[0]?.push(...losses);
    numbers[1]?.push(...gradientNorms);
  }
  for (const name of ['parameters', 'ema', 'firstMoment', 'secondMoment'] as const) hash.update(new Uint8Array(trainer.state(name).buffer));
  trainer.dispose();
  hash.update(new Uint8Array(Float64Array.from(numbers.flat()).buffer));
  return hash.digest('hex');
}

async function sample(fields: Partial<SampleRequest>, shape: Shape): Promise<string> {
  const hash = createHash('sha256');
  const net = network(shape);
  for (let first = 0; first < samples; first += split) {
    const { x } = await net.sample(sampleRequest(Math.min(split, samples - first), 2, { firstRow: first, threads, ...fields })).done;
    hash.update(new Uint8Array(x.buffer));
  }
  net.dispose();
  return hash.digest('hex');
}

/** Rows in calls of `split`, five probes in passes of two or all at once; layers of every kind between the dense ones. */
async function score(precision: 'f32-amx' | 'bf16x3' | 'bf16', estimated: boolean): Promise<string> {
  const hash = createHash('sha256');
  const program = lower(mlp({ hidden: [40, 40, 40], classEmbedding: 5, activation: 'gelu' }), 3, { numbers: 1, classes: [4] });
  const { words, constants } = encodeProgram(estimated ? withEstimates(program, threads > 1 ? 2 : 5) : withDivergence(program));
  const net = new (native().Network)(words, constants, initialiseParameters(program, 3));
  for (let first = 0; first < samples; first += split) {
    const n = Math.min(split, samples - first);
    const fields = {
      firstRow: first,
      threads,
      precision,
      initial: native().normal(9n, first, n, 3),
      condition: Float32Array.of(0.3, 2),
      sharedCondition: true,
      save: new Int32Array(0),
    };
    const request = { ...sampleRequest(n, 2, fields), grid: Float64Array.of(1, 0.4, 0), probes: estimated ? 5 : 0, columns: null, constant: 1 };
    const { logDensity, standardError } = await net.logDensity(request).done;
    for (let i = 0; i < n; i++) hash.update(new Uint8Array(Float64Array.of(logDensity[i] as number, standardError[i] as number).buffer));
  }
  net.dispose();
  return hash.digest('hex');
}

const digests: Record<string, string> = { tiles: await train(small, 4), blocks: await train(blocks, 2), layers: await train(large, 2) };
for (const precision of ['f32-amx', 'bf16x3', 'bf16'] as const) {
  digests[precision] = await sample({ precision }, small);
  digests[`${precision}, conditional`] = await sample({ precision, condition: Float32Array.of(0.1, -0.4, 1), sharedCondition: true }, { ...small, condition });
  digests[`${precision}, exact`] = await score(precision, false);
  digests[`${precision}, estimated`] = await score(precision, true);
}
process.stdout.write(JSON.stringify({ bf16: info().bf16, digests }));
