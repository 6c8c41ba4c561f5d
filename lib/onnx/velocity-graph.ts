// Graph `velocity`: v = scale * net((x - shift) / scale, t, condition), all in data coordinates.
//   inputs x (N, d), t (1 or N, 1), condition (1 or N, c) when the model has one; output v (N, d) = dx/dt.

import { conditionWidth, indicatorWidth } from '../network/condition.ts';
import { depends } from '../network/ops.ts';
import type { ConditionSpec } from '../network/spec.ts';
import type { Frame as PathFrame } from '../paths/frame.ts';
import { emitOp, type Held, type Scope, spread, type Weights } from './emit-program.ts';
import { slopeColumns } from './frame-rows.ts';
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
  /** What a condition row holds; null where the model has none. */
  readonly condition: ConditionSpec | null;
  /** null or absent: the plain condition. */
  readonly guidance?: GuidanceSpec | null;
}

const vector = (graph: Graph, name: string, values: Float32Array): string => graph.constant(name, { type: 'float', shape: [values.length], values });

/** z = (x - shift) / scale, or x itself. */
export function normalised(graph: Graph, x: string, affine: Affine | null, hint: string): string {
  if (affine === null) return x;
  const centred = graph.op('Sub', [x, vector(graph, `${hint}.shift`, affine.shift)], `${hint}.centred`);
  return graph.op('Div', [centred, vector(graph, `${hint}.scale`, affine.scale)], `${hint}.normalised`);
}

/** How a graph guides: constants, or the scale from an input of one number. */
export interface GuidanceSpec {
  readonly scale: number | 'input';
  readonly from: number;
  readonly to: number;
  /** The null row, in network coordinates. */
  readonly none: Float32Array;
}

/** The int64 tensor [N, 1] of a matrix with N rows. */
export function rowShapeOf(graph: Graph, matrix: string): string {
  const first = graph.constant('bound', { type: 'int64', shape: [1], values: [0] });
  const one = graph.constant('bound', { type: 'int64', shape: [1], values: [1] });
  const rows = graph.op('Gather', [graph.op('Shape', [matrix], 'shape'), first], 'rowCount', { axis: { int: 0 } });
  return graph.op('Concat', [rows, one], 'rowShape', { axis: { int: 0 } });
}

/** The condition input (1 or N, c), in network coordinates; undefined when the model has none. */
export function conditionInput(graph: Graph, spec: ConditionSpec | null, affine: Affine | null): Held | undefined {
  if (spec === null) return undefined;
  const width = spec.numbers + spec.classes.length;
  const doc = 'One row for all samples, or one each: continuous columns in data units, then one class index (as a float) per class column.';
  const input = graph.input('condition', 'float', ['conditions', width], doc);
  const pad = (values: Float32Array, rest: number): Float32Array => Float32Array.from({ length: width }, (_, i) => values[i] ?? rest);
  const padded = affine && affine.shift.length > 0 ? { shift: pad(affine.shift, 0), scale: pad(affine.scale, 1) } : null;
  const scaled = normalised(graph, input, padded, 'condition');
  return { name: conditionWidth(spec) === width ? scaled : withIndicator(graph, scaled, spec), rows: 'condition' };
}

/** The indicator of a missing condition, which is 0 here, behind the numbers. */
function withIndicator(graph: Graph, condition: string, spec: ConditionSpec): string {
  const bound = (...values: number[]): string => graph.constant('bound', { type: 'int64', shape: [values.length], values });
  const { numbers, classes } = spec;
  const columns = (from: number, to: number): string => graph.op('Slice', [condition, bound(from), bound(to), bound(1)], 'condition.columns');
  const first = classes.length === 0 ? condition : columns(0, numbers);
  const padded = graph.op('Pad', [first, bound(0, 0, 0, indicatorWidth(spec))], 'condition.indicated');
  return classes.length === 0 ? padded : graph.op('Concat', [padded, columns(numbers, numbers + classes.length)], 'condition.row', { axis: { int: 1 } });
}

/** The null row as a value of one row. */
export function nullHeld(graph: Graph, { none }: GuidanceSpec): Held {
  return { name: graph.constant('condition.null', { type: 'float', shape: [1, none.length], values: none }), rows: 'one' };
}

/** The scale as a float scalar: a constant, or the input `guidance`. */
export function guidanceScale(graph: Graph, { scale }: GuidanceSpec): string {
  if (scale !== 'input') return graph.constant('number', { type: 'float', shape: [], values: [scale] });
  return graph.input('guidance', 'float', [1], 'How strongly to follow the condition: v = (1 - w) v_null + w v_given; 1 is the plain condition.');
}

/** The weight w at times t of any shape: the scale for t in [from, to], else 1. */
export function guidanceWeight(graph: Graph, t: string, scale: string, { from, to }: GuidanceSpec, type: 'float' | 'double' = 'float'): string {
  if (from <= 0 && to >= 1) return scale;
  const end = (value: number): string => graph.constant('time', { type, shape: [], values: [value] });
  const inside = graph.op(
    'And',
    [graph.op('GreaterOrEqual', [t, end(from)], 'guidance.begun'), graph.op('LessOrEqual', [t, end(to)], 'guidance.going')],
    'guidance.on',
  );
  return graph.op('Where', [inside, scale, graph.constant('number', { type: 'float', shape: [], values: [1] })], 'guidance.w');
}

/** (1 - w) none + w given. */
export function guidedMix(graph: Graph, none: string, given: string, w: string): string {
  const one = graph.constant('number', { type: 'float', shape: [], values: [1] });
  const rest = graph.op('Mul', [none, graph.op('Sub', [one, w], 'guidance.rest')], 'guidance.none');
  return graph.op('Add', [rest, graph.op('Mul', [given, w], 'guidance.given')], 'guided');
}

export const timeDoc = 't = 0 is noise (the source), t = 1 is data; dx/dt = v(x, t).';

/** The finished graph, and the lowest opset that has its operators. */
export function velocityGraph(weights: Weights, frame: Frame, path?: PathFrame): Graph {
  const { program } = weights;
  const { dimension } = program;
  const graph = new Graph();
  const output = graph.name('v');
  const x = graph.input('x', 'float', ['rows', dimension], 'States, one row each, in data units.');
  const t = graph.input('t', 'float', ['times', 1], `One time for all rows, or one each. ${timeDoc}`);
  const { guidance = null } = frame;
  const plain = guidance?.scale === 0 && guidance.from <= 0 && guidance.to >= 1;
  const condition = plain ? nullHeld(graph, guidance) : conditionInput(graph, frame.condition, frame.conditionNormaliser);
  const z = normalised(graph, x, frame.normaliser, 'x');
  const float = (name: string, hint: string): string => graph.op('Cast', [name], hint, { to: { int: 1 } });
  const row = path && !path.identity ? slopeColumns(graph, path, graph.op('Cast', [t], 't64', { to: { int: 11 } })) : null;
  const asked = row ? float(row.tau, 'tau') : t;
  const state = row && path?.scales ? graph.op('Mul', [z, float(row.a, 'a')], 'x.scaled') : z;
  const rowShape = rowShapeOf(graph, x);
  const under = (given: Held | undefined, shared: ReadonlyMap<number, Held>): { v: string; values: Map<number, Held> } => {
    const values = new Map<number, Held>([...shared, [0, { name: state, rows: 'x' }], [1, { name: asked, rows: 't' }]]);
    if (given) values.set(2, given);
    const scope: Scope = { graph, values, rowShape };
    for (const op of program.ops) if (!values.has(op.output)) emitOp(scope, weights, op);
    return { v: spread(scope, values.get(program.output) as Held), values };
  };
  const given = under(condition, new Map());
  let { v } = given;
  if (guidance && !plain) {
    const none = under(nullHeld(graph, guidance), sharedValues(program, given.values));
    v = guidedMix(graph, none.v, v, guidanceWeight(graph, t, guidanceScale(graph, guidance), guidance));
  }
  if (row) {
    const said = graph.op('Mul', [v, float(row.c, 'c')], 'v.said');
    v = graph.op('Add', [graph.op('Mul', [z, float(row.b, 'b')], 'v.own'), said], 'v.slope');
  }
  if (frame.normaliser) graph.opTo(output, 'Mul', [v, vector(graph, 'x.scale', frame.normaliser.scale)]);
  else graph.opTo(output, 'Identity', [v]);
  graph.output(output, 'float', ['rows', dimension], 'dx/dt at (x, t), in data units per unit of t.');
  return graph;
}

/** The values that do not depend on the condition: what both halves of a guided evaluation share. */
export function sharedValues(program: Weights['program'], values: ReadonlyMap<number, Held>): Map<number, Held> {
  return new Map([...values].filter(([value]) => ((program.values[value]?.depends ?? 0) & depends.condition) === 0));
}

/** True when a value can be computed before the solver's loop: it depends on t alone, or on the condition alone. */
export function outsideLoop(bits: number): boolean {
  return bits === depends.t || bits === depends.condition || bits === 0;
}
