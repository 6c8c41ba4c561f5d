// The frame inside a graph: rows [a, tau, b, c] at times that are inputs, read from the table of paths/frame-table.ts in float64 as the native core reads it,
// and the exact steps of a grid (paths/frame.ts) as rows of their intervals.

import type { Frame } from '../paths/frame.ts';
import { type Cubics, cubicsOf, frameTable } from '../paths/frame-table.ts';
import type { Graph } from './graph.ts';

const double = (graph: Graph, shape: readonly number[], values: readonly number[]): string => graph.constant('frame', { type: 'double', shape, values });
const ints = (graph: Graph, ...values: number[]): string => graph.constant('bound', { type: 'int64', shape: [values.length], values });
const index = (graph: Graph, value: number): string => graph.constant('index', { type: 'int64', shape: [], values: [value] });

/** All columns of a table at t (T, 1) float64: (T, width) float64. */
function cubicsAt(graph: Graph, { times, coefficients }: Cubics, t: string): string {
  const n = times.length - 1;
  const width = coefficients.length / (4 * n);
  const inner = double(graph, [1, n - 1], Array.from(times.subarray(1, n)));
  const below = graph.op('Cast', [graph.op('LessOrEqual', [inner, t], 'frame.below')], 'frame.counted', { to: { int: 7 } });
  const k = graph.op('ReduceSum', [below, ints(graph, 1)], 'frame.interval', { keepdims: { int: 0 } });
  const all = double(graph, [n + 1], Array.from(times));
  const column = (at: string, hint: string): string => graph.op('Unsqueeze', [graph.op('Gather', [all, at], hint), ints(graph, 1)], `${hint}Column`);
  const left = column(k, 'frame.left');
  const right = column(graph.op('Add', [k, index(graph, 1)], 'frame.next'), 'frame.right');
  const raw = graph.op('Div', [graph.op('Sub', [t, left], 'frame.past'), graph.op('Sub', [right, left], 'frame.length')], 'frame.raw');
  const s = graph.op('Min', [graph.op('Max', [raw, double(graph, [], [0])], 'frame.s0'), double(graph, [], [1])], 'frame.s');
  const table = double(graph, [n, 4 * width], Array.from(coefficients));
  const own = graph.op('Reshape', [graph.op('Gather', [table, k], 'frame.own'), ints(graph, -1, width, 4)], 'frame.cubics');
  const c = [0, 1, 2, 3].map((j) => graph.op('Gather', [own, index(graph, j)], `frame.c${j}`, { axis: { int: 2 } })) as [string, string, string, string];
  const step = (sum: string, next: string): string => graph.op('Add', [graph.op('Mul', [sum, s], 'frame.term'), next], 'frame.sum');
  return step(step(step(c[3], c[2]), c[1]), c[0]);
}

/** Column j of (T, width) as (T, 1). */
const pick = (graph: Graph, rows: string, j: number, hint: string): string => graph.op('Gather', [rows, ints(graph, j)], hint, { axis: { int: 1 } });

/** Four columns (T, 1) float64 of the slope at t (T, 1) float64. */
export interface FrameColumns {
  readonly a: string;
  readonly tau: string;
  readonly b: string;
  readonly c: string;
}

export function slopeColumns(graph: Graph, frame: Frame, t: string): FrameColumns {
  const rows = cubicsAt(graph, frameTable(frame) as Cubics, t);
  return { a: pick(graph, rows, 0, 'frame.a'), tau: pick(graph, rows, 1, 'frame.tau'), b: pick(graph, rows, 2, 'frame.b'), c: pick(graph, rows, 3, 'frame.c') };
}

/** A grid inside the frame, with 1 at its end where it goes beyond a path that ends before. */
export function fittedGrid(graph: Graph, grid: string, frame: Frame): string {
  const { from, to, top } = frame;
  let fitted = grid;
  if (from > 0 || top < 1) fitted = graph.op('Min', [graph.op('Max', [grid, double(graph, [], [from])], 'grid.from'), double(graph, [], [top])], 'grid.fitted');
  if (to < top) {
    const above = graph.op('Less', [double(graph, [], [to]), fitted], 'grid.aboveTo');
    const below = graph.op('Less', [fitted, double(graph, [], [top])], 'grid.belowTop');
    fitted = graph.op('Where', [graph.op('And', [above, below], 'grid.between'), double(graph, [], [to]), fitted], 'grid.snapped');
  }
  if (!frame.closes) return fitted;
  const last = graph.op('Gather', [grid, ints(graph, -1)], 'grid.last', { axis: { int: 0 } });
  const beyond = graph.op('Cast', [graph.op('Less', [double(graph, [1], [top]), last], 'grid.beyond')], 'grid.closes', { to: { int: 7 } });
  const end = graph.op('Slice', [double(graph, [1], [1]), ints(graph, 0), beyond, ints(graph, 0)], 'grid.end');
  return graph.op('Concat', [fitted, end], 'grid.whole', { axis: { int: 0 } });
}

/** What a solve needs of the frame: tau (K s, 1) float64, and columns (K, s) float64 of a (null where it is 1 throughout), b and c (null where they are 0 and 1). */
export interface StageColumns {
  readonly tau: string;
  readonly a: string | null;
  readonly b: string | null;
  readonly c: string | null;
}

/** Columns of every stage: starts, ends (K), h (K, 1), times (K s, 1), all float64; `weights` are b of the tableau. */
export function stageColumns(
  graph: Graph,
  frame: Frame,
  weights: readonly number[],
  { starts, ends, h, times }: { readonly starts: string; readonly ends: string; readonly h: string; readonly times: string },
): StageColumns {
  const exactTop = frame.exact(frame.top);
  if (frame.identity && !exactTop && !frame.closes) return { tau: times, a: null, b: null, c: null };
  const stages = weights.length;
  const grid = (name: string, hint: string): string => graph.op('Reshape', [name, ints(graph, -1, stages)], hint);
  const plain = frame.identity ? null : slopeColumns(graph, frame, times);
  let [a, tau, b, c] = plain
    ? [grid(plain.a, 'stage.a'), grid(plain.tau, 'stage.tau'), grid(plain.b, 'stage.b'), grid(plain.c, 'stage.c')]
    : ['', grid(times, 'stage.tau'), double(graph, [1, 1], [0]), double(graph, [1, 1], [1])];
  if (exactTop || frame.closes) {
    const column = (name: string, hint: string): string => graph.op('Unsqueeze', [name, ints(graph, 1)], hint);
    const next = column(ends, 'exact.next');
    const rises = graph.op('Less', [double(graph, [], [0]), h], 'exact.rises');
    const beyond = graph.op('Less', [double(graph, [], [frame.top]), next], 'exact.beyond');
    const reaches = exactTop ? graph.op('Not', [graph.op('Less', [next, double(graph, [], [frame.top])], 'exact.before')], 'exact.reaches') : beyond;
    const exact = graph.op('And', [reaches, rises], 'exact');
    // [a, tau, on x, on the network] of the exact step from the start of the interval: to `top` from a table, from there to 1 a constant.
    let row: string | null = null;
    if (exactTop) {
      const step = (t: number): number[] => {
        const { a: scale, tau: time, b: onX, c: onNet } = frame.step(t, frame.top);
        return [scale, time, onX, onNet];
      };
      row = cubicsAt(graph, cubicsOf(step, frame.from, frame.to), column(starts, 'exact.start'));
    }
    if (frame.closes) {
      const last = frame.step(frame.top, 1);
      const closing = double(graph, [1, 4], [last.a, last.tau, last.b, last.c]);
      row = row === null ? closing : graph.op('Where', [beyond, closing, row], 'exact.row');
    }
    const of = (j: number, hint: string): string => pick(graph, row as string, j, hint);
    const acting = weights.reduce((last, weight, i) => (weight === 0 ? last : i), 0);
    const mask = double(
      graph,
      [1, stages],
      weights.map((weight, i) => (i === acting ? 1 / weight : 0)),
    );
    const gain = graph.op('Div', [mask, graph.op('Where', [rises, h, double(graph, [], [1])], 'exact.h')], 'exact.gain');
    const change = graph.op('Sub', [of(2, 'exact.onX'), double(graph, [], [1])], 'exact.change');
    if (a !== '') a = graph.op('Where', [exact, of(0, 'exact.a'), a], 'stages.a');
    tau = graph.op('Where', [exact, of(1, 'exact.tau'), tau], 'stages.tau');
    b = graph.op('Where', [exact, graph.op('Mul', [gain, change], 'exact.b'), b], 'stages.b');
    c = graph.op('Where', [exact, graph.op('Mul', [gain, of(3, 'exact.onNet')], 'exact.c'), c], 'stages.c');
  }
  return { tau: graph.op('Reshape', [tau, ints(graph, -1, 1)], 'stages.tauColumn'), a: frame.scales ? a : null, b, c };
}
