// model.logDensity and model.score: units, constant columns, conditions, guidance, splits, refusals; and that a density integrates to one.

import { beforeAll, describe, expect, it } from 'vitest';
import { type ConditionSpec, condOT, convert, cosine, dopri5, FlowError, linearVP, Model, mlp, rk4, synthetic, train, vp } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { lower } from '../../lib/network/lower.ts';
import { withDivergence } from '../../lib/network/tangent.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { Random } from '../../lib/random.ts';
import { directional, evaluate, evaluateTangent } from '../../lib/sampling/reference/evaluate.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { uniformGrid } from '../../lib/solvers/grid.ts';
import { caught, untrained } from '../support/models.ts';

const solver = rk4({ steps: 12 });
const shift = Float32Array.of(3, -1, 40);
const scale = Float32Array.of(2, 0.5, 8);

/** log p in float64, over the columns `kept`, from network coordinates z; the condition rows are as the network reads them. */
function reference(record: ModelRecord, z: Float64Array, condition: Float32Array | null, kept: readonly number[]): Float64Array {
  const { dimension: d, path } = record;
  const program = lower(record.network, d, record.condition);
  const n = z.length / d;
  const field = (state: Float64Array, time: number): Float64Array => {
    const point = { x: state.subarray(0, n * d), t: new Float64Array(n).fill(Math.fround(time)), condition };
    const out = new Float64Array(state.length);
    out.set(evaluate(program, record.parameters, point));
    if (kept.length === d) out.set(evaluateTangent(withDivergence(program), record.parameters, point), n * d);
    else
      for (const j of kept) {
        const column = directional(program, record.parameters, point, { x: z.map((_, i) => (i % d === j ? 1 : 0)) });
        for (let r = 0; r < n; r++) out[n * d + r] = (out[n * d + r] as number) + (column[r * d + j] as number);
      }
    return out;
  };
  const start = new Float64Array(n * (d + 1));
  start.set(z);
  const [end] = integrate(solver, field, start, uniformGrid(12, path.tMax, path.tMin)).saved as [Float64Array];
  return Float64Array.from({ length: n }, (_, r) => {
    const base = kept.reduce(
      (sum, j) => sum - (end[r * d + j] as number) ** 2 / (2 * path.sourceScale ** 2) - Math.log(path.sourceScale * Math.sqrt(2 * Math.PI)),
      0,
    );
    return base + (end[n * d + r] as number);
  });
}

const normals = (count: number, seed: number): Float32Array => {
  const random = new Random(seed, 3);
  return Float32Array.from({ length: count }, () => random.normal());
};
function close(got: Float64Array, want: Float64Array, within: number): void {
  for (const [i, value] of want.entries()) expect(Math.abs((got[i] as number) - value), `row ${i}`).toBeLessThan(within);
}

describe('model.logDensity', () => {
  const z = normals(3 * 20, 1);
  const rows = z.map((value, i) => (shift[i % 3] as number) + (scale[i % 3] as number) * value);

  it('is in the units of the data', async () => {
    const raw = Model.fromRecord(untrained(3, { hidden: [16, 16] }));
    const scaled = Model.fromRecord(untrained(3, { hidden: [16, 16] }, { normaliser: { shift, scale } }));
    const inside = await raw.logDensity(z, { solver });
    const outside = await scaled.logDensity(rows, { solver });
    close(inside.logDensity, reference(raw.record, Float64Array.from(z), null, [0, 1, 2]), 1e-5);
    const logs = scale.reduce((sum, value) => sum + Math.log(value), 0);
    close(
      outside.logDensity,
      inside.logDensity.map((value) => value - logs),
      2e-5,
    );
    expect([outside.rows, outside.nfe, outside.standardError]).toEqual([20, 48, new Float64Array(20)]);
  });

  it('counts what a path leaves at its tMax: alpha times the data, and a source of its own scale', async () => {
    const path = storePath(resolvePath(vp()));
    const model = Model.fromRecord(untrained(3, { hidden: [16, 16] }, { path }));
    const { alpha } = vp().at(path.tMax);
    const { logDensity } = await model.logDensity(z, { solver });
    const want = reference(
      model.record,
      Float64Array.from(z, (value) => Math.fround(alpha * value)),
      null,
      [0, 1, 2],
    );
    close(
      logDensity,
      want.map((value) => value + 3 * Math.log(alpha)),
      1e-5,
    );
  });

  it('leaves constant columns out: exact, and by estimates that agree', async () => {
    const flat = Float32Array.of(2, 0, 8);
    const model = Model.fromRecord(untrained(3, { hidden: [16, 16] }, { normaliser: { shift, scale: flat } }));
    const { logDensity, standardError } = await model.logDensity(rows, { solver });
    const centred = Float64Array.from(z, (value, i) => (i % 3 === 1 ? 0 : value));
    const want = reference(model.record, centred, null, [0, 2]).map((value) => value - Math.log(16));
    close(logDensity, want, 2e-5);
    expect(standardError).toEqual(new Float64Array(20));
    const other = rows.map((value, i) => (i % 3 === 1 ? 99 : value)); // not read
    expect((await model.logDensity(other, { solver })).logDensity).toEqual(logDensity);
    const estimated = await model.logDensity(rows, { solver, method: 'hutchinson', probes: 2000 });
    for (const [i, value] of want.entries()) {
      expect(Math.abs((estimated.logDensity[i] as number) - value)).toBeLessThan(5 * (estimated.standardError[i] as number) + 2e-5);
    }
    const none = Model.fromRecord(untrained(3, { hidden: [4] }, { normaliser: { shift, scale: new Float32Array(3) } }));
    expect((await caught(() => none.logDensity(rows))).message).toMatch(/a column that varies/);
  });

  it('follows conditions and guidance: the mean of the two divergences, weighted as the field is', async () => {
    const condition: ConditionSpec = { numbers: 1, classes: [3], drop: 0.1 };
    const model = Model.fromRecord(untrained(3, { hidden: [16, 16], classEmbedding: 4 }, { condition }));
    const given = { numbers: [0.7], labels: [2] };
    const at = (guidance: number) => model.logDensity(z, { solver, condition: given, guidance });
    const [plain, none, both] = await Promise.all([at(1), at(0), at(2.5)]);
    expect(plain.logDensity).not.toEqual(none.logDensity);
    expect([plain.nfe, none.nfe, both.nfe]).toEqual([48, 48, 96]);
    // One Euler step of length 1: log p is linear in the divergence, and both halves start at the same state.
    const single = { a: [[]], b: [1], c: [0], name: 'single', order: 1, steps: 1 };
    const trace = async (guidance: number): Promise<Float64Array> => {
      const { x } = await model.encode(z, { condition: given, guidance, solver: single });
      const { logDensity } = await model.logDensity(z, { condition: given, guidance, solver: single });
      return logDensity.map((value, r) => value + 1.5 * Math.log(2 * Math.PI) + x.subarray(3 * r, 3 * r + 3).reduce((sum, v) => sum + (v * v) / 2, 0));
    };
    const [t1, t0, t25] = [await trace(1), await trace(0), await trace(2.5)];
    close(
      t25,
      t1.map((value, r) => 2.5 * value - 1.5 * (t0[r] as number)),
      2e-5,
    );
  });

  it('is estimated above 64 columns, and exact up to them', async () => {
    const wide = Model.fromRecord(untrained(65, { hidden: [8] }));
    const narrow = Model.fromRecord(untrained(64, { hidden: [8] }));
    const options = { solver: rk4({ steps: 1 }) };
    expect((await wide.logDensity(normals(65, 2), options)).standardError[0]).toBeGreaterThan(0);
    expect((await narrow.logDensity(normals(64, 2), options)).standardError[0]).toBe(0);
    expect((await wide.logDensity(normals(65, 2), { ...options, probes: 1 })).standardError[0]).toBeNaN();
    expect((await wide.logDensity(new Float32Array(0))).logDensity).toEqual(new Float64Array(0));
  });

  it('gives a row the same value in any company, split and number of threads', async () => {
    const model = Model.fromRecord(untrained(40, { hidden: [16] }));
    const many = normals(40 * 2000, 5); // more than one native call
    const options = { solver: rk4({ steps: 2 }), method: 'hutchinson', probes: 3, seed: 9 } as const;
    const whole = await model.logDensity(many, options);
    const again = await model.logDensity(many.slice(0, 40 * 900), { ...options, threads: 1 });
    expect(again.logDensity).toEqual(whole.logDensity.slice(0, 900));
    expect(again.standardError).toEqual(whole.standardError.slice(0, 900));
  });

  it.each([
    ['fixed steps', rk4({ steps: 3 })],
    ['error control', dopri5()],
  ])('gives a row with its own condition the same value alone, by %s', async (_, solver) => {
    const model = Model.fromRecord(untrained(3, { hidden: [64, 64], classEmbedding: 4 }, { condition: { numbers: 1, classes: [3] } }));
    const rows = normals(3 * 30, 7);
    const labels = Array.from({ length: 30 }, (_, i) => i % 3);
    const numbers = labels.map((label, i) => [label - i / 10]);
    const whole = await model.logDensity(rows, { solver, condition: { numbers, labels } });
    for (let i = 0; i < 30; i++) {
      const condition = { numbers: numbers.slice(i, i + 1), labels: labels.slice(i, i + 1) };
      const alone = await model.logDensity(rows.slice(3 * i, 3 * i + 3), { solver, condition });
      expect(alone.logDensity[0]).toBe(whole.logDensity[i]);
    }
  });

  it('stops at a signal, and where the model is disposed', async () => {
    const model = Model.fromRecord(untrained(30, { hidden: [256, 256] }));
    const abort = new AbortController();
    const reason = new Error('enough');
    const running = model.logDensity(normals(30 * 4000, 5), { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 30);
    await expect(running).rejects.toBe(reason);
    const other = model.logDensity(normals(30 * 4000, 5));
    setTimeout(() => model.dispose(), 30);
    expect((await caught(() => other)).code).toBe('ERR_FLOW_DISPOSED');
  });

  it('refuses what has no answer, and says why', async () => {
    const model = Model.fromRecord(untrained(2));
    const message = async (work: () => unknown): Promise<string> => {
      const error = await caught(work);
      expect(error).toBeInstanceOf(FlowError);
      return error.message;
    };
    expect(await message(() => model.logDensity([[1, 2, 3]]))).toMatch(/rows: .*2/);
    expect(await message(() => model.logDensity([[1, 2]], { probes: 3 }))).toMatch(/probes: .*hutchinson/);
    expect(await message(() => model.logDensity([[1, 2]], { method: 'trace' as 'exact' }))).toMatch(/"exact" or "hutchinson"|exact.*hutchinson/);
    expect(await message(() => model.score([[1, 2]], { t: 1 }))).toMatch(/t: .*sigma > 0.*0\.99/);
    expect(await message(() => model.score([[1, 2]], {} as { t: number }))).toMatch(/options\.t/);
    const bridge = Model.fromRecord(untrained(2, { hidden: [3] }, { source: 'rows' }));
    expect(await message(() => bridge.logDensity([[1, 2]]))).toMatch(/source rows.*density is not known/);
    expect(await message(() => bridge.score([[1, 2]], { t: 0.5 }))).toMatch(/Gaussian noise ties/);
    const fine = Model.fromRecord(untrained(2, { hidden: [3] }, { normaliser: { shift: new Float32Array(2), scale: new Float32Array(2).fill(1e-3) } }));
    const far = await caught(() => fine.logDensity([[3e38, 3e38]]));
    expect([far.code, far.path]).toEqual(['ERR_FLOW_NONFINITE', 'rows[0]']);
  });
});

describe('model.score', () => {
  it('is the gradient of log p_t in the units of the data', async () => {
    const fields = { normaliser: { shift, scale } };
    const model = Model.fromRecord(untrained(3, { hidden: [16, 16] }, fields));
    const x = normals(3 * 8, 4);
    const t = 0.6;
    const { score, rows, dimension } = await model.score(x, { t });
    expect([rows, dimension, score.length]).toEqual([8, 3, 24]);
    const z = Float64Array.from(x, (value, i) => Math.fround(value - (shift[i % 3] as number)) / (scale[i % 3] as number));
    const program = lower(model.record.network, 3, null);
    const v = evaluate(program, model.record.parameters, { x: z, t: new Float64Array(8).fill(Math.fround(t)), condition: null });
    score.forEach((got, i) => {
      const exact = (t * (v[i] as number) - (z[i] as number)) / (1 - t) / (scale[i % 3] as number);
      expect(Math.abs(got - exact)).toBeLessThan(2e-5 * Math.max(1, Math.abs(exact)));
    });
  });
});

describe.each([
  ['condOT', condOT(), condOT()],
  ['vp', vp(), vp()],
  ['condOT, sampled along cosine', condOT(), cosine()],
  ['cosine, sampled along linearVP', cosine(), linearVP()],
] as const)('model.score on %s', (_, trained, along) => {
  it.each(['velocity', 'x1', 'noise'] as const)('of a model that says %s is that of the data it tells', async (prediction) => {
    const normaliser = { shift, scale };
    const plain = Model.fromRecord(untrained(3, { hidden: [16, 16] }, { normaliser, prediction, path: storePath(resolvePath(trained)) }));
    const model = trained === along ? plain : plain.withPath(along);
    const x = normals(3 * 8, 4);
    const z = Float64Array.from(x, (value, i) => Math.fround(value - (shift[i % 3] as number)) / (scale[i % 3] as number));
    for (const t of [0.2, 0.5, 0.9]) {
      const here = along.at(t);
      const tau = trained === along ? t : trained.timeOf(here.alpha / here.sigma);
      const y = z.map((value) => (value * trained.at(tau).sigma) / here.sigma); // the state of the trained path with as much noise for its data
      const said = evaluate(lower(plain.record.network, 3, null), plain.record.parameters, { x: y, t: new Float64Array(8).fill(tau), condition: null });
      const data = convert({ path: trained, t: tau, from: prediction, to: 'x1', x: y, value: said });
      const exact = convert({ path: along, t, from: 'x1', to: 'score', x: z, value: data }).map((value, i) => value / (scale[i % 3] as number));
      const { score } = await model.score(x, { t });
      const largest = Math.max(...exact.map(Math.abs));
      exact.forEach((value, i) => void expect(Math.abs((score[i] as number) - value), `t = ${t}`).toBeLessThan(2e-5 * largest));
    }
    for (const one of new Set([model, plain])) one.dispose();
  });
});

describe('a trained model', () => {
  let model: Model;
  beforeAll(async () => {
    const data = synthetic('moons', { n: 20_000, seed: 1 }).x;
    model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64, 64] }), steps: 1500, batchSize: 512, seed: 2 });
  }, 60_000);

  it('has a density that integrates to 1 within 0.005', async () => {
    // The data lie within 2 standard deviations; 141 x 141 points, 0.05 standard deviations apart.
    const { shift: centre, scale: spread } = model.record.normaliser as { shift: Float32Array; scale: Float32Array };
    const side = 141;
    const half = 3.5;
    const step = (2 * half) / (side - 1);
    const grid = Float32Array.from({ length: side * side * 2 }, (_, i) => {
      const [cell, j] = [i >> 1, i & 1];
      const k = j === 0 ? cell % side : Math.floor(cell / side);
      return (centre[j] as number) + (spread[j] as number) * (-half + k * step);
    });
    const { logDensity } = await model.logDensity(grid, { solver: rk4({ steps: 20 }) });
    const area = step * step * (spread[0] as number) * (spread[1] as number);
    const total = logDensity.reduce((sum, value) => sum + Math.exp(value) * area, 0);
    expect(Math.abs(total - 1)).toBeLessThan(0.005);
  });
});
