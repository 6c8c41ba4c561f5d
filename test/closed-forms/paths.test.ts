// Every built-in path against closed forms: the field of N(m, S) integrates to the flow map and closes at the data, the velocity of a mixture turns into its
// score and its posterior mean, both at all t and at the ends; and models trained on the paths that scale or cut time reproduce their data.

import { describe, expect, it } from 'vitest';
import { adamw, condOT, conversion, convert, cosine, heun, linearVP, mlp, polynomial, train, ve, vp, warmupCosine } from '../../lib/index.ts';
import { energyDistance } from '../../lib/metrics/index.ts';
import { makeFrame } from '../../lib/paths/frame.ts';
import type { KnownPath } from '../../lib/paths/restore.ts';
import { framed, integrate } from '../../lib/sampling/reference/integrate.ts';
import { fitGrid } from '../../lib/solvers/grid.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { type Component, gaussianField, gaussianMap, mixtureField, mixtureRows, mixtureScore, type PlaneNormal } from '../cases/closed-forms.ts';

const paths: KnownPath[] = [condOT(), condOT({ sigmaMin: 0.1 }), polynomial(), polynomial({ power: 4 }), linearVP(), cosine(), vp(), ve({ sigmaMax: 8 }), ve()];
const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };
const components: Component[] = [
  { weight: 0.25, mean: [3, 0], std: 0.4 },
  { weight: 0.75, mean: [-1, 2], std: 0.7 },
];

describe.each(paths.map((path) => [`${path.name} to ${path.at(0).sigma.toFixed(0)}`, path] as const))('%s', (_, path) => {
  it('integrates to the flow map and closes at the data', () => {
    const scale = path.at(0).sigma;
    const x0 = Float64Array.from([0.3, -0.7, 2, 1, -1.5, 0.1], (v) => v * scale);
    const { grid, closes } = fitGrid(rk4({ steps: 400 }), path);
    const { saved } = integrate(rk4(), gaussianField(normal, path), x0, grid, [200, 400]);
    [grid[200] as number, grid[400] as number].forEach((t, k) => {
      // Runge-Kutta of order 4 on fields whose rates reach 2 log(sigma_0 / sigma_1) = 17: (17 / 400)^4 / 120 of the state.
      gaussianMap(normal, path, x0, t).forEach((exact, i) => {
        expect(Math.abs((saved[k]?.[i] as number) - exact)).toBeLessThan(3e-6 * Math.max(1, scale));
      });
    });
    const frame = makeFrame(path, 'velocity');
    expect(closes).toBe(frame.closes);
    if (!frame.closes) return;
    const end = saved[1] as Float64Array;
    const closed = framed(gaussianField(normal, path), frame.step(path.tMax, 1), end);
    const { alpha, sigma } = path.at(path.tMax);
    // The exact map to t = 1 by the same formula with alpha = 1, sigma = 0; the closing step is right to sigma^2 / (2 s^2) of the distance from the mean.
    const exact = gaussianMap(normal, { ...path, at: (t) => (t > path.tMax ? { ...path.at(t), alpha: 1, sigma: 0 } : path.at(t)) }, x0, 1);
    const worst = (0.5 * sigma ** 2) / (alpha * 0.3) ** 2;
    for (let r = 0; r < 6; r += 2) {
      const far = Math.hypot((exact[r] as number) - 1.5, (exact[r + 1] as number) + 1);
      expect(Math.hypot((closed[r] as number) - (exact[r] as number), (closed[r + 1] as number) - (exact[r + 1] as number))).toBeLessThan(
        1.2 * worst * far + 1e-5,
      );
    }
  });

  it('turns the velocity of a mixture into its score and its posterior mean, at all t', () => {
    for (const t of [0, 1e-7, 1e-3, 0.25, 0.5, 0.75, 0.999, 1 - 1e-7, 1].filter((time) => time <= path.tMax)) {
      const { alpha, sigma, dAlpha, dSigma } = path.at(t);
      const x = Float64Array.from([0.3, -0.7, 2, 1, -1.5, 0.1], (v) => v * Math.max(1, sigma));
      const v = mixtureField(components, path)(x, t);
      expect(v.every(Number.isFinite), `t = ${t}`).toBe(true);
      const score = mixtureScore(components, path)(x, t);
      const d = dAlpha * sigma - alpha * dSigma;
      if (sigma > 0 && d > 0) {
        // What rounding of u and x becomes: 1e-15 times the coefficients.
        const by = conversion(path, t, 'velocity', 'score');
        convert({ path, t, from: 'velocity', to: 'score', x, value: v }).forEach((s, i) => {
          const terms = Math.abs(by.x * (x[i] as number)) + Math.abs(by.value) * (Math.abs(v[i] as number) + Math.abs(dAlpha) + Math.abs(dSigma));
          expect(Math.abs(s - (score[i] as number)), `t = ${t}`).toBeLessThan(1e-12 * (1 + terms));
        });
      }
      if (d > 0 && alpha > 0) {
        // Tweedie: E[x1 | x] = (x + sigma^2 score) / alpha
        const by = conversion(path, t, 'velocity', 'x1');
        convert({ path, t, from: 'velocity', to: 'x1', x, value: v }).forEach((x1, i) => {
          const want = ((x[i] as number) + sigma * sigma * (score[i] as number)) / alpha;
          const terms = Math.abs(by.x * (x[i] as number)) + Math.abs(by.value * (v[i] as number)) + Math.abs((x[i] as number) / alpha);
          expect(Math.abs(x1 - want), `t = ${t}`).toBeLessThan(1e-12 * (1 + terms));
        });
      }
    }
  });
});

describe('trained', () => {
  it('takes no source rows on a path that scales its noise', () => {
    const rows = mixtureRows(components, 20, 1);
    expect(() => train({ data: rows, columns: 2, source: rows, path: ve(), steps: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_FLOW_CONFIG', path: 'options.source' }),
    );
  });

  it.each([
    ['vp', vp()],
    ['ve', ve({ sigmaMax: 5 })],
  ] as const)('%s reproduces a mixture', async (_, path) => {
    const optimiser = adamw({ lr: warmupCosine({ peak: 3e-3, warmup: 100, steps: 3000 }) });
    const network = mlp({ hidden: [64, 64] });
    const model = await train({
      data: mixtureRows(components, 20_000, 1),
      columns: 2,
      path,
      network,
      optimiser,
      steps: 3000,
      batchSize: 512,
      seed: 3,
      normalise: true,
    });
    const { x, times, saved } = await model.sample({ n: 2000, seed: 2, solver: heun({ steps: 60 }), saveAt: 2 });
    expect(Array.from(times)).toEqual([0, 1]);
    const spread = Math.sqrt(saved.subarray(0, 4000).reduce((sum, v) => sum + v * v, 0) / 4000);
    expect(spread).toBeGreaterThan(1); // in data units: the start has at least the spread of the data
    // Unbiased; the standard error of two samples of 2000 is about 0.004, the mean distance of two rows 2.5. The control: the same samples, moved by 0.3.
    const distance = energyDistance(x, mixtureRows(components, 2000, 9), 2, { statistic: 'U' });
    console.log(`${path.name}: energy distance ${distance.toFixed(4)}`);
    expect(distance).toBeLessThan(0.03);
    const moved = x.map((v) => v + 0.3);
    expect(energyDistance(moved, mixtureRows(components, 2000, 9), 2, { statistic: 'U' })).toBeGreaterThan(0.03);
  });
});
