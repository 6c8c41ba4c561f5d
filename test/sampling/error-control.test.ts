// model.sample and model.encode with error control: against many fixed steps, in every frame, with guidance and precisions, and what the record says.

import { describe, expect, it } from 'vitest';
import { bosh3, dopri5, dopri8, edmGrid, exportOnnx, heun, loadOnnx, Model, powerGrid, rk4, rowStatus, tsit5, uniformGrid } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { cosine } from '../../lib/paths/cosine.ts';
import { frameOf } from '../../lib/paths/frame.ts';
import { linearVP } from '../../lib/paths/linear-vp.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { frameTable } from '../../lib/sampling/adaptive.ts';
import { temporaryFolder } from '../support/folder.ts';
import { untrained } from '../support/models.ts';

const place = temporaryFolder();
const normaliser = { shift: Float32Array.of(3, -20), scale: Float32Array.of(0.5, 4) };
function modelOf(fields: Partial<ModelRecord> = {}, time: 'raw' | 'default' = 'raw'): Model {
  const plain = untrained(2, { hidden: [24, 24], ...(time === 'raw' ? { time } : {}) }, { normaliser, ...fields });
  return Model.fromRecord({ ...plain, parameters: plain.parameters.map((p, i) => p + 0.3 * Math.sin(7 * i + 1)) });
}
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);
const fine = rk4({ steps: 400 });
const numbersAndClasses = { numbers: 1, classes: [3] } as ModelRecord['condition'];

describe('sample with error control', () => {
  it.each([bosh3, dopri5, tsit5, dopri8])('comes to what many fixed steps come to: %o', async (make) => {
    for (const time of ['raw', 'default'] as const) {
      const model = modelOf({}, time);
      const exact = await model.sample({ n: 300, seed: 3, solver: fine });
      const { x, nfe, nfePerRow, status, unfinished } = await model.sample({ n: 300, seed: 3, solver: make({ rtol: 1e-6, atol: 1e-6 }) });
      // scale 4: a column's tolerance in data units is four times that of the network
      expect(worst(x, exact.x)).toBeLessThan(3e-4);
      expect([unfinished, status.length, nfePerRow.length]).toEqual([0, 300, 300]);
      expect(nfe).toBeCloseTo(nfePerRow.reduce((sum, count) => sum + count, 0) / 300, 10);
      expect(new Set(nfePerRow).size).toBeGreaterThan(1);
    }
  });

  it('does not depend on the number of rows, threads or the way a request is split', async () => {
    const model = modelOf();
    const all = await model.sample({ n: 1000, seed: 1, solver: 'dopri5', threads: 3 });
    const part = model.sampleSync({ n: 7, seed: 1, firstRow: 640, solver: 'dopri5', threads: 1 });
    expect([part.x, part.nfePerRow]).toEqual([all.x.slice(1280, 1294), all.nfePerRow.slice(640, 647)]);
    const saving = Array.from({ length: 5001 }, (_, i) => i / 5000); // so many frames that the request is split in parts
    const split = await model.sample({ n: 300, seed: 1, solver: 'dopri5', saveAt: saving });
    expect([split.x, split.nfePerRow]).toEqual([all.x.slice(0, 600), all.nfePerRow.slice(0, 300)]);
    expect(split.saved.subarray(-600)).toEqual(split.x);
  });

  it('saves any times, and encodes what it drew', async () => {
    const model = modelOf();
    const solver = dopri5({ rtol: 1e-6, atol: 1e-6 });
    const asked = await model.sample({ n: 50, seed: 2, solver, saveAt: [0.9, 0.123, 0.5] });
    expect(Array.from(asked.times)).toEqual([0.123, 0.5, 0.9]);
    const grid = await model.sample({ n: 50, seed: 2, solver: rk4({ grid: [...uniformGrid(200), 0.123].sort((a, b) => a - b) }), saveAt: [0.123, 0.5, 0.9] });
    expect(worst(asked.saved, grid.saved)).toBeLessThan(1e-3);
    const even = await model.sample({ n: 50, seed: 2, solver, saveAt: 5 });
    expect(Array.from(even.times)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(even.saved.slice(-100)).toEqual(even.x);
    const { x: noise } = await model.encode(even.x, { solver, saveAt: 3 });
    expect(worst((await model.sample({ source: noise, solver })).x, even.x)).toBeLessThan(1e-3);
    for (const saveAt of [[1.5], [-0.1], []]) expect(() => model.sample({ n: 2, solver, saveAt })).toThrow(/saveAt/);
  });

  it('takes one step for all rows where it is told to, whatever the threads', async () => {
    const model = modelOf();
    const together = dopri5({ control: 'batch' });
    const one = await model.sample({ n: 500, seed: 1, solver: together, threads: 1 });
    expect((await model.sample({ n: 500, seed: 1, solver: together, threads: 3 })).x).toEqual(one.x);
    expect(new Set(one.nfePerRow).size).toBe(1);
    expect(one.nfe).toBe(one.nfePerRow[0]);
    expect(worst(one.x, (await model.sample({ n: 500, seed: 1, solver: fine })).x)).toBeLessThan(2e-3);
  });

  it('closes a path that ends early, and follows every frame', async () => {
    for (const path of [linearVP(), cosine()])
      for (const prediction of ['velocity', 'x1', 'noise'] as const) {
        const model = modelOf({ path: storePath(resolvePath(path)), prediction });
        const frame = frameOf(model.record);
        const table = frameTable(frame);
        // The table against the frame itself between its nodes, in units of each number's size there.
        for (let i = 0; i < 400; i++) {
          const t = frame.from + ((i + 0.37) / 400) ** 3 * (frame.to - frame.from);
          const at = (t - table.tMin) / ((table.tMax - table.tMin) / (table.nodes.length / 8 - 1));
          const k = Math.min(Math.floor(at), table.nodes.length / 8 - 2);
          const [s, h] = [at - k, (table.tMax - table.tMin) / (table.nodes.length / 8 - 1)];
          const { a, tau, b, c } = frame.slope(t);
          [a, tau, b, c].forEach((exact, j) => {
            const read = (node: number, offset: number): number => table.nodes[8 * node + offset + j] as number;
            const r = 1 - s;
            const value = r * r * (1 + 2 * s) * read(k, 0) + s * r * r * h * read(k, 4) + s * s * (1 + 2 * r) * read(k + 1, 0) - s * s * r * h * read(k + 1, 4);
            expect(Math.abs(value - exact), `${path.name} ${prediction} ${t} ${j}`).toBeLessThan(1e-5 * (1 + Math.abs(exact)));
          });
        }
        // Short steps at both ends of the interval that is integrated, then the exact step.
        const inside = Array.from({ length: 2001 }, (_, i) => frame.from + (frame.to - frame.from) * (i / 2000) ** 2 * (3 - i / 1000));
        const grid = frame.to < 1 ? [...inside, 1] : inside;
        const exact = await model.sample({ n: 60, seed: 4, solver: rk4({ grid }) });
        const { x, unfinished } = await model.sample({ n: 60, seed: 4, solver: dopri5({ rtol: 1e-6, atol: 1e-6 }), saveAt: [0.5, 1] });
        expect(unfinished).toBe(0);
        // In units of each row's size: with the noise predicted an untrained network leads to thousands. Some hundred steps of 1e-6.
        const size = exact.x.map((_, i) => 1 + Math.max(Math.abs(exact.x[i - (i % 2)] as number), Math.abs(exact.x[i - (i % 2) + 1] as number)));
        const ofSize = (values: Float32Array): Float32Array => values.map((v, i) => v / (size[i] as number));
        expect(worst(ofSize(x), ofSize(exact.x)), `${path.name} ${prediction}`).toBeLessThan(1e-4);
      }
  });

  it('follows conditions, one for all or one per row, guidance, and narrow precisions', async () => {
    const model = modelOf({ condition: { ...numbersAndClasses, drop: 0.1 } as ModelRecord['condition'] }, 'default');
    const condition = { numbers: Array.from({ length: 200 }, (_, i) => [Math.sin(i)]), labels: Array.from({ length: 200 }, (_, i) => i % 3) };
    const first = { numbers: [Math.sin(17)], labels: [17 % 3] };
    for (const precision of ['f32', 'bf16'] as const) {
      const options = { n: 200, seed: 5, solver: dopri5({ rtol: 1e-6, atol: 1e-6 }), precision };
      const each = await model.sample({ ...options, condition });
      const alone = await model.sample({ ...options, n: 1, firstRow: 17, condition: first });
      expect(alone.x).toEqual(each.x.slice(34, 36));
      const near = precision === 'f32' ? 5e-3 : 0.3; // bfloat16 has eight bits
      expect(worst(each.x, (await model.sample({ ...options, condition, solver: rk4({ steps: 100 }) })).x)).toBeLessThan(near);
      for (const guidance of [0, 2, { scale: 3, interval: [0.2, 0.7] as [number, number] }]) {
        const guided = await model.sample({ ...options, condition, guidance });
        const fixed = await model.sample({ ...options, condition, guidance, solver: rk4({ grid: [...uniformGrid(600)] }) });
        expect(worst(guided.x, fixed.x), `${precision} ${JSON.stringify(guidance)}`).toBeLessThan(4 * near);
        if (guidance === 2) expect(guided.nfePerRow.every((count) => count % 4 === 0)).toBe(true); // every evaluation is of two halves
      }
    }
  });

  it('reports rows that end early, with the last state they had', async () => {
    const model = modelOf();
    const short = await model.sample({ n: 20, solver: dopri5({ maxSteps: 2 }) });
    expect(short.unfinished).toBe(20);
    expect(new Set(short.status)).toEqual(new Set([rowStatus.maxSteps]));
    expect(short.x.every(Number.isFinite)).toBe(true);
    const fixed = await model.sample({ n: 3, solver: heun({ steps: 4 }) });
    expect([Array.from(fixed.status), Array.from(fixed.nfePerRow), fixed.unfinished, fixed.nfe]).toEqual([[0, 0, 0], [8, 8, 8], 0, 8]);
    const none = await model.sample({ n: 0, solver: 'dopri5' });
    expect([none.nfe, none.nfePerRow.length, none.status.length]).toEqual([0, 0, 0]);
    expect((await model.sample({ n: 0 })).nfe).toBe(0);
    // Nothing is computed after the last state that is kept, and nothing else is counted.
    for (const grid of [edmGrid(12), powerGrid(12), uniformGrid(12)]) {
      expect([grid[0], grid[12]]).toEqual([0, 1]);
      expect((await model.sample({ n: 2, solver: heun({ grid }) })).nfe).toBe(24);
    }
  });

  it('stays out of ONNX graphs, which take fixed steps of the same tableau', async () => {
    const model = modelOf();
    const file = place('a.onnx');
    await expect(exportOnnx(model, file, { solver: 'dopri5' })).rejects.toThrow(/options.solver: expected fixed steps, .* Write dopri5\(\{ steps: 20 \}\)/);
    await exportOnnx(model, file, { solver: dopri5({ steps: 12 }) });
    const onnx = await loadOnnx(file, { threads: 1 });
    const there = await onnx.sample({ n: 20, seed: 1 });
    const here = await model.sample({ n: 20, seed: 1, solver: dopri5({ steps: 12 }) });
    onnx.dispose();
    expect(worst(there.x, here.x)).toBeLessThan(1e-4);
    expect([there.nfe, here.nfe, there.unfinished]).toEqual([72, 72, 0]);
    await exportOnnx(model, file, { solver: 'tsit5', steps: 5 });
    await exportOnnx(model, file, { graph: 'velocity' });
    const velocity = await loadOnnx(file, { threads: 1 });
    await expect((async () => velocity.sample({ n: 2, solver: 'dopri5' }))()).rejects.toThrow(/fixed steps/);
    expect((await velocity.sample({ n: 0 })).nfe).toBe(0);
    velocity.dispose();
  });
});

describe('time grids', () => {
  it('hold both ends and rise', () => {
    for (const grid of [uniformGrid(7), powerGrid(7), powerGrid(7, { power: 0.5 }), edmGrid(7), edmGrid(2, { rho: 1 })]) {
      expect([grid[0], grid.at(-1)]).toEqual([0, 1]);
      expect(grid.slice(1).every((t, i) => t > (grid[i] as number))).toBe(true);
    }
    expect(Array.from(powerGrid(4))).toEqual([0, 1 - 9 / 16, 1 - 1 / 4, 1 - 1 / 16, 1]);
    // sigma = (1 - t) / t runs through EDM's levels after the first: 80^(1/7) ... 0.002^(1/7), evenly.
    const roots = Array.from(edmGrid(10).slice(1, -1), (t) => ((1 - t) / t) ** (1 / 7));
    const step = (80 ** (1 / 7) - 0.002 ** (1 / 7)) / 9;
    roots.forEach((root, i) => {
      expect(root).toBeCloseTo(80 ** (1 / 7) - (i + 1) * step, 8);
    });
    expect(() => edmGrid(1)).toThrow(/steps/);
    expect(() => edmGrid(5, { sigmaMin: 3, sigmaMax: 2 })).toThrow(/below sigmaMax/);
    expect(() => powerGrid(5, { power: 0 })).toThrow(/power/);
    expect(() => powerGrid(1_000_000, { power: 10 })).toThrow(/coincide/);
  });
});
