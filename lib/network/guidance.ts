// Classifier-free guidance: v = (1 - w) v_null + w v_given, w = scale for t in the interval and 1 outside it. w = 1 is the plain conditional field, w = 0 the
// unconditional one. Source: Ho and Salimans, arXiv 2207.12598, whose w is w - 1 here; the interval: Kynkaanniemi et al., arXiv 2404.07724.

import { argumentError } from '../errors.ts';
import { finite, ownFields, record } from '../options.ts';

/** How strongly to follow the condition: a number w for all t, or for t in an interval with both ends (then the plain condition holds elsewhere). */
export type Guidance = number | { readonly scale: number; readonly interval?: readonly [number, number] };

/** Guidance with its defaults; scale other than 1 somewhere. */
export interface GuidanceSetting {
  readonly scale: number;
  readonly from: number;
  readonly to: number;
}

/** Largest |w|: beyond it float32 is left with few digits of the difference. */
export const mostGuidance = 1000;

/** The `guidance` option; null where it changes nothing. @throws FlowError; ERR_FLOW_CONFIG for a network that never saw the null condition */
export function checkGuidance(value: unknown, path: string, condition: { readonly drop?: number } | null): GuidanceSetting | null {
  if (value === undefined) return null;
  const setting = readGuidance(value, path);
  if (setting.scale === 1) return null;
  if (condition?.drop === undefined)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      path,
      condition === null ? '1, as this model has no condition' : '1, as this model was trained without dropping its condition',
      value,
      'Train with a condition and dropCondition: 0.1 to guide.',
    );
  return setting;
}

function readGuidance(value: unknown, path: string): GuidanceSetting {
  if (typeof value === 'number') return { scale: finite(value, path, -mostGuidance, mostGuidance), from: 0, to: 1 };
  const given = record(value, path, ['scale', 'interval']);
  const scale = finite(given.scale, `${path}.scale`, -mostGuidance, mostGuidance);
  if (given.interval === undefined) return { scale, from: 0, to: 1 };
  if (!Array.isArray(given.interval) || given.interval.length !== 2)
    throw argumentError('ERR_FLOW_TYPE', `${path}.interval`, 'two times [from, to]', given.interval);
  const ends = ownFields(given.interval, `${path}.interval`);
  const from = finite(ends['0'], `${path}.interval[0]`, 0, 1);
  return { scale, from, to: finite(ends['1'], `${path}.interval[1]`, from, 1) };
}

/** Only the null condition is ever read. */
export const isUnconditional = (guidance: GuidanceSetting | null): boolean => guidance?.scale === 0 && guidance.from === 0 && guidance.to === 1;

/** w at time t. */
export const weightAt = ({ scale, from, to }: GuidanceSetting, t: number): number => (from <= t && t <= to ? scale : 1);
