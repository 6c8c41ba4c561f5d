// Guided sampling: v = (1 - w) v_null + w v_given on an interval of t. The native core against closed forms and the float64 oracle, bits that must not move,
// honest counts, and what is refused.

import { describe, expect, it } from 'vitest';
import { condOT, euler, heun, linearVP, Model, midpoint, type Path, rk4, type Solver, vp } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { native } from '../../lib/native/load.ts';
import { conditionRows, nullCondition } from '../../lib/network/condition.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import type { GuidanceSetting } from '../../lib/network/guidance.ts';
import { lower } from '../../lib/network/lower.ts';
import { mlp } from '../../lib/network/mlp.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';
import { frameOf } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { oracleField } from '../../lib/sampling/reference/evaluate.ts';
import { guidedField } from '../../lib/sampling/reference/guided.ts';
import { integrateFramed } from '../../lib/sampling/reference/integrate.ts';
import { frameGrid } from '../../lib/sampling/steps.ts';
import { tableauArrays } from '../../lib/solvers/solvers.ts';
import { gaussianMap } from '../cases/closed-forms.ts';
import { affinePaths, stirredPaths } from '../cases/paths.ts';
import { sampleRequest } from '../native-binding/support.ts';
import { caught, untrained } from '../support/models.ts';

const specs: [string, ConditionSpec][] = [
  ['classes', { numbers: 0, classes: [3], drop: 0.1 }],
  ['numbers', { numbers: 2, classes: [], drop: 0.1 }],
  ['numbers and classes', { numbers: 1, classes: [3, 2], drop: 0.1 }],
];

/** A network far from zero, so that the two sides differ. */
function recordOf(condition: ConditionSpec, path: Path = condOT(), embedding = 0): ModelRecord {
  const options = { hidden: [24, 40], time: 'raw', classEmbedding: embedding } as const;
  const normaliser =
    condition.numbers > 0 ? { shift: new Float32Array(condition.numbers).fill(2), scale: new Float32Array(condition.numbers).fill(0.5) } : null;
  const plain = untrained(2, options, { condition, conditionNormaliser: normaliser, path: storePath(resolvePath(path)) });
  return { ...plain, parameters: plain.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) };
}

/** Condition rows in users' units: numbers around 2, classes in turn. */
function rowsOf({ numbers, classes }: ConditionSpec, n: number) {
  return Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: numbers }, (__, j) => 2 + 0.5 * Math.sin(3 * i + j)),
    ...classes.map((count, k) => (i + k) % count),
  ]);
}

/** The same solve in float64. */
function reference(record: ModelRecord, rows: number[][], noise: Float32Array, solver: Solver, guidance: GuidanceSetting): Float64Array {
  const condition = record.condition as ConditionSpec;
  const scaled = rows.flatMap((row) => row.map((v, j) => (j < condition.numbers ? (v - 2) / 0.5 : v)));
  const given = conditionRows(Float32Array.from(scaled), condition);
  const none = rows.flatMap(() => [...nullCondition(condition)]);
  const program = lower(record.network, record.dimension, condition);
  const field = guidedField(oracleField(program, record.parameters, given), oracleField(program, record.parameters, none), guidance);
  const frame = frameOf(record);
  return integrateFramed(solver, frame, field, Float64Array.from(noise), frameGrid(frame, solver));
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [error, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error = Math.max(error, Math.abs((a[i] as number) - (b[i] as number)));
    size = Math.max(size, Math.abs(b[i] as number));
  }
  return error / size;
};

describe('closed form', () => {
  // A network without hidden layers is v = a x + B row + b: with a diagonal, x(1) = e^a x0 + (e^a - 1) / a (B row + b), and guidance mixes the rows.
  const condition: ConditionSpec = { numbers: 1, classes: [2], drop: 0.2 };
  const record = untrained(2, { hidden: [], time: 'raw' }, { condition });
  const width = 2 + 1 + 5; // x, t, [number, indicator, three indicators of the class]
  const a = [0.7, -1.3];
  const weight = Array.from({ length: 2 * width }, (_, i) => {
    const [out, column] = [Math.floor(i / width), i % width];
    return column < 2 ? (column === out ? (a[out] as number) : 0) : column === 2 ? 0 : Math.fround(Math.sin(5 * i + 2));
  });
  const model = Model.fromRecord({ ...record, parameters: Float32Array.from([...weight, 0.3, -0.2]) });
  const drift = (out: number, row: readonly number[]): number =>
    row.reduce((sum, v, j) => sum + v * (weight[out * width + 3 + j] as number), out === 0 ? 0.3 : -0.2);

  it.each([-1, 0, 0.5, 1, 2, 7.5])('w = %f', async (w) => {
    const { x, nfe } = await model.sample({ n: 50, seed: 4, condition: { numbers: [0.6], labels: 1 }, guidance: w, solver: rk4({ steps: 60 }) });
    const noise = await noiseRows(4n, 0, 50, 2);
    const want = Float64Array.from(noise, (x0, i) => {
      const out = i % 2;
      const mixed = (1 - w) * drift(out, [0, 1, 0, 0, 1]) + w * drift(out, [0.6, 0, 0, 1, 0]);
      const growth = Math.exp(a[out] as number);
      return growth * x0 + ((growth - 1) / (a[out] as number)) * mixed;
    });
    // rk4 with h = 1/60 errs by 1e-8 here; what is left is float32 over 240 evaluations.
    expect(worst(x, want)).toBeLessThan(5e-6);
    expect(nfe).toBe(240 * (w === 0 || w === 1 ? 1 : 2));
  });
});

// Class y is N(m_y, s^2 I), nothing is N(m_0, s^2 I): u = g x + (dAlpha - g alpha) m on any path, so that a frame around a network that says m is the field, and the
// guided flow is that to the mean (1 - w) m_0 + w m_y.
describe.each([...affinePaths, ...stirredPaths])('closed form on %s', (_, path) => {
  const spread = 0.6;
  const means = { none: [-1, 0.5], given: [2, 1.5] } as const;

  it.each([-1, 0.5, 1, 3])('w = %f', (w) => {
    const steps = 600;
    const { a, b, c } = tableauArrays(rk4());
    // Equal steps in (1 - t)^2, short where sigma changes fastest.
    const grid = Float64Array.from({ length: steps + 1 }, (__, k) => path.tMin + (path.tMax - path.tMin) * (1 - (1 - k / steps) ** 2));
    const frame = Float64Array.from({ length: steps * c.length }, (__, i) => {
      const [k, stage] = [Math.floor(i / c.length), i % c.length];
      return (grid[k] as number) + (c[stage] as number) * ((grid[k + 1] as number) - (grid[k] as number));
    });
    const rows = Float64Array.from(
      [...frame].flatMap((t) => {
        const { alpha, sigma, gamma, dAlpha, dSigma, dGamma } = path.at(t);
        const g = (dAlpha * alpha * spread ** 2 + dSigma * sigma + dGamma * gamma) / ((alpha * spread) ** 2 + sigma ** 2 + gamma ** 2);
        return [1, t, g, dAlpha - g * alpha];
      }),
    );
    // v = m: no weight on x and t; the condition is [y, indicator], [1, 0] where given and [0, 1] where not.
    const program = encodeProgram(lower(mlp({ hidden: [], time: 'raw' }), 2, { numbers: 1, classes: [], drop: 0.1 }));
    const network = new (native().Network)(
      program.words,
      program.constants,
      Float32Array.from([0, 1].flatMap((j) => [0, 0, 0, means.given[j], means.none[j]] as number[]).concat([0, 0])),
    );
    const initial = Float32Array.from([0.3, -0.7, 2, 1, -1.5, 0.1], (v) => v * (path.sourceScale ?? 1));
    const guidance = w === 1 ? null : { scale: w, from: 0, to: 1, condition: Float32Array.of(0, 1) };
    const given = { condition: Float32Array.of(1, 0), sharedCondition: true, guidance };
    const request = sampleRequest(3, steps, { a, b, c, grid, frame: rows, initial, ...given, save: Int32Array.of(steps) });
    const { x } = network.sampleSync(request);
    network.dispose();
    const mean = [0, 1].map((j) => (1 - w) * (means.none[j] as number) + w * (means.given[j] as number)) as [number, number];
    const exact = gaussianMap({ mean, std: [spread, spread], angle: 0 }, path, initial, path.tMax);
    // Rounding of 2400 stages in f32, of states no larger than the start: by their root, as it has no direction, and four times that.
    const size = Math.max(...initial.map(Math.abs), ...exact.map(Math.abs));
    exact.forEach((value, i) => void expect(Math.abs((x[i] as number) - value)).toBeLessThan(4 * Math.sqrt(4 * steps) * 2 ** -24 * size));
  });
});

describe.each(specs)('%s', (_, condition) => {
  const rows = rowsOf(condition, 130);
  const cases: [string, Solver, GuidanceSetting, Path][] = [
    ['w = 2', heun({ steps: 6 }), { scale: 2, from: 0, to: 1 }, condOT()],
    ['w = 0', midpoint({ steps: 6 }), { scale: 0, from: 0, to: 1 }, condOT()],
    ['w = -0.5 on [0.2, 0.6]', rk4({ steps: 5 }), { scale: -0.5, from: 0.2, to: 0.6 }, condOT()],
    ['w = 0 on [0, 0.5]', euler({ steps: 8 }), { scale: 0, from: 0, to: 0.5 }, condOT()],
    ['w = 3 to a closing step', midpoint({ steps: 6 }), { scale: 3, from: 0.5, to: 1 }, linearVP()],
    ['w = 3 but not in the closing step', midpoint({ steps: 6 }), { scale: 3, from: 0, to: 0.5 }, vp()],
  ];

  it.each(cases)('%s equals the float64 oracle', async (__, solver, guidance, path) => {
    const record = recordOf(condition, path, path.name === 'vp' ? 4 : 0);
    const model = Model.fromRecord(record);
    const { scale, from, to } = guidance;
    const { x } = await model.sample({ n: 130, seed: 3, condition: rows, solver, guidance: { scale, interval: [from, to] } });
    expect(worst(x, reference(record, rows, await noiseRows(3n, 0, 130, 2), solver, guidance))).toBeLessThan(1e-5);
    // One row for all is another road through the core.
    const shared = await model.sample({ n: 130, seed: 3, condition: [rows[1] as number[]], solver, guidance: { scale, interval: [from, to] } });
    const same = Array.from({ length: 130 }, () => rows[1] as number[]);
    expect(worst(shared.x, reference(record, same, await noiseRows(3n, 0, 130, 2), solver, guidance))).toBeLessThan(1e-5);
    model.dispose();
  });

  it('leaves the bits of the plain condition and of the null row, and does not depend on threads or splits', async () => {
    const model = Model.fromRecord(recordOf(condition));
    const options = { n: 130, seed: 1, condition: rows, solver: midpoint({ steps: 4 }) } as const;
    const plain = await model.sample(options);
    expect((await model.sample({ ...options, guidance: 1 })).x).toEqual(plain.x);
    const outside = await model.sample({ ...options, guidance: { scale: 5, interval: [0.2, 0.22] } }); // between two stages
    expect([outside.x, outside.nfe]).toEqual([plain.x, plain.nfe]);
    const guided = await model.sample({ ...options, guidance: 2.5, threads: 1 });
    expect(guided.x).not.toEqual(plain.x);
    expect(guided.nfe).toBe(2 * plain.nfe);
    expect((await model.sample({ ...options, guidance: 2.5, threads: 3 })).x).toEqual(guided.x);
    const tail = await model.sample({ ...options, n: 30, firstRow: 100, condition: rows.slice(100), guidance: 2.5 });
    expect(tail.x).toEqual(guided.x.slice(200));
    const none = await model.sample({ n: 130, seed: 1, guidance: 0, solver: options.solver });
    expect((await model.sample({ ...options, guidance: 0 })).x).toEqual(none.x);
    expect(none.nfe).toBe(plain.nfe);
    expect(none.x).not.toEqual(plain.x);
    const parts: number[] = [];
    for await (const { x } of model.sampleBatches({ n: 130, seed: 1, guidance: 0, solver: options.solver, batchRows: 37 })) parts.push(...x);
    expect(Float32Array.from(parts)).toEqual(none.x);
    model.dispose();
  });
});

describe('guidance', () => {
  const guided = Model.fromRecord(recordOf({ numbers: 0, classes: [3], drop: 0.1 }));

  it('counts two evaluations where it acts: 3 of the 8 stages here', async () => {
    const { nfe } = await guided.sample({ condition: 1, solver: euler({ steps: 8 }), guidance: { scale: 2, interval: [0.25, 0.5] } });
    expect(nfe).toBe(8 + 3);
  });

  it('encodes and returns', async () => {
    const options = { condition: 2, guidance: 1.5, solver: rk4({ steps: 60 }) } as const;
    const rows = Float32Array.from({ length: 20 }, (_, i) => Math.sin(i));
    const { x: noise } = await guided.encode(rows, options);
    const { x } = await guided.sample({ ...options, source: noise });
    expect(worst(x, rows)).toBeLessThan(1e-5);
  });

  it.each([
    [{ guidance: 'much' }, 'ERR_FLOW_TYPE', 'options.guidance'],
    [{ guidance: Number.NaN }, 'ERR_FLOW_RANGE', 'options.guidance'],
    [{ guidance: 1001 }, 'ERR_FLOW_RANGE', 'options.guidance'],
    [{ guidance: { scale: 2, interval: [0.5] } }, 'ERR_FLOW_TYPE', 'options.guidance.interval'],
    [{ guidance: { scale: 2, interval: [0.5, 0.4] } }, 'ERR_FLOW_RANGE', 'options.guidance.interval[1]'],
    [{ guidance: { weight: 2 } }, 'ERR_FLOW_CONFIG', 'options.guidance.weight'],
    [{ guidance: 2, condition: undefined }, 'ERR_FLOW_CONFIG', 'options.condition'],
    [{ guidance: { scale: 0, interval: [0, 0.5] }, condition: undefined }, 'ERR_FLOW_CONFIG', 'options.condition'],
  ] as const)('refuses %j', async (options, code, path) => {
    const error = await caught(() => guided.sample({ condition: 1, ...options } as never));
    expect([error.code, error.path]).toEqual([code, path]);
  });

  it('refuses models that never saw the null condition', async () => {
    for (const record of [recordOf({ numbers: 0, classes: [3] }), untrained(2)]) {
      const model = Model.fromRecord(record);
      const condition = record.condition ? { condition: 1 } : {};
      const error = await caught(() => model.sample({ ...condition, guidance: 2 }));
      expect([error.code, error.path]).toEqual(['ERR_FLOW_CONFIG', 'options.guidance']);
      expect(error.message).toContain('dropCondition');
      expect((await model.sample({ ...condition, guidance: 1 })).x).toEqual((await model.sample(condition)).x);
      model.dispose();
    }
  });
});
