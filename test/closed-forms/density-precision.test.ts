// Log-densities of every precision in nats, against a mixture whose log-density is known, within bounds worked out from the rounding of operands.
//   A dense layer at unit roundoff e of its operands computes net'(z) with |net' - net| <= e N and |div net' - div net| <= e T. Along the float64 path of a row,
//   backwards in time, the state is off by E and the integral of the divergence by D:
//     E' <= mu E + |c| e N,    D' <= |c| e T + |c| K E,    mu = the logarithmic norm of the Jacobian -(b I + c J) of the way back, K = largest |grad div|,
//   and the log-density by D + |x0| E + E^2 / 2 (a base of scale 1), besides what 400 steps in f32 are off by, 1e-4 (density.test.ts).

import { describe, expect, it } from 'vitest';
import { condOT, cosine, linearVP } from '../../lib/index.ts';
import type { NativePrecision } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { withDivergence } from '../../lib/network/tangent.ts';
import type { Path } from '../../lib/paths/path.ts';
import { d, logMixture, m, program, request, rows, slope } from '../cases/mixture-flow.ts';

/** Bits that an operand keeps: 24, three times 8, twice 8 (and the product of the two lower parts left out), 8. */
const roundoff: Readonly<Record<NativePrecision, number>> = { f32: 2 ** -24, 'f32-amx': 2 ** -23, bf16x3: 2 ** -16, bf16: 2 ** -9 };
const square = m.reduce((sum, v) => sum + v * v, 0);
const largest = 0.77; // of |d sech^2 / dz| = 2 |tanh| sech^2, 4 / sqrt(27)

/** The bound for one row, and where it comes from: Euler steps of the float64 path, whose own error in a bound matters little. */
function bound(path: Path, x1: ArrayLike<number>, e: number): number {
  const steps = 4000;
  const x = Array.from(x1);
  let [E, D] = [0, 0];
  for (let k = 0; k < steps; k++) {
    const [t, next] = [1 - (k / steps) ** 2, 1 - ((k + 1) / steps) ** 2];
    const { a, b, c } = slope(path, t);
    const h = t - next;
    const z = m.reduce((sum, v, j) => sum + v * a * (x[j] as number), 0);
    const size = m.reduce((sum, v, j) => sum + Math.abs(v * a * (x[j] as number)), 0);
    const [tanh, sech] = [Math.abs(Math.tanh(z)), 1 - Math.tanh(z) ** 2];
    // Operands m and a x of the first layer: 2 e size in z. Operands m and tanh of the second: 2 e. Tangents: both weights, the slope kept narrow, and its product: 4 e.
    const N = Math.sqrt(square) * (2 * size * sech + 2 * tanh);
    const T = a * square * (4 * sech + 2 * tanh * sech * 2 * size);
    D += h * Math.abs(c) * (e * T + a * a * square ** 1.5 * largest * E);
    E += h * ((-b + Math.max(0, -c * a * square)) * E + Math.abs(c) * e * N);
    const v = m.map((mu, j) => b * (x[j] as number) + c * mu * Math.tanh(z));
    for (let j = 0; j < d; j++) x[j] = (x[j] as number) - h * (v[j] as number);
  }
  return D + Math.sqrt(x.reduce((sum, v) => sum + v * v, 0)) * E + (E * E) / 2;
}

describe.each([condOT(), linearVP(), cosine()].map((path) => [path.name, path] as const))('%s', (_, path) => {
  it('the log-density of a mixture at every precision is within what its operands lose', async () => {
    const { words, constants } = encodeProgram(withDivergence(program));
    const net = new (native().Network)(words, constants, Float32Array.from([...m, ...m]));
    const solve = request(path, 400);
    const initial = solve.initial as Float32Array;
    const row = (r: number): Float32Array => initial.subarray(r * d, (r + 1) * d);
    const exact = Float64Array.from({ length: rows }, (_v, r) => logMixture(path, 1, row(r)));
    const worst: Record<string, number> = {};
    for (const precision of ['f32', 'f32-amx', 'bf16x3', 'bf16'] as const) {
      const { logDensity } = await net.logDensity({ ...solve, precision, save: new Int32Array(0) }).done;
      worst[precision] = 0;
      logDensity.forEach((got, r) => {
        const off = Math.abs(got - (exact[r] as number));
        worst[precision] = Math.max(worst[precision] as number, off);
        expect(off, `${precision}, row ${r}`).toBeLessThan(1e-4 + bound(path, row(r), roundoff[precision]));
      });
    }
    net.dispose();
    // A bound that anything meets says nothing: bf16 is above that of bf16x3, and its own is a tenth of a nat or so.
    const bounds = (e: number): number[] => Array.from({ length: rows }, (_v, r) => bound(path, row(r), e));
    expect(worst['bf16']).toBeGreaterThan(1e-4 + Math.max(...bounds(roundoff.bf16x3)));
    expect(Math.max(...bounds(roundoff.bf16))).toBeLessThan(0.2);
  });
});
