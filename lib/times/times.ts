// Laws of the training time: uniform, stratified, logit-normal (Esser et al., arXiv 2403.03206, eq. 19) and quantile functions of the user's.

import { argumentError, callIt, FlowError, nameFactories } from '../errors.ts';
import { choice, finite, record } from '../options.ts';
import { normalQuantile } from './normal-quantile.ts';
import type { TimeLaw } from './time-law.ts';

/** What every law with a quantile function takes. */
export interface LawOptions {
  /** true: rows are weighted by 1 / density, so that the loss is that of uniform times; the law then only says where the effort goes. @default false */
  readonly importance?: boolean;
}

/** The `importance` option as part of a law. */
export function importanceOf(value: unknown, path: string): { readonly importance?: true } {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError('ERR_FLOW_TYPE', path, 'true or false', value);
  return value ? { importance: true } : {};
}

/**
 * t ~ U(tMin, tMax) of the path, or on a part of it.
 * @param options.from In [0, 1]. @default the path's tMin
 * @param options.to In [0, 1], above from. @default the path's tMax
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: uniform({ from: 1e-3 }) }) // as arXiv 2209.03003's code
 */
export function uniform(options: { readonly from?: number; readonly to?: number } = {}): TimeLaw {
  const given = record(options, 'uniform', ['from', 'to']);
  if (given.from === undefined && given.to === undefined) return Object.freeze({ name: 'uniform', stratified: false, density: () => 1 });
  const from = finite(given.from ?? 0, 'uniform.from', 0, 1);
  const to = finite(given.to ?? 1, 'uniform.to', 0, 1);
  if (!(from < to)) throw argumentError('ERR_FLOW_RANGE', 'uniform.to', `a time above ${from}`, to);
  const density = (t: number): number => (t >= from && t <= to ? 1 / (to - from) : 0);
  return Object.freeze({ name: `uniform on [${from}, ${to}]`, stratified: false, quantile: (u: number) => (u === 1 ? to : from + (to - from) * u), density });
}

/**
 * The times of another law moved towards the noise (factor > 1) or the data: t' = t / (t + factor (1 - t)). Source: arXiv 2403.03206, section 5.3.2, turned to t = 0 noise.
 * @param options.factor In [0.01, 100]. @default 3
 * @param options.law The law that is moved. @default uniform()
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: shift({ factor: 3, law: logitNormal() }) })
 */
export function shift(options: LawOptions & { readonly factor?: number; readonly law?: TimeLaw } = {}): TimeLaw {
  const given = record(options, 'shift', ['factor', 'law', 'importance'], {}, ['factor', shift]);
  const k = finite(given.factor ?? 3, 'shift.factor', 0.01, 100);
  const { quantile = (u: number) => u, density, stratified, importance } = resolveTime(given.law, 'shift.law');
  const moved = (t: number): number => t / (t + k * (1 - t));
  const back = (t: number): number => (k * t) / (1 - t + k * t);
  return Object.freeze({
    name: 'shift',
    stratified,
    ...importanceOf(given.importance ?? importance, 'shift.importance'),
    quantile: (u: number) => moved(quantile(u)),
    ...(density ? { density: (t: number) => (density(back(t)) * k) / (1 - t + k * t) ** 2 } : {}),
  });
}

/** The same law with one draw from each of B equal slices of probability, shuffled: lower gradient variance for free. @default uniform() */
export function stratified(law: TimeLaw = uniform()): TimeLaw {
  return Object.freeze({ ...resolveTime(law, 'stratified'), stratified: true });
}

/**
 * t = sigmoid(mean + std z), z ~ N(0, 1): more weight on the middle of the path.
 * @param options.mean In [-20, 20]; positive = more weight near the data. @default 0
 * @param options.std In [0.01, 20]. @default 1
 */
export function logitNormal(options: LawOptions & { readonly mean?: number; readonly std?: number } = {}): TimeLaw {
  const given = record(options, 'logitNormal', ['mean', 'std', 'importance']);
  const mean = finite(given.mean ?? 0, 'logitNormal.mean', -20, 20);
  const std = finite(given.std ?? 1, 'logitNormal.std', 0.01, 20);
  return Object.freeze({
    name: 'logitNormal',
    stratified: false,
    ...importanceOf(given.importance, 'logitNormal.importance'),
    quantile: (u: number) => (u <= 0 ? 0 : u >= 1 ? 1 : 1 / (1 + Math.exp(-mean - std * normalQuantile(u)))),
    density: (t: number) => Math.exp(-0.5 * ((Math.log(t / (1 - t)) - mean) / std) ** 2) / (std * Math.sqrt(2 * Math.PI) * t * (1 - t)),
  });
}

/**
 * A law of your own from its quantile function: non-decreasing from [0, 1] into [0, 1].
 * @example defineTime({ name: 'power', quantile: (u) => u ** (1 / 3) }) // density proportional to t^2
 */
export function defineTime(law: {
  readonly name: string;
  readonly stratified?: boolean;
  readonly importance?: boolean;
  quantile(u: number): number;
  density?(t: number): number;
}): TimeLaw {
  const given = record(law, 'time', ['name', 'stratified', 'importance', 'quantile', 'density']);
  const { name, stratified = false, quantile, density } = given;
  if (typeof name !== 'string' || name === '') throw argumentError('ERR_FLOW_TYPE', 'time.name', 'a name', name);
  if (typeof stratified !== 'boolean') throw argumentError('ERR_FLOW_TYPE', 'time.stratified', 'true or false', stratified);
  if (typeof quantile !== 'function') throw argumentError('ERR_FLOW_TYPE', 'time.quantile', 'a function of u', quantile);
  if (density !== undefined && typeof density !== 'function') throw argumentError('ERR_FLOW_TYPE', 'time.density', 'a function of t', density);
  const made: TimeLaw = Object.freeze({
    name,
    stratified,
    ...importanceOf(given.importance, 'time.importance'),
    quantile: (u: number) => quantile.call(law, u) as number,
    ...(density ? { density: (t: number) => density.call(law, t) as number } : {}),
  });
  quantileTable(made);
  return made;
}

nameFactories('time', { uniform, stratified, logitNormal, shift });
const named = { uniform, stratified: () => stratified(), logitNormal: () => logitNormal() };

/** The value of a `time` option: a name, a law, or a bare object with a quantile function. Undefined means uniform. */
export function resolveTime(value: unknown, path = 'time'): TimeLaw {
  if (value === undefined) return uniform();
  if (typeof value === 'string') return named[choice(value, path, ['uniform', 'stratified', 'logitNormal'])]();
  if (typeof value !== 'object' || value === null)
    throw argumentError('ERR_FLOW_TYPE', path, "a time law such as 'uniform' or logitNormal()", value, callIt(value, 'time'));
  const law = value as Partial<TimeLaw>;
  if (law.quantile !== undefined) return defineTime(value as Parameters<typeof defineTime>[0]);
  if (law.name !== 'uniform')
    throw argumentError(
      'ERR_FLOW_TYPE',
      `${path}.quantile`,
      'a function of u',
      law.quantile,
      'A factory makes it: logitNormal(), or defineTime({ name, quantile }).',
    );
  return law.stratified ? Object.freeze({ ...uniform(), stratified: true }) : uniform();
}

/** Nodes of the quantile table; linear between. */
export const quantileNodes = 16_385;

/** quantile(u) at equidistant u in [0, 1], clamped to [tMin, tMax]; null for the uniform law. Throws where the function leaves [0, 1] or falls. */
export function quantileTable(law: TimeLaw, tMin = 0, tMax = 1): Float64Array | null {
  if (law.quantile === undefined) return null;
  const table = new Float64Array(quantileNodes);
  let previous = 0;
  for (let k = 0; k < quantileNodes; k++) {
    const u = k / (quantileNodes - 1);
    const t: unknown = law.quantile(u);
    const path = `time.quantile(${u})`;
    if (typeof t !== 'number' || !(t >= 0 && t <= 1)) throw argumentError('ERR_FLOW_RANGE', path, 'a number in [0, 1]', t);
    if (t < previous) {
      const expected = `at least quantile(${(k - 1) / (quantileNodes - 1)}) = ${previous}`;
      throw new FlowError('ERR_FLOW_RANGE', `${path}: expected ${expected}, got ${t}. A quantile function never falls.`, {
        path,
        expected,
        received: String(t),
      });
    }
    previous = t;
    table[k] = Math.min(Math.max(t, tMin), tMax);
  }
  return table;
}
