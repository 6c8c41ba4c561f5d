// mlp(), lower(), checkProgram() and initialiseParameters(): names, widths, dependence bits, strictness, and the same weights everywhere.

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FlowError } from '../../lib/errors.ts';
import { checkProgram } from '../../lib/network/check.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import { checkCondition, checkNetwork, mlp } from '../../lib/network/mlp.ts';
import type { Program } from '../../lib/network/ops.ts';
import { log, philox, Random, sinCosTurns } from '../../lib/random.ts';

describe('random', () => {
  it('gives the known answers of Philox4x32-10 (Random123 kat_vectors)', () => {
    const words = (c: number[], k: number[]) => {
      const out = new Uint32Array(4);
      philox(...([...c, ...k] as [number, number, number, number, number, number]), out);
      return Array.from(out, (w) => w.toString(16).padStart(8, '0')).join(' ');
    };
    const ones = 0xffffffff;
    expect(words([0, 0, 0, 0], [0, 0])).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(words([ones, ones, ones, ones], [ones, ones])).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    expect(words([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
  });

  it('has its own log, sin and cos to 2 ulp', () => {
    const random = new Random(1n, 0);
    for (let i = 0; i < 10_000; i++) {
      const u = random.uniform();
      const [s, c] = sinCosTurns(3 * u - 1);
      expect(Math.abs(log(u) - Math.log(u))).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(Math.log(u))));
      expect(Math.abs(s - Math.sin(2 * Math.PI * (3 * u - 1)))).toBeLessThan(2e-15);
      expect(Math.abs(c - Math.cos(2 * Math.PI * (3 * u - 1)))).toBeLessThan(2e-15);
    }
  });

  it('draws normals with the right moments', () => {
    const random = new Random(2, 3, 4);
    const z = Array.from({ length: 100_000 }, () => random.normal());
    const moment = (p: number) => z.reduce((sum, x) => sum + x ** p, 0) / z.length;
    // Five standard errors of the p-th moment of N(0, 1).
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / z.length));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / z.length));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / z.length));
  });
});

describe('mlp', () => {
  it('fills in the defaults and freezes', () => {
    const spec = mlp();
    expect(spec).toEqual({
      kind: 'mlp',
      hidden: [256, 256, 256],
      activation: 'silu',
      time: { kind: 'fourier', frequencies: 8 },
      residual: true,
      norm: true,
      zeroOutput: false,
      classEmbedding: 0,
    });
    expect(Object.isFrozen(spec) && Object.isFrozen(spec.hidden) && Object.isFrozen(spec.time)).toBe(true);
    expect(checkNetwork(JSON.parse(JSON.stringify(spec)), 'header.network')).toEqual(spec);
  });

  it.each<[unknown, string, string, string?]>([
    [{ hiden: [3] }, 'ERR_FLOW_CONFIG', 'mlp.hiden', 'Did you mean "hidden"?'],
    [{ activation: 'sili' }, 'ERR_FLOW_CONFIG', 'mlp.activation', 'Did you mean "silu"?'],
    [{ activation: 'identity' }, 'ERR_FLOW_CONFIG', 'mlp.activation'],
    [{ hidden: [0] }, 'ERR_FLOW_RANGE', 'mlp.hidden[0]'],
    [{ hidden: 64 }, 'ERR_FLOW_TYPE', 'mlp.hidden'],
    [{ hidden: new Array(65).fill(1) }, 'ERR_FLOW_RANGE', 'mlp.hidden'],
    [{ time: 'forier' }, 'ERR_FLOW_CONFIG', 'mlp.time.kind', 'Did you mean "fourier"?'],
    [{ time: { kind: 'random', dim: 3 } }, 'ERR_FLOW_RANGE', 'mlp.time.dim'],
    [{ time: { kind: 'raw', dim: 4 } }, 'ERR_FLOW_CONFIG', 'mlp.time.dim'],
    [{ norm: 1 }, 'ERR_FLOW_TYPE', 'mlp.norm'],
    [{ classEmbedding: -1 }, 'ERR_FLOW_RANGE', 'mlp.classEmbedding'],
    [null, 'ERR_FLOW_TYPE', 'mlp'],
  ])('refuses %j', (options, code, path, hint) => {
    try {
      mlp(options as never);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(FlowError);
      expect(error).toMatchObject({ code, path, ...(hint ? { hint } : {}) });
    }
  });
});

const condition = { numbers: 2, classes: [3, 4] };

describe('lower', () => {
  it('names parameters as PyTorch does and counts them', () => {
    const program = lower(mlp({ hidden: [8, 8], norm: true, residual: true, time: { kind: 'sinusoid', dim: 6 }, classEmbedding: 5 }), 3, condition);
    expect(program.parameters.map((p) => `${p.name} ${p.shape.join('x')} ${p.role}`)).toEqual([
      'time.0.weight 6x6 weight',
      'time.0.bias 6 bias',
      'time.1.weight 6x6 weight',
      'time.1.bias 6 bias',
      'classes.0.weight 4x5 table',
      'classes.1.weight 5x5 table',
      'layers.0.weight 8x21 weight',
      'layers.0.bias 8 bias',
      'norms.1.weight 8 scale',
      'norms.1.bias 8 shift',
      'layers.1.weight 8x8 weight',
      'layers.1.bias 8 bias',
      'layers.2.weight 3x8 weight',
      'layers.2.bias 3 bias',
    ]);
    expect(program.ops.map((op) => op.kind)).toEqual('time dense dense slice embed embed concat dense layerNorm dense add dense'.split(' '));
    expect(program.parameterCount).toBe(42 + 42 + 20 + 25 + 176 + 16 + 72 + 27);
  });

  it('puts x first, then time, numbers and classes, and tags what each value depends on', () => {
    const program = lower(mlp({ hidden: [4], time: 'raw' }), 2, condition);
    const byName = Object.fromEntries(program.values.map((v) => [v.name, v]));
    expect(program.ops.find((op) => op.kind === 'concat')).toMatchObject({ inputs: [0, 3, 4, 5, 6] });
    expect([3, 4, 5, 6].map((v) => program.values[v]?.name)).toEqual(['time', 'numbers', 'classes.0', 'classes.1']);
    expect([byName['time']?.depends, byName['numbers']?.depends, byName['classes.1']?.depends, byName['input']?.depends]).toEqual([2, 4, 4, 7]);
    expect(byName['input']?.width).toBe(2 + 1 + 2 + 3 + 4);
  });

  it('is the same Program every time, and every variant encodes', () => {
    for (const time of ['raw', 'fourier', 'random', 'sinusoid'] as const) {
      for (const c of [null, { numbers: 1, classes: [] }, { numbers: 0, classes: [2] }, condition]) {
        const spec = mlp({ hidden: [], time, classEmbedding: 3 });
        expect(lower(spec, 5, c)).toEqual(lower(spec, 5, c));
        expect(encodeProgram(lower(spec, 5, c)).words[0]).toBe(0x464d5031);
      }
    }
    expect(() => lower(mlp({ hidden: [65_536, 65_536] }), 1, null)).toThrow(/ERR_FLOW_LIMIT|at most 536870912 parameters/);
    expect(() => lower(mlp(), 0, null)).toThrow(FlowError);
    expect(() => checkCondition({ numbers: 0, classes: [] }, 'condition')).toThrow(/at least one/);
  });

  it('checkProgram refuses every single damaged field', () => {
    const good = lower(mlp({ hidden: [8, 8], norm: true, residual: true, time: { kind: 'sinusoid', dim: 6 }, classEmbedding: 5 }), 3, condition);
    let damaged = 0;
    const visit = (copy: Program, node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const [key, value] of Object.entries(node)) {
        // Free fields: the features' frequencies, the kind of nonlinearity, epsilon; slice windows and class columns have more than one legal value.
        if (['omega', 'epsilon', 'first', 'column', 'name', 'kind', 'activation', 'role'].includes(key)) continue;
        if (typeof value === 'number') {
          (node as Record<string, unknown>)[key] = value + 7919;
          expect(() => checkProgram(copy), key).toThrow(FlowError);
          (node as Record<string, unknown>)[key] = value;
          damaged++;
        } else visit(copy, value);
      }
    };
    const copy = structuredClone(good);
    visit(copy, copy);
    expect(damaged).toBeGreaterThan(100);
    expect(() => checkProgram(copy)).not.toThrow();
  });
});

describe('initialiseParameters', () => {
  const spec = mlp({ hidden: [64, 64], norm: true, zeroOutput: true, classEmbedding: 16 });
  const program = lower(spec, 3, condition);
  const flat = initialiseParameters(program, 7, spec);
  const slice = (name: string, from = flat) => {
    const p = program.parameters.find((q) => q.name === name);
    if (!p) throw new Error(name);
    return Array.from(from.subarray(p.offset, p.offset + p.shape.reduce((a, b) => a * b, 1)));
  };

  it('follows the torch defaults', () => {
    const bound = 1 / Math.sqrt(64);
    const w = slice('layers.1.weight');
    expect(Math.max(...w.map(Math.abs))).toBeLessThanOrEqual(bound);
    const variance = w.reduce((sum, x) => sum + x * x, 0) / w.length;
    // U(-b, b): variance b^2/3, standard error b^2 sqrt(4/45/n); five of them.
    expect(Math.abs(variance - bound ** 2 / 3)).toBeLessThan(5 * bound ** 2 * Math.sqrt(4 / 45 / w.length));
    expect(slice('layers.1.bias').some((x) => x !== 0 && Math.abs(x) <= bound)).toBe(true);
    expect(new Set(slice('norms.1.weight'))).toEqual(new Set([1]));
    expect(new Set(slice('norms.1.bias'))).toEqual(new Set([0]));
    expect(new Set([...slice('layers.2.weight'), ...slice('layers.2.bias')])).toEqual(new Set([0]));
    expect(slice('layers.2.weight', initialiseParameters(program, 7)).some((x) => x !== 0)).toBe(true);
  });

  it('is a pure function of program and seed, with the recorded bits', () => {
    expect(initialiseParameters(program, 7n, spec)).toEqual(flat);
    expect(initialiseParameters(program, 8, spec)).not.toEqual(flat);
    expect(createHash('sha256').update(flat).digest('hex')).toBe('8bbc1fa1822b6f8a47aa905d7f5f7b650bdf9506babadad1695a4f9028c89327');
  });
});
