// What a native solve with error control is asked: its span and the times to save (any, by dense output), the tableau as such solves read it, and the control.

import { argumentError } from '../errors.ts';
import type { NativeAdaptive } from '../native/binding.ts';
import { finite, integer } from '../options.ts';
import type { Frame } from '../paths/frame.ts';
import type { Solver, StepControl } from '../solvers/solver.ts';
import { tableauArrays } from '../solvers/solvers.ts';
import { adaptiveTableau } from '../solvers/tableau.ts';

/** The grid of the request (both ends and what lies between to be saved), and where in it the frames stand. */
export interface AdaptiveTimes {
  readonly grid: Float64Array;
  readonly frames: readonly number[];
}

/** Where the last step, an exact one, leads to: 1, or the end of a path that is not closed; null where the solve itself gets there. */
function lastStep(frame: Frame, reverse: boolean): number | null {
  const end = frame.closes ? 1 : frame.top;
  return reverse || end === frame.to ? null : end;
}

/** Times from frame.from to frame.to (or back), and the one after the exact step. @throws FlowError naming options.saveAt */
export function adaptiveTimes(frame: Frame, reverse: boolean, saveAt: unknown): AdaptiveTimes {
  const [from, to] = reverse ? [frame.to, frame.from] : [frame.from, frame.to];
  const end = lastStep(frame, reverse) ?? to;
  const wanted = wantedTimes(saveAt, from, to, end);
  const grid = [...new Set([from, ...wanted, to, end])].sort((a, b) => (from <= end ? a - b : b - a));
  return { grid: Float64Array.from(grid), frames: [...new Set(wanted.map((time) => grid.indexOf(time)))].sort((a, b) => a - b) };
}

function wantedTimes(saveAt: unknown, from: number, to: number, end: number): number[] {
  const path = 'options.saveAt';
  if (saveAt === undefined) return [];
  if (typeof saveAt === 'number') {
    const last = integer(saveAt, path, 2, 100_000) - 1;
    const inside = (t: number): number => Math.min(Math.max(t, Math.min(from, to)), Math.max(from, to));
    return Array.from({ length: last + 1 }, (_, i) => (i === last ? end : inside(from + ((end - from) * i) / last)));
  }
  if (!Array.isArray(saveAt) || saveAt.length === 0) throw argumentError('ERR_FLOW_TYPE', path, 'a number of frames or an array of times', saveAt);
  return saveAt.map((value: unknown, i) => {
    const time = finite(value, `${path}[${i}]`);
    if (time === end || (time >= Math.min(from, to) && time <= Math.max(from, to))) return time;
    throw argumentError('ERR_FLOW_RANGE', `${path}[${i}]`, `a time in [${Math.min(from, to)}, ${Math.max(from, to)}]${end === to ? '' : ' or 1'}`, time);
  });
}

/** The tableau, control and frame of a SampleRequest. */
export function adaptiveRequest(
  solver: Solver & { readonly adaptive: StepControl },
  frame: Frame,
  reverse: boolean,
): { readonly a: Float64Array; readonly b: Float64Array; readonly c: Float64Array; readonly adaptive: NativeAdaptive } {
  const tableau = adaptiveTableau(solver);
  const { rtol, atol, minStep, controller, control } = solver.adaptive;
  return {
    ...tableauArrays(tableau),
    adaptive: {
      rtol,
      atol,
      minStep,
      maxSteps: solver.steps,
      pi: controller === 'pi',
      batch: control === 'batch',
      error: Float64Array.from(tableau.error),
      errorOrder: tableau.errorOrder,
      dense: Float64Array.from(tableau.dense.flat()),
      closing: closingOf(frame, reverse),
      frame: frame.identity ? null : frameTable(frame),
    },
  };
}

/** The exact step x <- b x + c net on the slope at its start, where slope = b' x + c' net with the same net: x <- (b - b' c / c') x + (c / c') slope. */
function closingOf(frame: Frame, reverse: boolean): Float64Array | null {
  const end = lastStep(frame, reverse);
  if (end === null) return null;
  const [step, slope] = [frame.step(frame.to, end), frame.slope(frame.to)];
  return Float64Array.of(step.b - (slope.b * step.c) / slope.c, step.c / slope.c);
}

type FrameTable = NonNullable<NativeAdaptive['frame']>;
const tables = new WeakMap<Frame, FrameTable>();
const nodes = 16_385;

/** frame.slope as a cubic Hermite table; within 1e-5 of each number where it changes fastest (at the edges of a noise or x1 prediction), 1e-7 elsewhere. */
export function frameTable(frame: Frame): FrameTable {
  const known = tables.get(frame);
  if (known) return known;
  const { from: tMin, to: tMax } = frame;
  const read = (t: number): number[] => {
    const { a, tau, b, c } = frame.slope(t);
    return [a, tau, b, c];
  };
  const h = (tMax - tMin) / (nodes - 1);
  const small = h / 64;
  const table = new Float64Array(nodes * 8);
  for (let k = 0; k < nodes; k++) {
    const t = k === nodes - 1 ? tMax : tMin + k * h;
    const here = read(t);
    // Differences of second order, one-sided at the ends, as the slope is not defined beyond them.
    const side = k === 0 ? 1 : k === nodes - 1 ? -1 : 0;
    const [one, two] = side === 0 ? [read(t + small), read(t - small)] : [read(t + side * small), read(t + 2 * side * small)];
    here.forEach((value, j) => {
      const [p, q] = [one[j] as number, two[j] as number];
      table[8 * k + j] = value;
      table[8 * k + 4 + j] = side === 0 ? (p - q) / (2 * small) : (side * (4 * p - q - 3 * value)) / (2 * small);
    });
  }
  const made = { tMin, tMax, nodes: table };
  tables.set(frame, made);
  return made;
}
