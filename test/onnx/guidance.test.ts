// Guided graphs against the native core: scale in the graph or as an input, on intervals, for classes, numbers and both, with and without a closing step;
// velocity graphs integrated in the worker as well. Graphs without guidance are what they were.

import { describe, expect, it } from 'vitest';
import { condOT, euler, heun, inspectOnnx, linearVP, loadOnnx, Model, midpoint, type Path, rk4, type Solver } from '../../lib/index.ts';
import type { OnnxOptions } from '../../lib/model/onnx-options.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { caught, untrained } from '../support/models.ts';
import { keep } from './corpus.ts';
import { run, sessionOf } from './run.ts';

const rows = 60;

function recordOf(condition: ConditionSpec, path: Path, embedding: number): ModelRecord {
  const scale = (count: number, at: number) => ({ shift: new Float32Array(count).fill(at), scale: new Float32Array(count).fill(0.5) });
  const fields = {
    condition,
    conditionNormaliser: condition.numbers > 0 ? scale(condition.numbers, 2) : null,
    normaliser: scale(2, -1),
    path: storePath(resolvePath(path)),
  };
  const plain = untrained(2, { hidden: [24, 40], time: 'fourier', classEmbedding: embedding }, fields);
  return { ...plain, parameters: plain.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) };
}

const rowsOf = ({ numbers, classes }: ConditionSpec, n: number): number[][] =>
  Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: numbers }, (__, j) => 2 + 0.5 * Math.sin(3 * i + j)),
    ...classes.map((count, k) => (i + k) % count),
  ]);

/** Largest difference over the range of its column. */
function distance(a: Float32Array, b: Float32Array): number {
  let worst = 0;
  for (const c of [0, 1]) {
    const column = b.filter((_, i) => i % 2 === c);
    const range = Math.max(...column) - Math.min(...column);
    b.forEach((value, i) => {
      if (i % 2 === c) worst = Math.max(worst, Math.abs((a[i] as number) - value) / range);
    });
  }
  return worst;
}

const classes = { numbers: 0, classes: [3], drop: 0.1 };
const numbers = { numbers: 2, classes: [], drop: 0.1 };
const both = { numbers: 1, classes: [3, 2], drop: 0.1 };
const cases: [string, ConditionSpec, Solver, number, { scale: number; interval?: [number, number] }, Path][] = [
  ['classes, w = 2', classes, midpoint({ steps: 6 }), 0, { scale: 2 }, condOT()],
  ['embedded classes, w = -1 on [0.2, 0.7]', classes, rk4({ steps: 4 }), 3, { scale: -1, interval: [0.2, 0.7] }, condOT()],
  ['numbers, w = 3', numbers, heun({ steps: 5 }), 0, { scale: 3 }, linearVP()],
  ['numbers and classes, w = 1.5 on [0, 0.5]', both, midpoint({ steps: 6 }), 0, { scale: 1.5, interval: [0, 0.5] }, linearVP()],
  ['numbers and classes, unconditional', both, euler({ steps: 7 }), 2, { scale: 0 }, condOT()],
  ['numbers and classes, unconditional at first', both, euler({ steps: 7 }), 0, { scale: 0, interval: [0, 0.5] }, condOT()],
];

describe.each(cases)('%s', (name, spec, solver, embedding, guidance, path) => {
  const record = recordOf(spec, path, embedding);
  const condition = rowsOf(spec, rows);
  const whole = guidance.interval === undefined && guidance.scale === 0;
  const given = whole ? {} : { condition };

  it.each(['sampler', 'velocity'] as const)('%s graph', async (graph) => {
    const model = Model.fromRecord(record);
    const want = await model.sample({ n: rows, seed: 2, condition, solver, guidance });
    const own = graph === 'velocity' ? { solver } : {};
    const inside = await loadOnnx(onnxBytes(record, { graph, solver, guidance }));
    const fixed = await inside.sample({ n: rows, seed: 2, ...given, ...own });
    expect(distance(fixed.x, want.x)).toBeLessThan(1e-5);
    // The graph evaluates both sides at every stage; the core takes one where w is 0 or 1.
    const stages = solver.b.length * solver.steps + (path.tMax < 1 ? (graph === 'sampler' ? solver.b.length : 1) : 0);
    expect(fixed.nfe).toBe(stages * (whole ? 1 : 2));
    const error = await caught(() => inside.sample({ n: rows, ...given, ...own, guidance: 2 }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.guidance']);
    inside.dispose();
    const asInput: OnnxOptions['guidance'] = guidance.interval ? { scale: 'input', interval: guidance.interval } : 'input';
    const free = await loadOnnx(onnxBytes(record, { graph, solver, guidance: asInput }));
    const chosen = await free.sample({ n: rows, seed: 2, condition, ...own, guidance: guidance.scale });
    expect(distance(chosen.x, want.x)).toBeLessThan(1e-5);
    const plain = await model.sample({ n: rows, seed: 2, condition, solver });
    expect(distance((await free.sample({ n: rows, seed: 2, condition, ...own })).x, plain.x)).toBeLessThan(1e-5);
    expect(free.info.flow?.guidance?.scale).toBe('input');
    free.dispose();
    model.dispose();
  });

  it('stands before the checker with inputs and outputs', async () => {
    const bytes = onnxBytes(record, { solver, guidance: { ...guidance, scale: whole ? 0 : 'input' } as OnnxOptions['guidance'] & object });
    const session = await sessionOf(bytes);
    const width = spec.numbers + spec.classes.length;
    const feeds = {
      noise: { data: await noiseRows(2n, 0, rows, 2), dims: [rows, 2] },
      ...(whole ? {} : { condition: { data: Float32Array.from(condition.flat()), dims: [rows, width] } }),
      ...(whole ? {} : { guidance: { data: Float32Array.of(guidance.scale), dims: [1] } }),
    };
    const x = await run(session, feeds);
    expect(x.every(Number.isFinite)).toBe(true);
    keep(`guided ${name}`.replaceAll(/[^a-z0-9]+/gi, '-'), bytes, feeds, x);
    await session.release();
  });
});

describe('files', () => {
  it('hold two sides only where they guide, and say how', () => {
    const record = recordOf(classes, condOT(), 0);
    const count = (options: OnnxOptions): number => inspectOnnx(onnxBytes(record, { solver: 'euler', ...options })).operators['Gemm'] as number;
    expect(count({ guidance: 1 })).toBe(count({}));
    expect(count({ guidance: 2 })).toBe(2 * count({}));
    expect(count({ guidance: 0 })).toBe(count({}));
    const { flow, inputs } = inspectOnnx(onnxBytes(record, { guidance: { scale: 2.5, interval: [0.1, 0.9] } }));
    expect(flow?.guidance).toEqual({ scale: 2.5, from: 0.1, to: 0.9 });
    expect(inputs.map((input) => input.name)).toEqual(['noise', 'condition', 'grid']);
    expect(inspectOnnx(onnxBytes(record, { guidance: 0 })).inputs.map((input) => input.name)).toEqual(['noise', 'grid']);
    expect(inspectOnnx(onnxBytes(record)).flow?.guidance).toBeNull();
  });

  it('are refused for models that never saw the null condition', async () => {
    for (const guidance of [2, 'input', { scale: 'input' }] as const) {
      const error = await caught(() => onnxBytes(recordOf({ numbers: 0, classes: [3] }, condOT(), 0), { guidance }));
      expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.guidance']);
    }
  });
});
