// model.logDensity with error control: against many fixed steps and the float64 integrator of the augmented system, exact and estimated, in every frame, with
// guidance, precisions and both norms; what does not change a row, what the record says, and what is refused.

import { describe, expect, it } from 'vitest';
import { bosh3, cosine, dopri5, dopri8, linearVP, Model, rk4, rowStatus, tsit5, vp } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import { lower } from '../../lib/network/lower.ts';
import { withDivergence } from '../../lib/network/tangent.ts';
import { frameOf } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { Random } from '../../lib/random.ts';
import { integrateAdaptive } from '../../lib/sampling/reference/adaptive.ts';
import { evaluate, evaluateTangent } from '../../lib/sampling/reference/evaluate.ts';
import { adaptiveTableau } from '../../lib/solvers/tableau.ts';
import { caught, untrained } from '../support/models.ts';

const d = 3;
const normaliser = { shift: Float32Array.of(3, -1, 40), scale: Float32Array.of(2, 0.5, 8) };
function modelOf(fields: Partial<ModelRecord> = {}): Model {
  const plain = untrained(d, { hidden: [24, 24], ...(fields.condition ? { classEmbedding: 4 } : {}) }, { normaliser, ...fields });
  return Model.fromRecord({ ...plain, parameters: plain.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) });
}
const rowsOf = (n: number, seed = 1): Float32Array => {
  const random = new Random(seed, 3);
  return Float32Array.from({ length: n * d }, (_, i) => (normaliser.shift[i % d] as number) + (normaliser.scale[i % d] as number) * random.normal());
};
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0);
const fine = rk4({ steps: 200 });
const tight = { rtol: 1e-6, atol: 1e-6 };

describe('model.logDensity with error control', () => {
  it.each([bosh3, dopri5, tsit5, dopri8])('comes to what many fixed steps come to: %o', async (make) => {
    const model = modelOf();
    const rows = rowsOf(200);
    const want = await model.logDensity(rows, { solver: fine });
    for (const traceWeight of [0.1, 1]) {
      const got = await model.logDensity(rows, { solver: make(tight), traceWeight });
      expect(worst(got.logDensity, want.logDensity)).toBeLessThan(1e-4);
      expect([got.unfinished, got.standardError]).toEqual([0, new Float64Array(200)]);
      expect(new Set(got.nfePerRow).size).toBeGreaterThan(1);
      expect(got.nfe).toBeCloseTo(got.nfePerRow.reduce((sum, count) => sum + count, 0) / 200, 9);
    }
  });

  it('takes the steps of the float64 integrator of (x, w l): as many evaluations, the same values', async () => {
    const model = modelOf();
    const { record } = model;
    const program = lower(record.network, d, null);
    const traced = withDivergence(program);
    const rows = rowsOf(40, 2);
    const tableau = adaptiveTableau(dopri5.tableau);
    for (const weight of [0.1, 1, 0]) {
      const solver = dopri5({ rtol: 1e-4, atol: 1e-4 });
      const got = await model.logDensity(rows, { solver, traceWeight: weight });
      const steps = weight === 0 ? (await model.encode(rows, { solver })).nfePerRow : null;
      let off = 0;
      for (let r = 0; r < 40; r++) {
        const z = Float64Array.from({ length: d }, (_, j) =>
          Math.fround(((rows[r * d + j] as number) - (normaliser.shift[j] as number)) / (normaliser.scale[j] as number)),
        );
        const field = (state: Float64Array, t: number): Float64Array => {
          const point = { x: state.subarray(0, d), t: Float64Array.of(t), condition: null };
          return Float64Array.of(
            ...evaluate(program, record.parameters, point),
            (weight || 1) * (evaluateTangent(traced, record.parameters, point)[0] as number),
          );
        };
        if (weight === 0) {
          expect(got.nfePerRow[r]).toBe(steps?.[r]);
          continue;
        }
        const control = { rtol: 1e-4, atol: 1e-4, minStep: 0, controller: 'pi' as const };
        const { saved, nfe } = integrateAdaptive(tableau, control, 1000, field, Float64Array.of(...z, 0), [1, 0]);
        const end = saved[1] as Float64Array;
        const square = end.subarray(0, d).reduce((sum, v) => sum + v * v, 0);
        const exact = (end[d] as number) / weight - square / 2 - (d / 2) * Math.log(2 * Math.PI) - Math.log(8);
        if (nfe !== got.nfePerRow[r])
          off++; // a step on the edge of rejection
        // Steps follow an error estimate of f32, and move the result by a part of the tolerance, which is at least 1e-4.
        else expect(Math.abs((got.logDensity[r] as number) - exact), `row ${r}`).toBeLessThan(1e-4);
      }
      expect(off).toBeLessThan(4);
    }
  });

  it('has the integral however small its share', async () => {
    const model = modelOf();
    const rows = rowsOf(8, 2);
    const solver = dopri5({ rtol: 1e-4, atol: 1e-4 });
    const least = await model.logDensity(rows, { solver, traceWeight: 2 ** -60 });
    for (const traceWeight of [1e-30, 1e-42, 1e-50])
      expect((await model.logDensity(rows, { solver, traceWeight })).logDensity, `${traceWeight}`).toEqual(least.logDensity);
  });

  it('controls the integral, also where the state does not move: with a network of zeros the velocity is b(t) x, its divergence d b(t)', async () => {
    const path = cosine();
    const model = Model.fromRecord(untrained(d, { hidden: [2], zeroOutput: true }, { path: storePath(resolvePath(path)), prediction: 'noise' }));
    const { from } = frameOf(model.record);
    const rows = new Float32Array(4 * d);
    // b = dAlpha / alpha, and rows at 0 stay there: log p = log N(0; 0, I) + d log alpha(to) - d (log alpha(to) - log alpha(from)).
    const exact = d * (Math.log(path.at(from).alpha) - 0.5 * Math.log(2 * Math.PI));
    const solver = dopri5({ rtol: 1e-5, atol: 1e-5 });
    const error = async (traceWeight: number) => {
      const { logDensity, nfe } = await model.logDensity(rows, { solver, traceWeight });
      return { off: Math.abs((logDensity[0] as number) - exact), nfe };
    };
    const [none, tenth, whole] = [await error(0), await error(0.1), await error(1)];
    expect(none.off).toBeGreaterThan(10 * tenth.off);
    for (const [{ off }, weight] of [
      [tenth, 0.1],
      [whole, 1],
    ] as const)
      expect(off).toBeLessThan(10 * 1e-5 * (1 / weight + d * Math.log(512))); // atol / w + rtol |l|, for all steps
    expect([none.nfe < tenth.nfe, tenth.nfe < whole.nfe]).toEqual([true, true]);
    expect((await model.logDensity(rows, { solver })).nfe).toBe(tenth.nfe); // the default
  });

  it.each([['exact', {}] as const, ['estimated', { method: 'hutchinson', probes: 3, seed: 5 }] as const])(
    'gives a row the same value in any company, split and number of threads: %s',
    async (_, method) => {
      const model = modelOf();
      const rows = rowsOf(500);
      const options = { solver: dopri5(), ...method };
      const whole = await model.logDensity(rows, { ...options, threads: 3 });
      const part = await model.logDensity(rows.slice(0, 7 * d), { ...options, threads: 1 });
      expect([part.logDensity, part.standardError, part.nfePerRow]).toEqual([
        whole.logDensity.slice(0, 7),
        whole.standardError.slice(0, 7),
        whole.nfePerRow.slice(0, 7),
      ]);
      const together = { ...options, solver: dopri5({ control: 'batch' }) };
      const [one, two] = await Promise.all([1, 2].map((threads) => model.logDensity(rows, { ...together, threads })));
      expect(one?.logDensity).toEqual(two?.logDensity);
      expect(new Set(one?.nfePerRow).size).toBe(1);
    },
  );

  it('estimates with the signs of fixed steps, each probe in a solve of its own', async () => {
    const model = modelOf();
    const rows = rowsOf(60, 6);
    const options = { method: 'hutchinson', probes: 5, seed: 11 } as const;
    const want = await model.logDensity(rows, { ...options, solver: fine });
    const got = await model.logDensity(rows, { ...options, solver: dopri5(tight) });
    expect(worst(got.logDensity, want.logDensity)).toBeLessThan(1e-4);
    expect(worst(got.standardError, want.standardError)).toBeLessThan(1e-4);
    expect((await model.logDensity(rows, { ...options, probes: 1, solver: dopri5() })).standardError[0]).toBeNaN();
    expect(worst((await model.logDensity(rows, { ...options, seed: 12, solver: dopri5(tight) })).logDensity, want.logDensity)).toBeGreaterThan(1e-3);
  });

  it('follows every frame, conditions, guidance, constant columns and precisions', async () => {
    const rows = rowsOf(50, 7);
    for (const path of [linearVP(), cosine(), vp()]) {
      const model = modelOf({ path: storePath(resolvePath(path)), prediction: path.name === 'vp' ? 'noise' : 'velocity' });
      const { logDensity } = await model.logDensity(rows, { solver: rk4({ steps: 400 }) });
      // The frame's table is within 1e-5 of the frame; the ends of an x1 prediction magnify it.
      const off = worst((await model.logDensity(rows, { solver: dopri5(tight) })).logDensity, logDensity);
      expect(off, path.name).toBeLessThan(5e-4);
    }
    const condition = { numbers: 1, classes: [3], drop: 0.1 };
    const model = modelOf({ condition });
    for (const given of [
      { numbers: [0.7], labels: [2] },
      { numbers: Float32Array.from({ length: 50 }, (_, i) => i / 50), labels: Array.from({ length: 50 }, (_, i) => i % 3) },
    ])
      for (const guidance of [1, 0, 2.5, { scale: 2, interval: [0.2, 0.6] as const }]) {
        const options = { condition: given, guidance };
        // An interval switches the field within a step of any method: there both are less exact.
        const [fixed, free] = await Promise.all([fine, dopri5(tight)].map((solver) => model.logDensity(rows, { ...options, solver })));
        expect(worst(free?.logDensity ?? [], fixed?.logDensity ?? []), JSON.stringify(guidance)).toBeLessThan(typeof guidance === 'object' ? 5e-2 : 1e-4);
      }
    const flat = modelOf({ normaliser: { shift: normaliser.shift, scale: Float32Array.of(2, 0, 8) } });
    for (const method of [{}, { method: 'hutchinson', probes: 4 } as const]) {
      const [fixed, free] = await Promise.all([fine, dopri5(tight)].map((solver) => flat.logDensity(rows, { ...method, solver })));
      expect(worst(free?.logDensity ?? [], fixed?.logDensity ?? [])).toBeLessThan(1e-4);
    }
    const plain = modelOf();
    const want = (await plain.logDensity(rows, { solver: fine })).logDensity;
    for (const [precision, bound] of [
      ['f32-amx', 1e-4],
      ['bf16x3', 1e-3],
      ['bf16', 0.3],
    ] as const) {
      const { logDensity } = await plain.logDensity(rows, { solver: dopri5(precision === 'bf16' ? { rtol: 1e-3, atol: 1e-3 } : tight), precision });
      expect(worst(logDensity, want), precision).toBeLessThan(bound);
    }
  });

  it('says which rows ended early, and gives them no value', async () => {
    const model = modelOf();
    const rows = rowsOf(40, 8);
    const few = await model.logDensity(rows, { solver: dopri5({ rtol: 1e-6, atol: 1e-6, maxSteps: 3 }) });
    expect([few.unfinished, new Set(few.status)]).toEqual([40, new Set([rowStatus.maxSteps])]);
    expect(few.logDensity.every(Number.isNaN) && few.standardError.every(Number.isNaN)).toBe(true);
    expect(few.nfePerRow).toEqual(new Int32Array(40).fill(2 + 6 * 3));
    const fixed = await model.logDensity(rows, { solver: rk4({ steps: 2 }) });
    expect([fixed.unfinished, fixed.status, fixed.nfePerRow]).toEqual([0, new Uint8Array(40), new Int32Array(40).fill(8)]);
    const empty = await model.logDensity(new Float32Array(0), { solver: dopri5() });
    expect([empty.nfe, empty.logDensity.length]).toEqual([0, 0]);
  });

  it('refuses what has no meaning', async () => {
    const model = modelOf();
    const refusals = [
      [{ traceWeight: 0.5 }, /traceWeight: .*error control/],
      [{ traceWeight: 2, solver: dopri5() }, /traceWeight: .*\[0, 1\]|traceWeight: .*1/],
      [{ traceWeight: Number.NaN, solver: dopri5() }, /traceWeight/],
      [{ tracewait: 1 }, /tracewait/],
      [{ solver: 'stochasticHeun' }, /without noise/],
      [{ precision: 'f16' }, /precision/],
    ] as const;
    for (const [options, text] of refusals) expect((await caught(() => model.logDensity([[1, 2, 3]], options as object))).message).toMatch(text);
  });
});
