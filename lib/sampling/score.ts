// Scores grad log p_t in the native core: of a score head, or what the velocity tells of the score on a path from Gaussian noise (paths/frame.ts).

import { argumentError } from '../errors.ts';
import type { ModelRecord } from '../model/record.ts';
import { scoreAlone } from '../network/heads.ts';
import { finite, record } from '../options.ts';
import { type Frame, type FrameRow, frameOf } from '../paths/frame.ts';
import { joined } from '../paths/stirring.ts';
import { euler, tableauArrays } from '../solvers/solvers.ts';
import type { IntegrateOptions } from './options.ts';
import { type Plan, planEncode } from './plan.ts';

export interface ScoreOptions extends Pick<IntegrateOptions, 'condition' | 'guidance' | 'precision' | 'threads' | 'signal'> {
  /** Time of the states, in [tMin, tMax] of the path and where sigma > 0: at t = 1 of most paths the velocity does not determine the score. */
  readonly t: number;
}

export interface ScoreResult {
  /** (rows, dimension) grad log p_t, per unit of each column. */
  readonly score: Float32Array;
  readonly rows: number;
  readonly dimension: number;
}

const scoreKeys = ['t', 'condition', 'guidance', 'precision', 'threads', 'signal'] as const;

/**
 * The plan of a score: one Euler step of length 1 with the slope (b - 1) z + c net(tau, a z), whose end is b z + c net, the score of z (paths/frame.ts).
 * Back in the units of the data it is divided by the scales.
 */
export function planScore(model: ModelRecord, rows: unknown, options: unknown): Plan {
  const { t, ...rest } = record(options ?? {}, 'options', scoreKeys);
  const frame = frameOf(model);
  const time = finite(t, 'options.t', frame.path.tMin, frame.path.tMax);
  const { a, tau, b, c } = model.score === undefined ? velocityScore(model, frame, time) : learnedScore(model.score, frame, time);
  const solver = euler({ steps: 1 });
  const plan = planEncode(model, rows, { ...rest, solver });
  const scale = model.normaliser?.scale.map((value) => (value === 0 ? 0 : 1 / value)) ?? null;
  const fixed = { ...tableauArrays(solver), grid: Float64Array.of(0, 1), save: Int32Array.of(1), frame: Float64Array.of(a, tau, b - 1, c) };
  const part = (first: number, count: number) => {
    const { guidance, ...request } = plan.part(first, count);
    return { ...request, ...fixed, ...guided(guidance, time), shift: scale && new Float32Array(scale.length), scale };
  };
  return { ...plan, head: model.score === undefined ? 0 : scoreAlone, saves: 1, times: new Float64Array(0), part };
}

/** That of the score head, s = sigma(t)^2 / 2 grad log p_t. */
function learnedScore({ sigma, varies }: NonNullable<ModelRecord['score']>, frame: Frame, t: number): FrameRow {
  const { gamma, dAlpha } = frame.path.at(t);
  if (gamma === 0) throw argumentError('ERR_FLOW_RANGE', 'options.t', 'a time at which gamma > 0', t, 'Without fresh noise nothing is learned of the score.');
  return { a: 1, tau: t, b: 0, c: 2 / (sigma * sigma * (varies ? dAlpha : 1)) };
}

/** That which the velocity tells. */
function velocityScore(model: ModelRecord, frame: Frame, t: number): FrameRow {
  if (model.source === 'rows')
    throw argumentError('ERR_FLOW_CONFIG', 'model.source', 'a Gaussian source', 'source rows', 'Only Gaussian noise ties the score to the velocity.');
  const pairs = joined(model);
  if (pairs !== null)
    throw argumentError('ERR_FLOW_CONFIG', 'model.training', 'noise drawn independently of the data', pairs, 'Train with independent() for scores.');
  return scoreRow(frame, t);
}

/** score = b z + c net(tau, a z). Where alpha = 0 the states are noise alone, whatever the network says. */
function scoreRow(frame: Frame, t: number): FrameRow {
  const { alpha, sigma, gamma } = frame.path.at(t);
  if (gamma !== 0) {
    const hint = 'Its states have three terms; the velocity does not tell the score of them.';
    throw argumentError('ERR_FLOW_CONFIG', 'model.path', 'a path without fresh noise (gamma = 0)', frame.path.name, hint);
  }
  if (sigma === 0)
    throw argumentError('ERR_FLOW_RANGE', 'options.t', 'a time at which sigma > 0', t, 'There the velocity does not determine the score: take t = 0.99, say.');
  if (alpha === 0) return { a: 1, tau: t, b: -1 / (sigma * sigma), c: 0 };
  const row = frame.score(t);
  if (Object.values(row).every(Number.isFinite)) return row;
  throw argumentError('ERR_FLOW_RANGE', 'options.t', `a time at which the ${frame.prediction} determines the score`, t, 'Stay off this end of the path.');
}

/** Guidance looks at the times of the grid, here 0: on or off for the whole step. */
function guided<G extends { readonly from: number; readonly to: number } | null | undefined>(guidance: G, t: number): { guidance?: G } {
  if (guidance === null || guidance === undefined) return {};
  return t >= guidance.from && t <= guidance.to ? { guidance: { ...guidance, from: 0, to: 1 } } : {};
}
