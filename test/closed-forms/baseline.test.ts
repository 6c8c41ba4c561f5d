// The Gaussian baseline: on z-scored columns a network on cosine() starts from the flow of N(0, 1), and along condOT() the frame turns a zero network into that flow's velocity
//   v(z, t) = (2t - 1) / n^2 z,   n^2 = t^2 + (1 - t)^2,
// scales its input by 1 / n and its output by 2 / (pi n), and makes the loss of uniform times under cosine() pi / 2 times that under condOT() (docs/math.md).

import { describe, expect, it } from 'vitest';
import { condOT, cosine, dopri5, euler, Model } from '../../lib/index.ts';
import { makeFrame } from '../../lib/paths/frame.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { noiseRows } from '../../lib/sampling/noise.ts';
import { untrained } from '../support/models.ts';

const [line, circle] = [resolvePath(condOT()), resolvePath(cosine())];
const times = [0, 1e-7, 0.25, 0.5, 0.75, 1];
const slope = (t: number): number => (2 * t - 1) / (t * t + (1 - t) ** 2);
const [mean, std] = [
  [3, -20],
  [0.5, 4],
];
const zero = untrained(
  2,
  { hidden: [8, 8], zeroOutput: true },
  {
    path: storePath(circle),
    normaliser: { shift: Float32Array.from(mean), scale: Float32Array.from(std) },
  },
);
const n = 64;
/** Half a unit in the last place of a float of size 1. */
const half = 2 ** -24;

/** Whether rows are mean + std * factor * z0; `roundings` of the state on the way, then one of each product and sum. */
function follow(x: Float32Array, z0: Float32Array, factor: number, roundings: number): void {
  for (const [i, value] of x.entries()) {
    const [m, s, z] = [mean[i % 2] as number, std[i % 2] as number, z0[i] as number];
    const want = m + s * factor * z;
    expect(Math.abs(value - want)).toBeLessThanOrEqual(half * (s * Math.abs(z) * (roundings + 1) + Math.abs(want)));
  }
}

describe('a zero network on cosine()', () => {
  it('is N(mean, std^2) in data units, whatever the steps', async () => {
    const z0 = await noiseRows(3n, 0, n, 2);
    using model = Model.fromRecord(zero);
    for (const steps of [1, 8]) follow((await model.sample({ n, seed: 3, solver: euler({ steps }) })).x, z0, 1, 0);
  });
  it.each(times)('has the baseline for its velocity along condOT() at t = %d', async (t) => {
    const { a, tau, b, c } = makeFrame(circle, 'velocity', line).slope(t);
    const length = Math.hypot(t, 1 - t);
    const { alpha, sigma, dAlpha, dSigma } = circle.at(t);
    expect(Math.abs(dAlpha * alpha + dSigma * sigma)).toBeLessThanOrEqual(4 * Number.EPSILON); // N(0, 1) data have no velocity on cosine()
    // Each is a handful of operations on numbers of order 1: an arctangent, a sine and a cosine, sums and a quotient.
    const near = (got: number, want: number): void => expect(Math.abs(got - want)).toBeLessThanOrEqual(16 * Number.EPSILON);
    near(b, slope(t));
    near(a, 1 / length);
    near(tau, (2 / Math.PI) * Math.atan2(t, 1 - t));
    near(c, 2 / (Math.PI * length));
    // One native Euler step, from t to 1 and, at 1, back to 0: z + h v(z, t). The row's b, its product, h and the sum round: 4.
    const z0 = await noiseRows(3n, 0, n, 2);
    using model = Model.fromRecord(zero);
    using along = model.withPath(condOT());
    if (t < 1) follow((await along.sample({ n, seed: 3, solver: euler({ grid: [t, 1] }) })).x, z0, 1 + (1 - t) * slope(t), 4);
    else {
      const rows = z0.map((z, i) => (mean[i % 2] as number) + (std[i % 2] as number) * z);
      const { x } = await along.encode(rows, { solver: euler({ steps: 1 }) });
      // Back by v(z, 1) = z: to 0, but for the roundings of the z-score, which the mean's size enters.
      x.forEach(
        (z, i) =>
          void expect(Math.abs(z)).toBeLessThanOrEqual(6 * half * (Math.abs(z0[i] as number) + Math.abs(mean[i % 2] as number) / (std[i % 2] as number))),
      );
    }
  });
  it('follows the product of its steps along condOT(), and ends at N(mean, std^2)', async () => {
    const z0 = await noiseRows(3n, 0, n, 2);
    using model = Model.fromRecord(zero);
    using along = model.withPath(condOT());
    let factor = 1;
    for (let k = 0; k < 8; k++) factor *= 1 + slope(k / 8) / 8;
    expect(factor).toBeCloseTo(0.8508, 4); // Euler cuts the corner
    follow((await along.sample({ n, seed: 3, solver: euler({ steps: 8 }) })).x, z0, factor, 32);
    const tolerance = 1e-6;
    const { x, nfe } = await along.sample({ n, seed: 3, solver: dopri5({ rtol: tolerance, atol: tolerance }) });
    for (const [i, value] of x.entries()) {
      const [m, s, z] = [mean[i % 2] as number, std[i % 2] as number, z0[i] as number];
      // The flow contracts to 1 / sqrt 2 and comes back: an error made on the way grows by sqrt 2 at most. Each of fewer than nfe steps is off by the tolerance or less.
      expect(Math.abs(value - (m + s * z))).toBeLessThanOrEqual(s * (1 + Math.abs(z)) * tolerance * Math.SQRT2 * nfe + half * 2 * Math.abs(m));
    }
  });
});

it('has the loss of condOT() with the baseline, times pi / 2, at uniform times', () => {
  const frame = makeFrame(circle, 'velocity', line);
  const [x0, x1] = [0.7, -1.6];
  /** Any smooth network of (tau, state). */
  const net = (tau: number, y: number): number => Math.sin(3 * tau + y) + 0.4 * y * tau;
  /** The ratio of the two losses by the midpoint rule. */
  const ratio = (points: number): number => {
    let [onCircle, onLine] = [0, 0];
    for (let k = 0; k < points; k++) {
      const t = (k + 0.5) / points;
      const p = circle.at(t);
      onCircle += (net(t, p.alpha * x1 + p.sigma * x0) - (p.dAlpha * x1 + p.dSigma * x0)) ** 2;
      const x = t * x1 + (1 - t) * x0;
      const { a, tau, b, c } = frame.slope(t);
      onLine += (b * x + c * net(tau, a * x) - (x1 - x0)) ** 2;
    }
    return onCircle / onLine;
  };
  // The rule's error falls with the square of the points: that of 2000 is a third of the difference to 1000.
  const [coarse, fine] = [ratio(1000), ratio(2000)];
  expect(Math.abs(coarse - fine)).toBeLessThan(1e-5);
  expect(Math.abs(fine - Math.PI / 2)).toBeLessThan(Math.abs(coarse - fine));
});
