// Graph `velocity`: v = scale * net((x - shift) / scale, t, condition), all in data coordinates.
//   inputs x (N, d), t (1 or N, 1), condition (1 or N, c) when the model has one; output v (N, d) = dx/dt.

import { depends } from '../network/ops.ts';
import { emitOp, type Held, type Scope, spread, type Weights } from './emit-program.ts';
import { Graph } from './graph.ts';

/** Affine map per column: data = shift + scale * z. */
export interface Affine {
  readonly shift: Float32Array;
  readonly scale: Float32Array;
}

/** What graphs need of a model beside the program: how data and condition columns are scaled. */
export interface Frame {
  readonly normaliser: Affine | null;
  /** For the first columns (the numbers) of the condition. */
  readonly conditionNormaliser: Affine | null;
}

const vector = (graph: Graph, name: string, values: Float32Array): string => graph.constant(name, { type: 'float', shape: [values.length], values });

/** z = (x - shift) / scale, or x itself. */
export function normalised(graph: Graph, x: string, affine: Affine | null, hint: string): string {
  if (affine === null) return x;
  const centred = graph.op('Sub', [x, vector(graph, `${hint}.shift`, affine.shift)], `${hint}.centred`);
  return graph.op('Div', [centred, vector(graph, `${hint}.scale`, affine.scale)], `${hint}.normalised`);
}

/** The int64 tensor [N, 1] of a matrix with N rows. */
export function rowShapeOf(graph: Graph, matrix: string): string {
  const first = graph.constant('bound', { type: 'int64', shape: [1], values: [0] });
  const one = graph.constant('bound', { type: 'int64', shape: [1], values: [1] });
  const rows = graph.op('Gather', [graph.op('Shape', [matrix], 'shape'), first], 'rowCount', { axis: { int: 0 } });
  return graph.op('Concat', [rows, one], 'rowShape', { axis: { int: 0 } });
}

/** The condition input (1 or N, c), in network coordinates; undefined when the model has none. */
export function conditionInput(graph: Graph, width: number, affine: Affine | null): Held | undefined {
  if (width === 0) return undefined;
  const doc = 'One row for all samples, or one each: continuous columns in data units, then one class index (as a float) per class column.';
  const input = graph.input('condition', 'float', ['conditions', width], doc);
  if (affine === null || affine.shift.length === 0) return { name: input, rows: 'condition' };
  const pad = (values: Float32Array, rest: number): Float32Array => Float32Array.from({ length: width }, (_, i) => values[i] ?? rest);
  const padded = { shift: pad(affine.shift, 0), scale: pad(affine.scale, 1) };
  return { name: normalised(graph, input, padded, 'condition'), rows: 'condition' };
}

export const timeDoc = 't = 0 is noise (the source), t = 1 is data; dx/dt = v(x, t).';

/** The finished graph, and the lowest opset that has its operators. */
export function velocityGraph(weights: Weights, frame: Frame): Graph {
  const { program } = weights;
  const { dimension } = program;
  const graph = new Graph();
  const output = graph.name('v');
  const x = graph.input('x', 'float', ['rows', dimension], 'States, one row each, in data units.');
  const t = graph.input('t', 'float', ['times', 1], `One time for all rows, or one each. ${timeDoc}`);
  const condition = conditionInput(graph, program.conditionWidth, frame.conditionNormaliser);
  const values = new Map<number, Held>([
    [0, { name: normalised(graph, x, frame.normaliser, 'x'), rows: 'x' }],
    [1, { name: t, rows: 't' }],
  ]);
  if (condition) values.set(2, condition);
  const scope: Scope = { graph, values, rowShape: rowShapeOf(graph, x) };
  for (const op of program.ops) emitOp(scope, weights, op);
  const v = spread(scope, values.get(program.output) as Held);
  if (frame.normaliser) graph.opTo(output, 'Mul', [v, vector(graph, 'x.scale', frame.normaliser.scale)]);
  else graph.opTo(output, 'Identity', [v]);
  graph.output(output, 'float', ['rows', dimension], 'dx/dt at (x, t), in data units per unit of t.');
  return graph;
}

/** True when a value can be computed before the solver's loop: it depends on t alone, or on the condition alone. */
export function outsideLoop(bits: number): boolean {
  return bits === depends.t || bits === depends.condition || bits === 0;
}
