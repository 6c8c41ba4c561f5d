// The float64 oracle: hand-written reverse mode against the complex step to 1e-12, hand values, and the erf series against SciPy.

import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/random.ts';
import { rules } from '../../lib/sampling/reference/activations.ts';
import { erf, realErf, type Split } from '../../lib/sampling/reference/complex.ts';
import { directional, evaluate, evaluateAll } from '../../lib/sampling/reference/evaluate.ts';
import { gradient } from '../../lib/sampling/reference/gradient.ts';
import { integrate, integrateAsync } from '../../lib/sampling/reference/integrate.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { caseInputs, type NetworkCase, networkCases, opCases, randomCase } from '../cases/networks.ts';

/** |sum| relative to the sum of magnitudes: what rounding in the accumulation can do. */
function compareGradient(network: NetworkCase, rows: number, seed: number, directions: number): number {
  const { x, t, condition, cotangent, parameters } = caseInputs(network, rows, seed);
  const point = { x, t, condition };
  const reverse = gradient(network.program, parameters, point, cotangent);
  const random = new Random(seed, 77);
  let worst = 0;
  for (let k = 0; k < directions; k++) {
    const along = {
      x: Float64Array.from(x, () => random.normal()),
      t: Float64Array.from(t, () => random.normal()),
      parameters: Float64Array.from(parameters, () => random.normal()),
    };
    const tangent = directional(network.program, parameters, point, along);
    const pairs: [ArrayLike<number>, ArrayLike<number>][] = [
      [reverse.x, along.x],
      [reverse.t, along.t],
      [reverse.parameters, along.parameters],
    ];
    const forward = tangent.reduce((sum, v, i) => sum + v * (cotangent[i] as number), 0);
    let [back, size] = [0, 0];
    for (const [g, d] of pairs) {
      for (let i = 0; i < g.length; i++) {
        back += (g[i] as number) * (d[i] as number);
        size += Math.abs((g[i] as number) * (d[i] as number));
      }
    }
    worst = Math.max(worst, Math.abs(forward - back) / Math.max(size, 1e-300));
  }
  return worst;
}

describe('reverse mode against the complex step', () => {
  it.each([...networkCases, ...opCases].map((c) => [c.name, c] as const))('%s', (_, network) => {
    expect(compareGradient(network, 5, 3, 4)).toBeLessThan(1e-12);
  });

  it('100 random networks', () => {
    for (let seed = 0; seed < 100; seed++) expect(compareGradient(randomCase(seed), 3, seed, 1), `seed ${seed}`).toBeLessThan(1e-12);
  });

  it('element by element', () => {
    const network = networkCases.find((c) => c.name === 'everything') as NetworkCase;
    const { x, t, condition, cotangent, parameters } = caseInputs(network, 2, 9);
    const reverse = gradient(network.program, parameters, { x, t, condition }, cotangent);
    const norm = Math.hypot(...reverse.parameters);
    for (const p of network.program.parameters) {
      const unit = new Float64Array(parameters.length);
      const last = p.offset + p.shape.reduce((a, b) => a * b, 1) - 1;
      for (const at of [p.offset, last]) {
        unit.fill(0)[at] = 1;
        const tangent = directional(network.program, parameters, { x, t, condition }, { parameters: unit });
        const stepped = tangent.reduce((sum, v, i) => sum + v * (cotangent[i] as number), 0);
        expect(Math.abs((reverse.parameters[at] as number) - stepped), `${p.name} ${at}`).toBeLessThan(1e-12 * norm);
      }
    }
  });
});

describe('values', () => {
  it('a one-neuron network by hand', () => {
    const network = networkCases.find((c) => c.name === 'one neuron') as NetworkCase;
    // silu(0.5 x + 2 t + 0.25) * 3 - 1 at x = 1.5, t = 0.5: z = 2.
    const z = 2;
    const [v] = evaluate(network.program, [0.5, 2, 0.25, 3, -1], { x: [1.5], t: [0.5], condition: null });
    expect(v).toBeCloseTo((3 * z) / (1 + Math.exp(-z)) - 1, 14);
  });

  it('layer norm and embedding by hand', () => {
    const norm = opCases.find((c) => c.name === 'op layerNorm') as NetworkCase;
    const v = evaluate(norm.program, [1, 1, 1, 1, 1, 2, 0, 0, 0, 0, 0, 10], { x: [1, 2, 3, 4, 5, 6], t: [0], condition: null });
    const s = Math.sqrt(35 / 12 + 1e-5);
    [-2.5 / s, -1.5 / s, -0.5 / s, 0.5 / s, 1.5 / s, (2 * 2.5) / s + 10].forEach((expected, i) => {
      expect(v[i]).toBeCloseTo(expected, 14);
    });
    const embed = opCases.find((c) => c.name === 'op embed') as NetworkCase;
    const table = Array.from({ length: 20 }, (_, i) => i);
    const rows = evaluate(embed.program, table, { x: new Float64Array(12), t: [0, 0, 0], condition: [2, 0, 4] });
    expect(Array.from(rows)).toEqual([8, 9, 10, 11, 0, 1, 2, 3, 16, 17, 18, 19]);
    const hot = opCases.find((c) => c.name === 'op oneHot') as NetworkCase;
    expect(Array.from(evaluate(hot.program, [], { x: new Float64Array(8), t: [0, 0], condition: [3, 4] }))).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
  });

  it('real and complex agree for every op', () => {
    for (const network of [...networkCases, ...opCases]) {
      const { x, t, condition, parameters } = caseInputs(network, 3, 4);
      const real = evaluate(network.program, parameters, { x, t, condition });
      const zero: Split = { re: Float64Array.from(x), im: new Float64Array(x.length) };
      const complex = evaluateAll(network.program, parameters, { x: zero, t, condition })[network.program.output] as Split;
      real.forEach((v, i) => {
        expect(Math.abs(v - (complex.re[i] as number))).toBeLessThan(1e-13 * (1 + Math.abs(v)));
      });
    }
  });

  it('erf is that of scipy.special.erf, also for complex arguments', () => {
    // erf near 5 loses x^2 ulps in exp(-x^2): 25 of 1.1e-16.
    for (const [x, y] of [
      [0.1, 0.1124629160182849],
      [1, 0.8427007929497149],
      [2.5, 0.999593047982555],
      [-0.7, -0.6778011938374184],
      [5, 0.9999999999984626],
    ] as const) {
      expect(Math.abs(realErf(x) - y)).toBeLessThan(2e-15);
      expect(Math.abs(erf([x, 0])[0] - y)).toBeLessThan(2e-15);
    }
    const [re, im] = erf([0.8, 0.6]);
    expect(Math.abs(re - 0.9320937382765682) + Math.abs(im - 0.3397335516473054)).toBeLessThan(2e-15);
  });

  it('derivatives of the nonlinearities equal their complex step', () => {
    for (const rule of Object.values(rules)) {
      for (const x of [-30, -5, -1.2, -1e-3, 1e-3, 0.4, 2, 8, 30]) {
        expect(Math.abs((rule.complex([x, 1e-30])[1] as number) / 1e-30 - rule.derivative(x))).toBeLessThan(1e-14);
      }
    }
  });
});

describe('integrateAsync', () => {
  it('gives the same numbers as integrate', async () => {
    const field = (x: Float64Array, t: number): Float64Array => x.map((v) => Math.cos(t) * v);
    const grid = [0, 0.1, 0.5, 1];
    const here = integrate(rk4(), field, Float64Array.of(1, 2), grid, [1, 3]);
    expect(await integrateAsync(rk4(), async (x, t) => field(x, t), Float64Array.of(1, 2), grid, { save: [1, 3] })).toEqual(here);
    await expect(integrateAsync(rk4(), field, Float64Array.of(1), grid, { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    await expect(integrateAsync(rk4(), () => new Float64Array(3), Float64Array.of(1), grid)).rejects.toThrow(/ERR_FLOW_SHAPE|expected 1 values/);
  });
});
