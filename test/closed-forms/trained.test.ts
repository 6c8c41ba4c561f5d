// Models trained by train() against the closed forms: row by row against the flow map, moments and energy distance of their samples, path energy.
// Budgets are small on purpose; tolerances state the accuracy such a budget must reach, many times below what a wrong formula gives (see the controls).

import { describe, expect, it } from 'vitest';
import { synthetic } from '../../lib/data/synthetic.ts';
import { adamw, condOT, definePath, euler, heun, minibatchOT, mlp, train, warmupCosine } from '../../lib/index.ts';
import { energyDistance, moments, normalisedPathEnergy, pathEnergy } from '../../lib/metrics/index.ts';
import { resolvePath } from '../../lib/paths/paths.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { gridOf } from '../../lib/solvers/grid.ts';
import { type Component, covariance, gaussianMap, mixtureField, mixtureRows, normalRows, type PlaneNormal } from '../cases/closed-forms.ts';

const q = Math.PI / 2;
const cosine = definePath({
  name: 'cosine',
  at: (t) => ({ alpha: Math.sin(q * t), sigma: Math.cos(q * t), dAlpha: q * Math.cos(q * t), dSigma: -q * Math.sin(q * t) }),
});
const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };
const budget = {
  network: mlp({ hidden: [64, 64] }),
  steps: 3000,
  batchSize: 512,
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, warmup: 100, steps: 3000 }) }),
  seed: 3,
} as const;

const rms = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum / a.length);
};

describe.each([
  ['condOT', condOT(), false],
  ['condOT, normalised', condOT(), true],
  ['condOT with sigmaMin 0.1', condOT({ sigmaMin: 0.1 }), false],
  ['a path of its own', cosine, false],
] as const)('N(m, S) by %s', (_, path, normalise) => {
  it('follows the flow map and reproduces the moments', async () => {
    const data = normalRows(normal, 20_000, 1);
    const model = await train({ ...budget, data, columns: 2, path, normalise });
    const { x, saved } = await model.sample({ n: 4000, seed: 2, solver: heun({ steps: 50 }), saveAt: 2 });
    const sigma1 = path.at(1).sigma;
    if (!normalise) {
      // The flow map carries each row's own noise: standard deviations of the answer are 0.3 to 1.2.
      expect(rms(x, gaussianMap(normal, resolvePath(path), saved.subarray(0, 8000), 1))).toBeLessThan(0.03);
    }
    const got = moments(x, 2);
    const [xx, xy, yy] = covariance(normal);
    // Five standard errors of 4000 draws, plus 0.06 for the trained field.
    normal.mean.forEach((m, c) => {
      expect(Math.abs((got.mean[c] as number) - m)).toBeLessThan(5 * Math.sqrt(Math.max(xx, yy) / 4000) + 0.06);
    });
    [xx + sigma1 ** 2, xy, xy, yy + sigma1 ** 2].forEach((exact, i) => {
      expect(Math.abs((got.covariance[i] as number) - exact)).toBeLessThan(5 * Math.sqrt(2 / 4000) * xx + 0.06);
    });
  });
});

describe('mixture', () => {
  const components: Component[] = [
    { weight: 0.25, mean: [3, 0], std: 0.4 },
    { weight: 0.75, mean: [-1, 2], std: 0.7 },
  ];

  it('reproduces the field, the weights and the distribution', async () => {
    const model = await train({ ...budget, data: mixtureRows(components, 20_000, 1), columns: 2, normalise: false });
    const grid = gridOf(heun({ steps: 50 }));
    const { x, saved } = await model.sample({ n: 2000, seed: 2, solver: heun({ steps: 50 }), saveAt: 2 });
    const exact = integrate(heun(), mixtureField(components, condOT()), Float64Array.from(saved.subarray(0, 4000)), grid).saved[0] as Float64Array;
    // Rows near the watershed between the components may fall on either side: compare the median row.
    const errors = Float64Array.from({ length: 2000 }, (_, i) =>
      Math.hypot((x[2 * i] as number) - (exact[2 * i] as number), (x[2 * i + 1] as number) - (exact[2 * i + 1] as number)),
    ).sort();
    expect(errors[1000]).toBeLessThan(0.06);
    const share = Array.from({ length: 2000 }, (_, i): number => ((x[2 * i] as number) > 1 ? 1 : 0)).reduce((a, b) => a + b, 0) / 2000;
    expect(Math.abs(share - 0.25)).toBeLessThan(5 * Math.sqrt(0.1875 / 2000) + 0.02);
    // Unbiased, so 0 for a perfect model; the standard error of two samples of 2000 is about 0.004. The mean distance of two rows is 2.5.
    expect(energyDistance(x, mixtureRows(components, 2000, 9), 2, { statistic: 'U' })).toBeLessThan(0.012);
    const shifted = x.map((v) => v + 0.3);
    expect(energyDistance(shifted, mixtureRows(components, 2000, 9), 2, { statistic: 'U' })).toBeGreaterThan(0.012);
  });
});

describe('normalised path energy of independent coupling (settings of arXiv 2307.03672, table 2; a tenth of its steps)', () => {
  // W2^2 and the energy of the ideal field, worked out on the empirical target: bench/tables/t1.ts tells how.
  it.each([
    ['moons', 1.261, 0.973],
    ['8gaussians', 15.01, 0.249],
  ] as const)('N -> %s', async (name, w2Squared, ideal) => {
    const model = await train({
      data: synthetic(name, { n: 10_000, seed: 1, version: 'runner' }).x,
      columns: 2,
      normalise: false,
      validation: 0,
      network: mlp({ hidden: [64, 64, 64], activation: 'selu', time: 'raw', residual: false, norm: false }),
      optimiser: adamw({ lr: 1e-3, weightDecay: 1e-5 }),
      ema: 0,
      clip: 0,
      batchSize: 512,
      steps: 2000,
      seed: 1,
    });
    const { saved, times } = await model.sample({ n: 10_000, seed: 2, solver: euler({ steps: 100 }), saveAt: 101 });
    expect(Math.abs(normalisedPathEnergy(pathEnergy(saved, times, 2), w2Squared) - ideal)).toBeLessThan(0.3);
  });

  it('N -> moons with minibatch optimal transport is nearly straight', async () => {
    const model = await train({
      data: synthetic('moons', { n: 10_000, seed: 1, version: 'runner' }).x,
      columns: 2,
      normalise: false,
      validation: 0,
      network: mlp({ hidden: [64, 64, 64], activation: 'selu', time: 'raw', residual: false, norm: false }),
      optimiser: adamw({ lr: 1e-3, weightDecay: 1e-5 }),
      coupling: minibatchOT(),
      ema: 0,
      clip: 0,
      batchSize: 256,
      steps: 1500,
      seed: 1,
    });
    const { saved, times } = await model.sample({ n: 10_000, seed: 2, solver: euler({ steps: 100 }), saveAt: 101 });
    expect(Math.abs(normalisedPathEnergy(pathEnergy(saved, times, 2), 1.261))).toBeLessThan(0.15); // 0.97 with independent coupling
  });
});
