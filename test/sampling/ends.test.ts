// Paths that end before t = 1 or whose source has another scale: the native sampler, the float64 reference, the ONNX sampler graph and a velocity graph
// integrated in the worker agree, on equal steps and on grids of the caller's, and all of them take the closing step.

import { beforeAll, describe, expect, it } from 'vitest';
import { cosine, definePath, euler, exportOnnx, heun, linearVP, loadOnnx, Model, midpoint, ralston, rk4, type Solver, ve, vp } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { lower } from '../../lib/network/lower.ts';
import { frameOf } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { evaluate } from '../../lib/sampling/reference/evaluate.ts';
import { integrateFramed } from '../../lib/sampling/reference/integrate.ts';
import { frameGrid } from '../../lib/sampling/steps.ts';
import { temporaryFolder } from '../support/folder.ts';
import { untrained } from '../support/models.ts';

const place = temporaryFolder();
const own = definePath({
  name: 'own',
  tMin: 0.1,
  tMax: 0.9,
  sourceScale: 2,
  at: (t) => ({ alpha: t ** 0.5 + 0.06 * t, sigma: 1 - t, dAlpha: 0.5 * t ** -0.5 + 0.06, dSigma: -1 }),
});
const cases: [string, ModelRecord['path']][] = [linearVP(), vp(), ve({ sigmaMax: 8 }), cosine(), own].map((path) => [path.name, storePath(resolvePath(path))]);

/** A network that is far from zero, and columns of another scale. */
function recordOf(path: ModelRecord['path']): ModelRecord {
  const plain = untrained(2, { hidden: [8, 8], time: 'raw' }, { path, normaliser: { shift: Float32Array.of(3, -20), scale: Float32Array.of(0.5, 4) } });
  return { ...plain, parameters: plain.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) };
}

const solvers: [string, Solver][] = [
  ['euler', euler({ steps: 7 })],
  ['midpoint', midpoint({ steps: 5 })],
  ['heun', heun({ steps: 5 })],
  ['ralston', ralston({ steps: 4 })],
  ['rk4', rk4({ steps: 3 })],
  ['a grid from 0 to 1', midpoint({ grid: [0, 0.2, 0.5, 0.95, 0.9995, 1] })],
  ['a grid to 0.6', heun({ grid: [0.15, 0.3, 0.6] })],
];

describe.each(cases)('%s', (name, path) => {
  const record = recordOf(path);
  const n = 40;
  let noise: Float32Array = new Float32Array();
  beforeAll(async () => {
    noise = await noiseRows(5n, 0, n, 2);
  });

  /** The float64 reference, in data units. */
  const reference = (solver: Solver): { x: Float64Array; last: number } => {
    const program = lower(record.network, 2, null);
    const parameters = Float64Array.from(record.parameters);
    const field = (x: Float64Array, t: number): Float64Array => evaluate(program, parameters, { x, t: new Float64Array(n).fill(t), condition: null });
    const frame = frameOf(record);
    const grid = frameGrid(frame, solver);
    const start = Float64Array.from(noise, (v) => v * frame.startScale);
    const z = integrateFramed(solver, frame, field, start, grid);
    return { x: z.map((v, i) => (i % 2 ? -20 + 4 * v : 3 + 0.5 * v)), last: grid[grid.length - 1] as number };
  };
  const agree = (got: Float32Array, want: Float64Array, scale: number): void => {
    const most = want.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    got.forEach((v, i) => void expect(Math.abs(v - (want[i] as number))).toBeLessThan(scale * most));
  };

  it.each(solvers)('%s: native, reference and ONNX agree', async (_, solver) => {
    using model = Model.fromRecord(record);
    const { x, times, nfe } = await model.sample({ n, seed: 5, solver, saveAt: 2 });
    const want = reference(solver);
    agree(x, want.x, 2e-6);
    expect(times[times.length - 1]).toBe(want.last);
    const bare = solver.grid ? solver.grid.length - 1 : solver.steps;
    expect(nfe).toBeLessThanOrEqual((bare + 1) * solver.b.length);

    for (const graph of ['sampler', 'velocity'] as const) {
      const file = place(`${name}-${graph}.onnx`);
      await exportOnnx(model, file, { graph, ...(graph === 'sampler' ? { solver } : {}) });
      using onnx = await loadOnnx(file, { threads: 1 });
      const same = await onnx.sample({ n, seed: 5, ...(graph === 'velocity' ? { solver } : {}) });
      agree(same.x, want.x, 5e-6);
      if (graph !== 'sampler') continue;
      // Another grid at the call: the closing step follows the grid, not the file.
      for (const grid of [
        [0, 0.4, 1],
        [0.2, 0.5],
      ]) {
        const other = await onnx.sample({ n, seed: 5, grid });
        agree(other.x, reference({ ...solver, grid }).x, 5e-6);
      }
    }
  });

  it('runs backwards inside the path', async () => {
    using model = Model.fromRecord(record);
    const { times } = await model.encode([[3, -20]], { solver: heun({ steps: 4 }), saveAt: 2 });
    expect(Array.from(times)).toEqual([path.tMax, path.tMin]);
  });
});

describe('a grid outside the path', () => {
  it('is refused where fewer than two times are left', () => {
    const record = recordOf(storePath(own));
    using model = Model.fromRecord(record);
    expect(() => model.sampleSync({ solver: euler({ grid: [0.95, 1] }) })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE' }));
  });
});
