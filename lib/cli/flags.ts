// Values of flags, read strictly: every mistake is an ERR_FLOW_RANGE or ERR_FLOW_CONFIG that names the flag (exit code 2).

import type { CouplingName } from '../couplings/couplings.ts';
import { argumentError } from '../errors.ts';
import type { Objective } from '../losses/objective.ts';
import { mostGuidance } from '../network/guidance.ts';
import { choice } from '../options.ts';
import { type SamplingPrecision, samplingPrecision, type TrainingPrecision, trainingPrecision } from '../precision.ts';
import { fading, memoryless, type NoiseSchedule, proportional } from '../solvers/noise.ts';

/** An integer flag; `1e6` is fine. */
export function integerFlag(name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw argumentError('ERR_FLOW_RANGE', name, max === Number.MAX_SAFE_INTEGER ? `an integer >= ${min}` : `an integer in [${min}, ${max}]`, text);
  };
}

/** A number flag in [min, max]. */
export function numberFlag(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= min && value <= max) return value;
    throw argumentError('ERR_FLOW_RANGE', name, `a number in [${min}, ${max}]`, text);
  };
}

/** `256,256,256` */
export function widthsFlag(name: string): (text: string) => number[] {
  const width = integerFlag(name, 1, 16_384);
  return (text) => {
    if (/^\d+([,x]\d+)*$/.test(text)) return text.split(/[,x]/).map((part) => width(part));
    throw argumentError('ERR_FLOW_RANGE', name, 'widths such as 256,256,256', text);
  };
}

/** `30s`, `2m`, `500ms`, or plain seconds; in seconds. */
export function secondsFlag(name: string): (text: string) => number {
  return (text) => {
    const found = /^(\d+\.?\d*|\.\d+)(ms|s|m|h)?$/.exec(text.trim());
    const value = found ? Number(found[1]) * { ms: 0.001, s: 1, m: 60, h: 3600 }[(found[2] ?? 's') as 'ms' | 's' | 'm' | 'h'] : Number.NaN;
    if (value >= 0 && value <= 1e7) return value;
    throw argumentError('ERR_FLOW_RANGE', name, 'a time such as 30s, 2m or 500ms', text);
  };
}

const couplings = { independent: 'independent', ot: 'minibatchOT', sinkhorn: 'sinkhorn', unbalanced: 'unbalancedOT', partial: 'partialOT' } as const;
/** A coupling by its name here: `independent`, `ot`, `sinkhorn`, `unbalanced`, `partial`. */
export const checkCoupling = (value: unknown, path: string): CouplingName =>
  couplings[choice(value, path, Object.keys(couplings) as (keyof typeof couplings)[])];
export const couplingFlag = (text: string): CouplingName => checkCoupling(text, '--coupling');

/** The objectives of the library by their names here. */
export const objectives = { velocity: 'velocity', 'score-and-flow': 'scoreAndFlow', 'mean-flow': 'meanFlow', shortcut: 'shortcut' } as const;
/** An objective by its name here: `velocity`, `score-and-flow`, `mean-flow`, `shortcut`. */
export const checkObjective = (value: unknown, path: string): Objective['name'] =>
  objectives[choice(value, path, Object.keys(objectives) as (keyof typeof objectives)[])];
export const objectiveName = (name: Objective['name']): string =>
  (Object.keys(objectives) as (keyof typeof objectives)[]).find((key) => objectives[key] === name) as string;
export const objectiveFlag = (text: string): Objective['name'] => checkObjective(text, '--objective');

/** `f32` or `bf16`; for sampling also what lies between. */
export const trainingPrecisionFlag = (text: string): TrainingPrecision => trainingPrecision(text, '--precision');
export const samplingPrecisionFlag = (text: string): SamplingPrecision => samplingPrecision(text, '--precision');

/** A weight for all t, or within an interval: Guidance, or `input` for the scale. */
export type GuidanceFlag = number | { readonly scale: number | 'input'; readonly interval?: [number, number] };

/** `2`, or `2:0.1-0.8` for t in [0.1, 0.8] only; `input` where an exported graph is to take the scale, which may be 0 there: rows of a table have a class. */
export function guidanceFlag(input: 'input' | null): (text: string) => GuidanceFlag {
  return (text) => {
    const found = /^([^:]+)(?::([^-]+)-(.+))?$/.exec(text.trim());
    const expected = `a weight such as 2, or 2:0.1-0.8 for t in [0.1, 0.8]${input === null ? '' : ', or input'}`;
    const numbers = (found ?? []).slice(1).map((part: string | undefined) => (part === undefined || part.trim() === '' ? Number.NaN : Number(part)));
    const scale = input !== null && found?.[1] === input ? input : (numbers[0] as number);
    const [from, to] = [numbers[1] as number, numbers[2] as number];
    const interval = found?.[2] !== undefined;
    if (!found || Number.isNaN(scale) || (interval && !(from >= 0 && from <= to && to <= 1)))
      throw argumentError('ERR_FLOW_RANGE', '--guidance', expected, text);
    if (scale !== 'input' && !(Math.abs(scale) <= mostGuidance))
      throw argumentError('ERR_FLOW_RANGE', '--guidance', `a weight in [-${mostGuidance}, ${mostGuidance}]`, text);
    if (input === null && scale === 0 && !interval)
      throw argumentError(
        'ERR_FLOW_RANGE',
        '--guidance',
        'a weight other than 0, which draws rows of no class',
        text,
        'For rows of all classes leave --given out.',
      );
    if (interval) return { scale, interval: [from, to] };
    return scale === 'input' ? { scale } : scale;
  };
}

/** `memoryless`, or `proportional` or `fading`, with a strength: `proportional:0.5`. */
export function noiseFlag(text: string): NoiseSchedule {
  const [name = '', eta, ...rest] = text.split(':');
  const strength = eta === undefined ? {} : { eta: numberFlag('--noise', 0, 1000)(eta) };
  const known = choice(name, '--noise', ['proportional', 'fading', 'memoryless']);
  if (rest.length > 0 || (known === 'memoryless' && eta !== undefined))
    throw argumentError('ERR_FLOW_RANGE', '--noise', 'memoryless, or proportional:0.5, or fading:0.5', text);
  return known === 'memoryless' ? memoryless() : known === 'fading' ? fading(strength) : proportional(strength);
}

/** A flag that may be given several times. */
export const repeated = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];
