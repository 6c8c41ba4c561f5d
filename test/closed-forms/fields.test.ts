// The closed forms prove themselves: the integrated field is the flow map, a mixture of one is its normal, and the field is the mean of dAlpha x1 + dSigma x0 given x_t.

import { describe, expect, it } from 'vitest';
import { moments } from '../../lib/metrics/index.ts';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { definePath } from '../../lib/paths/custom.ts';
import { Random } from '../../lib/random.ts';
import { integrate } from '../../lib/sampling/reference/integrate.ts';
import { gridOf } from '../../lib/solvers/grid.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { type Component, covariance, gaussianField, gaussianMap, mixtureField, mixtureRows, normalRows, type PlaneNormal } from '../cases/closed-forms.ts';

const q = Math.PI / 2;
const cosine = definePath({
  name: 'cosine',
  at: (t) => ({ alpha: Math.sin(q * t), sigma: Math.cos(q * t), dAlpha: q * Math.cos(q * t), dSigma: -q * Math.sin(q * t) }),
});
const normal: PlaneNormal = { mean: [1.5, -1], std: [1.2, 0.3], angle: 0.6 };

describe.each([condOT(), condOT({ sigmaMin: 0.1 }), cosine].map((path) => [path.name, path] as const))('path %s', (_, path) => {
  it('integrates to the flow map', () => {
    const x0 = Float64Array.of(0.3, -0.7, 2, 1, -1.5, 0.1);
    const grid = gridOf(rk4({ steps: 400 }));
    const { saved } = integrate(rk4(), gaussianField(normal, path), x0, grid, [200, 400]);
    [0.5, 1].forEach((t, k) => {
      gaussianMap(normal, path, x0, t).forEach((exact, i) => {
        expect(Math.abs((saved[k]?.[i] as number) - exact)).toBeLessThan(1e-6);
      });
    });
  });

  it('a mixture of one normal is that normal', () => {
    const round: PlaneNormal = { mean: [2, 1], std: [0.5, 0.5], angle: 0 };
    const x = Float64Array.of(0.3, -0.7, 2, 1);
    const mixture = mixtureField([{ weight: 1, mean: [2, 1], std: 0.5 }], path);
    for (const t of [0, 0.3, 0.9]) mixture(x, t).forEach((v, i) => void expect(v).toBeCloseTo(gaussianField(round, path)(x, t)[i] as number, 12));
  });
});

describe('closed forms', () => {
  it('the field is the conditional mean of the target', () => {
    // E[(u - v(x_t)) g(x_t)] = 0 for any g; here g = 1, x, y at t = 0.6: five standard errors of the mean of 200,000 draws.
    const components: Component[] = [
      { weight: 0.3, mean: [2, 0], std: 0.5 },
      { weight: 0.7, mean: [-1, 1], std: 0.8 },
    ];
    const n = 200_000;
    const [t, x1, random] = [0.6, mixtureRows(components, n, 4), new Random(5, 6)];
    const x0 = Float64Array.from(x1, () => random.normal());
    const xt = Float64Array.from(x1, (v, i) => t * v + (1 - t) * (x0[i] as number));
    const v = mixtureField(components, condOT())(xt, t);
    for (let c = 0; c < 2; c++) {
      for (const g of [() => 1, (i: number) => xt[2 * i] as number, (i: number) => xt[2 * i + 1] as number]) {
        const terms = Float64Array.from({ length: n }, (_, i) => ((x1[2 * i + c] as number) - (x0[2 * i + c] as number) - (v[2 * i + c] as number)) * g(i));
        const { mean, std } = moments(terms, 1);
        expect(Math.abs(mean[0] as number)).toBeLessThan((5 * (std[0] as number)) / Math.sqrt(n));
      }
    }
  });

  it('draws normal rows with their covariance', () => {
    const got = moments(normalRows(normal, 100_000, 3), 2);
    const [xx, xy, yy] = covariance(normal);
    [xx, xy, xy, yy].forEach((exact, i) => {
      expect(Math.abs((got.covariance[i] as number) - exact)).toBeLessThan(5 * Math.sqrt(2 / 1e5) * 1.44);
    });
  });
});
