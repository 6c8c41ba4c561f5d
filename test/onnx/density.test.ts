// Log-density graphs against the native core: every network of the case table, conditions shared or not, normalised rows, frames, paths that end early;
// and through loadOnnx. Files are kept for Python's checker (scripts/check-onnx.sh).

import { describe, expect, test } from 'vitest';
import { heun, loadOnnx, Model, type ModelRecord, midpoint, rk4 } from '../../lib/index.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { vp } from '../../lib/paths/vp.ts';
import { networkCases } from '../cases/networks.ts';
import { caught, untrained } from '../support/models.ts';
import { keep } from './corpus.ts';
import { modelOf, pointsOf, randomModel } from './random-models.ts';
import { type Feeds, run, sessionOf } from './run.ts';

const count = Math.min(60, Number(process.env['FLOWMATCH_ONNX_MODELS'] ?? 24));
const solvers = [rk4({ steps: 3 }), midpoint({ steps: 4 }), heun({ steps: 3 })];

/** Largest difference between a graph and the core, relative to 1 and the largest log-density. */
async function apart(record: ModelRecord, rows: Float32Array, condition: Float32Array | null, index: number): Promise<number> {
  const model = Model.fromRecord(record);
  const solver = solvers[index % solvers.length] as (typeof solvers)[number];
  const n = rows.length / record.dimension;
  const width = condition === null ? 0 : condition.length / n;
  const spec = record.condition;
  const numbers = spec?.numbers ?? 0;
  const row = (r: number): number[] => Array.from((condition as Float32Array).subarray(r * width, (r + 1) * width));
  const known = (r: number): number[] => row(r).map((value, j) => (j < numbers ? value : Math.min(value, (spec?.classes[j - numbers] as number) - 1)));
  const given = condition && Array.from({ length: n }, (_, r) => known(r));
  const fed = given && Float32Array.from(given.flat());
  const sampling = given && {
    ...(numbers > 0 ? { numbers: given.map((values) => values.slice(0, numbers)) } : {}),
    ...((spec?.classes.length ?? 0) > 0 ? { labels: spec?.classes.map((_, k) => given.map((values) => values[numbers + k])) } : {}),
  };
  const options = { solver, method: 'exact' as const, ...(sampling ? { condition: sampling as never } : {}) };
  const { logDensity: want } = await model.logDensity(rows, options);
  model.dispose();
  const bytes = onnxBytes(record, { graph: 'log-density', solver });
  const feeds: Feeds = {
    x: { data: rows, dims: [n, record.dimension] },
    ...(fed ? { condition: { data: fed, dims: [n, width] } } : {}),
  };
  const got = await run(await sessionOf(bytes), feeds);
  if (index % 3 === 0) keep(`density-${index}`, bytes, feeds, got);
  const size = want.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return want.reduce((most, value, r) => Math.max(most, Math.abs((got[r] as number) - value)), 0) / size;
}

describe('log-density graphs', () => {
  test('of every network agree with the core within 1e-5', async () => {
    for (const [index, network] of networkCases.entries()) {
      const of = modelOf(network, index + 1);
      const { x, condition } = pointsOf(of, 5, 0, 3);
      expect(await apart(of.model, x, condition, index), network.name).toBeLessThan(1e-5);
    }
  });

  test(`of ${count} random models agree with the core within 1e-5`, async () => {
    for (let seed = 0; seed < count; seed++) {
      const of = randomModel(seed);
      if (of.model.source === 'rows' || of.network.program.ops.some((op) => op.kind === 'layerNorm' && (of.network.program.values[op.input]?.width ?? 0) < 3))
        continue;
      const { x, condition } = pointsOf(of, 3, 0, seed);
      expect(await apart(of.model, x, condition, seed), `random ${seed}`).toBeLessThan(1e-5);
    }
  });

  test('keep the frame: a path that ends before 1, and predictions of x1 and noise', async () => {
    const rows = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
    for (const [index, prediction] of (['velocity', 'x1', 'noise'] as const).entries()) {
      const record = untrained(2, { hidden: [12, 12] }, { path: storePath(resolvePath(vp())), prediction });
      expect(await apart(record, rows, null, index), prediction).toBeLessThan(1e-5);
      const straight = untrained(2, { hidden: [12, 12] }, { prediction });
      expect(await apart(straight, rows, null, index), prediction).toBeLessThan(1e-5);
    }
  });

  test('load, score rows, and refuse what they do not hold', async () => {
    const record = untrained(2, { hidden: [16, 16] });
    const solver = rk4({ steps: 5 });
    const onnx = await loadOnnx(onnxBytes(record, { graph: 'log-density', solver }), { threads: 1 });
    const sampler = await loadOnnx(onnxBytes(record, { graph: 'velocity' }), { threads: 1 });
    const rows = Float32Array.from({ length: 2000 }, (_, i) => Math.cos(i * 1.7));
    const { logDensity: want } = await Model.fromRecord(record).logDensity(rows, { solver });
    const got = await onnx.logDensity(rows);
    expect([got.rows, got.nfe, got.standardError[0], onnx.info.flow?.graph]).toEqual([1000, 20, 0, 'log-density']);
    want.forEach((value, r) => {
      expect(Math.abs((got.logDensity[r] as number) - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    });
    expect((await onnx.logDensity(new Float32Array(0))).rows).toBe(0);
    expect((await caught(() => onnx.sample({ n: 3 }))).message).toMatch(/a sampler or velocity graph/);
    expect((await caught(() => sampler.logDensity(rows))).message).toMatch(/log-density graph/);
    expect((await caught(() => onnx.logDensity([[1, 2, 3]]))).code).toBe('ERR_FLOW_SHAPE');
    onnx.dispose();
    sampler.dispose();
    const fixed = { shift: new Float32Array(2), scale: Float32Array.of(1, 0) };
    expect((await caught(() => onnxBytes(untrained(2, { hidden: [3] }, { normaliser: fixed }), { graph: 'log-density' }))).message).toMatch(/constant column/);
    expect((await caught(() => onnxBytes(untrained(2, { hidden: [3] }, { source: 'rows' }), { graph: 'log-density' }))).message).toMatch(/source/);
    expect((await caught(() => onnxBytes(record, { graph: 'log-density', guidance: 2 }))).message).toMatch(/guid/);
  });
});
