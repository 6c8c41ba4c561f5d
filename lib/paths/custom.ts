// definePath(): a user's path, an object literal, is sampled once on a fixed grid and checked: finite, derivatives that fit, time running from noise to data.

import { argumentError, FlowError } from '../errors.ts';
import { finite, record } from '../options.ts';
import type { PathPoint } from './path.ts';
import { pathFields, type TablePath, tablePath } from './table.ts';
import { difference, fittingTable, type Sample, scaleOf } from './tabulate.ts';

/** Six scalar functions of t; gamma and dGamma may be left out where the path adds no fresh noise. */
export interface PathDefinition {
  readonly name: string;
  /** @default 0 */
  readonly tMin?: number;
  /** Where it ends before 1, a sampler takes the rest in one closed-form step to alpha = 1, sigma = 0 (along the velocity where gamma > 0). @default 1 */
  readonly tMax?: number;
  /** Standard deviation of the Gaussian source. @default 1 */
  readonly sourceScale?: number;
  at(t: number): Omit<PathPoint, 'gamma' | 'dGamma'> & { readonly gamma?: number; readonly dGamma?: number };
}

/**
 * A path of your own: `at(t)` gives alpha, sigma (and gamma) and their t-derivatives, finite on all of [tMin, tMax].
 * It is called some fifteen thousand times here, ten times as often where it is steep, and never again.
 * @throws FlowError ERR_FLOW_NONFINITE, ERR_FLOW_CONFIG naming the function and the t at which it is wrong.
 * @example definePath({ name: 'cosine', at: (t) => ({ alpha: Math.sin(h * t), sigma: Math.cos(h * t), dAlpha: h * Math.cos(h * t), dSigma: -h * Math.sin(h * t) }) }) // h = pi / 2
 */
export function definePath(definition: PathDefinition): TablePath {
  const given = record(definition, 'path', ['name', 'tMin', 'tMax', 'sourceScale', 'at']);
  const { name, at } = given;
  const known = checkName(name, 'path.name');
  if (typeof at !== 'function') throw argumentError('ERR_FLOW_TYPE', 'path.at', 'a function of t', at);
  const tMin = finite(given.tMin ?? 0, 'path.tMin', 0, 1);
  const tMax = finite(given.tMax ?? 1, 'path.tMax', 0, 1);
  if (tMax - tMin < 1e-6) throw argumentError('ERR_FLOW_RANGE', 'path.tMax', 'tMin < tMax', tMax);
  const sourceScale = finite(given.sourceScale ?? 1, 'path.sourceScale', 1e-6, 1e6);

  const sample = sampler(at as PathDefinition['at'], definition, tMin, tMax);
  checkDerivatives(sample, tMin, tMax, 'path.at');
  checkEnds(sample(tMin), sample(tMax), tMin, tMax);
  return tablePath(known, tMin, tMax, sourceScale, fittingTable(sample, tMin, tMax, 'path.at'));
}

/** A name for a path of one's own; the name alone tells condOT() from it. */
export function checkName(value: unknown, path: string): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 100) throw argumentError('ERR_FLOW_TYPE', path, 'a name of 1 to 100 characters', value);
  if (value === 'condOT') throw argumentError('ERR_FLOW_CONFIG', path, 'a name that no built-in path has', value);
  return value;
}

/** The user's function as six numbers, each checked; calls stay inside [tMin, tMax]. */
function sampler(at: PathDefinition['at'], self: PathDefinition, tMin: number, tMax: number): Sample {
  return (t) => {
    const time = Math.min(Math.max(t, tMin), tMax);
    let point: unknown;
    try {
      point = at.call(self, time);
    } catch (cause) {
      throw new FlowError('ERR_FLOW_CONFIG', `path.at(${time}): expected a point, but the function threw.`, { path: `path.at(${time})`, cause });
    }
    const fields = record(point, `path.at(${time})`, pathFields);
    return pathFields.map((field) => {
      const value = fields[field] ?? (field === 'gamma' || field === 'dGamma' ? 0 : undefined);
      if (typeof value !== 'number') throw argumentError('ERR_FLOW_TYPE', `path.at(${time}).${field}`, 'a number', value);
      if (!Number.isFinite(value)) {
        throw argumentError(
          'ERR_FLOW_NONFINITE',
          `path.at(${time}).${field}`,
          'a finite number',
          value,
          'Narrow [tMin, tMax] so that it ends before the singular point.',
        );
      }
      return value;
    });
  };
}

/** dAlpha, dSigma, dGamma against differences of alpha, sigma, gamma. */
export function checkDerivatives(sample: Sample, tMin: number, tMax: number, path: string): void {
  const range = tMax - tMin;
  const points = 64;
  const scale = scaleOf(sample, tMin, tMax);
  for (let k = 0; k <= points; k++) {
    const t = tMin + (range * k) / points;
    const value = sample(t);
    for (let f = 0; f < 3; f++) {
      const fine = difference(sample, f, t, range * 5e-4, tMin, tMax);
      const coarse = difference(sample, f, t, range * 1e-3, tMin, tMax);
      const stated = value[f + 3] as number;
      const slack = 1e-5 * ((scale[f] as number) / range + Math.abs(stated)) + 4 * Math.abs(fine - coarse);
      if (Math.abs(fine - stated) > slack) {
        const [primitive, derivative] = [pathFields[f] as string, pathFields[f + 3] as string];
        const expected = `the t-derivative of ${primitive}, about ${fine.toPrecision(5)}`;
        throw argumentError('ERR_FLOW_CONFIG', `${path}(${t}).${derivative}`, expected, stated, `Check the formula of ${derivative}.`);
      }
    }
  }
}

/** Time runs from noise to data: sigma / alpha falls, and x at tMax is the data but for a small factor. */
function checkEnds(first: readonly number[], last: readonly number[], tMin: number, tMax: number): void {
  const [a0, s0, a1, s1] = [first[0], first[1], last[0], last[1]] as [number, number, number, number];
  const hint = 't = 0 is noise and t = 1 is data here: if your formulas run the other way, replace t by 1 - t and change the sign of the derivatives.';
  if (!(Math.abs(s0 * a1) > Math.abs(s1 * a0))) {
    throw argumentError('ERR_FLOW_CONFIG', 'path.at', `sigma / alpha that is larger at t = ${tMin} than at t = ${tMax}`, Math.abs(s1 * a0), hint);
  }
  if (Math.abs(a1 - 1) > 0.1) throw argumentError('ERR_FLOW_CONFIG', `path.at(${tMax}).alpha`, 'a number within 0.1 of 1', a1, hint);
}
