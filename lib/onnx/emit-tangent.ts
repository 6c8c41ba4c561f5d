// The ops of a program with tangents as ONNX nodes. A tangent is a tensor [copies, rows, width] (rows 1 where it is the same for all): a dense op's is one
// MatMul over all copies, times act'(z) broadcast from [rows, width]. The tangents of a basis through a dense op are columns of its weight: no product.

import { FlowError } from '../errors.ts';
import { type Activation, inputs, type Op, type Parameter } from '../network/ops.ts';
import type { Held, Scope, Weights } from './emit-program.ts';
import type { Graph } from './graph.ts';

type TangentOp = Extract<Op, { kind: 'seed' | 'tangent' | 'trace' }>;
/** What emit-program.ts lends: the value of another op, the initialiser of a parameter. */
export interface Lent {
  readonly held: (value: number) => Held;
  readonly parameter: (index: number) => string;
}

const bounds = (graph: Graph, ...values: number[]): string => graph.constant('bound', { type: 'int64', shape: [values.length], values });
const scalar = (graph: Graph, value: number): string => graph.constant('number', { type: 'float', shape: [], values: [value] });

/** act'(z); null for the identity, whose slope is 1. */
function slope(graph: Graph, activation: Activation, z: string, hint: string): string | null {
  const one = scalar(graph, 1);
  const node = (type: string, of: readonly string[], part: string): string => graph.op(type, of, `${hint}.${part}`);
  switch (activation) {
    case 'identity':
      return null;
    case 'silu': {
      const s = node('Sigmoid', [z], 'sigmoid');
      const rest = node('Mul', [z, node('Sub', [one, s], 'unsigmoid')], 'bend');
      return node('Mul', [s, node('Add', [rest, one], 'bend1')], 'slope');
    }
    case 'gelu': {
      const below = node(
        'Mul',
        [node('Add', [node('Erf', [node('Mul', [z, scalar(graph, Math.SQRT1_2)], 'scaled')], 'erf'), one], 'erf1'), scalar(graph, 0.5)],
        'below',
      );
      const power = node('Exp', [node('Mul', [node('Mul', [z, z], 'square'), scalar(graph, -0.5)], 'power')], 'bell');
      return node('Add', [below, node('Mul', [z, node('Mul', [power, scalar(graph, 1 / Math.sqrt(2 * Math.PI))], 'density')], 'bend')], 'slope');
    }
    case 'selu':
    case 'elu': {
      const [scale, alpha] = activation === 'elu' ? [1, 1] : [1.0507009873554805, 1.6732632423543772];
      const falling = node('Mul', [node('Exp', [node('Min', [z, scalar(graph, 0)], 'negative')], 'exp'), scalar(graph, scale * alpha)], 'falling');
      return node('Where', [node('Greater', [z, scalar(graph, 0)], 'positive'), scalar(graph, scale), falling], 'slope');
    }
    case 'relu':
      return graph.op('Cast', [node('Greater', [z, scalar(graph, 0)], 'positive')], `${hint}.slope`, { to: { int: 1 } });
    case 'tanh': {
      const y = node('Tanh', [z], 'tanh');
      return node('Sub', [one, node('Mul', [y, y], 'square')], 'slope');
    }
  }
}

/** W^T [in, out] of a dense op's weight: made once, outside any loop. */
function transposed(weights: Weights, index: number): string {
  const name = weights.transposed?.get(index);
  if (name === undefined) throw new FlowError('ERR_FLOW_ONNX', 'program: its weights were not transposed', { path: 'program' });
  return name;
}

/** Emits W^T of every dense op whose tangent needs it. */
export function transposeWeights(graph: Graph, weights: Weights, parameter: (index: number) => string): Map<number, string> {
  const { ops } = weights.program;
  const made = new Map<number, string>();
  for (const op of ops) {
    const source = op.kind === 'tangent' ? ops.find((other) => other.output === op.of) : undefined;
    if (source?.kind === 'dense' && !made.has(source.weight))
      made.set(source.weight, graph.op('Transpose', [parameter(source.weight)], `weight.${source.weight}.transposed`));
  }
  return made;
}

/** Columns [first, first + count) of the weight as constants [count, 1, out]: the tangents of a basis. */
function columns(graph: Graph, weights: Weights, index: number, first: number, count: number, hint: string): string {
  const { shape, offset } = weights.program.parameters[index] as Parameter;
  const [out, width] = shape as [number, number];
  const values = Float32Array.from({ length: count * out }, (_, i) => weights.parameters[offset + (i % out) * width + first + Math.floor(i / out)] as number);
  return graph.constant(`${hint}.columns`, { type: 'float', shape: [count, 1, out], values });
}

/** The tensor of one tangent op. */
export function emitTangent(scope: Scope, weights: Weights, op: TangentOp, hint: string, lent: Lent): Held {
  const { graph } = scope;
  const { program } = weights;
  const width = program.values[op.output]?.width ?? 0;
  if (op.kind === 'seed') {
    if (op.seed === 'given') throw new FlowError('ERR_FLOW_ONNX', `${hint}: a given seed has to be an input of the graph`, { path: hint });
    const values = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
    return { name: graph.constant(hint, { type: 'float', shape: [width, 1, width], values }), rows: 'one' };
  }
  if (op.kind === 'trace') return trace(scope, weights, op, hint, lent);
  const source = program.ops.find((other) => other.output === op.of) as Op;
  const along = op.inputs.map((v) => (v < 0 ? null : lent.held(v)));
  const [first] = along;
  const copies = program.values[op.output]?.copies ?? 1;
  const zeros = (count: number): string => graph.constant('zeros', { type: 'float', shape: [copies, 1, count], values: new Float32Array(copies * count) });
  if (along.every((held) => held === null)) return { name: zeros(width), rows: 'one' };
  const steep = (activation: Activation, y: string, z: string): string => {
    const by = slope(graph, activation, z, hint);
    return by === null ? y : graph.op('Mul', [y, by], hint);
  };
  switch (source.kind) {
    case 'dense': {
      const input = op.inputs[0] as number;
      const own = program.values[input]?.width ?? 0;
      const basis = program.ops.some((other) => other.kind === 'seed' && other.output === input && other.seed === 'basis');
      let y: string;
      if (basis) y = columns(graph, weights, source.weight, op.first, own, hint);
      else {
        const whole = transposed(weights, source.weight);
        const part =
          own === program.values[source.input]?.width
            ? whole
            : graph.op('Slice', [whole, bounds(graph, op.first), bounds(graph, op.first + own), bounds(graph, 0)], `${hint}.weight`);
        y = graph.op('MatMul', [(first as Held).name, part], `${hint}.linear`);
      }
      return { name: source.activation === 'identity' ? y : steep(source.activation, y, lent.held(source.output).z as string), rows: 'x' };
    }
    case 'activation':
      return { name: steep(source.activation, (first as Held).name, lent.held(source.input).name), rows: 'x' };
    case 'add':
      return {
        name: graph.op(
          'Add',
          along.map((held, i) => held?.name ?? zeros(program.values[op.inputs[i] as number]?.width ?? width)),
          hint,
        ),
        rows: 'x',
      };
    case 'slice':
      return {
        name: graph.op('Slice', [(first as Held).name, bounds(graph, source.first), bounds(graph, source.first + source.count), bounds(graph, 2)], hint),
        rows: 'x',
      };
    case 'concat': {
      const shape = graph.op('Concat', [bounds(graph, copies), scope.rowShape], `${hint}.shape`, { axis: { int: 0 } });
      const parts = source.inputs.map((v, i) => graph.op('Expand', [along[i]?.name ?? zeros(program.values[v]?.width ?? 0), shape], `${hint}.part`));
      return { name: graph.op('Concat', parts, hint, { axis: { int: 2 } }), rows: 'x' };
    }
    case 'layerNorm':
      return {
        name: layerNorm(graph, lent.held(source.input).name, (first as Held).name, lent.parameter(source.scale), source.epsilon, width, hint),
        rows: 'x',
      };
    case 'time': {
      const omega = (sign: number): string =>
        graph.constant(`${hint}.omega`, { type: 'float', shape: [1, source.omega.length], values: source.omega.map((w) => sign * w) });
      const t = lent.held(inputs.t).name;
      const parts = source.raw ? [graph.op('Add', [graph.op('Mul', [t, scalar(graph, 0)], `${hint}.zero`), scalar(graph, 1)], `${hint}.one`)] : [];
      if (source.omega.length > 0) {
        const angle = graph.op('Mul', [t, omega(1)], `${hint}.angle`);
        parts.push(
          graph.op('Mul', [graph.op('Sin', [angle], `${hint}.sin`), omega(-1)], `${hint}.dcos`),
          graph.op('Mul', [graph.op('Cos', [angle], `${hint}.cos`), omega(1)], `${hint}.dsin`),
        );
      }
      const features = parts.length === 1 ? (parts[0] as string) : graph.op('Concat', parts, `${hint}.features`, { axis: { int: 1 } });
      return { name: graph.op('Mul', [(first as Held).name, features], hint), rows: 'x' };
    }
    default:
      throw new FlowError('ERR_FLOW_ONNX', `${hint}: an op without a derivative`, { path: hint });
  }
}

/** Over a basis: sum_k <W_k, y_k> [rows, 1]. Over given seeds: <s_k W, y_k> [rows, copies]. */
function trace(scope: Scope, weights: Weights, op: Extract<Op, { kind: 'trace' }>, hint: string, lent: Lent): Held {
  const { graph } = scope;
  const { values, ops } = weights.program;
  const basis = ops.some((other) => other.kind === 'seed' && other.output === op.seed && other.seed === 'basis');
  const columnsOut = values[op.output]?.width ?? 1;
  if (op.tangent < 0) return { name: graph.constant('zeros', { type: 'float', shape: [1, columnsOut], values: new Float32Array(columnsOut) }), rows: 'one' };
  const tangent = lent.held(op.tangent).name;
  const left =
    op.weight < 0
      ? lent.held(op.seed).name
      : basis
        ? graph.op('Unsqueeze', [lent.parameter(op.weight), bounds(graph, 1)], `${hint}.rows`)
        : graph.op('MatMul', [lent.held(op.seed).name, lent.parameter(op.weight)], `${hint}.seeds`);
  const products = graph.op('Mul', [tangent, left], `${hint}.products`);
  if (basis) {
    const sum = graph.op('ReduceSum', [products, bounds(graph, 0, 2)], `${hint}.sum`, { keepdims: { int: 0 } });
    return { name: graph.op('Unsqueeze', [sum, bounds(graph, 1)], hint), rows: 'x' };
  }
  const sums = graph.op('ReduceSum', [products, bounds(graph, 2)], `${hint}.sums`, { keepdims: { int: 0 } });
  return { name: graph.op('Transpose', [sums], hint), rows: 'x' };
}

/** scale rstd (x' - mean(x') - xhat mean(xhat x')); means as products with 1/n, as the axes of ReduceMean moved between operator sets. */
function layerNorm(graph: Graph, x: string, along: string, scale: string, epsilon: number, width: number, hint: string): string {
  const average = graph.constant('average', { type: 'float', shape: [width, 1], values: new Float32Array(width).fill(1 / width) });
  const mean = (of: string, part: string): string => graph.op('MatMul', [of, average], `${hint}.${part}`);
  const centred = graph.op('Sub', [x, mean(x, 'mean')], `${hint}.centred`);
  const variance = mean(graph.op('Mul', [centred, centred], `${hint}.square`), 'variance');
  const deviation = graph.op('Sqrt', [graph.op('Add', [variance, scalar(graph, epsilon)], `${hint}.guarded`)], `${hint}.deviation`);
  const hat = graph.op('Div', [centred, deviation], `${hint}.hat`);
  const together = mean(graph.op('Mul', [along, hat], `${hint}.along`), 'together');
  const flat = graph.op('Sub', [along, mean(along, 'drift')], `${hint}.flat`);
  const straight = graph.op('Sub', [flat, graph.op('Mul', [hat, together], `${hint}.bent`)], `${hint}.straight`);
  return graph.op('Mul', [graph.op('Div', [straight, deviation], `${hint}.unit`), scale], hint);
}
