import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type GraphProto, ModelProtoSchema } from 'onnx-buf';
import { afterAll, describe, expect, test } from 'vitest';
import { exportOnnx } from '../../lib/model/export-onnx.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { inspectOnnx, requireInput } from '../../lib/onnx/inspect.ts';
import { heun, midpoint, rk4 } from '../../lib/solvers/solvers.ts';
import { caught, untrained } from '../support/models.ts';
import { run, sessionOf } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowmatch-onnx-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const normaliser = { shift: Float32Array.of(1, -2, 3), scale: Float32Array.of(2, 0.5, 4) };
const plain = untrained(3, { hidden: [8, 8], norm: false }, { normaliser, columns: ['a', 'b', 'c'], table: { kind: 'codec', __proto__: null } });
const normed = untrained(3, { hidden: [8, 8], norm: true });
const conditional = untrained(2, { hidden: [8] }, { condition: { numbers: 1, classes: [3] } });

/** Every name that a graph and those inside it define. */
function definitions(graph: GraphProto): string[] {
  const inner = graph.node.flatMap((node) => node.attribute.flatMap((a) => (a.g ? definitions(a.g) : [])));
  return [...graph.input.map((i) => i.name), ...graph.node.flatMap((n) => n.output), ...inner];
}

describe('onnxBytes', () => {
  test('gives the same bytes for the same model and options', () => {
    expect(Buffer.from(onnxBytes(plain)).equals(onnxBytes(plain))).toBe(true);
    expect(Buffer.from(onnxBytes(plain)).equals(onnxBytes(plain, { solver: heun() }))).toBe(false);
  });

  test('is IR 8, opset 17, one file, official operators only, every name defined once, weights as [out, in]', () => {
    for (const graph of ['velocity', 'sampler'] as const) {
      for (const model of [plain, normed, conditional]) {
        const proto = fromBinary(ModelProtoSchema, onnxBytes(model, { graph }));
        expect(proto.irVersion).toBe(8n);
        expect(proto.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([['', 17n]]);
        const names = definitions(proto.graph as GraphProto);
        expect(new Set(names).size).toBe(names.length);
        const defaults = proto.graph?.initializer.map((t) => t.name) ?? [];
        expect(names.filter((name) => defaults.includes(name))).toEqual(graph === 'sampler' ? ['grid'] : []);
        expect(proto.graph?.initializer.every((t) => t.rawData.length > 0 && t.externalData.length === 0)).toBe(true);
        expect(proto.graph?.initializer.find((t) => t.name === 'layers.0.weight')?.dims[0]).toBe(8n);
        expect(proto.graph?.node.some((n) => n.domain !== '')).toBe(false);
      }
    }
  });

  test('says in its metadata what a stranger needs', () => {
    const info = inspectOnnx(onnxBytes(plain, { graph: 'sampler', solver: heun({ steps: 9 }) }));
    expect(info.metadata['flowmatch.time']).toMatch(/t=0 is noise.*t=1 is data/);
    expect(info.flow).toMatchObject({
      graph: 'sampler',
      columns: ['a', 'b', 'c'],
      solver: { name: 'heun', stages: 2, steps: 9 },
      normaliser: { shift: [1, -2, 3] },
      table: { kind: 'codec' },
      source: 'gaussian',
    });
    expect(info.intact).toBe(true);
    expect(info.inputs.map(({ name, optional }) => [name, optional])).toEqual([
      ['noise', false],
      ['grid', true],
    ]);
    expect(info.runtimes).toContain('>= 1.12');
  });

  test('takes every opset from the lowest sufficient one, and refuses a lower one by name', async () => {
    for (const opset of [13, 14, 15, 16, 18, 21, 23, 26]) {
      const info = inspectOnnx(onnxBytes(plain, { opset }));
      expect([info.opset, info.irVersion]).toEqual([opset, opset < 15 ? 7 : 8]);
      const session = await sessionOf(onnxBytes(plain, { opset, solver: midpoint({ steps: 2 }) }));
      expect(await run(session, { noise: { data: new Float32Array(6), dims: [2, 3] } })).toHaveLength(6);
    }
    for (const [model, opset, least] of [
      [plain, 12, 13],
      [normed, 16, 17],
    ] as const) {
      expect(await caught(() => onnxBytes(model, { opset }))).toMatchObject({ code: 'ERR_FLOW_ONNX', path: 'options.opset', expected: `at least ${least}` });
    }
  });

  test('refuses unknown names and steps beyond the limit', async () => {
    expect(await caught(() => onnxBytes(plain, { graph: 'sampelr' as 'sampler' }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', hint: 'Did you mean "sampler"?' });
    expect(await caught(() => onnxBytes(plain, { steps: 60_000 }))).toMatchObject({ code: 'ERR_FLOW_LIMIT', path: 'options.solver.steps' });
    expect(await caught(() => onnxBytes(plain, { solver: 'midpiont' }))).toMatchObject({ code: 'ERR_FLOW_CONFIG' });
  });

  test('the input grid gives other times than those of the file', async () => {
    const four = await sessionOf(onnxBytes(plain, { solver: rk4({ steps: 4 }), grid: 'required' }));
    const nine = await sessionOf(onnxBytes(plain, { solver: rk4({ steps: 9 }) }));
    const noise = { data: Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)), dims: [5, 3] };
    const grid = (steps: number) => ({ data: Float64Array.from({ length: steps + 1 }, (_, k) => k / steps), dims: [steps + 1] });
    expect(await run(four, { noise, grid: grid(9) })).toEqual(await run(nine, { noise }));
    expect(await run(four, { noise, grid: grid(4) })).not.toEqual(await run(nine, { noise }));
    // the same file with an optional grid, made to take one
    const rewritten = await sessionOf(requireInput(onnxBytes(plain, { solver: rk4({ steps: 4 }) }), 'grid'));
    expect(await run(rewritten, { noise, grid: grid(9) })).toEqual(await run(nine, { noise }));
  });

  test('a shared condition row equals the same row given to every sample', async () => {
    for (const graph of ['velocity', 'sampler'] as const) {
      const session = await sessionOf(onnxBytes(conditional, { graph }));
      const x = { data: Float32Array.from({ length: 6 }, (_, i) => Math.cos(i)), dims: [3, 2] };
      const rest = graph === 'velocity' ? { x, t: { data: Float32Array.of(0.25), dims: [1, 1] } } : { noise: x };
      const shared = await run(session, { ...rest, condition: { data: Float32Array.of(0.5, 2), dims: [1, 2] } });
      const each = await run(session, { ...rest, condition: { data: Float32Array.of(0.5, 2, 0.5, 2, 0.5, 2), dims: [3, 2] } });
      expect(shared).toEqual(each);
    }
  });
});

describe('exportOnnx', () => {
  test('writes the file whole, and nothing when the signal is aborted or an option is wrong', async () => {
    const file = join(folder, 'model.onnx');
    const bytes = await exportOnnx({ record: plain }, file, { graph: 'velocity' });
    expect(Buffer.from(onnxBytes(plain, { graph: 'velocity' })).equals(Uint8Array.from(readFileSync(file)))).toBe(true);
    expect(bytes).toBe(readFileSync(file).length);
    const before = readFileSync(file);
    expect(await caught(() => exportOnnx(plain, file, { signal: AbortSignal.abort(new Error('enough')) }))).toMatchObject({ message: 'enough' });
    expect(await caught(() => exportOnnx(plain, file, { opest: 17 } as object))).toMatchObject({ code: 'ERR_FLOW_CONFIG', hint: 'Did you mean "opset"?' });
    expect(await caught(() => exportOnnx(plain, join(folder, 'none', 'model.onnx')))).toMatchObject({ code: 'ERR_FLOW_IO' });
    expect(readFileSync(file).equals(Uint8Array.from(before))).toBe(true);
  });
});
