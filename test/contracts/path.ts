// The law of every path: derivatives equal finite differences, finite on [tMin, tMax], the right marginals at the ends.

import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import type { Path } from '../../lib/paths/path.ts';
import { pathForm, resolvePath, storePath } from '../../lib/paths/paths.ts';
import { restorePath } from '../../lib/paths/restore.ts';
import { hermite, pathFields } from '../../lib/paths/table.ts';

/** What the native core reads is the path itself: its table, between the nodes and at the ends, within 1e-6 of the largest value of each field. */
function tableContract(path: Path & { readonly sourceScale?: number }): void {
  it('is read by the native core as it is', () => {
    const form = pathForm(resolvePath(path));
    if (form.kind !== 'table') return;
    const count = 4 * (form.nodes.length / 12 - 1) + 1;
    const times = Array.from({ length: count }, (_, k) => Math.min(path.tMin + ((path.tMax - path.tMin) * (k + 0.37)) / (count - 1), path.tMax));
    for (const field of pathFields) {
      let [error, largest] = [0, 0];
      for (const t of times) {
        error = Math.max(error, Math.abs(hermite(form.nodes, form.tMin, form.tMax, t)[field] - path.at(t)[field]));
        largest = Math.max(largest, Math.abs(path.at(t)[field]));
      }
      expect(error, field).toBeLessThanOrEqual(1e-6 * largest);
    }
  });
}

/** The law of the inverse of the signal-to-noise ratio: timeOf(alpha / sigma) = t, and no rho leaves [tMin, tMax]. */
function inverseContract(path: Path & { timeOf(rho: number): number }): void {
  it('finds the time of a signal-to-noise ratio', () => {
    for (let k = 0; k <= 1000; k++) {
      const t = path.tMin + ((path.tMax - path.tMin) * k) / 1000;
      const { alpha, sigma, dAlpha, dSigma } = path.at(t);
      if (sigma === 0 || k === 0) continue;
      // rho is known to a few ulp, 1e-15 rho, so that t is to 1e-15 rho / rho' = 1e-15 alpha sigma / D; 1e-13 for the rounding of the formulas.
      const slack = 1e-13 + (1e-14 * alpha * sigma) / (dAlpha * sigma - alpha * dSigma);
      expect(Math.abs(path.timeOf(alpha / sigma) - t), `t = ${t}`).toBeLessThan(slack);
    }
    for (const rho of [0, 1e-300, 1e-7, 1, 1e7, 1e300, Number.POSITIVE_INFINITY]) {
      expect(path.timeOf(rho)).toBeGreaterThanOrEqual(path.tMin);
      expect(path.timeOf(rho)).toBeLessThanOrEqual(path.tMax);
    }
    expect([path.timeOf(0), path.timeOf(Number.POSITIVE_INFINITY)]).toEqual([path.tMin, path.tMax]);
  });
}

/** `apart`: x0 is gone before x1 sets in, so that alpha / sigma is 0 or infinite, and tells no time. */
export function pathContract(path: Path, ends: { readonly alphaAtStart: number; readonly sigmaAtEnd: number; readonly apart?: boolean }): void {
  const { tMin, tMax } = path;
  const times = Array.from({ length: 101 }, (_, k) => (k === 100 ? tMax : tMin + ((tMax - tMin) * k) / 100));

  tableContract(path);
  const { timeOf } = path as { timeOf?: (rho: number) => number };
  if (timeOf && !ends.apart) inverseContract({ ...path, timeOf });

  it('is finite on [tMin, tMax]', () => {
    for (const t of [...times, 0, 1e-7, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-7, 1])
      for (const field of pathFields) expect(Number.isFinite(path.at(t)[field]), `${field} at ${t}`).toBe(true);
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
      const rise = q.alpha * p.sigma - p.alpha * q.sigma;
      if (ends.apart) expect(rise).toBeGreaterThanOrEqual(0);
      else expect(rise).toBeGreaterThan(0);
    }
  });

  it('survives being stored and read', () => {
    const known = resolvePath(path);
    const again = restorePath(structuredClone(storePath(known)));
    expect(isDeepStrictEqual(pathForm(again), pathForm(known))).toBe(true); // tables are long, and toEqual() slow
    for (const t of times) expect(again.at(t)).toEqual(known.at(t));
    expect(Object.isFrozen(again)).toBe(true);
  });
}
