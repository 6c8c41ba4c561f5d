// Time grids for the `grid` of a solver, K + 1 rising times that hold both ends exactly. Steps are short where the flow turns fast: mostly near the data.

import { argumentError } from '../errors.ts';
import { finite, integer, record } from '../options.ts';
import { uniformGrid as uniform } from './grid.ts';

/** Equal steps on [0, 1]. @param steps 1 .. 1e6 @returns (steps + 1) times from 0 to 1. */
export function uniformGrid(steps: number): Float64Array {
  return uniform(steps);
}

export interface EdmGridOptions {
  /** Noise level of the last time before 1, in (0, sigmaMax). @default 0.002 */
  readonly sigmaMin?: number;
  /** Noise level that the first step comes from, at most 1e6. @default 80 */
  readonly sigmaMax?: number;
  /** How strongly steps shrink towards the data, in [1, 100]. @default 7 */
  readonly rho?: number;
}

/**
 * The noise levels of EDM on the conditional-OT path, where sigma = (1 - t) / t: sigma_i^(1/rho) falls linearly from sigmaMax to sigmaMin, t_i = 1 / (1 + sigma_i);
 * the first time is put at 0 (pure noise) and 1 follows the last. Source: arXiv 2206.00364, eq. 5.
 * @param steps 2 .. 1e6 @returns (steps + 1) times from 0 to 1. @throws FlowError ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 * @example const solver = heun({ grid: edmGrid(18) });
 */
export function edmGrid(steps: number, options: EdmGridOptions = {}): Float64Array {
  integer(steps, 'steps', 2, 1_000_000);
  const given = record(options, 'edmGrid', ['sigmaMin', 'sigmaMax', 'rho']);
  const least = finite(given.sigmaMin ?? 0.002, 'edmGrid.sigmaMin', 1e-9, 1e6);
  const most = finite(given.sigmaMax ?? 80, 'edmGrid.sigmaMax', 1e-9, 1e6);
  const rho = finite(given.rho ?? 7, 'edmGrid.rho', 1, 100);
  if (least >= most) throw argumentError('ERR_FLOW_CONFIG', 'edmGrid.sigmaMin', `a number below sigmaMax, ${most}`, least);
  const [from, to] = [most ** (1 / rho), least ** (1 / rho)];
  return rising(
    Float64Array.from({ length: steps + 1 }, (_, i) => (i === 0 ? 0 : i === steps ? 1 : 1 / (1 + (from + ((to - from) * i) / (steps - 1)) ** rho))),
  );
}

export interface PowerGridOptions {
  /** 1 = equal steps; above, steps shrink towards the data; below, towards the noise; in [0.1, 10]. @default 2 */
  readonly power?: number;
}

/**
 * t_i = 1 - (1 - i / steps)^power: quadratic towards the data by default.
 * @param steps 1 .. 1e6 @returns (steps + 1) times from 0 to 1. @throws FlowError ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 * @example const solver = midpoint({ grid: powerGrid(20) });
 */
export function powerGrid(steps: number, options: PowerGridOptions = {}): Float64Array {
  integer(steps, 'steps', 1, 1_000_000);
  const power = finite(record(options, 'powerGrid', ['power']).power ?? 2, 'powerGrid.power', 0.1, 10);
  return rising(Float64Array.from({ length: steps + 1 }, (_, i) => 1 - (1 - i / steps) ** power));
}

/** Refuses grids whose times coincide in double precision. */
function rising(grid: Float64Array): Float64Array {
  const at = grid.findIndex((t, i) => i > 0 && t <= (grid[i - 1] as number));
  if (at > 0) throw argumentError('ERR_FLOW_CONFIG', 'steps', 'fewer steps (two times of this grid coincide)', grid.length - 1);
  return grid;
}
