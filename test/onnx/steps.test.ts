// Graphs of average velocities against the native core: steps written out without a loop, conditions of every kind, guidance as a constant, as an input and on an interval.

import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { euler, inspectOnnx, loadOnnx, Model, midpoint } from '../../lib/index.ts';
import type { OnnxOptions } from '../../lib/model/onnx-options.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import { mlp } from '../../lib/network/mlp.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught, untrained } from '../support/models.ts';
import { keep } from './corpus.ts';
import { run, sessionOf } from './run.ts';

const rows = 40;
const inFolder = temporaryFolder();

function recordOf(
  condition: ConditionSpec | null,
  embedding: number,
  { shortcuts: span = true, ...fields }: Partial<ModelRecord> & { readonly shortcuts?: number | true } = {},
): ModelRecord {
  const network = { ...mlp({ hidden: [24, 40], classEmbedding: embedding }), span };
  const parameters = initialiseParameters(lower(network, 2, condition), 1).map((p, i) => p + 0.2 * Math.sin(7 * i + 1));
  const scale = (count: number, at: number) => ({ shift: new Float32Array(count).fill(at), scale: new Float32Array(count).fill(0.5) });
  const conditionNormaliser = condition && condition.numbers > 0 ? scale(condition.numbers, 2) : null;
  return { ...untrained(2), network, condition, conditionNormaliser, normaliser: scale(2, -1), parameters, ...fields };
}

const rowsOf = ({ numbers, classes }: ConditionSpec, n: number): number[][] =>
  Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: numbers }, (__, j) => 2 + 0.5 * Math.sin(3 * i + j)),
    ...classes.map((count, k) => (i + k) % count),
  ]);

/** Largest difference over the largest value. */
const distance = (a: Float32Array, b: Float32Array): number => {
  const size = b.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0) / size;
};

const drop = { drop: 0.1 };
describe.each([
  ['no condition', null, 0, 1, {}],
  ['no condition, four steps, a raw frame', null, 0, 4, { normaliser: null }],
  ['source rows', null, 0, 2, { source: 'rows' }],
  ['classes', { numbers: 0, classes: [3] }, 0, 1, {}],
  ['embedded classes and numbers', { numbers: 1, classes: [3, 2] }, 4, 3, {}],
  ['numbers', { numbers: 2, classes: [] }, 0, 2, {}],
  ['classes, guided', { numbers: 0, classes: [3], ...drop }, 0, 2, { guidance: 2 }],
  ['both, guided on an interval', { numbers: 1, classes: [3], ...drop }, 4, 4, { guidance: { scale: 1.5, interval: [0.2, 0.6] } }],
  ['shortcuts, eight of them', null, 0, 8, { shortcuts: 128 }],
  ['shortcuts, one, guided', { numbers: 0, classes: [3], ...drop }, 0, 1, { shortcuts: 128, guidance: 2 }],
  ['numbers, none of them', { numbers: 2, classes: [], ...drop }, 0, 2, { guidance: 0 }],
] as const)(
  '%s',
  (name, condition, embedding, steps, { guidance, ...fields }: { guidance?: unknown; source?: 'rows'; normaliser?: null; shortcuts?: number }) => {
    it('gives the rows of the native core, as a plain feed-forward graph', async () => {
      const record = recordOf(condition as ConditionSpec | null, embedding, fields);
      const model = Model.fromRecord(record);
      const bytes = onnxBytes(record, { solver: euler({ steps }), ...(guidance === undefined ? {} : { guidance }) } as OnnxOptions);
      const info = inspectOnnx(bytes);
      expect(info.operators['Loop']).toBeUndefined();
      expect(info.flow?.solver).toMatchObject({ name: 'euler', steps });
      const start = await noiseRows(3n, 0, rows, 2);
      const given = condition && guidance !== 0 ? rowsOf(condition, rows) : null;
      const options = { seed: 3, n: rows, solver: euler({ steps }), ...(given ? { condition: given } : {}), ...(guidance === undefined ? {} : { guidance }) };
      const { x: want } = await model.sample({ ...options, ...(record.source === 'rows' ? { source: start } : {}) } as never);
      const feeds = {
        noise: { data: start, dims: [rows, 2] },
        ...(given ? { condition: { data: Float32Array.from(given.flat()), dims: [rows, given[0]?.length ?? 0] } } : {}),
      };
      const got = await run(await sessionOf(bytes), feeds);
      expect(distance(got, want)).toBeLessThan(1e-5);
      keep(`steps-${name.replaceAll(/\W+/g, '-')}`, bytes, feeds, got);
    });
  },
);

it('takes the scale of its guidance as an input, is sampled by loadOnnx, and is exported in this way alone', async () => {
  const record = recordOf({ numbers: 0, classes: [3], ...drop }, 0);
  const model = Model.fromRecord(record);
  {
    const file = inFolder('steps.onnx');
    await writeFile(file, onnxBytes(record, { steps: 2, guidance: 'input' }));
    const onnx = await loadOnnx(file);
    const options = { n: 30, seed: 5, condition: { labels: 1 }, guidance: 2.5 };
    const got = await onnx.sample(options);
    const want = await model.sample({ ...options, solver: euler({ steps: 2 }) });
    expect(distance(got.x, want.x)).toBeLessThan(1e-5);
    expect(got.nfe).toBe(want.nfe);
    expect(await caught(() => onnx.sample({ ...options, grid: [0, 1] }))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'options.grid' });
    onnx.dispose();
  }
  expect(inspectOnnx(onnxBytes(record)).flow?.solver?.steps).toBe(1);
  for (const [options, path] of [
    [{ graph: 'velocity' }, 'options.graph'],
    [{ graph: 'log-density' }, 'options.graph'],
    [{ grid: 'required' }, 'options.grid'],
    [{ solver: midpoint({ steps: 2 }) }, 'options.solver'],
    [{ steps: 129 }, 'options.solver.steps'],
  ] as const)
    expect(await caught(() => onnxBytes(record, options as OnnxOptions))).toMatchObject({ path });
  const shortcuts = recordOf(null, 0, { shortcuts: 4 });
  expect(inspectOnnx(onnxBytes(shortcuts, { steps: 4 })).flow?.solver?.steps).toBe(4);
  for (const steps of [3, 8]) expect(await caught(() => onnxBytes(shortcuts, { steps }))).toMatchObject({ path: 'options.solver.steps' });
});
