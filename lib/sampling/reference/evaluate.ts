// The float64 oracle: evaluates a Program op by op with plain loops, over real or complex numbers. Nothing here is fast; everything here is obvious.

import { FlowError } from '../../errors.ts';
import { type Activation, inputs, type Op, type Parameter, type Program } from '../../network/ops.ts';
import { rules } from './activations.ts';
import { type Complex, cos, divide, multiply, type Split, sin, sqrt } from './complex.ts';
import type { Field } from './integrate.ts';
import { tangentOf } from './tangent.ts';

/** Inputs of one evaluation: x (rows, d), t (rows), condition (rows, c), all row-major; condition may be null when c = 0. */
export interface Point {
  readonly x: ArrayLike<number> | Split;
  readonly t: ArrayLike<number> | Split;
  readonly condition: ArrayLike<number> | Split | null;
  /** The given seeds of a program with tangents, by value: (copies, rows, width). */
  readonly seeds?: ReadonlyMap<number, ArrayLike<number>>;
}

function split(value: ArrayLike<number> | Split): Split {
  return 're' in value ? value : { re: Float64Array.from(value), im: null };
}

export function widthOf(program: Program, value: number): number {
  return (program.values[value] as { width: number }).width;
}

/** The part of the flat vector that a parameter names. */
export function sliceOf(flat: Split, parameter: Parameter): Split {
  const end = parameter.offset + parameter.shape.reduce((a, b) => a * b, 1);
  return { re: flat.re.subarray(parameter.offset, end), im: flat.im?.subarray(parameter.offset, end) ?? null };
}

/** Row of the table, or the null row when the index is outside [0, classes). */
export function classIndex(value: number, classes: number): number {
  return value >= 0 && value < classes ? Math.floor(value) : classes;
}

/** Every value of the program for these rows; index = number of the value. Complex as soon as an input or the parameters are. */
export function evaluateAll(program: Program, parameters: ArrayLike<number> | Split, point: Point): Split[] {
  const flat = split(parameters);
  const [x, t] = [split(point.x), split(point.t)];
  const rows = t.re.length;
  if (x.re.length !== rows * program.dimension || flat.re.length !== program.parameterCount) {
    const expected = `x (${rows}, ${program.dimension}) and ${program.parameterCount} parameters`;
    throw new FlowError('ERR_FLOW_SHAPE', `oracle: expected ${expected}, got ${x.re.length} and ${flat.re.length} values.`, { path: 'oracle', expected });
  }
  const condition = split(point.condition ?? []);
  const complex = x.im !== null || t.im !== null || condition.im !== null || flat.im !== null;
  const values: Split[] = [x, t, condition];
  const fresh = (width: number): Split => ({ re: new Float64Array(rows * width), im: complex ? new Float64Array(rows * width) : null });
  for (const op of program.ops) {
    if (op.kind === 'seed' || op.kind === 'tangent' || op.kind === 'trace') {
      if (complex) throw new TypeError('oracle: a program with tangents is evaluated over real numbers');
      values[op.output] = { re: tangentOf(program, op, { values: values.map((v) => v.re), parameters: flat.re, rows, seeds: point.seeds }), im: null };
      continue;
    }
    const out = fresh(widthOf(program, op.output));
    apply(program, op, values, flat, rows, out);
    values[op.output] = out;
  }
  return values;
}

/** v (rows, d) in float64. */
export function evaluate(program: Program, parameters: ArrayLike<number>, point: Point): Float64Array {
  return (evaluateAll(program, parameters, point)[program.output] as Split).re;
}

/** What a program with tangents was made for: its trace (rows, 1 or copies), or the derivative of v (rows, d). */
export function evaluateTangent(program: Program, parameters: ArrayLike<number>, point: Point): Float64Array {
  return (evaluateAll(program, parameters, point)[program.tangent as number] as Split).re;
}

/** The derivative of v along (dx, dt, dcondition, dparameters), by the complex step. Any direction may be left out. */
export function directional(
  program: Program,
  parameters: ArrayLike<number>,
  point: Point,
  along: { x?: ArrayLike<number>; t?: ArrayLike<number>; condition?: ArrayLike<number>; parameters?: ArrayLike<number> },
): Float64Array {
  const h = 1e-30;
  const step = (value: ArrayLike<number> | Split, direction: ArrayLike<number> | undefined): Split => {
    const { re } = split(value);
    return { re, im: direction === undefined ? null : Float64Array.from(direction, (d) => d * h) };
  };
  const moved: Point = {
    x: step(point.x, along.x),
    t: step(point.t, along.t),
    condition: along.condition === undefined ? point.condition : step(point.condition ?? [], along.condition),
  };
  const { re, im } = evaluateAll(program, step(parameters, along.parameters), moved)[program.output] as Split;
  return im === null ? new Float64Array(re.length) : im.map((v) => v / h);
}

/** The oracle as a field for integrate(): condition rows (rows, c) belong to the rows of x. */
export function oracleField(program: Program, parameters: ArrayLike<number>, condition: ArrayLike<number> | null = null): Field {
  return (x, t) => evaluate(program, parameters, { x, t: new Float64Array(x.length / program.dimension).fill(t), condition });
}

const read = (m: Split, i: number): Complex => [m.re[i] as number, m.im === null ? 0 : (m.im[i] as number)];
function write(m: Split, i: number, [re, im]: Complex): void {
  m.re[i] = re;
  if (m.im !== null) m.im[i] = im;
}

type PrimalOp = Exclude<Op, { kind: 'seed' | 'tangent' | 'trace' }>;

function apply(program: Program, op: PrimalOp, values: readonly Split[], flat: Split, rows: number, out: Split): void {
  const width = widthOf(program, op.output);
  const value = (index: number): Split => values[index] as Split;
  const parameter = (index: number): Split => sliceOf(flat, program.parameters[index] as Parameter);
  switch (op.kind) {
    case 'time': {
      const t = value(inputs.t);
      const [first, count] = [op.raw ? 1 : 0, op.omega.length];
      for (let r = 0; r < rows; r++) {
        const [re, im] = read(t, r);
        if (op.raw) write(out, r * width, [re, im]);
        op.omega.forEach((omega, j) => {
          write(out, r * width + first + j, cos([omega * re, omega * im]));
          write(out, r * width + first + count + j, sin([omega * re, omega * im]));
        });
      }
      return;
    }
    case 'concat': {
      let column = 0;
      for (const input of op.inputs) {
        const from = widthOf(program, input);
        for (let r = 0; r < rows; r++) for (let c = 0; c < from; c++) write(out, r * width + column + c, read(value(input), r * from + c));
        column += from;
      }
      return;
    }
    case 'dense': {
      linear(value(op.input), parameter(op.weight), op.bias < 0 ? null : parameter(op.bias), rows, widthOf(program, op.input), width, out);
      activate(op.activation, out, out);
      return;
    }
    case 'activation':
      activate(op.activation, value(op.input), out);
      return;
    case 'layerNorm':
      layerNorm(value(op.input), parameter(op.scale), parameter(op.shift), op.epsilon, rows, width, out);
      return;
    case 'add': {
      const [a, b] = [value(op.a), value(op.b)];
      for (let i = 0; i < rows * width; i++) {
        const [p, q] = [read(a, i), read(b, i)];
        write(out, i, [p[0] + q[0], p[1] + q[1]]);
      }
      return;
    }
    case 'slice': {
      const from = widthOf(program, op.input);
      for (let r = 0; r < rows; r++) for (let c = 0; c < width; c++) write(out, r * width + c, read(value(op.input), r * from + op.first + c));
      return;
    }
    case 'oneHot':
    case 'embed': {
      const from = widthOf(program, op.input);
      const table = op.kind === 'embed' ? parameter(op.table) : null;
      const classes = op.kind === 'embed' ? table!.re.length / width - 1 : op.classes;
      for (let r = 0; r < rows; r++) {
        const k = classIndex(value(op.input).re[r * from + op.column] as number, classes);
        for (let c = 0; c < width; c++) write(out, r * width + c, table ? read(table, k * width + c) : [c === k ? 1 : 0, 0]);
      }
      return;
    }
  }
}

/** out = x W^T + b. */
function linear(x: Split, w: Split, b: Split | null, rows: number, input: number, output: number, out: Split): void {
  const dot = (p: Float64Array, q: Float64Array, i: number, j: number): number => {
    let sum = 0;
    for (let k = 0; k < input; k++) sum += (p[i * input + k] as number) * (q[j * input + k] as number);
    return sum;
  };
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < output; o++) {
      const at = r * output + o;
      out.re[at] = dot(x.re, w.re, r, o) + (b ? (b.re[o] as number) : 0) - (x.im && w.im ? dot(x.im, w.im, r, o) : 0);
      if (out.im) out.im[at] = (x.im ? dot(x.im, w.re, r, o) : 0) + (w.im ? dot(x.re, w.im, r, o) : 0) + (b?.im ? (b.im[o] as number) : 0);
    }
  }
}

function activate(activation: Activation, x: Split, out: Split): void {
  const rule = rules[activation];
  for (let i = 0; i < out.re.length; i++) {
    if (out.im === null) out.re[i] = rule.real(x.re[i] as number);
    else write(out, i, rule.complex(read(x, i)));
  }
}

function layerNorm(x: Split, scale: Split, shift: Split, epsilon: number, rows: number, width: number, out: Split): void {
  for (let r = 0; r < rows; r++) {
    let [mean, square]: [Complex, Complex] = [
      [0, 0],
      [0, 0],
    ];
    const row = Array.from({ length: width }, (_, c) => read(x, r * width + c));
    for (const [re, im] of row) mean = [mean[0] + re / width, mean[1] + im / width];
    const centred = row.map(([re, im]): Complex => [re - mean[0], im - mean[1]]);
    for (const z of centred) {
      const [re, im] = multiply(z, z);
      square = [square[0] + re / width, square[1] + im / width];
    }
    const deviation = sqrt([square[0] + epsilon, square[1]]);
    centred.forEach((z, c) => {
      const [re, im] = multiply(divide(z, deviation), read(scale, c));
      const [sr, si] = read(shift, c);
      write(out, r * width + c, [re + sr, im + si]);
    });
  }
}
