// Programs with tangents in float64, against the complex step, which knows none of their rules: every op, every network, all three transforms.

import { describe, expect, it } from 'vitest';
import { checkProgram } from '../../lib/network/check.ts';
import type { Program } from '../../lib/network/ops.ts';
import { givenSeeds, withDerivative, withDivergence, withEstimates } from '../../lib/network/tangent.ts';
import { Random } from '../../lib/random.ts';
import { directional, evaluate, evaluateTangent } from '../../lib/sampling/reference/evaluate.ts';
import { type CaseInputs, caseInputs, type NetworkCase, networkCases, opCases, randomCase } from '../cases/networks.ts';

const cases: readonly NetworkCase[] = [...networkCases, ...opCases, ...Array.from({ length: 60 }, (_, i) => randomCase(i))];
const rows = 3;

/** tr dv/dx by d complex steps; (rows). */
function trace(program: Program, { parameters, x, t, condition }: CaseInputs): Float64Array {
  const d = program.dimension;
  const sum = new Float64Array(rows);
  for (let k = 0; k < d; k++) {
    const column = directional(program, parameters, { x, t, condition }, { x: x.map((_, i) => (i % d === k ? 1 : 0)) });
    for (let r = 0; r < rows; r++) sum[r] = (sum[r] as number) + (column[r * d + k] as number);
  }
  return sum;
}

/** Rounding of float64 sums over a few thousand products, relative to the largest number there, and 1 in the sums that cancel. */
function close(got: Float64Array, expected: Float64Array, name: string): void {
  const size = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  expect(got.length, name).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((got[i] as number) - value), `${name} ${i}`).toBeLessThan(2e-11 * size);
  });
}

const normals = (count: number, seed: number): Float64Array => {
  const random = new Random(seed, 7);
  return Float64Array.from({ length: count }, () => random.normal());
};

describe('programs with tangents', () => {
  it('keep v, and hold its exact divergence', () => {
    for (const network of cases) {
      const inputs = caseInputs(network, rows);
      const program = withDivergence(network.program);
      expect(checkProgram(program), network.name).toBe(program);
      expect(evaluate(program, inputs.parameters, inputs), network.name).toEqual(evaluate(network.program, inputs.parameters, inputs));
      close(evaluateTangent(program, inputs.parameters, inputs), trace(network.program, inputs), network.name);
    }
  });

  it('hold one estimate for each seed: s^T J s', () => {
    for (const network of cases) {
      const inputs = caseInputs(network, rows);
      const { dimension: d } = network.program;
      const program = withEstimates(network.program, 2);
      const seeds = normals(2 * rows * d, 3);
      const [value] = givenSeeds(program) as [number];
      const got = evaluateTangent(program, inputs.parameters, { ...inputs, seeds: new Map([[value, seeds]]) });
      for (const copy of [0, 1]) {
        const along = seeds.subarray(copy * rows * d, (copy + 1) * rows * d);
        const j = directional(network.program, inputs.parameters, inputs, { x: along });
        const expected = Float64Array.from({ length: rows }, (_, r) =>
          j.slice(r * d, (r + 1) * d).reduce((sum, y, c) => sum + y * (along[r * d + c] as number), 0),
        );
        close(
          expected.map((_, r) => got[2 * r + copy] as number),
          expected,
          network.name,
        );
      }
    }
  });

  it('hold the derivative along a flow: J x_dot + dv/dt t_dot', () => {
    for (const network of cases) {
      const inputs = caseInputs(network, rows);
      const program = withDerivative(network.program);
      const [x, t] = [normals(rows * network.program.dimension, 4), normals(rows, 5)];
      const [seedX, seedT] = givenSeeds(program) as [number, number];
      const seeds = new Map([
        [seedX, x],
        [seedT, t],
      ]);
      close(evaluateTangent(program, inputs.parameters, { ...inputs, seeds }), directional(network.program, inputs.parameters, inputs, { x, t }), network.name);
    }
  });

  it('write no tangent for what does not depend on x, and no columns of zeros for a joined input', () => {
    const everything = networkCases.find(({ name }) => name === 'everything') as NetworkCase;
    const { ops, values } = withDivergence(everything.program);
    const tangents = ops.filter((op) => op.kind === 'tangent').map((op) => values[op.of]?.name);
    expect(tangents).toEqual(['layers.0', 'norms.1', 'layers.1', 'residual.1', 'norms.2', 'layers.2', 'residual.2']);
    expect(ops.filter((op) => op.kind === 'trace')).toMatchObject([{ weight: everything.program.parameters.findIndex((p) => p.name === 'layers.3.weight') }]);
  });

  it('are refused where a word is wrong', () => {
    const program = withDivergence((networkCases[0] as NetworkCase).program);
    const swap = (index: number, change: object): Program => ({
      ...program,
      ops: program.ops.map((op, i) => (i === index ? ({ ...op, ...change } as typeof op) : op)),
    });
    const tangent = program.ops.findIndex((op) => op.kind === 'tangent');
    const trace = program.ops.findIndex((op) => op.kind === 'trace');
    for (const wrong of [
      swap(tangent, { of: 0 }),
      swap(tangent, { first: 20 }),
      swap(tangent, { inputs: [] }),
      swap(trace, { seed: 3 }),
      swap(trace, { weight: 0 }),
      swap(0, { seed: 'given' }),
      { ...program, tangent: 99 },
    ])
      expect(() => checkProgram(wrong)).toThrow(/program\./);
  });
});
