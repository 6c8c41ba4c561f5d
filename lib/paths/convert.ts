// What a model predicts at (t, x), in its four forms: velocity u, data x1, noise x0, score grad log p_t. Any two are linear in each other (mix.ts). No pair
// divides by what is zero at an end unless the wanted form has no value there.

import { amount, argumentError, counted, FlowError } from '../errors.ts';
import { choice, finite, numbersOf, record } from '../options.ts';
import { type Conversion, mix, type PredictionKind, predictionKinds, target } from './mix.ts';
import type { Path } from './path.ts';
import { resolvePath } from './paths.ts';

/**
 * The two numbers that turn one form of a prediction into another at time t: wanted = x * state + value * given.
 * @param path Any path without fresh noise (gamma = 0 at t).
 * @param t In [tMin, tMax] of the path.
 * @throws FlowError ERR_FLOW_RANGE where the given form does not determine the wanted one: noise or score at alpha = 0, x1 at sigma = 0, a score at sigma = 0.
 * @example conversion(condOT(), 0.25, 'velocity', 'x1') // { x: 1, value: 0.75 }: x1 = x + (1 - t) u
 */
export function conversion(path: Path, t: number, from: PredictionKind, to: PredictionKind): Conversion {
  const known = resolvePath(path, 'path');
  const time = finite(t, 't', known.tMin, known.tMax);
  const [given, wanted] = [choice(from, 'from', predictionKinds), choice(to, 'to', predictionKinds)];
  if (given === wanted) return { x: 0, value: 1 };
  const point = known.at(time);
  if (point.gamma !== 0 || point.dGamma !== 0)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'path',
      'a path without fresh noise (gamma = 0)',
      known.name,
      'Its states have three terms; two forms cannot tell them.',
    );
  const result = mix(given, point, ...target(wanted, point));
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

const numeric = 'numbers: a Float32Array, a Float64Array or an array';

/**
 * Predictions at states x, all at one time t, in another form: velocity, x1 (the data), noise (x0, before any scale of the source) or score (grad log p_t).
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
  const x = Float64Array.from(numbersOf(given.x, 'options.x', numeric));
  const value = Float64Array.from(numbersOf(given.value, 'options.value', numeric));
  if (x.length !== value.length)
    throw argumentError('ERR_FLOW_SHAPE', 'options.value', `${counted(x.length, 'number')}, as options.x`, amount(value.length, 'number'));
  const by = conversion(given.path as Path, given.t as number, given.from as PredictionKind, given.to as PredictionKind);
  return x.map((state, i) => (by.x === 0 ? 0 : by.x * state) + by.value * (value[i] as number));
}
