// The ops of a program with tangents in float64: seeds, derivatives of ops along tangents, traces. Each rule is the textbook one, read at the primal values;
// the complex step (evaluate.ts) knows none of them and checks them all.

import { inputs, type Op, type Parameter, type Program } from '../../network/ops.ts';
import { rules } from './activations.ts';

interface Place {
  /** Values made so far. */
  readonly values: readonly Float64Array[];
  readonly parameters: Float64Array;
  readonly rows: number;
  readonly seeds: ReadonlyMap<number, ArrayLike<number>> | undefined;
}

const widthOf = (program: Program, value: number): number => program.values[value]?.width ?? 0;
const copiesOf = (program: Program, value: number): number => program.values[value]?.copies ?? 1;

/** y (n, out) = x (n, columns [first, first + width)) W^T. */
function product(x: Float64Array, width: number, weight: Float64Array, input: number, first: number, output: number): Float64Array {
  const n = x.length / width;
  const y = new Float64Array(n * output);
  for (let r = 0; r < n; r++)
    for (let o = 0; o < output; o++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (x[r * width + i] as number) * (weight[o * input + first + i] as number);
      y[r * output + o] = sum;
    }
  return y;
}

/** The value of one tangent op, (copies, rows, width). */
export function tangentOf(program: Program, op: Extract<Op, { kind: 'seed' | 'tangent' | 'trace' }>, place: Place): Float64Array {
  const { values, parameters, rows, seeds } = place;
  const width = widthOf(program, op.output);
  const parameter = (index: number): Float64Array => {
    const { offset, shape } = program.parameters[index] as Parameter;
    return parameters.subarray(offset, offset + shape.reduce((a, b) => a * b, 1));
  };
  if (op.kind === 'seed') {
    const copies = copiesOf(program, op.output);
    if (op.seed === 'basis') return Float64Array.from({ length: copies * rows * width }, (_, i) => (i % width === Math.floor(i / (rows * width)) ? 1 : 0));
    const given = seeds?.get(op.output);
    if (given?.length !== copies * rows * width) throw new TypeError(`oracle: expected seeds (${copies}, ${rows}, ${width})`);
    return Float64Array.from(given);
  }
  if (op.kind === 'trace') {
    const [seed, d] = [values[op.seed] as Float64Array, program.dimension];
    const out = new Float64Array(rows * width);
    if (op.tangent < 0) return out;
    const inner = widthOf(program, op.tangent);
    const tangent = values[op.tangent] as Float64Array;
    const y = op.weight < 0 ? tangent : product(tangent, inner, parameter(op.weight), inner, 0, d);
    for (let i = 0; i < seed.length; i++) {
      const [copy, row] = [Math.floor(i / (rows * d)), Math.floor(i / d) % rows];
      const at = row * width + (width === 1 ? 0 : copy);
      out[at] = (out[at] as number) + (seed[i] as number) * (y[i] as number);
    }
    return out;
  }
  return derivative(program, op, place, parameter);
}

function derivative(program: Program, op: Extract<Op, { kind: 'tangent' }>, { values, rows }: Place, parameter: (index: number) => Float64Array): Float64Array {
  const width = widthOf(program, op.output);
  const copies = copiesOf(program, op.output);
  const size = rows * width;
  const source = program.ops.find((other) => other.output === op.of) as Op;
  const out = new Float64Array(copies * size);
  const along = op.inputs.map((v) => (v < 0 ? null : (values[v] as Float64Array)));
  const [first] = along;
  const value = (index: number): Float64Array => values[index] as Float64Array;
  switch (source.kind) {
    case 'time':
      for (let i = 0; first && i < out.length; i++) {
        const [row, column] = [Math.floor(i / width), i % width];
        const count = source.omega.length;
        const j = column - (source.raw ? 1 : 0);
        const omega = source.omega[j % count] as number;
        const phase = omega * (value(inputs.t)[row % rows] as number);
        out[i] = (first[row] as number) * (j < 0 ? 1 : j < count ? -omega * Math.sin(phase) : omega * Math.cos(phase));
      }
      return out;
    case 'dense': {
      if (!first) return out;
      const input = widthOf(program, source.input);
      out.set(product(first, widthOf(program, op.inputs[0] as number), parameter(source.weight), input, op.first, width));
      if (source.activation === 'identity') return out;
      const z = product(value(source.input), input, parameter(source.weight), input, 0, width);
      const bias = source.bias < 0 ? null : parameter(source.bias);
      const slope = z.map((p, i) => rules[source.activation].derivative(p + (bias?.[i % width] ?? 0)));
      return out.map((y, i) => y * (slope[i % size] as number));
    }
    case 'activation':
      return first ? first.map((y, i) => y * rules[source.activation].derivative(value(source.input)[i % size] as number)) : out;
    case 'layerNorm':
      if (first) layerNorm(value(source.input), first, parameter(source.scale), source.epsilon, rows, width, out);
      return out;
    case 'add':
      return out.map((_, i) => (along[0]?.[i] ?? 0) + (along[1]?.[i] ?? 0));
    case 'concat': {
      let column = 0;
      source.inputs.forEach((input, k) => {
        const from = widthOf(program, input);
        for (let i = 0; along[k] && i < copies * rows; i++) out.set((along[k] as Float64Array).subarray(i * from, (i + 1) * from), i * width + column);
        column += from;
      });
      return out;
    }
    case 'slice': {
      const from = widthOf(program, source.input);
      for (let i = 0; first && i < copies * rows; i++) out.set(first.subarray(i * from + source.first, i * from + source.first + width), i * width);
      return out;
    }
    default:
      return out;
  }
}

/** y' = scale rstd (x' - mean(x') - xhat mean(xhat x')). */
function layerNorm(x: Float64Array, along: Float64Array, scale: Float64Array, epsilon: number, rows: number, width: number, out: Float64Array): void {
  const mean = (f: (c: number) => number): number => {
    let sum = 0;
    for (let c = 0; c < width; c++) sum += f(c);
    return sum / width;
  };
  for (let i = 0; i < out.length / width; i++) {
    const at = (i % rows) * width;
    const centre = mean((c) => x[at + c] as number);
    const rstd = 1 / Math.sqrt(mean((c) => ((x[at + c] as number) - centre) ** 2) + epsilon);
    const hat = (c: number): number => ((x[at + c] as number) - centre) * rstd;
    const dx = (c: number): number => along[i * width + c] as number;
    const [m1, m2] = [mean(dx), mean((c) => hat(c) * dx(c))];
    for (let c = 0; c < width; c++) out[i * width + c] = (scale[c] as number) * rstd * (dx(c) - m1 - hat(c) * m2);
  }
}
