// How an ONNX file is asked for rows: the requests to its worker, and the network evaluations of each. Sampler graphs hold their solver; velocity graphs are
// stepped by one that is given.

import { argumentError } from '../errors.ts';
import type { OnnxInfo } from '../onnx/inspect.ts';
import { checkGrid, fitGrid } from '../solvers/grid.ts';
import { requireFixed, resolveFlowSolver } from '../solvers/solvers.ts';
import { dataUnits, feed } from './onnx-arguments.ts';
import type { Binding, Bound } from './onnx-inputs.ts';
import type { Feed, Request } from './onnx-session.ts';

export interface OnnxPlan {
  readonly nfe: number;
  request(start: Float32Array, rows: number, rest: readonly Feed[]): Request;
}

/** That of a sampler graph, which holds its solver. */
export function samplerPlan(info: OnnxInfo, bound: Binding, solver: unknown, grid: unknown): OnnxPlan {
  if (solver !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'options.solver', 'no solver (this file holds one)', solver, "Export with graph: 'velocity' to choose one here.");
  const { x, grid: name, output } = bound;
  const inside = info.flow?.solver;
  const path = info.flow?.path;
  if (grid !== undefined && name === null)
    throw argumentError('ERR_FLOW_CONFIG', 'options.grid', 'nothing, as this file has a solver made for its own times', grid);
  const times = Float64Array.from(grid === undefined ? (inside?.grid ?? []) : checkGrid(grid, 'options.grid'));
  const feeds = name ? [{ name, type: 'float64' as const, data: times, dims: [times.length] }] : [];
  return {
    nfe: sidesOf(info) * ((inside?.stages ?? 1) * (times.length - 1 + (path?.closing && (times[times.length - 1] ?? 0) > path.tMax ? 1 : 0))),
    request: (start, rows, rest) => ({ kind: 'run', feeds: [feed(x, start, rows), ...feeds, ...rest], output }),
  };
}

/** That of a velocity graph: the solver steps it in the worker. */
export function velocityPlan(info: OnnxInfo, bound: Binding, solver: unknown, times: unknown): OnnxPlan {
  const { x, t, output } = bound;
  const { flow } = info;
  const given = resolveFlowSolver(solver, 'options.solver', 'Export a sampler graph with the stochastic solver inside.');
  const chosen = requireFixed(given, 'options.solver', 'as an ONNX graph is stepped for all rows at once');
  const own = times === undefined ? chosen : { ...chosen, grid: checkGrid(times, 'options.grid') };
  const fit = fitGrid(own, flow ? { tMin: flow.path.tMin, tMax: flow.path.tMax } : {}, 'options.grid');
  const grid = Array.from(fit.grid);
  const closing = fit.closes ? flow?.path.closing : undefined;
  // In data units x = shift + scale z, so that z <- A z + C v is x <- (1 - A) shift + A x + C v.
  const close = closing ? { ...closing, shift: Array.from({ length: bound.x.width }, (_, j) => (flow?.normaliser?.shift[j] ?? 0) * (1 - closing.x)) } : null;
  const { a, b, c } = chosen;
  const d = bound.x.width;
  const bind = { x: { name: x.name, type: x.type as 'float32', dims: x.dims }, t: t as Bound & { type: 'float32' }, output };
  const fromRows = flow?.source === 'rows';
  return {
    nfe: sidesOf(info) * ((grid.length - 1) * b.length + (close ? 1 : 0)),
    request: (start, n, rest) => ({ kind: 'solve', x: fromRows ? start : dataUnits(start, info), n, d, a, b, c, grid, close, bind: { ...bind, rest } }),
  };
}

/** Networks that one evaluation of the graph takes: a guided one evaluates both sides everywhere, unless the condition is left out for good. */
function sidesOf(info: OnnxInfo): number {
  const guidance = info.flow?.guidance;
  return !guidance || (guidance.scale === 0 && guidance.from <= 0 && guidance.to >= 1) ? 1 : 2;
}
