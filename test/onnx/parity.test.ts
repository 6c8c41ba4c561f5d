// Exported graphs against the native core (and velocities against the float64 oracle as well): random models at t = 0, at t = 1 and between, for no row, one
// row and odd counts.
// FLOWMATCH_ONNX_MODELS sets how many random models (CI: 150; the full check: 1000).

import { describe, expect, test } from 'vitest';
import type { NativeNetwork } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { modelBytes } from '../../lib/onnx/graph.ts';
import { velocityGraph } from '../../lib/onnx/velocity-graph.ts';
import { evaluate } from '../../lib/sampling/reference/evaluate.ts';
import { gridOf } from '../../lib/solvers/grid.ts';
import { type SolverName, solverByName, solvers, tableauArrays } from '../../lib/solvers/solvers.ts';
import { caseInputs, networkCases, opCases } from '../cases/networks.ts';
import { keep } from './corpus.ts';
import { type ModelCase, modelOf, pointsOf, randomModel } from './random-models.ts';
import { type Feeds, run, sessionOf } from './run.ts';

const models = Number(process.env['FLOWMATCH_ONNX_MODELS'] ?? 150);
const solverNames = Object.keys(solvers) as SolverName[];

/** Largest |a - b| and largest |b| in units of the column's scale. */
function compare(a: Float32Array, b: Float64Array, scale: (column: number) => number, d: number): { error: number; size: number } {
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const off = Math.abs((a[i] as number) - (b[i] as number)) / scale(i % d);
    error = Math.max(error, Number.isNaN(off) ? Number.POSITIVE_INFINITY : off);
    size = Math.max(size, Math.abs(b[i] as number) / scale(i % d));
  }
  return { error, size };
}

/** The native network of a case. */
function nativeNetwork({ model, network }: ModelCase): NativeNetwork {
  const { words, constants } = encodeProgram(network.program);
  return new (native().Network)(words, constants, model.parameters);
}

/** Largest error of a model over its scale: the largest velocity at all points that are tried (one row alone may be near a zero of v). */
async function velocityError(of: ModelCase, name: string): Promise<{ oracle: number; core: number }> {
  const { model, network } = of;
  const d = model.dimension;
  const bytes = onnxBytes(model, { graph: 'velocity' });
  const session = await sessionOf(bytes);
  const scale = (j: number): number => model.normaliser?.scale[j] ?? 1;
  const core = nativeNetwork(of);
  let [worst, worstCore, size] = [0, 0, 0];
  for (const [rows, time] of [
    [0, 0],
    [1, 0],
    [1, 1],
    [7, 'rows'],
    [5, 0],
    [3, 1],
  ] as const) {
    const points = pointsOf(of, rows, time, rows + 1);
    const t = time === 'rows' ? { data: points.t, dims: [rows, 1] } : { data: Float32Array.of(time), dims: [1, 1] };
    const feeds: Feeds = {
      x: { data: points.x, dims: [rows, d] },
      t,
      ...(points.condition ? { condition: { data: points.condition, dims: [rows, network.program.conditionWidth] } } : {}),
    };
    const v = await run(session, feeds);
    expect(v.length).toBe(rows * d);
    const want = evaluate(network.program, model.parameters, { x: points.z, t: points.t, condition: points.networkCondition });
    const expected = want.map((value, i) => value * scale(i % d));
    const compared = compare(v, expected, scale, d);
    worst = Math.max(worst, compared.error);
    const native = Float64Array.from(core.evaluateSync(points.z, points.t, points.networkCondition), (value, i) => value * scale(i % d));
    worstCore = Math.max(worstCore, compare(v, native, scale, d).error);
    size = Math.max(size, compared.size);
    if (time === 'rows') keep(`${name}-velocity`, bytes, feeds, v);
  }
  await session.release();
  core.dispose();
  return { oracle: worst / size, core: worstCore / size };
}

/** Largest change of v, over its scale, when every weight moves by half a unit in its last place: what f32 rounding alone does to this model. */
function roundingSensitivity(of: ModelCase): number {
  const { model, network } = of;
  const points = pointsOf(of, 7, 'rows', 8);
  const at = { x: points.z, t: points.t, condition: points.networkCondition };
  const v = evaluate(network.program, model.parameters, at);
  let change = 0;
  for (const phase of [1, 2, 3]) {
    const moved = Float64Array.from(model.parameters, (p, i) => p * (1 + 2 ** -24 * Math.sign(Math.sin(i * phase + phase))));
    change = Math.max(change, compare(Float32Array.from(evaluate(network.program, moved, at)), v, () => 1, 1).error);
  }
  return change / v.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Per row: error over the range of its column, and the row's sensitivity to a change of the noise by one unit in the last place, both in column ranges. */
async function samplerErrors(
  of: ModelCase,
  name: string,
  solverName: SolverName,
  steps: number,
  rows: number,
): Promise<{ error: number; sensitivity: number }[]> {
  const { model, network } = of;
  const d = model.dimension;
  const solver = solverByName(solverName, { steps });
  const bytes = onnxBytes(model, { graph: 'sampler', solver });
  const session = await sessionOf(bytes);
  const points = pointsOf(of, rows, 0, 99);
  const { x: noise } = caseInputs(network, rows, 7);
  const feeds: Feeds = {
    noise: { data: noise, dims: [rows, d] },
    ...(points.condition ? { condition: { data: points.condition, dims: [rows, network.program.conditionWidth] } } : {}),
  };
  const x = await run(session, feeds);
  keep(`${name}-sampler`, bytes, feeds, x);
  await session.release();
  const grid = gridOf(solver, model.path);
  const core = nativeNetwork(of);
  const { shift, scale } = model.normaliser ?? { shift: null, scale: null };
  const fixed = { firstRow: 0, seed: 0n, normaliseInitial: false, sourceScale: 1, save: Int32Array.of(steps), frame: null, threads: 1 };
  const solve = (initial: Float32Array): Float32Array =>
    core.sampleSync({ ...fixed, ...tableauArrays(solver), n: rows, initial, condition: points.networkCondition, sharedCondition: false, grid, shift, scale }).x;
  const start = noise.map((v) => v * model.path.sourceScale);
  const want = solve(start);
  const moved = solve(start.map((v) => v * (1 + 2 ** -23)));
  core.dispose();
  const range = Array.from({ length: d }, (_, j) => {
    const column = Array.from({ length: rows }, (__, r) => want[r * d + j] as number);
    return Math.max(...column) - Math.min(...column) || 1;
  });
  return Array.from({ length: rows }, (_, r) => {
    let [error, sensitivity] = [0, 0];
    for (let j = 0; j < d; j++) {
      const at = r * d + j;
      error = Math.max(error, Math.abs((x[at] as number) - (want[at] as number)) / (range[j] as number));
      sensitivity = Math.max(sensitivity, Math.abs((moved[at] as number) - (want[at] as number)) / (range[j] as number));
    }
    return { error: Number.isNaN(error) ? Number.POSITIVE_INFINITY : error, sensitivity };
  });
}

describe('the velocity graph', () => {
  // Forward rounding of a dense chain: a few ulp (6e-8) per layer and the norm of one row of weights, hence far below 1e-5.
  test.each(opCases.map((c) => [c.name, c] as const))('%s equals the oracle', async (_, network) => {
    const { program } = network;
    const inputs = caseInputs(network, 5);
    const graph = velocityGraph(
      { program, parameters: inputs.parameters, names: new Map() },
      { normaliser: null, conditionNormaliser: null, condition: program.conditionWidth > 0 ? { numbers: program.conditionWidth, classes: [] } : null },
    );
    const bytes = modelBytes(graph.finish('velocity', '', true), { opset: 17, irVersion: 8, producerVersion: '0', doc: '', metadata: {} });
    const session = await sessionOf(bytes);
    const condition =
      inputs.condition === null ? null : inputs.condition.map((v, i) => (network.name.startsWith('op embed') && i < 3 ? ([-1, 4, 2e9][i] as number) : v));
    const v = await run(session, {
      x: { data: inputs.x, dims: [5, program.dimension] },
      ...(session.inputNames.includes('t') ? { t: { data: inputs.t, dims: [5, 1] } } : {}),
      ...(condition ? { condition: { data: condition, dims: [5, program.conditionWidth] } } : {}),
    });
    const want = evaluate(program, inputs.parameters, { x: inputs.x, t: inputs.t, condition });
    const { error, size } = compare(v, want, () => 1, program.dimension);
    expect(error / size).toBeLessThan(5e-7);
  });

  test('of every named network, and of random models, is within 1e-5 of scale', async () => {
    const cases = [...networkCases.map(modelOf), ...Array.from({ length: models }, (_, i) => randomModel(i))];
    let [worst, worstCore, narrow] = [0, 0, 0];
    for (const [i, of] of cases.entries()) {
      const { oracle, core } = await velocityError(of, `${String(i).padStart(4, '0')}`);
      // Layer norm over a few features may divide two nearly equal numbers' difference by itself: there f32 has no 1e-5 to give, in any runtime.
      const { norm, hidden } = of.model.network;
      if (Math.max(oracle, core) >= 1e-5 && norm && hidden.some((width) => width < 8)) {
        narrow++;
        expect(Math.max(oracle, core), of.name).toBeLessThan(16 * roundingSensitivity(of));
      } else {
        expect(oracle, of.name).toBeLessThan(1e-5);
        expect(core, of.name).toBeLessThan(1e-5);
        [worst, worstCore] = [Math.max(worst, oracle), Math.max(worstCore, core)];
      }
    }
    expect(narrow).toBeLessThanOrEqual(cases.length / 100);
    const figures = `largest distance ${worstCore.toExponential(2)} of scale from the core, ${worst.toExponential(2)} from the oracle`;
    console.log(`velocity: ${cases.length} models, ${figures}; ${narrow} more with a layer norm of fewer than 8 features`);
  }, 600_000);
});

describe('the sampler graph', () => {
  test('of random models: 99 % of rows within 1e-5 of range, the rest within a small multiple of their sensitivity', async () => {
    const count = Math.ceil(models / 2);
    let [rows, far, worst, worstMultiple] = [0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const of = randomModel(i + 5000);
      for (const { error, sensitivity } of await samplerErrors(
        of,
        String(i).padStart(4, '0'),
        solverNames[i % solverNames.length] as SolverName,
        2 + (i % 11),
        16,
      )) {
        rows++;
        worst = Math.max(worst, error);
        if (error > 1e-5) {
          far++;
          worstMultiple = Math.max(worstMultiple, error / sensitivity);
        }
      }
    }
    console.log(
      `sampler: ${count} models, ${rows} rows, ${far} beyond 1e-5 of range, largest error ${worst.toExponential(2)}, ${worstMultiple.toFixed(1)} sensitivities`,
    );
    expect(far / rows).toBeLessThanOrEqual(0.01);
    expect(worstMultiple).toBeLessThan(64);
  }, 600_000);
});
