// Weights w(t) of the loss. A weight is thought of in terms of the data: w_1(rho) on the squared error of x1, rho = alpha / sigma. What the network says instead is
// off by  |error of x1| = factor |error of what it says|,  factor = 1 (x1), sigma / alpha (noise), sigma / D (velocity),  so that w = w_1 factor^2.

import { argumentError, callIt, FlowError, isUncalled, nameFactories } from '../errors.ts';
import { choice, finite, record } from '../options.ts';

/** Of a path at t. */
interface Point {
  readonly alpha: number;
  readonly sigma: number;
  readonly dAlpha: number;
  readonly dSigma: number;
}
type Prediction = 'velocity' | 'x1' | 'noise';

export interface LossWeight {
  readonly name: string;
  /** Constants of a built-in weight; absent for a function of the user's. */
  readonly constants?: Readonly<Record<string, number>>;
  of(t: number, point: Point, prediction: Prediction): number;
}

const determinant = ({ alpha, sigma, dAlpha, dSigma }: Point): number => dAlpha * sigma - alpha * dSigma;

/**
 * min(SNR, gamma) on the error of x1, SNR = (alpha / sigma)^2: times near the data, where every error is small, do not outweigh the rest. As min(1, gamma / SNR)
 * on noise and min(alpha^2, gamma sigma^2) / D^2 on velocities. Source: arXiv 2303.09556, section 3.4.
 * @param options.gamma In [1e-3, 1e6]. @default 5
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, prediction: 'x1', weight: minSNR() })
 */
export function minSNR(options: { readonly gamma?: number } = {}): LossWeight {
  const gamma = finite(record(options, 'minSNR', ['gamma'], {}, ['gamma', minSNR]).gamma ?? 5, 'minSNR.gamma', 1e-3, 1e6);
  return Object.freeze({
    name: 'minSNR',
    constants: Object.freeze({ gamma }),
    of: (_: number, point: Point, prediction: Prediction) => {
      const { alpha, sigma } = point;
      if (prediction === 'x1') return Math.min((alpha / sigma) ** 2, gamma);
      if (prediction === 'noise') return Math.min(1, gamma * (sigma / alpha) ** 2);
      return Math.min(alpha * alpha, gamma * sigma * sigma) / determinant(point) ** 2;
    },
  });
}

/**
 * (k^2 + s^2) / (k s)^2 on the error of x1, k = sigma / alpha held to [0.002, 80]: a denoiser's errors count alike at all noise levels. At most 1e6 (a velocity that is 0
 * at the noise says nothing of the data). Source: arXiv 2206.00364, table 1.
 * @param options.dataStd s, of the data as the network sees it, in [1e-3, 1e3]. @default 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, prediction: 'x1', weight: edm() })
 */
export function edm(options: { readonly dataStd?: number } = {}): LossWeight {
  const s = finite(record(options, 'edm', ['dataStd'], {}, ['dataStd', edm]).dataStd ?? 1, 'edm.dataStd', 1e-3, 1e3);
  return Object.freeze({
    name: 'edm',
    constants: Object.freeze({ dataStd: s }),
    of: (_: number, point: Point, prediction: Prediction) => {
      const { alpha, sigma } = point;
      const k = Math.min(Math.max(sigma / alpha, 0.002), 80);
      if (prediction === 'x1') return (k * k + s * s) / (k * s) ** 2;
      if (prediction === 'noise') return (k * k + s * s) / (s * s);
      return Math.min((sigma * sigma + (alpha * s) ** 2) / (s * determinant(point)) ** 2, 1e6);
    },
  });
}

nameFactories('weight', { minSNR, edm });
const makers: Readonly<Record<string, (constants: never) => LossWeight>> = { minSNR, edm };

/** The value of a `weight` option: a name, minSNR(), edm(), or a function of t. Undefined means none. */
export function resolveWeight(value: unknown, path = 'weight'): LossWeight | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return (makers[choice(value, path, ['minSNR', 'edm'])] as (typeof makers)[string])({} as never);
  if (typeof value === 'function' && !isUncalled(value))
    return Object.freeze({ name: value.name || 'own', of: (t: number) => (value as (t: number) => number)(t) });
  const { name, constants } = (typeof value === 'object' ? value : {}) as Partial<LossWeight>;
  if (typeof name === 'string' && Object.hasOwn(makers, name)) return (makers[name] as (typeof makers)[string])((constants ?? {}) as never);
  throw argumentError('ERR_FLOW_TYPE', path, 'a weight such as minSNR(), or a function of t', value, callIt(value, 'weight'));
}

/** Nodes of the table; linear between. */
export const weightNodes = 16_385;

/** w at equidistant t in [tMin, tMax]; at an end where the formula has no value, its value a millionth of the range inside. Null for none. */
export function weightTable(
  weight: LossWeight | null,
  path: { readonly tMin: number; readonly tMax: number; at(t: number): Point },
  prediction: Prediction,
): Float64Array | null {
  if (weight === null) return null;
  const { tMin, tMax } = path;
  const range = tMax - tMin;
  return Float64Array.from({ length: weightNodes }, (_, k) => {
    const t = k === weightNodes - 1 ? tMax : tMin + (range * k) / (weightNodes - 1);
    const at = (time: number): unknown => weight.of(time, path.at(time), prediction);
    let w = at(t);
    if (Number.isNaN(w) && weight.constants) w = at(Math.min(Math.max(t, tMin + 1e-6 * range), tMax - 1e-6 * range));
    if (typeof w === 'number' && Number.isFinite(w) && w >= 0) return w;
    const where = `weight(${t})`;
    throw new FlowError('ERR_FLOW_RANGE', `${where}: expected a finite number >= 0, got ${String(w)}.`, {
      path: where,
      expected: 'a finite number >= 0',
      received: String(w),
    });
  });
}
