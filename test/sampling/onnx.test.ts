// loadOnnx: the same rows as the native sampler, the manners of a service, and foreign velocity models.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Model } from '../../lib/model/model.ts';
import { native } from '../../lib/native/load.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { type Dimension, type ElementType, Graph, modelBytes } from '../../lib/onnx/graph.ts';
import { portableNormal } from '../../lib/sampling/noise.ts';
import type { OnnxSampler } from '../../lib/sampling/onnx.ts';
import { loadOnnx } from '../../lib/sampling/onnx-load.ts';
import { findRuntime } from '../../lib/sampling/onnx-session.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { gridOf } from '../../lib/solvers/grid.ts';
import { euler, heun, midpoint, rk4 } from '../../lib/solvers/solvers.ts';
import { caught, untrained } from '../support/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowmatch-load-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const open: OnnxSampler[] = [];
afterEach(() => {
  for (const sampler of open.splice(0)) sampler.dispose();
});
const load = async (...args: Parameters<typeof loadOnnx>): Promise<OnnxSampler> => {
  const sampler = await loadOnnx(...args);
  open.push(sampler);
  return sampler;
};

const normaliser = { shift: Float32Array.of(1, -2, 3), scale: Float32Array.of(2, 0.5, 4) };
const path = { name: 'condOT', tMin: 0, tMax: 1, sourceScale: 1.5, constants: { sigmaMin: 0 } };
const plain = untrained(3, { hidden: [32, 32] }, { normaliser, columns: ['a', 'b', 'c'], path });
const conditional = untrained(
  2,
  { hidden: [16] },
  { condition: { numbers: 1, classes: [3] }, conditionNormaliser: { shift: Float32Array.of(1), scale: Float32Array.of(3) } },
);
const solver = heun({ steps: 12 });

const apart = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);

describe('the same rows as the native sampler', () => {
  test('from a sampler graph and from a velocity graph', async () => {
    const model = Model.fromRecord(plain);
    const sampler = await load(onnxBytes(plain, { solver }));
    const velocity = await load(onnxBytes(plain, { graph: 'velocity' }));
    const want = await model.sample({ n: 40, seed: 5, firstRow: 3, solver });
    for (const got of [await sampler.sample({ n: 40, seed: 5, firstRow: 3 }), await velocity.sample({ n: 40, seed: 5, firstRow: 3, solver })]) {
      expect(apart(got.x, want.x)).toBeLessThan(1e-5);
      expect({ ...got, x: 0 }).toEqual({ ...want, x: 0 });
    }
    const encoded = (await model.encode(want.x, { solver })).x;
    const [back, same] = [await sampler.sample({ source: encoded }), await model.sample({ source: encoded, solver })];
    expect(apart(back.x, same.x)).toBeLessThan(1e-5);
  });

  test('with conditions: one row for all, or one each', async () => {
    const model = Model.fromRecord(conditional);
    const sampler = await load(onnxBytes(conditional, { solver }));
    const velocity = await load(onnxBytes(conditional, { graph: 'velocity' }));
    for (const condition of [
      { numbers: [2.5], labels: 1 },
      { numbers: [[2], [3], [4]], labels: [0, 1, 2] },
    ]) {
      const want = await model.sample({ n: 3, condition, solver });
      expect(apart((await sampler.sample({ n: 3, condition })).x, want.x)).toBeLessThan(1e-5);
      expect(apart((await velocity.sample({ n: 3, condition, solver })).x, want.x)).toBeLessThan(1e-5);
    }
    expect(await caught(() => sampler.sample({ n: 3 }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.condition' });
  });

  test('whatever the split into calls: rows belong to the seed', async () => {
    const sampler = await load(onnxBytes(plain, { solver: euler({ steps: 2 }) }));
    const all = (await sampler.sample({ n: 20_000, seed: 1 })).x;
    const some = (await sampler.sample({ n: 3000, seed: 1, firstRow: 15_000 })).x;
    expect(apart(all.subarray(45_000, 54_000), some)).toBeLessThan(1e-5);
  });

  test('from rows of a source', async () => {
    const record = { ...plain, source: 'rows' as const };
    const sampler = await load(onnxBytes(record, { solver }));
    const velocity = await load(onnxBytes(record, { graph: 'velocity' }));
    const source = Float32Array.from({ length: 15 }, (_, i) => Math.sin(i));
    const want = await Model.fromRecord(record).sample({ source, solver });
    expect(apart((await sampler.sample({ source })).x, want.x)).toBeLessThan(1e-5);
    expect(apart((await velocity.sample({ source, solver })).x, want.x)).toBeLessThan(1e-5);
    expect(await caught(() => sampler.sample({ n: 5 }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.source' });
  });

  test('with noise that needs no addon', () => {
    for (const [seed, first, rows, columns] of [
      [0n, 0, 50, 1],
      [7n, 3, 40, 5],
      [2n ** 64n - 1n, 2 ** 40, 9, 8],
    ] as const) {
      expect(apart(portableNormal(seed, first, rows, columns), native().normal(seed, first, rows, columns))).toBeLessThan(2e-6);
    }
  });

  test('other times through `grid`', async () => {
    const sampler = await load(onnxBytes(plain, { solver: rk4({ steps: 3 }) }));
    const grid = [0, 0.1, 0.4, 0.6, 1];
    const want = await Model.fromRecord(plain).sample({ n: 9, solver: rk4({ grid }) });
    const got = await sampler.sample({ n: 9, grid });
    expect(apart(got.x, want.x)).toBeLessThan(1e-5);
    expect(got.nfe).toBe(want.nfe);
    expect(await caught(() => sampler.sample({ n: 9, solver }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.solver' });
  });
});

describe('velocity()', () => {
  test('is dx/dt in data units, for one time or one per row', async () => {
    const velocity = await load(onnxBytes(plain, { graph: 'velocity' }));
    const x = Float32Array.from({ length: 6 }, (_, i) => Math.cos(i));
    const [first, second] = [await velocity.velocity(x, 0.25), await velocity.velocity(x, 0.75)];
    const both = await velocity.velocity(x, Float32Array.of(0.25, 0.75));
    expect(Array.from(both)).toEqual([...first.subarray(0, 3), ...second.subarray(3)]);
    expect(await caught(() => velocity.velocity(new Float32Array(4), 0))).toMatchObject({ code: 'ERR_FLOW_SHAPE' });
    const sampler = await load(onnxBytes(plain));
    expect(await caught(() => sampler.velocity(x, 0))).toMatchObject({ code: 'ERR_FLOW_CONFIG' });
  });
});

/** A model of another hand: v = -(t + 1/2) x, with these names and this kind of time input. */
function foreign(x: string, t: string, times: readonly Dimension[], type: ElementType = 'float', extra?: string): Uint8Array {
  const graph = new Graph();
  graph.input(x, type, ['batch', 2]);
  graph.input(t, type, times);
  if (extra) graph.input(extra, type, ['batch', 1]);
  const half = graph.constant('half', type === 'float' ? { type, shape: [], values: [0.5] } : { type: 'double', shape: [], values: [0.5] });
  const shape = graph.constant('column', { type: 'int64', shape: [2], values: [-1, 1] });
  const rate = graph.op('Reshape', [graph.op('Add', [t, half]), shape]);
  const field = graph.op('Neg', [graph.op('Mul', [x, rate])]);
  graph.output(extra ? graph.op('Add', [field, extra]) : field, type, ['batch', 2]);
  return modelBytes(graph.finish('foreign', '', true), { opset: 13, irVersion: 7, producerVersion: '', doc: '', metadata: { 'flowmatch.format': '' } });
}
const stranger = (...args: Parameters<typeof foreign>): Uint8Array => {
  const bytes = foreign(...args);
  // our builder signs files; a stranger's does not
  return new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('flowmatch', 'somebodyx'), 'latin1'));
};

describe('foreign velocity models', () => {
  test.each([
    ['x', 't', []],
    ['x', 'time', [1]],
    ['sample', 'timestep', ['batch']],
    ['x', 't', ['batch', 1]],
  ] as const)('%s, %s %j are integrated as the float64 reference does', async (x, t, times) => {
    const sampler = await load(stranger(x, t, times));
    expect(sampler.info.flow).toBeNull();
    for (const scheme of [rk4({ steps: 5 }), midpoint({ grid: [1, 0.7, 0.2, 0] })]) {
      const { x: got, nfe } = await sampler.sample({ n: 10, seed: 3, solver: scheme });
      const start = Float64Array.from(native().normal(3n, 0, 10, 2));
      const want = integrate(scheme, (rows, time) => rows.map((v) => -(Math.fround(time) + 0.5) * Math.fround(v)), start, gridOf(scheme));
      expect(apart(got, want.saved[0] as Float64Array)).toBeLessThan(1e-6);
      expect(nfe).toBe(want.nfe);
    }
  });

  test('by the names the caller gives, in float64, with a condition', async () => {
    const sampler = await load(stranger('state', 'clock', ['batch'], 'double', 'push'), {
      inputs: { x: 'state', t: 'clock', condition: 'push' },
      columns: ['u', 'v'],
    });
    expect(sampler.columns).toEqual(['u', 'v']);
    const { x } = await sampler.sample({ n: 4, condition: [1], solver: euler({ steps: 1 }) });
    const start = native().normal(0n, 0, 4, 2);
    expect(
      apart(
        x,
        start.map((v) => v - 0.5 * v + 1),
      ),
    ).toBeLessThan(1e-6);
  });

  test('say which inputs there are when one is not found', async () => {
    expect(await caught(() => load(stranger('state', 'clock', [])))).toMatchObject({
      code: 'ERR_FLOW_CONFIG',
      path: 'options.inputs.x',
      expected: expect.stringContaining('state, clock'),
    });
    expect(await caught(() => load(stranger('x', 't', [], 'float', 'push')))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.inputs' });
    expect(await caught(() => load(stranger('x', 't', []), { inputs: { x: 'y' } }))).toMatchObject({ code: 'ERR_FLOW_CONFIG' });
  });
});

describe('manners', () => {
  test('abort rejects at once with the reason, and the sampler works on', async () => {
    const sampler = await load(onnxBytes(plain, { solver: rk4({ steps: 200 }) }));
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = sampler.sample({ n: 200_000, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 30);
    expect(await caught(() => running)).toBe(reason);
    expect(await caught(() => sampler.sample({ n: 1, signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect((await sampler.sample({ n: 2 })).x).toHaveLength(6);
  });

  test('many calls at once give each its own rows', async () => {
    const sampler = await load(onnxBytes(plain, { solver: euler({ steps: 3 }) }));
    const alone: Float32Array[] = [];
    for (let seed = 0; seed < 30; seed++) alone.push((await sampler.sample({ n: 20, seed })).x);
    const together = await Promise.all(alone.map((_, seed) => sampler.sample({ n: 20, seed })));
    expect(together.map(({ x }) => x)).toEqual(alone);
  });

  test('dispose rejects what is waiting, is idempotent, and later calls say so', async () => {
    const sampler = await load(onnxBytes(plain, { solver: rk4({ steps: 100 }) }));
    const waiting = sampler.sample({ n: 50_000 });
    sampler.dispose();
    sampler.dispose();
    expect(await caught(() => waiting)).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    expect(await caught(() => sampler.sample({ n: 1 }))).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
  });

  test('the empty sample, wrong options and files, and results that are not finite', async () => {
    const sampler = await load(onnxBytes(plain));
    expect(await sampler.sample({ n: 0 })).toMatchObject({ rows: 0, dimension: 3, columns: ['a', 'b', 'c'] });
    expect(await caught(() => sampler.sample({ n: -1 }))).toMatchObject({ code: 'ERR_FLOW_RANGE', path: 'options.n' });
    expect(await caught(() => sampler.sample({ sed: 1 } as object))).toMatchObject({ code: 'ERR_FLOW_CONFIG', hint: 'Did you mean "seed"?' });
    expect(await caught(() => sampler.sample({ source: new Float32Array(4) }))).toMatchObject({ code: 'ERR_FLOW_SHAPE' });
    expect(await caught(() => loadOnnx(3 as unknown as string))).toMatchObject({ code: 'ERR_FLOW_TYPE' });
    const broken = join(folder, 'broken.onnx');
    writeFileSync(broken, onnxBytes(plain).subarray(0, 500));
    expect(await caught(() => loadOnnx(broken))).toMatchObject({ code: 'ERR_FLOW_ONNX' });
    expect(await caught(() => loadOnnx(join(folder, 'none.onnx')))).toMatchObject({ code: 'ERR_FLOW_IO' });
    const wild = await load(onnxBytes({ ...plain, parameters: plain.parameters.map((p) => p * 1e18) }, { solver: rk4({ steps: 3 }) }));
    expect(await caught(() => wild.sample({ n: 3 }))).toMatchObject({ code: 'ERR_FLOW_NONFINITE', path: 'x[0]' });
  });

  test('what onnxruntime refuses comes back typed, from the thread', async () => {
    const graph = new Graph();
    graph.input('x', 'float', ['n', 2]);
    graph.input('t', 'float', []);
    graph.output(graph.op('NoSuchOperator', ['x', 't']), 'float', ['n', 2]);
    const bytes = modelBytes(graph.finish('g', '', true), { opset: 13, irVersion: 7, producerVersion: '', doc: '', metadata: {} });
    const stolen = new Uint8Array(Buffer.from(Buffer.from(bytes).toString('latin1').replaceAll('flowmatch', 'somebodyx'), 'latin1'));
    expect(await caught(() => loadOnnx(stolen))).toMatchObject({ code: 'ERR_FLOW_ONNX', message: expect.stringContaining('NoSuchOperator') });
  });

  test('a missing runtime names the command that installs it', async () => {
    expect(await caught(() => findRuntime([join(folder, 'package.json')]))).toMatchObject({
      code: 'ERR_FLOW_ORT_MISSING',
      hint: expect.stringContaining('npm install onnxruntime-node'),
    });
  });
});
