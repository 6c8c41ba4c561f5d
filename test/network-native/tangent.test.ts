// Native programs with tangents against the float64 oracle, and native log-densities against the float64 integrator of the augmented system:
// every op, every network, shared and per-row conditions, frames, both kinds of divergence.

import { describe, expect, it } from 'vitest';
import type { DensityRequest, NativeNetwork } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { checkProgram } from '../../lib/network/check.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { depends, type Program } from '../../lib/network/ops.ts';
import { givenSeeds, withDerivative, withDivergence, withEstimates } from '../../lib/network/tangent.ts';
import { Random } from '../../lib/random.ts';
import { evaluate, evaluateTangent } from '../../lib/sampling/reference/evaluate.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { solvers, tableauArrays } from '../../lib/solvers/solvers.ts';
import { sampleRequest } from '../native-binding/support.ts';
import { caseAt, named } from './cases.ts';

/** As for gradients (gradients.test.ts): f32 rounding through a handful of layers, over the norm of the result. */
const tolerance = 1e-5;
const count = named.length + 60;

function open(program: Program, parameters: Float32Array): NativeNetwork {
  const { words, constants } = encodeProgram(program);
  return new (native().Network)(words, constants, parameters);
}
const normals = (length: number, seed: number): Float32Array => {
  const random = new Random(seed, 9);
  return Float32Array.from({ length }, () => random.normal());
};

/** |got - want| over the norm of `want`, and of 1 per element where everything cancels. */
function distance(got: ArrayLike<number>, want: Float64Array): number {
  let [difference, size] = [0, 0];
  want.forEach((w, i) => {
    difference += ((got[i] as number) - w) ** 2;
    size += Math.max(w * w, 0.01);
  });
  return Math.sqrt(difference / (size || 1));
}

describe('native programs with tangents', () => {
  it(`of ${count} networks hold the oracle's divergence, estimates and derivative, and v as it is without them`, () => {
    for (let index = 0; index < count; index++) {
      const { network, inputs } = caseAt(index);
      const { rows, x, t, condition, parameters } = inputs;
      const { dimension: d } = network.program;
      const plain = open(network.program, parameters);
      const v = plain.evaluateSync(x, t, condition);
      plain.dispose();
      for (const program of [withDivergence(network.program), withEstimates(network.program, 3), withDerivative(network.program)]) {
        const values = givenSeeds(program);
        const given = values.map((value, i) => normals((program.values[value]?.copies ?? 1) * rows * (program.values[value]?.width ?? 0), index + i));
        const seeds = Float32Array.from(given.flatMap((seed) => Array.from(seed)));
        const net = open(program, parameters);
        const got = net.tangentSync(x, t, condition, seeds);
        net.dispose();
        const want = evaluateTangent(program, parameters, { x, t, condition, seeds: new Map(values.map((value, i) => [value, given[i] as Float32Array])) });
        const name = `${index} ${network.name}, ${program.ops.find((op) => op.kind === 'seed')?.seed}`;
        expect(got.v, name).toEqual(v);
        expect(distance(got.tangent, want), name).toBeLessThan(tolerance * Math.sqrt(d));
      }
    }
  });

  it('are refused where they would be misread, and sampled as if they had none', () => {
    const { network, inputs } = caseAt(0);
    const request = sampleRequest(50, 3);
    const plain = open(network.program, inputs.parameters);
    const { x } = plain.sampleSync(request);
    expect(() => plain.tangentSync(inputs.x, inputs.t, inputs.condition, null)).toThrow(/no tangents/);
    plain.dispose();
    const exact = open(withDivergence(network.program), inputs.parameters);
    expect(exact.sampleSync(request).x).toEqual(x);
    expect(() => exact.tangentSync(inputs.x, inputs.t, inputs.condition, new Float32Array(1))).toThrow(/seeds/);
    exact.dispose();
    const derivative = open(withDerivative(network.program), inputs.parameters);
    expect(() => derivative.sampleSync(request)).toThrow(/has no solves/);
    derivative.dispose();
  });
});

const methods = Object.values(solvers).map((make) => make());

/** log p of float64: the state beside its log-density, one stage after another. */
function reference(program: Program, parameters: Float32Array, request: DensityRequest, frame: Map<number, readonly number[]> | null): Float64Array {
  const { dimension: d, conditionWidth: c } = program;
  const exact = withDivergence(program);
  const { n } = request;
  const condition = request.sharedCondition ? Float32Array.from({ length: n * c }, (_, i) => request.condition?.[i % c] as number) : request.condition;
  const field = (state: Float64Array, time: number): Float64Array => {
    const [a, tau, b, gain] = frame?.get(time) ?? [1, Math.fround(time), 0, 1];
    const x = state.subarray(0, n * d);
    const point = { x: x.map((z) => (a as number) * z), t: new Float64Array(n).fill(tau as number), condition };
    const v = evaluate(program, parameters, point);
    const divergence = evaluateTangent(exact, parameters, point);
    const out = new Float64Array(state.length);
    out.set(v.map((value, i) => (b as number) * (x[i] as number) + (gain as number) * value));
    out.set(
      divergence.map((trace) => (b as number) * d + (gain as number) * (a as number) * trace),
      n * d,
    );
    return out;
  };
  const start = new Float64Array(n * (d + 1));
  start.set(request.initial as Float32Array);
  const [end] = integrate(squareTableau(request), field, start, request.grid).saved as [Float64Array];
  return Float64Array.from({ length: n }, (_, r) => {
    const square = end.subarray(r * d, (r + 1) * d).reduce((sum, z) => sum + z * z, 0);
    return request.constant - square / (2 * request.sourceScale ** 2) + (end[n * d + r] as number);
  });
}

function squareTableau({ a, b, c }: DensityRequest): { a: number[][]; b: number[]; c: number[] } {
  const s = b.length;
  return { a: Array.from({ length: s }, (_, i) => Array.from(a.subarray(i * s, i * s + i))), b: Array.from(b), c: Array.from(c) };
}

function densityRequest(index: number, framed: boolean, shared: boolean): { request: DensityRequest; frame: Map<number, readonly number[]> | null } {
  const { network, inputs } = caseAt(index);
  const solver = methods[index % methods.length] as (typeof methods)[number];
  const steps = index % 20 === 0 ? 70 : 1 + (index % 4); // across a window of 64 stages now and then
  const grid = Float64Array.from({ length: steps + 1 }, (_, k) => 1 - (k / steps) ** 1.5);
  const stages = solver.b.length;
  const frame = new Map<number, readonly number[]>();
  const table = new Float64Array(4 * steps * stages);
  for (let i = 0; i < steps * stages; i++) {
    const [from, to] = [grid[Math.floor(i / stages)] as number, grid[Math.floor(i / stages) + 1] as number];
    const t = from + (solver.c[i % stages] as number) * (to - from);
    const row = [0.9 + 0.1 * t, Math.fround(1 - t / 2), 0.3 * t - 0.1, 0.8 - 0.2 * t] as const;
    table.set(row, 4 * i);
    frame.set(t, row);
  }
  const { dimension: d, conditionWidth: c } = network.program;
  const rows = Math.min(inputs.rows, 14);
  const condition = inputs.condition?.slice(0, c * (shared ? 1 : rows)) ?? null;
  const base = sampleRequest(rows, steps, {
    ...tableauArrays(solver),
    grid,
    save: new Int32Array(0),
    initial: inputs.x.slice(0, rows * d),
    condition,
    sharedCondition: shared,
  });
  const request = { ...base, frame: framed ? table : null, threads: 1 + (index % 3), sourceScale: 1.5, probes: 0, columns: null, constant: -0.25 };
  return { request, frame: framed ? frame : null };
}

describe('native log-densities', () => {
  it(`of ${count} networks agree with the float64 integrator, with and without a frame, conditions shared or not`, { timeout: 180_000 }, async () => {
    for (let index = 0; index < count; index++) {
      const { network, inputs } = caseAt(index);
      if (inputs.rows === 0) continue;
      const { request, frame } = densityRequest(index, index % 3 === 1, index % 2 === 1);
      const net = open(withDivergence(network.program), inputs.parameters);
      const got = await net.logDensity(request).done;
      net.dispose();
      expect([got.status, got.nonfiniteRow, got.nfe]).toEqual(['done', -1, (request.grid.length - 1) * request.b.length]);
      expect(got.standardError).toEqual(new Float64Array(request.n));
      expect(distance(got.logDensity, reference(network.program, inputs.parameters, request, frame)), `${index} ${network.name}`).toBeLessThan(tolerance);
    }
  });

  it('estimated: a mean over probes that does not depend on how many share a pass, on threads, or on the other rows', async () => {
    const { network, inputs } = caseAt(named.findIndex(({ name }) => name === 'everything'));
    const { request } = densityRequest(
      named.findIndex(({ name }) => name === 'everything'),
      true,
      true,
    );
    const { dimension: d } = network.program;
    const rows = 301;
    const initial = normals(rows * d, 5);
    const run = async (copies: number, fields: Partial<DensityRequest>) => {
      const net = open(withEstimates(network.program, copies), inputs.parameters);
      const result = await net.logDensity({ ...request, n: rows, initial, probes: 12, seed: 7n, ...fields }).done;
      net.dispose();
      return result;
    };
    const whole = await run(4, { threads: 1 });
    for (const copies of [1, 3, 5, 12]) {
      const other = await run(copies, { threads: 2 });
      expect(other.logDensity).toEqual(whole.logDensity);
      expect(other.standardError).toEqual(whole.standardError);
    }
    const part = await run(4, { n: 20, firstRow: 250, initial: initial.slice(250 * d, 270 * d) });
    expect(part.logDensity).toEqual(whole.logDensity.slice(250, 270));
    const next = await run(4, { seed: 8n });
    expect(next.logDensity).not.toEqual(whole.logDensity);
  });

  it('of a linear network come from given seeds as from the basis: tangents that depend on the seeds alone are made when the seeds are', async () => {
    const d = 5;
    const values = [
      { name: 'x', width: d, depends: depends.x },
      { name: 't', width: 1, depends: depends.t },
      { name: 'condition', width: 0, depends: depends.condition },
      { name: 'h', width: 7, depends: depends.x },
      { name: 'v', width: d, depends: depends.x },
    ];
    const parameters = [
      { name: 'a', shape: [7, d], role: 'weight' as const, offset: 0 },
      { name: 'b', shape: [d, 7], role: 'weight' as const, offset: 7 * d },
    ];
    const layers = [0, 1].map((k) => ({ kind: 'dense' as const, input: 3 * k, weight: k, bias: -1, activation: 'identity' as const, output: 3 + k }));
    const program = checkProgram({ version: 1, dimension: d, conditionWidth: 0, values, ops: layers, parameters, parameterCount: 14 * d, output: 4 });
    const weights = normals(14 * d, 3).map((w) => w / 4);
    const rows = 500; // several tiles
    const request = { ...densityRequest(0, false, false).request, n: rows, initial: normals(rows * d, 4), condition: null };
    const run = async (traced: Program, fields: Partial<DensityRequest>) => {
      const net = open(traced, weights);
      const { logDensity } = await net.logDensity({ ...request, ...fields }).done;
      net.dispose();
      return logDensity;
    };
    const exact = await run(withDivergence(program), {});
    const units = await run(withEstimates(program, 2), { columns: Int32Array.from({ length: d }, (_, j) => j) });
    expect(distance(units, Float64Array.from(exact))).toBeLessThan(1e-6);
  });

  it('estimated: the mean lies within its standard error of the exact value, and one probe has none', async () => {
    const index = named.findIndex(({ name }) => name === 'residual norm');
    const { network, inputs } = caseAt(index);
    const { request } = densityRequest(index, false, false);
    const rows = 200;
    const many = { ...request, n: rows, initial: normals(rows * network.program.dimension, 6), condition: null };
    const exact = open(withDivergence(network.program), inputs.parameters);
    const truth = (await exact.logDensity(many).done).logDensity;
    exact.dispose();
    const net = open(withEstimates(network.program, 8), inputs.parameters);
    const { logDensity, standardError } = await net.logDensity({ ...many, probes: 64 }).done;
    const single = await net.logDensity({ ...many, probes: 1 }).done;
    net.dispose();
    // The scores (mean - truth) / error are close to normal: their mean square over 200 rows lies within five standard deviations of 63/61.
    const scores = truth.map((value, r) => ((logDensity[r] as number) - value) / (standardError[r] as number));
    const square = scores.reduce((sum, z) => sum + z * z, 0) / rows;
    expect(Math.abs(square - 63 / 61)).toBeLessThan(5 * Math.sqrt(2.2 / rows));
    expect(single.standardError.every(Number.isNaN)).toBe(true);
  });
});
