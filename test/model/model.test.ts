// A model: the same rows in any split, there and back, files, states and the errors of its options. Untrained weights serve: a field is a field.

import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Model, midpoint, mlp, rk4, type SampleOptions } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { sampleNativeSync } from '../../lib/sampling/native.ts';
import { planSample } from '../../lib/sampling/plan.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught, untrained } from '../support/models.ts';

const at = temporaryFolder();
const plain = () =>
  Model.fromRecord(untrained(2, { hidden: [16] }, { columns: ['a', 'b'], normaliser: { shift: Float32Array.of(5, -1), scale: Float32Array.of(2, 0.5) } }));
const conditional = () =>
  Model.fromRecord(
    untrained(2, { hidden: [16] }, { condition: { numbers: 1, classes: [3] }, conditionNormaliser: { shift: Float32Array.of(10), scale: Float32Array.of(4) } }),
  );

describe('sampling', () => {
  it('gives the same rows in one call, in parts, in batches, on any threads and synchronously', async () => {
    const model = plain();
    const all = await model.sample({ n: 1000, seed: 4 });
    expect(all).toMatchObject({ rows: 1000, dimension: 2, columns: ['a', 'b'], firstRow: 0, nfe: 100 });
    expect([all.times.length, all.saved.length]).toEqual([0, 0]);
    const part = await model.sample({ n: 300, seed: 4n, firstRow: 500, threads: 3 });
    expect(part.x).toEqual(all.x.slice(1000, 1600));
    expect(model.sampleSync({ n: 7, seed: 4 }).x).toEqual(all.x.slice(0, 14));
    const batches: Float32Array[] = [];
    for await (const batch of model.sampleBatches({ n: 1000, seed: 4, batchRows: 333 })) {
      expect(batch.firstRow).toBe(333 * batches.length);
      batches.push(batch.x);
    }
    expect(batches.map((x) => x.length / 2)).toEqual([333, 333, 333, 1]);
    expect(Float32Array.from(batches.flatMap((x) => [...x]))).toEqual(all.x);
    const several = await caught(() => conditional().sampleBatches({ n: 2, condition: { numbers: [[1], [2]], labels: [0, 1] } }));
    expect(several).toMatchObject({ code: 'ERR_FLOW_SHAPE', path: 'options.condition', received: expect.stringContaining('2 rows') });
    expect((await model.sample({ n: 1000, seed: 5 })).x).not.toEqual(all.x);
    expect((await model.sample({ n: 0 })).x.length).toBe(0);
    expect((await model.sample()).rows).toBe(1);
  });

  it('splits large requests into bounded native calls, with frames and conditions in place', async () => {
    const model = conditional();
    const n = 3001;
    const condition = { numbers: Array.from({ length: n }, (_, i) => [i / 100]), labels: Int32Array.from({ length: n }, (_, i) => i % 3) };
    const options: SampleOptions = { n, condition, saveAt: 3, seed: 2, solver: midpoint({ steps: 4 }) };
    const whole = await model.sample(options);
    const plan = { ...planSample(model.record, options), each: 1000 };
    const { encodeProgram } = await import('../../lib/network/encode.ts');
    const { lower } = await import('../../lib/network/lower.ts');
    const { native } = await import('../../lib/native/load.ts');
    const { words, constants } = encodeProgram(lower(model.record.network, 2, model.record.condition));
    const network = new (native().Network)(words, constants, model.record.parameters);
    const parts = sampleNativeSync(network, model.record, plan);
    expect(parts).toEqual(whole);
    expect(whole.times).toEqual(Float64Array.of(0, 0.5, 1));
    expect(whole.saved.slice(2 * 2 * n)).toEqual(whole.x);
    expect(sampleNativeSync(network, model.record, { ...plan, each: 300 })).toEqual(whole); // the last part is one row
    // A row given as one of many equals itself alone. Rows differ in the last bits where they do not; 30 of them leave nothing to luck.
    for (let row = 1000; row < 1030; row++) {
      const alone = await model.sample({ ...options, n: 1, firstRow: row, condition: { numbers: [[row / 100]], labels: [row % 3] } });
      expect(alone.x).toEqual(whole.x.slice(2 * row, 2 * row + 2));
    }
    // One condition for all joins the sums of t and not those of x: another order, some roundings of 2^-24 of numbers up to 8, the same for any n.
    const joined = { ...options, firstRow: 1000, condition: { numbers: [12.34], labels: 1 } };
    const many = await model.sample({ ...joined, n: 300 });
    for (const row of [0, 7, 234]) {
      expect((await model.sample({ ...joined, n: 1, firstRow: 1000 + row })).x).toEqual(many.x.slice(2 * row, 2 * row + 2));
    }
    many.x.slice(468, 470).forEach((x, i) => void expect(Math.abs(x - (whole.x[2468 + i] as number))).toBeLessThan(1e-5));
  });

  it('saving frames changes no result', async () => {
    const model = plain();
    const { x } = await model.sample({ n: 9, seed: 1 });
    const framed = await model.sample({ n: 9, seed: 1, saveAt: [0.5, 0.1] });
    expect(framed.times).toEqual(Float64Array.of(0.1, 0.5));
    expect(framed.x).toEqual(x);
    expect(framed.saved.length).toBe(2 * 9 * 2);
    expect((await model.sample({ n: 9, seed: 1, saveAt: 51 })).saved.slice(-18)).toEqual(x);
  });

  it('goes back to the noise and returns', async () => {
    const model = plain();
    const solver = rk4({ steps: 50 });
    const { x, saved } = await model.sample({ n: 50, seed: 1, solver, saveAt: 2 });
    const back = await model.encode(x, { solver });
    const noise = saved.slice(0, 100).map((value, i) => (value - (i % 2 ? -1 : 5)) / (i % 2 ? 0.5 : 2));
    // Twice the f32 solve of 200 evaluations of numbers of size 3: about 400 roundings of 2^-24.
    for (let i = 0; i < 100; i++) expect(Math.abs((back.x[i] as number) - (noise[i] as number))).toBeLessThan(400 * 3 * 2 ** -24);
    const again = await model.sample({ source: back.x, solver });
    for (let i = 0; i < 100; i++) expect(Math.abs((again.x[i] as number) - (x[i] as number))).toBeLessThan(2 * 400 * 3 * 2 ** -24);
    expect((await model.encode([[5, -1]], { saveAt: 2 })).times).toEqual(Float64Array.of(1, 0));
  });

  const model = plain();
  const wrong: [string, SampleOptions, string, string, RegExp?][] = [
    ['a typo', { sead: 1 } as never, 'ERR_FLOW_CONFIG', 'options.sead', /Did you mean "seed"\?/],
    ['half a row', { n: 1.5 }, 'ERR_FLOW_RANGE', 'options.n'],
    ['too many rows', { n: 2 ** 40 }, 'ERR_FLOW_RANGE', 'options.n'],
    ['more values than one result holds', { n: 2 ** 31 }, 'ERR_FLOW_LIMIT', 'options.n', /sampleBatches/],
    ['an unknown solver', { solver: 'rk5' as never }, 'ERR_FLOW_CONFIG', 'options.solver', /Did you mean "rk4"\?/],
    ['a falling grid', { solver: midpoint({ grid: [1, 0] }) }, 'ERR_FLOW_CONFIG', 'options.solver.grid', /encode\(\)/],
    ['too many frames', { saveAt: 60 }, 'ERR_FLOW_RANGE', 'options.saveAt', /midpoint\(\{ steps: 59 \}\)/],
    ['a time off the grid', { saveAt: [0.123] }, 'ERR_FLOW_CONFIG', 'options.saveAt[0]'],
    ['no times', { saveAt: [] }, 'ERR_FLOW_TYPE', 'options.saveAt'],
    ['a condition', { condition: [1] }, 'ERR_FLOW_CONFIG', 'options.condition'],
    ['f16', { precision: 'f16' as never }, 'ERR_FLOW_CONFIG', 'options.precision'],
    ['no threads', { threads: 0 }, 'ERR_FLOW_RANGE', 'options.threads'],
    ['a signal that is none', { signal: 3 as never }, 'ERR_FLOW_TYPE', 'options.signal'],
    ['start rows of another width', { source: [[1, 2, 3]] }, 'ERR_FLOW_SHAPE', 'options.source'],
    ['half a start row', { source: new Float32Array(3) }, 'ERR_FLOW_SHAPE', 'options.source'],
    ['other than the start rows', { n: 3, source: [[1, 2]] }, 'ERR_FLOW_SHAPE', 'options.source'],
    ['a NaN start', { source: [[1, Number.NaN]] }, 'ERR_FLOW_NONFINITE', 'options.source[0][1] ("b")'],
    ['a negative seed', { seed: -1 }, 'ERR_FLOW_RANGE', 'options.seed'],
    ['a negative first row', { firstRow: -1 }, 'ERR_FLOW_RANGE', 'options.firstRow'],
  ]; // biome-ignore format: one case a line
  it.each(wrong)('refuses %s', async (_, options, code, path, message) => {
    for (const call of [() => model.sample(options), () => model.sampleSync(options), () => model.sampleBatches({ batchRows: 7, ...options })]) {
      if (call.toString().includes('Batches') && ['options.n', 'options.source', 'options.source[0][1] ("b")'].includes(path)) continue; // other rules there
      expect(call).toThrow(expect.objectContaining({ name: 'FlowError', code, path }));
      if (message) expect(call).toThrow(message);
    }
  });

  it('says which result row is not finite', async () => {
    const record = untrained(1, { hidden: [2], activation: 'relu' });
    const bad = Model.fromRecord({ ...record, parameters: record.parameters.map(() => 1e30) });
    expect(await caught(() => bad.sample({ n: 3 }))).toMatchObject({ code: 'ERR_FLOW_NONFINITE', path: expect.stringMatching(/^x\[\d\]$/) });
  });

  it('rejects with the reason of the signal, and goes on afterwards', async () => {
    const big = Model.fromRecord(untrained(16, { hidden: [256, 256] }));
    const reason = new Error('no more');
    await expect(big.sample({ n: 10, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const running = big.sample({ n: 1_000_000, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 30);
    await expect(running).rejects.toBe(reason);
    expect((await big.sample({ n: 1 })).x.length).toBe(16);
  });

  it('a loop over batches that is left stops the batch ahead and leaves no listener; an abort gives its reason', async () => {
    const big = Model.fromRecord(untrained(16, { hidden: [256, 256] }));
    const ahead = vi.spyOn(big, 'sample');
    const { signal } = new AbortController();
    for await (const _ of big.sampleBatches({ n: 1e9, batchRows: 500, signal })) break;
    expect(ahead).toHaveBeenCalledTimes(2);
    await expect(ahead.mock.results[1]?.value).rejects.toMatchObject({ name: 'AbortError' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    const controller = new AbortController();
    const loop = async (): Promise<void> => {
      for await (const _ of big.sampleBatches({ n: 1e9, batchRows: 500, signal: controller.signal })) controller.abort('enough');
    };
    await expect(loop()).rejects.toBe('enough');
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });
});

describe('a model', () => {
  it('is saved and loaded with the same hash and the same rows', async () => {
    const model = conditional();
    const { hash } = await model.save(at('m'));
    const loaded = await Model.load(at('m'));
    expect(loaded.info()).toEqual({ ...model.info(), hash });
    expect((await loaded.save(at('m2'))).hash).toBe(hash);
    const options = { n: 5, condition: { numbers: [3], labels: 2 } };
    expect((await loaded.sample(options)).x).toEqual((await model.sample(options)).x);
  });

  it('tells what it is', async () => {
    const model = plain();
    expect(model.info()).toMatchObject({ dimension: 2, columns: ['a', 'b'], path: 'condOT', network: 'mlp 16 silu, time fourier', step: null, hash: null });
    const before = model.info().memory;
    await model.sample();
    expect(model.info().memory).toBe(2 * before);
  });

  it('copies the record it is made from', () => {
    const record = untrained(1);
    const model = Model.fromRecord(record);
    record.parameters.fill(0);
    expect(model.record.parameters.some((w) => w !== 0)).toBe(true);
  });

  const broken: [string, unknown, RegExp][] = [
    ['nothing', null, /^record/],
    ['a number', 3, /^record/],
    ['no weights', { ...untrained(1), parameters: [] }, /^record\.parameters/],
    ['too few weights', { ...untrained(1), parameters: new Float32Array(3) }, /parameters/],
    ['no network', { ...untrained(1), network: undefined }, /^record/],
    ['a network of another kind', { ...untrained(1), network: { kind: 'unet' } }, /^record/],
    ['a negative width', { ...untrained(1), dimension: -1 }, /^record/],
    ['too many names', { ...untrained(1), columns: ['a', 'b'] }, /^record\.columns/],
    ['a negative scale', { ...untrained(1), normaliser: { shift: new Float32Array(1), scale: Float32Array.of(-1) } }, /normaliser/],
    ['a normaliser of other width', { ...untrained(1), normaliser: { shift: new Float32Array(2), scale: new Float32Array(2) } }, /normaliser/],
    ['a backward path', { ...untrained(1), path: { name: 'condOT', tMin: 1, tMax: 0, sourceScale: 1 } }, /path/],
    ['an unknown field', { ...untrained(1), code: 'x' }, /^record\.code/],
    ['a getter that throws', Object.defineProperty({ ...untrained(1) }, 'network', { enumerable: true, get: () => { throw new Error('no'); } }), /^record|no/],
  ]; // biome-ignore format: one case a line
  it.each(broken)('refuses %s as a record', (_, value, path) => {
    try {
      Model.fromRecord(value as ModelRecord);
    } catch (error) {
      expect(String((error as { path?: string }).path ?? error)).toMatch(path);
      return;
    }
    expect.fail('expected an error');
  });

  it('is closed by dispose, with running calls stopped', async () => {
    const model = Model.fromRecord(untrained(16, { hidden: [256, 256] }));
    const running = model.sample({ n: 1_000_000 });
    model.dispose();
    expect(await caught(() => running)).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    for (const call of [
      () => model.sample(),
      () => model.sampleSync(),
      () => model.sampleBatches(),
      () => model.encode([[1]]),
      () => model.save(at('x')),
      () => model.info(),
    ]) {
      expect(await caught(call)).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_DISPOSED' });
    }
    model.dispose();
    {
      using other = Model.fromRecord(untrained(1));
      other.sampleSync();
    }
  });

  it('refuses file names that are none', async () => {
    for (const file of ['', 3, null, 'a\0b', undefined]) {
      expect(await caught(() => Model.load(file as string))).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_TYPE', path: 'file' });
      expect(await caught(() => plain().save(file as string))).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_TYPE', path: 'file' });
    }
  });

  it('keeps every option of a network through a file', async () => {
    for (const options of [
      { activation: 'gelu', norm: true },
      { time: 'sinusoid', residual: true },
      { time: { kind: 'random', dim: 8, seed: 5 } },
      { hidden: [] },
    ] as const) {
      const model = Model.fromRecord(untrained(3, { hidden: [8, 8], ...options }));
      await model.save(at('options'));
      const loaded = await Model.load(at('options'));
      expect(loaded.record).toEqual(model.record);
      expect(loaded.sampleSync({ n: 2 }).x).toEqual(model.sampleSync({ n: 2 }).x);
      expect(loaded.record.network).toEqual(mlp({ hidden: [8, 8], ...options }));
    }
  });
});
