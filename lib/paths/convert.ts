// What a model predicts at (t, x), in its four forms: velocity u, data x1, noise x0, score grad log p_t. Any two are linear in each other:
//   x = alpha x1 + sigma x0,  u = dAlpha x1 + dSigma x0,  score = -x0 / sigma;  D = dAlpha sigma - alpha dSigma > 0.
// Every pair has its own form, so that none divides by what is zero at an end unless the wanted form has no value there. Source: arXiv 2412.06264, section 4.

import { argumentError, FlowError } from '../errors.ts';
import { choice, finite, record } from '../options.ts';
import type { Path, PathPoint } from './path.ts';
import { resolvePath } from './paths.ts';

const kinds = ['velocity', 'data', 'noise', 'score'] as const;
export type PredictionKind = (typeof kinds)[number];

/** wanted = x * state + value * given. */
export interface Conversion {
  readonly x: number;
  readonly value: number;
}

type Form = (p: PathPoint, D: number) => readonly [divisor: number, x: number, value: number];
/** [divisor, numerator on x, numerator on the given form], by `given wanted`. */
const forms: Readonly<Record<string, Form>> = {
  'velocity data': (p, D) => [D, -p.dSigma, p.sigma],
  'velocity noise': (p, D) => [D, p.dAlpha, -p.alpha],
  'velocity score': (p, D) => [p.sigma * D, -p.dAlpha, p.alpha],
  'data velocity': (p, D) => [p.sigma, p.dSigma, D],
  'data noise': (p) => [p.sigma, 1, -p.alpha],
  'data score': (p) => [p.sigma * p.sigma, -1, p.alpha],
  'noise velocity': (p, D) => [p.alpha, p.dAlpha, -D],
  'noise data': (p) => [p.alpha, 1, -p.sigma],
  'noise score': (p) => [p.sigma, 0, -1],
  'score velocity': (p, D) => [p.alpha, p.dAlpha, D * p.sigma],
  'score data': (p) => [p.alpha, 1, p.sigma * p.sigma],
  'score noise': (p) => [1, 0, -p.sigma],
};

/**
 * The two numbers that turn one form of a prediction into another at time t: wanted = x * state + value * given.
 * @param path Any path without fresh noise (gamma = 0 at t).
 * @param t In [tMin, tMax] of the path.
 * @throws FlowError ERR_FLOW_RANGE where the given form does not determine the wanted one: noise or score at alpha = 0, data at sigma = 0, a score at sigma = 0.
 * @example conversion(condOT(), 0.25, 'velocity', 'data') // { x: 1, value: 0.75 }: x1 = x + (1 - t) u
 */
export function conversion(path: Path, t: number, from: PredictionKind, to: PredictionKind): Conversion {
  const known = resolvePath(path, 'path');
  const time = finite(t, 't', known.tMin, known.tMax);
  const [given, wanted] = [choice(from, 'from', kinds), choice(to, 'to', kinds)];
  if (given === wanted) return { x: 0, value: 1 };
  const point = known.at(time);
  if (point.gamma !== 0 || point.dGamma !== 0)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'path',
      'a path without fresh noise (gamma = 0)',
      known.name,
      'A bridge has three terms; two forms cannot tell them.',
    );
  const [divisor, x, value] = (forms[`${given} ${wanted}`] as Form)(point, point.dAlpha * point.sigma - point.alpha * point.dSigma);
  const result = { x: x / divisor, value: value / divisor };
  if (Number.isFinite(result.x) && Number.isFinite(result.value)) return { x: result.x + 0, value: result.value + 0 };
  const expected = `a time at which ${given} determines ${wanted}`;
  throw new FlowError(
    'ERR_FLOW_RANGE',
    `t: expected ${expected}, got ${time}. Stay off this end of the path, or predict the velocity, which has a value there.`,
    {
      path: 't',
      expected,
      received: String(time),
      hint: 'Stay off this end of the path, or predict the velocity, which has a value there.',
    },
  );
}

/**
 * Predictions at states x, all at one time t, in another form: velocity, data (x1), noise (x0, before any scale of the source) or score (grad log p_t).
 * @param options.x States, any shape, flat; finite numbers.
 * @param options.value Predictions in the form `from`, as many numbers as x.
 * @returns As many numbers as x, in double precision.
 * @throws FlowError as `conversion`; ERR_FLOW_SHAPE, ERR_FLOW_TYPE for x and value.
 * @example const score = convert({ path: condOT(), t: 0.5, from: 'velocity', to: 'score', x, value: v });
 */
export function convert(options: {
  readonly path: Path;
  readonly t: number;
  readonly from: PredictionKind;
  readonly to: PredictionKind;
  readonly x: Float32Array | Float64Array | readonly number[];
  readonly value: Float32Array | Float64Array | readonly number[];
}): Float64Array {
  const given = record(options, 'options', ['path', 't', 'from', 'to', 'x', 'value']);
  const x = numbers(given.x, 'options.x');
  const value = numbers(given.value, 'options.value');
  if (x.length !== value.length) throw argumentError('ERR_FLOW_SHAPE', 'options.value', `${x.length} numbers, as options.x`, `${value.length} numbers`);
  const by = conversion(given.path as Path, given.t as number, given.from as PredictionKind, given.to as PredictionKind);
  return x.map((state, i) => (by.x === 0 ? 0 : by.x * state) + by.value * (value[i] as number));
}

function numbers(value: unknown, path: string): Float64Array {
  if (value instanceof Float64Array || value instanceof Float32Array) return Float64Array.from(value);
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', path, 'numbers: a Float32Array, a Float64Array or an array', value);
  return Float64Array.from({ length: value.length }, (_, i) => {
    const one: unknown = value[i];
    if (typeof one !== 'number') throw argumentError('ERR_FLOW_TYPE', `${path}[${i}]`, 'a number', one);
    return one;
  });
}
