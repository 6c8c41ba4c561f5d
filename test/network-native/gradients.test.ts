// Native values and gradients in f32 against the float64 oracle: named networks, every op on its own and random networks, on every ISA this CPU has.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { gradient } from '../../lib/sampling/reference/gradient.ts';
import { bundled, run } from '../native-binding/child.ts';
import { temporaryFolder } from '../support/folder.ts';
import { caseAt, named } from './cases.ts';

const count = 2000 + named.length;
/** |native - oracle| over |oracle|, in the 2-norm of the whole vector. f32 sums of blocks of 128 terms stay below 5e-7; activations add a few ulp a layer. */
const tolerance = 1e-5;
const place = temporaryFolder();
const isas = native().info().available;

interface Expected {
  readonly name: string;
  readonly parts: readonly (readonly [string, Float64Array])[];
}

function distance(got: Float32Array, expected: Float64Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((e, i) => {
    difference += ((got[i] as number) - e) ** 2;
    size += e * e;
  });
  return Math.sqrt(difference / (size || 1));
}

describe('native gradients', () => {
  const expected: Expected[] = [];
  const results = new Map<string, Float32Array>();
  const ops = new Set<string>();
  const rows = new Set<number>();

  beforeAll(async () => {
    const program = await bundled('gradients', import.meta.url);
    const children = isas.map(async (isa) => {
      const file = place(`${isa}.bin`);
      const outcome = await run(program, [file, 0, count], [], { FLOWMATCH_ISA: isa });
      expect(outcome, isa).toMatchObject({ code: 0, out: isa });
      const bytes = readFileSync(file);
      results.set(isa, new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
    });
    for (let index = 0; index < count; index++) {
      const { network, inputs } = caseAt(index);
      const { x, t, condition, parameters, cotangent } = inputs;
      rows.add(inputs.rows);
      for (const op of network.program.ops) ops.add('activation' in op ? `${op.kind} ${op.activation}` : op.kind);
      const g = gradient(network.program, parameters, { x, t, condition }, cotangent);
      const parts = [['v', g.v] as const, ['parameters', g.parameters] as const, ['x', g.x] as const];
      expected.push({ name: `${index} ${network.name}, ${inputs.rows} rows`, parts });
    }
    await Promise.all(children);
  }, 240_000);

  it.each(isas)(`of ${count} networks agree with the oracle on %s`, (isa) => {
    const got = results.get(isa) as Float32Array;
    const failures: string[] = [];
    let at = 0;
    for (const { name, parts } of expected) {
      for (const [part, values] of parts) {
        const error = distance(got.subarray(at, at + values.length), values);
        if (!(error <= tolerance)) failures.push(`${name}: ${part} off by ${error.toExponential(1)}`);
        at += values.length;
      }
    }
    expect(at).toBe(got.length);
    expect(failures).toEqual([]);
  });

  it('cover every op, activation and edge of the row tiles', () => {
    for (const kind of ['time', 'concat', 'layerNorm', 'add', 'slice', 'oneHot', 'embed', 'activation identity', 'activation gelu'])
      expect(ops).toContain(kind);
    for (const activation of ['identity', 'silu', 'gelu', 'selu', 'elu', 'relu', 'tanh']) expect(ops).toContain(`dense ${activation}`);
    for (const n of [0, 1, 11, 12, 13, 23, 24, 25]) expect(rows).toContain(n);
    expect(named.length).toBeGreaterThan(30);
  });

  it.each(isas.filter((isa) => isa === 'avx2' || isa === 'neon'))('have the same bits on %s as on the best one', (isa) => {
    const bits = (name: string) => new Uint32Array((results.get(name) as Float32Array).slice().buffer);
    const [got, best] = [bits(isa), bits(isas[0] as string)];
    expect(got.length).toBe(best.length);
    expect(got.findIndex((word, i) => word !== best[i])).toBe(-1);
  });
});
