// The law of every path: derivatives equal finite differences, finite on [tMin, tMax], the right marginals at the ends.

import { expect, it } from 'vitest';
import type { Path } from '../../lib/paths/path.ts';
import { pathForm, resolvePath, restorePath, storePath } from '../../lib/paths/paths.ts';
import { pathFields } from '../../lib/paths/table.ts';

export function pathContract(path: Path, ends: { readonly alphaAtStart: number; readonly sigmaAtEnd: number }): void {
  const { tMin, tMax } = path;
  const times = Array.from({ length: 101 }, (_, k) => (k === 100 ? tMax : tMin + ((tMax - tMin) * k) / 100));

  it('is finite on [tMin, tMax]', () => {
    for (const t of times) for (const field of pathFields) expect(Number.isFinite(path.at(t)[field]), `${field} at ${t}`).toBe(true);
  });

  it('has derivatives equal to finite differences', () => {
    const h = 1e-4 * (tMax - tMin);
    for (const t of times.slice(1, -1)) {
      const [before, here, after] = [path.at(t - h), path.at(t), path.at(t + h)];
      for (const [f, d] of [
        ['alpha', 'dAlpha'],
        ['sigma', 'dSigma'],
        ['gamma', 'dGamma'],
      ] as const) {
        // Central difference: truncation h^2 |f'''| / 6, estimated from the derivative itself, plus rounding 1e-16 / h and the table's 1e-6.
        const curvature = Math.abs(after[d] - 2 * here[d] + before[d]);
        expect(Math.abs((after[f] - before[f]) / (2 * h) - here[d]), `${d} at ${t}`).toBeLessThan(1e-6 * (1 + Math.abs(here[d])) + curvature);
      }
    }
  });

  it('runs from the source to the data', () => {
    const [first, last] = [path.at(tMin), path.at(tMax)];
    expect(Math.abs(first.alpha)).toBeLessThanOrEqual(ends.alphaAtStart + 1e-12);
    expect(first.sigma).toBeGreaterThan(0.9);
    expect(Math.abs(last.sigma)).toBeLessThanOrEqual(ends.sigmaAtEnd + 1e-9);
    expect(Math.abs(last.alpha - 1)).toBeLessThan(0.1);
    for (let k = 1; k < times.length; k++) {
      const [p, q] = [path.at(times[k - 1] as number), path.at(times[k] as number)];
      // D = dAlpha sigma - alpha dSigma > 0: the signal-to-noise ratio rises.
      expect(q.alpha * p.sigma - p.alpha * q.sigma).toBeGreaterThan(0);
    }
  });

  it('survives being stored and read', () => {
    const known = resolvePath(path);
    const again = restorePath(structuredClone(storePath(known)));
    expect(pathForm(again)).toEqual(pathForm(known));
    for (const t of times) expect(again.at(t)).toEqual(known.at(t));
    expect(Object.isFrozen(again)).toBe(true);
  });
}
