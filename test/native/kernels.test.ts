// Every kernel of every ISA this CPU has, against the plain reference (bit for bit, baseline within its bound) and against double.
import { describe, expect, it } from 'vitest';
import { families, table } from './table.ts';

describe.each(table.available())('kernels of %s', (isa) => {
  it.each(families)('%s equals the reference, stays in its buffers and within the bound', (family) => {
    for (const seed of [1, 2]) {
      const verdict = table.check(isa, family, seed);
      expect(verdict.first).toBe('');
      expect(verdict.cases).toBeGreaterThan(5);
      expect(verdict.worst).toBeLessThanOrEqual(1);
    }
  });
});

describe('a wrong kernel is seen', () => {
  it.each(['wrong-bits', 'wrong-padding', 'wrong-sum'])('%s', (name) => {
    expect(table.check(name, 'dense', 1).failures).toBeGreaterThan(0);
  });
});

// [activation, ULP of the value, absolute error of the slope]. Silu makes three roundings after an exponential of 0.8 ULP: no more
// than 4, and 2.7 among a sixteenth of all floats; gelu's far tail multiplies two approximations; its absolute error stays below 2^-23.
const accuracy = [
  ['silu', 1, 2.72, 2.4e-7],
  ['gelu', 2, 6, 2.4e-7],
  ['selu', 3, 2, 2.4e-7],
  ['elu', 4, 1, 1.2e-7],
  ['relu', 5, 0, 0],
  ['tanh', 6, 1.5, 2.4e-7],
] as const;

describe.each(table.available())('elementary functions of %s', (isa) => {
  it.each(accuracy)('%s', (_, what, ulp, slope) => {
    const found = table.ulp(isa, what, isa === 'reference' ? 997 : 97);
    expect(found.worst, `worst at ${found.at}`).toBeLessThanOrEqual(ulp);
    expect(found.slope).toBeLessThanOrEqual(slope);
  });
  it('sine and cosine of every size of argument', () => {
    const found = table.ulp(isa, 7, 4001);
    expect(found.worst, `worst at ${found.at}`).toBeLessThanOrEqual(2 ** -23);
  });
});

describe('random numbers', () => {
  it('Philox4x32-10 gives the known answers of Random123', () => {
    const hex = (words: Uint32Array) => [...words].map((w) => w.toString(16).padStart(8, '0')).join(' ');
    const ones = 0xffffffff;
    expect(hex(table.philox(Uint32Array.of(0, 0, 0, 0), Uint32Array.of(0, 0)))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    expect(hex(table.philox(Uint32Array.of(ones, ones, ones, ones), Uint32Array.of(ones, ones)))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    const pi = Uint32Array.of(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344);
    expect(hex(table.philox(pi, Uint32Array.of(0xa4093822, 0x299f31d0)))).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
  });

  it.each(table.available())('%s: uniforms and normals have their moments, rows do not depend on the batch', (isa) => {
    const key = Uint32Array.of(7, 9);
    const n = 200_000;
    const moments = (values: Float32Array) => [1, 2, 3, 4].map((p) => values.reduce((sum, v) => sum + v ** p, 0) / values.length);
    const [m1, m2, m3, m4] = moments(table.draw(isa, key, 1, 0n, n / 4, 4, true)) as [number, number, number, number];
    // Five standard errors: sd of x, x^2, x^3, x^4 are 1, sqrt 2, sqrt 15, sqrt 96.
    const five = 5 / Math.sqrt(n);
    expect(Math.abs(m1)).toBeLessThan(five);
    expect(Math.abs(m2 - 1)).toBeLessThan(five * Math.sqrt(2));
    expect(Math.abs(m3)).toBeLessThan(five * Math.sqrt(15));
    expect(Math.abs(m4 - 3)).toBeLessThan(five * Math.sqrt(96));
    const uniform = table.draw(isa, key, 1, 0n, n / 4, 4, false);
    expect(Math.abs(moments(uniform)[0]! - 0.5)).toBeLessThan(five * Math.sqrt(1 / 12));
    const all = table.draw(isa, key, 3, 100n, 50, 7, true);
    const tail = table.draw(isa, key, 3, 117n, 5, 7, true);
    expect([...tail]).toEqual([...all.slice(17 * 7, 22 * 7)]);
  });
});
