// Caller's memory: byte offsets, transferred, resizable, shared and dropped buffers; and what is refused before anything is allocated.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FlowError } from '../../lib/errors.ts';
import { native } from '../../lib/native/load.ts';
import { dataset, encoded, failure, network, numbers, sampleRequest, tiny, trainer, trainerRequest } from './support.ts';

const { Dataset, Network, normal } = native();
const detach = (view: Float32Array) => structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });

describe('inputs', () => {
  it('respect the byte offset and length of a view', () => {
    const data = new Dataset(2);
    data.append(Float32Array.of(9, 9, 1, 2, 3, 4, 9).subarray(2, 6));
    data.append(new Float32Array(Float32Array.of(9, 5, 6, 9).buffer, 4, 2));
    expect(data.rows).toBe(3);
    expect([...data.read(0, 3)]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...data.read(1, 1)]).toEqual([3, 4]);
  });

  it('are copied: transferring, overwriting or dropping them during a job changes nothing', async () => {
    const n = network(tiny);
    const initial = numbers(4000 * 2, 9);
    const expected = n.sampleSync(sampleRequest(4000, 8, { initial: initial.slice() })).x;
    const jobs = Array.from({ length: 4 }, () => {
      const own = initial.slice();
      const job = n.sample(sampleRequest(4000, 8, { initial: own }));
      own.fill(0);
      detach(own);
      return job.done;
    });
    for (const { x } of await Promise.all(jobs)) expect(x).toEqual(expected);
  });

  it('may be detached before the call: an empty array is what it then is', async () => {
    const detached = numbers(8);
    detach(detached);
    const data = new Dataset(2);
    data.append(detached);
    expect(data.rows).toBe(0);
    const n = network(tiny);
    expect((await failure(() => n.sample(sampleRequest(4, 2, { initial: detached }))))?.code).toBe('ERR_FLOW_SHAPE');
    expect((await failure(() => n.sample(sampleRequest(4, 2, { grid: new Float64Array(structuredClone(new ArrayBuffer(0))) }))))?.code).toBe('ERR_FLOW_SHAPE');
  });

  it('may lie in resizable and shared buffers, and are read at their present length', () => {
    const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer & { resize(n: number): void };
    const buffer = new Resizable(32, { maxByteLength: 64 });
    const view = new Float32Array(buffer);
    view.set([1, 2, 3, 4, 5, 6, 7, 8]);
    buffer.resize(16);
    const data = new Dataset(2);
    data.append(view);
    const fixed = new Float32Array(buffer, 8, 2);
    buffer.resize(8);
    data.append(fixed); // out of bounds now: length 0
    const shared = new Float32Array(new SharedArrayBuffer(8));
    shared.set([7, 8]);
    data.append(shared);
    expect([...data.read(0, data.rows)]).toEqual([1, 2, 3, 4, 7, 8]);
  });

  it('of a wrong kind are named, with what came', async () => {
    const { words, constants, parameters } = encoded(tiny);
    const solve = () => network(tiny).prepare(sampleRequest(4, 2));
    const cases: [() => unknown, string, RegExp][] = [
      [() => new Dataset(0), 'ERR_FLOW_RANGE', /columns: expected an integer in \[1, \d+\], got 0/],
      [() => new Dataset('2' as never), 'ERR_FLOW_TYPE', /columns: expected an integer, got a string/],
      [() => dataset(2, 3).append(new Float64Array(4) as never), 'ERR_FLOW_TYPE', /rows: expected a Float32Array, got a Float64Array of 4/],
      [() => dataset(2, 3).append(new Float32Array(3)), 'ERR_FLOW_SHAPE', /multiple of 2 values/],
      [() => dataset(2, 3).append(Float32Array.of(0, 1, 2, Number.NaN)), 'ERR_FLOW_NONFINITE', /row 1, column 1/],
      [() => dataset(2, 3).read(2, 2), 'ERR_FLOW_RANGE', /count/],
      [() => new Network(words, constants, parameters.subarray(1)), 'ERR_FLOW_', /parameters/],
      [() => new Network(words.subarray(0, 20), constants, parameters), 'ERR_FLOW_CONFIG', /program word/],
      [() => new Network(words, constants, parameters.with(3, Number.NaN)), 'ERR_FLOW_NONFINITE', /parameters\[3\]/],
      [() => network(tiny).sample(sampleRequest(4, 2, { seed: 3 as never })), 'ERR_FLOW_TYPE', /request.seed: expected a BigInt, got 3/],
      [() => network(tiny).sample(sampleRequest(4, 2, { seed: -1n })), 'ERR_FLOW_RANGE', /request.seed/],
      [() => network(tiny).sample(sampleRequest(4, 2, { save: Int32Array.of(3) })), 'ERR_FLOW_RANGE', /request.save\[0\]/],
      [() => network(tiny).sample(sampleRequest(4, 2, { grid: Float64Array.of(0, 1, 0.5) })), 'ERR_FLOW_RANGE', /request.grid\[2\]/],
      [() => network(tiny).sample(sampleRequest(4, 2, { frame: new Float64Array(7) })), 'ERR_FLOW_SHAPE', /request.frame/],
      [() => network(tiny).sample(sampleRequest(4, 2, { condition: new Float32Array(4) })), 'ERR_FLOW_SHAPE', /request.condition/],
      [() => network(tiny).sample(sampleRequest(4, 2, { shift: new Float32Array(2) })), 'ERR_FLOW_SHAPE', /request.scale/],
      [() => network(tiny).sample(null as never), 'ERR_FLOW_TYPE', /request: expected an object, got null/],
      [() => network(tiny).prepare(sampleRequest(4, 2, { adaptive: {} as never })), 'ERR_FLOW_TYPE', /request.adaptive.rtol/],
      [() => network(tiny).prepare(sampleRequest(4, 2, { grid: new Float64Array(0) })), 'ERR_FLOW_SHAPE', /request.grid/],
      [() => network(tiny).prepare(undefined as never), 'ERR_FLOW_TYPE', /request: expected an object, got undefined/],
      [() => solve().sampleSync(17, 0, 1n, null, null), 'ERR_FLOW_RANGE', /n: expected an integer in \[0, 16\], got 17/],
      [() => solve().sampleSync(1, 2 ** 53, 1n, null, null), 'ERR_FLOW_RANGE', /firstRow/],
      [() => solve().sampleSync(1, 0, 1 as never, null, null), 'ERR_FLOW_TYPE', /seed: expected a BigInt, got 1/],
      [() => solve().sampleSync(2, 0, 1n, new Float32Array(3), null), 'ERR_FLOW_SHAPE', /initial: expected 4 values/],
      [() => solve().sampleSync(2, 0, 1n, null, new Float32Array(1)), 'ERR_FLOW_SHAPE', /condition: expected 0 values/],
      [() => new (solve().constructor as never as new () => unknown)(), 'ERR_FLOW_STATE', /it is made by Network.prepare/],
      [() => trainer(tiny, 40, { data: {} as never }), 'ERR_FLOW_TYPE', /request.data: expected a native Dataset/],
      [() => trainer(tiny, 40, { data: network(tiny) as never }), 'ERR_FLOW_TYPE', /request.data/],
      [() => trainer(tiny, 40, { trainRows: Uint32Array.of(40) }), 'ERR_FLOW_RANGE', /request.trainRows\[0\]/],
      [() => trainer(tiny, 40, { condition: dataset(1, 39) }), 'ERR_FLOW_SHAPE', /request.condition/],
      [() => trainer(tiny, 40, { source: dataset(3, 40) }), 'ERR_FLOW_SHAPE', /request.source/],
      [() => trainer(tiny, 40, { path: { kind: 'table', tMin: 0, tMax: 1, nodes: new Float64Array(12) } }), 'ERR_FLOW_SHAPE', /nodes/],
      [() => trainer(tiny).run(Float64Array.of(1, Number.NaN), 0), 'ERR_FLOW_NONFINITE', /learningRates\[1\]/],
      [() => trainer(tiny).state('weights' as never), 'ERR_FLOW_CONFIG', /firstMoment/],
      [() => trainer(tiny).runPaired(new Int32Array(32).fill(32), 0.1), 'ERR_FLOW_RANGE', /pairs\[0\]/],
    ];
    for (const [work, code, message] of cases) {
      const error = await failure(work);
      expect(error, String(work)).toBeInstanceOf(FlowError);
      expect(error?.code, String(error)).toContain(code);
      expect(error?.message).toMatch(message);
    }
  });
});

describe('sizes', () => {
  it('over the limit are refused before anything is allocated', async () => {
    const before = process.memoryUsage();
    for (const work of [
      () => normal(1n, 0, 2 ** 31, 2),
      () => normal(1n, 0, 2 ** 30, 1000),
      () => network(tiny).sample(sampleRequest(2 ** 31, 1)),
      () => network(tiny).sampleSync(sampleRequest(2 ** 29, 3, { save: Int32Array.of(0, 1, 2) })),
      () => trainerRequest(tiny) && trainer(tiny, 64, { batchSize: 2 ** 24 + 1 }),
    ]) {
      const error = await failure(work);
      expect(error).toBeInstanceOf(FlowError);
      expect(['ERR_FLOW_LIMIT', 'ERR_FLOW_RANGE']).toContain(error?.code);
    }
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(1e6);
  });

  it('zero is a size: no rows give empty results', async () => {
    const n = network(tiny);
    expect(normal(1n, 0, 0, 3).length).toBe(0);
    expect(n.evaluateSync(new Float32Array(0), new Float32Array(0), null).length).toBe(0);
    const { x, nfe, nonfiniteRow, status } = await n.sample(sampleRequest(0, 4)).done;
    expect({ length: x.length, nfe, nonfiniteRow, status }).toEqual({ length: 0, nfe: 0, nonfiniteRow: -1, status: 'done' });
    expect((await n.sample(sampleRequest(3, 4, { save: new Int32Array(0) })).done).x.length).toBe(0);
  });
});

describe('sha256()', () => {
  it('is that of node:crypto for every length around a block, views included, and refuses what is too large or no bytes', async () => {
    const { sha256 } = native();
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 197 + 31) & 255);
    for (let length = 0; length <= 200; length++) {
      const view = bytes.subarray(3, 3 + length);
      expect(sha256?.(view)).toBe(createHash('sha256').update(view).digest('hex'));
    }
    expect((await failure(() => sha256?.(new Uint8Array(2 ** 20 + 1))))?.code).toBe('ERR_FLOW_LIMIT');
    expect((await failure(() => sha256?.(new Float32Array(4) as never)))?.code).toBe('ERR_FLOW_TYPE');
  });
});
