// argv: threads, slice (steps per run), rows per sample call, samples, rows of the large batch. Trains in bf16 by each gradient scheme and samples in every precision below f32;
// prints one JSON line of SHA-256 digests.

import { createHash } from 'node:crypto';
import type { SampleRequest } from '../../../lib/native/binding.ts';
import { native } from '../../../lib/native/load.ts';
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

const digests: Record<string, string> = { tiles: await train(small, 4), blocks: await train(blocks, 2), layers: await train(large, 2) };
for (const precision of ['f32-amx', 'bf16x3', 'bf16'] as const) {
  digests[precision] = await sample({ precision }, small);
  digests[`${precision}, conditional`] = await sample({ precision, condition: Float32Array.of(0.1, -0.4, 1) }, { ...small, condition });
}
process.stdout.write(JSON.stringify({ bf16: info().bf16, digests }));
