// Program -> ONNX nodes: one emitter per op, each a few official operators, none newer than opset 17.
// Rows: a value that depends on t alone keeps the rows of t (1, or one per stage of a solve), one that depends on the condition alone keeps the rows of
// the condition (1 or N); they are spread to N rows only where an op joins values of different rows.

import { FlowError } from '../errors.ts';
import type { Activation, Op, Parameter, Program } from '../network/ops.ts';
import { emitTangent } from './emit-tangent.ts';
import type { Graph } from './graph.ts';

/** Which rows a value has: exactly one, those of the input t, those of the condition, or those of x. */
export type Rows = 'one' | 't' | 'condition' | 'x';
export interface Held {
  readonly name: string;
  readonly rows: Rows;
  /** Of a dense op: what its activation was applied to. */
  readonly z?: string;
}

/** Where ops are emitted to: a graph, the values known there, and the int64 tensor [N, 1] that spreads rows. */
export interface Scope {
  readonly graph: Graph;
  readonly values: Map<number, Held>;
  readonly rowShape: string;
  /** Fetches a value that another scope holds (a loop body: the row of this stage). */
  readonly fetch?: (value: number) => Held | undefined;
}

/** Program and weights with the names of the initialisers made so far. */
export interface Weights {
  readonly program: Program;
  /** Flat vector in the program's logical layout. */
  readonly parameters: Float32Array;
  readonly names: Map<number, string>;
  /** W^T of the weights that tangents are multiplied by (emit-tangent.ts). */
  readonly transposed?: ReadonlyMap<number, string>;
}

/** The initialiser of parameter `index`: its slice of the flat vector, a weight as [out, in]. */
export function parameter(graph: Graph, weights: Weights, index: number): string {
  const known = weights.names.get(index);
  if (known) return known;
  const { name, shape, offset } = weights.program.parameters[index] as Parameter;
  const count = shape.reduce((a, b) => a * b, 1);
  const own = graph.name(name);
  graph.initialiser(own, { type: 'float', shape, values: weights.parameters.subarray(offset, offset + count) });
  weights.names.set(index, own);
  return own;
}

function held(scope: Scope, value: number): Held {
  const known = scope.values.get(value) ?? scope.fetch?.(value);
  if (!known) throw new FlowError('ERR_FLOW_ONNX', `program.values[${value}]: read before it is written`, { path: `program.values[${value}]` });
  scope.values.set(value, known);
  return known;
}

/** The value with as many rows as x. */
export function spread(scope: Scope, value: Held): string {
  return value.rows === 'x' ? value.name : scope.graph.op('Expand', [value.name, scope.rowShape], `${value.name}.rows`);
}

/** act(z), as the operators every runtime has; gelu is the exact erf form. */
function activate(graph: Graph, activation: Activation, z: string, hint: string): string {
  const scalar = (value: number): string => graph.constant('number', { type: 'float', shape: [], values: [value] });
  switch (activation) {
    case 'identity':
      return z;
    case 'silu':
      return graph.op('Mul', [z, graph.op('Sigmoid', [z], `${hint}.sigmoid`)], `${hint}.silu`);
    case 'gelu': {
      const erf = graph.op('Erf', [graph.op('Mul', [z, scalar(Math.SQRT1_2)], `${hint}.scaled`)], `${hint}.erf`);
      const half = graph.op('Mul', [z, scalar(0.5)], `${hint}.half`);
      return graph.op('Mul', [half, graph.op('Add', [erf, scalar(1)], `${hint}.erf1`)], `${hint}.gelu`);
    }
    case 'selu':
      return graph.op('Selu', [z], `${hint}.selu`, { alpha: { float: 1.6732632423543772 }, gamma: { float: 1.0507009873554805 } });
    case 'elu':
      return graph.op('Elu', [z], `${hint}.elu`, { alpha: { float: 1 } });
    case 'relu':
      return graph.op('Relu', [z], `${hint}.relu`);
    case 'tanh':
      return graph.op('Tanh', [z], `${hint}.tanh`);
  }
}

/** Class index in `column` as int64 [rows]; anything outside [0, classes), NaN included, becomes `classes`, the null class. */
function classIndex(graph: Graph, input: string, column: number, classes: number, hint: string): string {
  const at = graph.constant('column', { type: 'int64', shape: [], values: [column] });
  const bound = graph.constant('number', { type: 'float', shape: [], values: [classes] });
  const zero = graph.constant('number', { type: 'float', shape: [], values: [0] });
  const raw = graph.op('Gather', [input, at], `${hint}.column`, { axis: { int: 1 } });
  const above = graph.op('GreaterOrEqual', [raw, zero], `${hint}.above`);
  const below = graph.op('Less', [raw, bound], `${hint}.below`);
  const index = graph.op('Where', [graph.op('And', [above, below], `${hint}.known`), raw, bound], `${hint}.class`);
  return graph.op('Cast', [index], `${hint}.index`, { to: { int: 7 } });
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

function emitTime(graph: Graph, op: Extract<Op, { kind: 'time' }>, t: Held, hint: string): Held {
  const parts = op.raw ? [t.name] : [];
  if (op.omega.length > 0) {
    const omega = graph.constant(`${hint}.omega`, { type: 'float', shape: [1, op.omega.length], values: op.omega });
    const angle = graph.op('Mul', [t.name, omega], `${hint}.angle`);
    parts.push(graph.op('Cos', [angle], `${hint}.cos`), graph.op('Sin', [angle], `${hint}.sin`));
  }
  const name = parts.length === 1 ? (parts[0] as string) : graph.op('Concat', parts, hint, { axis: { int: 1 } });
  return { name, rows: t.rows };
}

function emitConcat(scope: Scope, op: Extract<Op, { kind: 'concat' }>, hint: string): Held {
  const parts = op.inputs.map((input) => held(scope, input));
  const rows = (parts[0] as Held).rows;
  if (parts.every((part) => part.rows === rows)) {
    const names = parts.map((part) => part.name);
    return { name: scope.graph.op('Concat', names, hint, { axis: { int: 1 } }), rows };
  }
  const names = parts.map((part) => spread(scope, part));
  return { name: scope.graph.op('Concat', names, hint, { axis: { int: 1 } }), rows: 'x' };
}

function emitAdd(scope: Scope, a: Held, b: Held, hint: string): Held {
  const sum = (left: string, right: string): string => scope.graph.op('Add', [left, right], hint);
  if (a.rows === b.rows || b.rows === 'one') return { name: sum(a.name, b.name), rows: a.rows };
  if (a.rows === 'one') return { name: sum(a.name, b.name), rows: b.rows };
  if (a.rows === 'x' || b.rows === 'x') return { name: sum(a.name, b.name), rows: 'x' };
  return { name: sum(spread(scope, a), spread(scope, b)), rows: 'x' };
}

/** Emits one op of the program and records its value in the scope. */
export function emitOp(scope: Scope, weights: Weights, op: Op): void {
  scope.values.set(op.output, emitValue(scope, weights, op));
}

function emitValue(scope: Scope, weights: Weights, op: Op): Held {
  const { graph } = scope;
  const hint = weights.program.values[op.output]?.name || `value${op.output}`;
  switch (op.kind) {
    case 'time':
      return emitTime(graph, op, held(scope, 1), hint);
    case 'concat':
      return emitConcat(scope, op, hint);
    case 'add':
      return emitAdd(scope, held(scope, op.a), held(scope, op.b), hint);
    case 'dense': {
      const { name, rows } = held(scope, op.input);
      const bias = op.bias < 0 ? [] : [parameter(graph, weights, op.bias)];
      const z = graph.op('Gemm', [name, parameter(graph, weights, op.weight), ...bias], `${hint}.linear`, { transB: { int: 1 } });
      return { name: activate(graph, op.activation, z, hint), rows, z };
    }
    case 'activation': {
      const { name, rows } = held(scope, op.input);
      return { name: activate(graph, op.activation, name, hint), rows };
    }
    case 'layerNorm': {
      const { name, rows } = held(scope, op.input);
      graph.require(17);
      const operands = [name, parameter(graph, weights, op.scale), parameter(graph, weights, op.shift)];
      return { name: graph.op('LayerNormalization', operands, hint, { axis: { int: -1 }, epsilon: { float: op.epsilon } }), rows };
    }
    case 'slice': {
      const { name, rows } = held(scope, op.input);
      const bounds = [op.first, op.first + op.count, 1].map((v) => graph.constant('bound', { type: 'int64', shape: [1], values: [v] }));
      return { name: graph.op('Slice', [name, ...bounds], hint), rows };
    }
    case 'oneHot': {
      const { name, rows } = held(scope, op.input);
      const index = classIndex(graph, name, op.column, op.classes, hint);
      const axis = graph.constant('bound', { type: 'int64', shape: [1], values: [1] });
      const classes = graph.constant('classes', { type: 'int64', shape: [1, op.classes], values: range(op.classes) });
      const hit = graph.op('Equal', [graph.op('Unsqueeze', [index, axis], `${hint}.index2`), classes], `${hint}.hit`);
      return { name: graph.op('Cast', [hit], hint, { to: { int: 1 } }), rows };
    }
    case 'embed': {
      const { name, rows } = held(scope, op.input);
      const table = weights.program.parameters[op.table] as Parameter;
      const index = classIndex(graph, name, op.column, (table.shape[0] as number) - 1, hint);
      return { name: graph.op('Gather', [parameter(graph, weights, op.table), index], hint, { axis: { int: 0 } }), rows };
    }
    case 'seed':
    case 'tangent':
    case 'trace':
      return emitTangent(scope, weights, op, hint, { held: (value) => held(scope, value), parameter: (index) => parameter(graph, weights, index) });
  }
}
