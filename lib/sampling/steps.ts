// The steps of a solver within the frame of a model: its times, the stages and noise of each, and which states are kept.

import { argumentError } from '../errors.ts';
import type { ModelRecord } from '../model/record.ts';
import type { SampleRequest } from '../native/binding.ts';
import { integer } from '../options.ts';
import { type Frame, frameOf, stageRows, throughFrame } from '../paths/frame.ts';
import { stirRows } from '../paths/stirring.ts';
import { fitGrid } from '../solvers/grid.ts';
import type { Solver } from '../solvers/solver.ts';
import { tableauArrays } from '../solvers/solvers.ts';
import { adaptiveRequest, adaptiveTimes } from './adaptive.ts';

/** The solver as the request holds it, the times of the grid, and where in it the frames stand. */
export function stepsOf(model: ModelRecord, solver: Solver, reverse: boolean, saveAt: unknown) {
  const { adaptive } = solver;
  if (adaptive) {
    const frame = frameOf(model);
    const { grid, frames } = adaptiveTimes(frame, reverse, saveAt);
    const steps = { ...adaptiveRequest({ ...solver, adaptive }, frame, reverse), frame: null, noise: null };
    return { grid, frames, steps, head: 0, wholeBatch: adaptive.control === 'batch' };
  }
  const laid = layOut(model, solver, reverse);
  return saveAt === undefined ? laid : { ...laid, frames: checkSaveAt(saveAt, laid.grid, solver) };
}

interface FixedSteps {
  readonly grid: Float64Array;
  /** None: those of a call are added. */
  readonly frames: readonly number[];
  readonly wholeBatch: boolean;
  readonly steps: ReturnType<typeof tableauArrays> & Pick<SampleRequest, 'frame' | 'noise'>;
  readonly head: number;
}
const [forth, back] = [new WeakMap<ModelRecord, WeakMap<Solver, FixedSteps>>(), new WeakMap<ModelRecord, WeakMap<Solver, FixedSteps>>()];

/** The fixed steps of a solver on a model, made once: solvers are frozen by their factories (solvers/define.ts). */
function layOut(model: ModelRecord, solver: Solver, reverse: boolean): FixedSteps {
  const known = reverse ? back : forth;
  const found = known.get(model)?.get(solver);
  if (found) return found;
  const frame = frameOf(model);
  const grid = frameGrid(frame, solver, reverse);
  checkDirection(grid, reverse);
  const stirred = solver.noise ? stirRows(model, solver, grid) : null;
  const steps = { ...tableauArrays(solver), frame: stirred ? stirred.rows : stageRows(frame, solver, grid), noise: stirred?.noise ?? null };
  const made = { grid, frames: [], wholeBatch: false, steps, head: stirred?.head ?? 0 };
  known.set(model, (known.get(model) ?? new WeakMap<Solver, FixedSteps>()).set(solver, made));
  return made;
}

/** The times of a solver inside the frame, with the exact step to 1 where the path ends before. */
export function frameGrid(frame: Frame, solver: Solver, reverse = false): Float64Array {
  return throughFrame(frame, fitGrid(solver, { tMin: frame.from, tMax: reverse ? frame.to : frame.top, reverse }));
}

function checkDirection(grid: Float64Array, reverse: boolean): void {
  const [first, last] = [grid[0] as number, grid[grid.length - 1] as number];
  if (!reverse && first > last) {
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.solver.grid',
      'rising times',
      `${first} .. ${last}`,
      'Sampling runs from noise (t = 0) to data (t = 1); use encode() for the way back.',
    );
  }
}

/** Indices into the grid, ascending. Frames are states that the solver visits anyway: saving them changes no result. */
function checkSaveAt(value: unknown, grid: Float64Array, solver: Solver): number[] {
  const steps = grid.length - 1;
  const path = 'options.saveAt';
  if (typeof value === 'number') {
    const frames = integer(value, path, 2);
    if (frames > steps + 1) {
      throw argumentError(
        'ERR_FLOW_RANGE',
        path,
        `at most ${steps + 1} frames, the times of the grid`,
        frames,
        `Use ${solver.name}({ steps: ${frames - 1} }) or more.`,
      );
    }
    return Array.from({ length: frames }, (_, i) => Math.round((i * steps) / (frames - 1)));
  }
  if (!Array.isArray(value) || value.length === 0) throw argumentError('ERR_FLOW_TYPE', path, 'a number of frames or an array of times', value);
  const indices = value.map((time: unknown, i) => {
    const k = typeof time === 'number' ? grid.findIndex((t) => Math.abs(t - time) < 1e-9) : -1;
    if (k < 0)
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `${path}[${i}]`,
        `a time of the solver's grid (${steps} steps from ${grid[0]} to ${grid[steps]})`,
        time,
        'Give the solver a grid that holds it.',
      );
    return k;
  });
  return [...new Set(indices)].sort((a, b) => a - b);
}
