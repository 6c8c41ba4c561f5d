// Stochastic interpolants between two laws: x_t = alpha x1 + sigma x0 + gamma eps with alpha(0) = sigma(1) = gamma(0) = gamma(1) = 0 and alpha(1) = sigma(0) = 1. Sources:
// Albergo and Vanden-Eijnden, arXiv 2209.15571; Albergo, Boffi and Vanden-Eijnden, arXiv 2303.08797, sections 2 and 4.

import { argumentError } from '../errors.ts';
import { choice, finite, record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';
import { quarterTurn, turnOf } from './cosine.ts';
import { checkDerivatives, checkName } from './custom.ts';
import { derivative, scalar } from './scalar.ts';
import { type TablePath, tablePath } from './table.ts';
import { fittingTable } from './tabulate.ts';

type Scalar = (t: number) => number;
type Four = readonly [alpha: number, sigma: number, dAlpha: number, dSigma: number];

/** How the two ends are joined: ready-made. */
const shapes = {
  linear: { at: (t: number): Four => [t, 1 - t, 1, -1], timeOf: (rho: number) => rho / (1 + rho) },
  trigonometric: { at: quarterTurn, timeOf: turnOf },
  encoderDecoder: { at: encoderDecoder, timeOf: () => 0.5 },
} as const;
export type InterpolantShape = keyof typeof shapes;

/** x0 is gone at t = 1/2, where x1 sets in: cos^4(pi t) of the one, then of the other. */
function encoderDecoder(t: number): Four {
  const [c, s] = [Math.cos(Math.PI * t), Math.sin(Math.PI * t)];
  const [value, slope] = [c ** 4, -4 * Math.PI * c ** 3 * s];
  return t < 0.5 ? [0, value, 0, slope] : [value, 0, slope, 0];
}

/** gamma and its derivative at t, before they are scaled. */
const gammas = {
  brownian: (t: number): readonly [number, number] => {
    const root = Math.sqrt(t * (1 - t));
    return [root, (1 - 2 * t) / (2 * root)];
  },
  sine: (t: number): readonly [number, number] => {
    const s = Math.sin(Math.PI * Math.min(t, 1 - t));
    return [s * s, Math.PI * Math.sin(2 * Math.PI * t)];
  },
} as const;
export type InterpolantGamma = keyof typeof gammas;

/** Times on which a gamma and its derivative are finite. */
const timesOf = (gamma: unknown): readonly [number, number] => (gamma === 'brownian' ? [0.001, 0.999] : [0, 1]);

export interface InterpolantOptions {
  /**
   * alpha and sigma, ready-made: `linear` (t, 1 - t), `trigonometric` (sin, cos of pi t / 2), `encoderDecoder` (x0 is carried to nothing but noise at t = 1/2, from which x1
   * grows: cos^4(pi t) of each; it needs no x0 and x1 that meet). @default 'linear'
   */
  readonly shape?: InterpolantShape;
  /** alpha(t) of your own, beside sigma(t): 0 at t = 0, 1 at t = 1. */
  readonly alpha?: Scalar;
  /** sigma(t) of your own, beside alpha(t): 1 at t = 0, 0 at t = 1. */
  readonly sigma?: Scalar;
  /** `brownian`: scale sqrt(t (1 - t)), on [0.001, 0.999]; `sine`: scale sin^2(pi t), on [0, 1]; or gamma(t) of your own, 0 at both ends. @default 'sine' */
  readonly gamma?: InterpolantGamma | Scalar;
  /** Factor of a ready-made gamma, in [1e-3, 100], in the coordinates of the network. @default 1 */
  readonly scale?: number;
  /** Derivatives of your own functions. @default five-point differences */
  readonly dAlpha?: Scalar;
  readonly dSigma?: Scalar;
  readonly dGamma?: Scalar;
  /** Of functions of your own: where all six are finite, in [0, 1]. @default 0, or 0.001 with a brownian gamma */
  readonly tMin?: number;
  /** @default 1, or 0.999 with a brownian gamma */
  readonly tMax?: number;
  /** Of functions of your own. @default 'interpolant' */
  readonly name?: string;
}

const keys = ['shape', 'alpha', 'sigma', 'gamma', 'scale', 'dAlpha', 'dSigma', 'dGamma', 'tMin', 'tMax', 'name'] as const;
const elsewhere = { beta: 'alpha, the factor of x1 (and sigma, that of x0)', a: 'scale, the square root of a', epsilon: 'noise: of a stochastic solver' };

/**
 * A stochastic interpolant: fresh noise gamma(t) eps on the way, none at the ends, so that the flow goes from the source to the data themselves. Gaussian sources and
 * source rows alike; with `objective: scoreAndFlow()` it is sampled stochastically as well. Functions of your own are checked and sampled once.
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE, ERR_FLOW_NONFINITE naming the function and the t at which it is wrong.
 * @example train({ data, source: rows, path: interpolant({ gamma: 'sine', scale: 0.5 }) })
 * @example interpolant({ alpha: (t) => t * t, sigma: (t) => 1 - t * t, gamma: (t) => t * (1 - t) })
 */
export function interpolant(options: InterpolantOptions = {}): AffinePath | TablePath {
  const given = record(options, 'interpolant', keys, elsewhere, ['scale', interpolant]);
  const own = given.alpha !== undefined || given.sigma !== undefined;
  for (const name of ['alpha', 'sigma', 'shape'] as const)
    if (own && (given[name] === undefined) === (name !== 'shape'))
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `interpolant.${name}`,
        own && name === 'shape' ? 'nothing beside alpha and sigma' : 'alpha and sigma together',
        given[name],
      );
  const shape = own ? null : choice(given.shape ?? 'linear', 'interpolant.shape', Object.keys(shapes) as InterpolantShape[]);
  const ready = typeof given.gamma === 'function' ? null : choice(given.gamma ?? 'sine', 'interpolant.gamma', Object.keys(gammas) as InterpolantGamma[]);
  if (ready === null && given.scale !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'interpolant.scale', 'nothing, as gamma is a function', given.scale, 'Scale the function.');
  const scale = finite(given.scale ?? 1, 'interpolant.scale', 1e-3, 100);
  const forbidden = [
    ...(own ? [] : (['dAlpha', 'dSigma'] as const)),
    ...(ready ? (['dGamma'] as const) : []),
    ...(shape && ready ? (['tMin', 'tMax', 'name'] as const) : []),
  ];
  for (const name of forbidden)
    if (given[name] !== undefined) throw argumentError('ERR_FLOW_CONFIG', `interpolant.${name}`, 'nothing, as what it belongs to is ready-made', given[name]);
  return shape && ready ? closedInterpolant(shape, ready, scale) : ownInterpolant(given, shape, ready, scale);
}

/** A ready-made interpolant, from what a file keeps of it. */
export function storedInterpolant(shape: InterpolantShape): (constants: object) => AffinePath {
  return (constants) => {
    const { brownian, sine } = record(constants, 'constants', ['brownian', 'sine']);
    return closedInterpolant(shape, brownian === undefined ? 'sine' : 'brownian', finite(brownian ?? sine, 'constants.scale', 1e-3, 100));
  };
}

function closedInterpolant(shape: InterpolantShape, gamma: InterpolantGamma, scale: number): AffinePath {
  const [tMin, tMax] = timesOf(gamma);
  return affinePath({
    name: `${shape}Interpolant`,
    constants: { [gamma]: scale },
    tMin,
    tMax,
    at: (t) => {
      const [g, slope] = gammas[gamma](t);
      return [...shapes[shape].at(t), scale * g, scale * slope];
    },
    timeOf: shapes[shape].timeOf,
  });
}

function ownInterpolant(
  given: { readonly [key in (typeof keys)[number]]?: unknown },
  shape: InterpolantShape | null,
  ready: InterpolantGamma | null,
  scale: number,
): TablePath {
  const name = checkName(given.name ?? 'interpolant', 'interpolant.name');
  const [first, last] = timesOf(ready);
  const tMin = finite(given.tMin ?? first, 'interpolant.tMin', first, 1);
  const tMax = finite(given.tMax ?? last, 'interpolant.tMax', 0, last);
  if (tMax - tMin < 1e-6) throw argumentError('ERR_FLOW_RANGE', 'interpolant.tMax', 'tMin < tMax', tMax);
  const inside = (t: number): number => Math.min(Math.max(t, tMin), tMax);
  /** A function, checked to be `ends` at 0 and 1, with its derivative. */
  const part = (key: 'alpha' | 'sigma' | 'gamma', derived: 'dAlpha' | 'dSigma' | 'dGamma', ends: readonly [number, number]): readonly [Scalar, Scalar] => {
    const f = scalar(given[key], `interpolant.${key}`);
    for (const [t, wanted] of ends.entries()) {
      const value = f(t);
      if (!(Math.abs(value - wanted) <= 1e-6))
        throw argumentError('ERR_FLOW_CONFIG', `interpolant.${key}(${t})`, `${wanted}: x_${t} is ${t ? 'the data' : 'the source'}`, value);
    }
    return [f, given[derived] === undefined ? derivative(f, tMin, tMax) : scalar(given[derived], `interpolant.${derived}`)];
  };
  const line = shape ? null : ([part('alpha', 'dAlpha', [0, 1]), part('sigma', 'dSigma', [1, 0])] as const);
  const noise = ready ? null : part('gamma', 'dGamma', [0, 0]);
  const sample = (time: number): number[] => {
    const t = inside(time);
    const [alpha, sigma, dAlpha, dSigma] = line ? [line[0][0](t), line[1][0](t), line[0][1](t), line[1][1](t)] : shapes[shape as InterpolantShape].at(t);
    const [gamma, dGamma] = noise ? [noise[0](t), noise[1](t)] : gammas[ready as InterpolantGamma](t).map((v) => scale * v);
    return [alpha, sigma, gamma as number, dAlpha, dSigma, dGamma as number];
  };
  checkDerivatives(sample, tMin, tMax, 'interpolant');
  return tablePath(name, tMin, tMax, 1, fittingTable(sample, tMin, tMax, 'interpolant'));
}
