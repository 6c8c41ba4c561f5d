// Further laws of the training time, each a quantile function with its density: power, beta, U-shaped and the skewed law of EDM. Without importance
// weights they re-weight the loss: the best field is the same, where the effort goes is not.

import { nameFactories } from '../errors.ts';
import { finite, record } from '../options.ts';
import { betaQuantile, logBeta } from './beta-quantile.ts';
import type { TimeLaw } from './time-law.ts';
import { importanceOf, type LawOptions, logitNormal } from './times.ts';

/**
 * Density (1 + a) t^a, t = u^(1 / (1 + a)): more weight near the data for a > 0, near the noise for a < 0. Source: arXiv 2305.17161.
 * @param options.exponent a, in [-0.9, 10]. @default 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: power({ exponent: 2 }) })
 */
export function power(options: LawOptions & { readonly exponent?: number } = {}): TimeLaw {
  const given = record(options, 'power', ['exponent', 'importance'], {}, ['exponent', power]);
  const a = finite(given.exponent ?? 1, 'power.exponent', -0.9, 10);
  return Object.freeze({
    name: 'power',
    stratified: false,
    ...importanceOf(given.importance, 'power.importance'),
    quantile: (u: number) => u ** (1 / (1 + a)),
    density: (t: number) => (1 + a) * t ** a,
  });
}

/**
 * Density proportional to t^(a-1) (1-t)^(b-1); the default leans towards the noise as in arXiv 2410.24164, turned to t = 0 noise.
 * @param options.a In [0.2, 50]; larger = more weight near the data. @default 1
 * @param options.b In [0.2, 50]; larger = more weight near the noise. @default 1.5
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: beta({ a: 2, b: 2 }) })
 */
export function beta(options: LawOptions & { readonly a?: number; readonly b?: number } = {}): TimeLaw {
  const given = record(options, 'beta', ['a', 'b', 'importance']);
  const a = finite(given.a ?? 1, 'beta.a', 0.2, 50);
  const b = finite(given.b ?? 1.5, 'beta.b', 0.2, 50);
  const norm = logBeta(a, b);
  return Object.freeze({
    name: 'beta',
    stratified: false,
    ...importanceOf(given.importance, 'beta.importance'),
    quantile: (u: number) => betaQuantile(a, b, u),
    density: (t: number) => Math.exp((a - 1) * Math.log(t) + (b - 1) * Math.log1p(-t) - norm),
  });
}

/**
 * Density proportional to e^(a (t - 1/2)) + e^(-a (t - 1/2)): more weight at both ends than in the middle, by cosh(a / 2). After arXiv 2405.20320, centred on 1/2.
 * @param options.steepness a, in [0.1, 10]. @default 4
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: uShaped() })
 */
export function uShaped(options: LawOptions & { readonly steepness?: number } = {}): TimeLaw {
  const given = record(options, 'uShaped', ['steepness', 'importance'], {}, ['steepness', uShaped]);
  const a = finite(given.steepness ?? 4, 'uShaped.steepness', 0.1, 10);
  const end = Math.sinh(a / 2);
  return Object.freeze({
    name: 'uShaped',
    stratified: false,
    ...importanceOf(given.importance, 'uShaped.importance'),
    // P(T <= t) = 1/2 + sinh(a (t - 1/2)) / (2 sinh(a / 2))
    quantile: (u: number) => Math.min(Math.max(0.5 + Math.asinh((2 * u - 1) * end) / a, 0), 1),
    density: (t: number) => (a * Math.cosh(a * (t - 0.5))) / (2 * end),
  });
}

/**
 * t = 1 / (1 + sigma) with log sigma ~ N(mean, std^2), not below 1e-4: noise levels drawn as in EDM, more weight near the data. Source: arXiv 2206.00364, table 1.
 * @param options.mean Of log sigma, in [-20, 20]. @default -1.2
 * @param options.std Of log sigma, in [0.01, 20]. @default 1.2
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, time: edmSkew() })
 */
export function edmSkew(options: LawOptions & { readonly mean?: number; readonly std?: number } = {}): TimeLaw {
  const given = record(options, 'edmSkew', ['mean', 'std', 'importance']);
  const mean = finite(given.mean ?? -1.2, 'edmSkew.mean', -20, 20);
  const std = finite(given.std ?? 1.2, 'edmSkew.std', 0.01, 20);
  // log(t / (1 - t)) = -log sigma
  const { quantile, density } = logitNormal({ mean: -mean, std }) as Required<TimeLaw>;
  return Object.freeze({
    name: 'edmSkew',
    stratified: false,
    ...importanceOf(given.importance, 'edmSkew.importance'),
    quantile: (u: number) => Math.max(quantile(u), 1e-4),
    density,
  });
}

nameFactories('time', { power, beta, uShaped, edmSkew });
