// Predictions and changes of path, everywhere: the native sampler, the float64 reference, the ONNX sampler graph and the velocity graph agree for every prediction along
// every path, on equal steps and on grids of the caller's; models keep both paths through files.

import { beforeAll, describe, expect, it } from 'vitest';
import {
  condOT,
  cosine,
  definePath,
  euler,
  exportOnnx,
  heun,
  interpolant,
  linearVP,
  loadOnnx,
  Model,
  midpoint,
  type Path,
  polynomial,
  rk4,
  type Solver,
  schrodingerBridge,
  ve,
  vp,
} from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { lower } from '../../lib/network/lower.ts';
import { frameOf } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { evaluate } from '../../lib/sampling/reference/evaluate.ts';
import { type Field, framed, integrateFramed } from '../../lib/sampling/reference/integrate.ts';
import { frameGrid } from '../../lib/sampling/steps.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caught, untrained } from '../support/models.ts';

const place = temporaryFolder();
const q = Math.PI / 2;
const own = definePath({
  name: 'own',
  at: (t) => ({ alpha: Math.sin(q * t), sigma: Math.cos(q * t), dAlpha: q * Math.cos(q * t), dSigma: -q * Math.sin(q * t) }),
});
const cases: [ModelRecord['prediction'], Path, Path | null][] = [
  ['x1', condOT(), null],
  ['x1', vp(), null],
  ['x1', condOT({ sigmaMin: 0.1 }), null],
  ['x1', polynomial(), cosine()],
  ['noise', condOT(), null],
  ['noise', vp(), null],
  ['noise', cosine(), condOT()],
  ['velocity', condOT(), cosine()],
  ['velocity', vp(), condOT()],
  ['velocity', polynomial({ power: 3 }), condOT()],
  ['velocity', condOT(), linearVP()],
  ['velocity', condOT(), ve({ sigmaMax: 8 })],
  ['velocity', own, polynomial()],
  ['velocity', ve({ sigmaMax: 8 }), own],
  ['velocity', condOT({ sigma: 0.3 }), null],
  ['velocity', interpolant({ shape: 'encoderDecoder' }), null],
  ['velocity', interpolant({ shape: 'trigonometric', gamma: 'brownian', scale: 0.5 }), null],
  ['velocity', interpolant({ gamma: (t) => t * (1 - t), tMax: 0.99, name: 'mine' }), null],
  ['velocity', schrodingerBridge({ sigma: (t) => 1.5 - t }), null],
];
const solvers: [string, Solver][] = [
  ['euler', euler({ steps: 7 })],
  ['midpoint', midpoint({ steps: 5 })],
  ['heun', heun({ steps: 5 })],
  ['rk4', rk4({ steps: 3 })],
  ['a grid from 0 to 1', midpoint({ grid: [0, 0.2, 0.5, 0.95, 0.9995, 1] })],
  ['a grid to 0.6', heun({ grid: [0.15, 0.3, 0.6] })],
];

describe.each(cases.map(([kind, path, along]) => [`${kind} on ${path.name} along ${along?.name ?? 'itself'}`, kind, path, along] as const))(
  '%s',
  (name, prediction, path, along) => {
    const plain = untrained(
      2,
      { hidden: [8, 8], time: 'raw' },
      { path: storePath(resolvePath(path)), prediction, normaliser: { shift: Float32Array.of(3, -20), scale: Float32Array.of(0.5, 4) } },
    );
    const trained = Model.fromRecord({ ...plain, parameters: plain.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) });
    const model = along ? trained.withPath(along) : trained;
    const { record } = model;
    const n = 24;
    let noise: Float32Array = new Float32Array();
    beforeAll(async () => {
      noise = await noiseRows(5n, 0, n, 2);
    });
    const net: Field = (x, t) =>
      evaluate(lower(record.network, 2, null), Float64Array.from(record.parameters), { x, t: new Float64Array(n).fill(t), condition: null });
    const reference = (solver: Solver): Float64Array => {
      const frame = frameOf(record);
      const start = Float64Array.from(noise, (v) => v * frame.startScale);
      return integrateFramed(solver, frame, net, start, frameGrid(frame, solver)).map((v, i) => (i % 2 ? -20 + 4 * v : 3 + 0.5 * v));
    };
    const agree = (got: Float32Array, want: Float64Array, scale: number): void => {
      const most = want.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
      got.forEach((v, i) => void expect(Math.abs(v - (want[i] as number))).toBeLessThanOrEqual(scale * Math.max(most, 1e-3)));
    };
    // A network that is not trained is off by order 1: where its error is multiplied by up to 512 h, rounding is as well.
    const loss = prediction === 'velocity' ? 1 : 20;

    it.each(solvers)('%s: native, reference and ONNX agree', async (_, solver) => {
      const { x, nfe } = await model.sample({ n, seed: 5, solver });
      const want = reference(solver);
      expect(want.every(Number.isFinite)).toBe(true);
      agree(x, want, 2e-6 * loss);
      const file = place(`${name.replaceAll(' ', '-')}.onnx`);
      await exportOnnx(model, file, { solver });
      using onnx = await loadOnnx(file, { threads: 1 });
      const same = await onnx.sample({ n, seed: 5 });
      agree(same.x, want, 5e-6 * loss);
      expect(same.nfe).toBeGreaterThanOrEqual(nfe - solver.b.length);
      for (const grid of [
        [0, 0.4, 1],
        [0.2, 0.5],
      ])
        agree((await onnx.sample({ n, seed: 5, grid })).x, reference({ ...solver, grid }), 5e-6 * loss);
    });

    it('the velocity graph gives the slope of the path that is sampled', async () => {
      const file = place(`${name.replaceAll(' ', '-')}-velocity.onnx`);
      await exportOnnx(model, file, { graph: 'velocity' });
      using onnx = await loadOnnx(file, { threads: 1 });
      const frame = frameOf(record);
      for (const u of [0, 1e-7, 0.3, 0.7, 1]) {
        const t = Math.fround(frame.from + u * (frame.to - frame.from));
        const v = await onnx.velocity(
          Float32Array.from(noise, (z, i) => (i % 2 ? -20 + 4 * z : 3 + 0.5 * z)),
          t,
        );
        const held = Math.min(Math.max(t, frame.from), frame.to);
        const want = framed(net, frame.slope(held), Float64Array.from(noise)).map((s, i) => (i % 2 ? 4 * s : 0.5 * s));
        agree(v, want, 2e-5 * loss);
      }
      const { x } = await onnx.sample({ n, seed: 5, solver: midpoint({ steps: 20 }) });
      expect(x.every(Number.isFinite)).toBe(true);
    });

    it('goes through a file, and back', async () => {
      const file = place(`${name.replaceAll(' ', '-')}.safetensors`);
      await model.save(file);
      using again = await Model.load(file);
      expect(again.sampleSync({ n, seed: 5 }).x).toEqual(model.sampleSync({ n, seed: 5 }).x);
      expect(again.info()).toMatchObject({ path: path.name, samplingPath: (along ?? path).name, prediction });
      expect(again.withPath(path).record.samplingPath).toBeUndefined();
      const { times, x } = await again.encode([[3, -20]], { solver: heun({ steps: 4 }), saveAt: 2 });
      const frame = frameOf(record);
      expect(Array.from(times)).toEqual([frame.to, frame.from]);
      expect(x.every(Number.isFinite)).toBe(true);
    });
  },
);

describe('a change of path', () => {
  it('is refused for bridges, and for source rows on a path that scales its noise', async () => {
    const bridge = {
      name: 'bridge',
      tMin: 0,
      tMax: 1,
      at: (t: number) => ({ alpha: t, sigma: 1 - t, gamma: t * (1 - t), dAlpha: 1, dSigma: -1, dGamma: 1 - 2 * t }),
    };
    const model = Model.fromRecord(untrained(2));
    expect(await caught(() => model.withPath(bridge))).toMatchObject({ code: 'ERR_FLOW_CONFIG', path: 'path' });
    const rows = Model.fromRecord(untrained(2, {}, { source: 'rows' }));
    expect(await caught(() => rows.withPath(ve()))).toMatchObject({ code: 'ERR_FLOW_CONFIG' });
    expect(rows.withPath(cosine()).record.samplingPath?.name).toBe('cosine');
    expect(await caught(() => Model.fromRecord({ ...untrained(2), prediction: 'x1', path: storePath(resolvePath(bridge)) }))).toMatchObject({
      code: 'ERR_FLOW_CONFIG',
    });
  });
});
