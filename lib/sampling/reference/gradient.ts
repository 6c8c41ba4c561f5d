// The oracle's reverse mode in float64, written by hand: for L = sum(v * cotangent), dL/dparameters, dL/dx and dL/dt. Checked against the complex step.

import { type Activation, inputs, type Op, type Parameter, type Program } from '../../network/ops.ts';
import { rules } from './activations.ts';
import { classIndex, evaluateAll, type Point, widthOf } from './evaluate.ts';

export interface Gradient {
  /** (rows, d). */
  readonly v: Float64Array;
  /** Flat, logical layout. */
  readonly parameters: Float64Array;
  /** (rows, d). */
  readonly x: Float64Array;
  /** (rows). */
  readonly t: Float64Array;
}

/** Vector-Jacobian product; `cotangent` (rows, d). */
export function gradient(program: Program, parameters: ArrayLike<number>, point: Point, cotangent: ArrayLike<number>): Gradient {
  const flat = Float64Array.from(parameters);
  const values = evaluateAll(program, flat, point).map((value) => value.re);
  const rows = (values[inputs.t] as Float64Array).length;
  const adjoint = values.map((value) => new Float64Array(value.length));
  (adjoint[program.output] as Float64Array).set(Float64Array.from(cotangent));
  const grad = new Float64Array(program.parameterCount);
  for (const op of [...program.ops].reverse()) backward({ program, flat, values, adjoint, grad, rows }, op);
  const [v, x, t] = [values[program.output], adjoint[inputs.x], adjoint[inputs.t]] as [Float64Array, Float64Array, Float64Array];
  return { v, parameters: grad, x, t };
}

interface Tape {
  readonly program: Program;
  readonly flat: Float64Array;
  readonly values: readonly Float64Array[];
  readonly adjoint: readonly Float64Array[];
  readonly grad: Float64Array;
  readonly rows: number;
}

/** a[i] += b. */
function accumulate(a: Float64Array, i: number, b: number): void {
  a[i] = (a[i] as number) + b;
}

function backward(tape: Tape, op: Op): void {
  const { program, values, adjoint, grad, rows } = tape;
  const width = widthOf(program, op.output);
  const value = (index: number): Float64Array => values[index] as Float64Array;
  const to = (index: number): Float64Array => adjoint[index] as Float64Array;
  const g = to(op.output);
  const offset = (index: number): number => (program.parameters[index] as Parameter).offset;
  switch (op.kind) {
    case 'time': {
      const [t, gt, first, count] = [value(inputs.t), to(inputs.t), op.raw ? 1 : 0, op.omega.length];
      for (let r = 0; r < rows; r++) {
        if (op.raw) accumulate(gt, r, g[r * width] as number);
        op.omega.forEach((omega, j) => {
          const phase = omega * (t[r] as number);
          const at = r * width + first + j;
          accumulate(gt, r, omega * (Math.cos(phase) * (g[at + count] as number) - Math.sin(phase) * (g[at] as number)));
        });
      }
      return;
    }
    case 'concat': {
      let column = 0;
      for (const input of op.inputs) {
        const from = widthOf(program, input);
        for (let r = 0; r < rows; r++) for (let c = 0; c < from; c++) accumulate(to(input), r * from + c, g[r * width + column + c] as number);
        column += from;
      }
      return;
    }
    case 'dense':
      dense(tape, op, g);
      return;
    case 'activation':
      g.forEach((gi, i) => {
        accumulate(to(op.input), i, gi * rules[op.activation].derivative(value(op.input)[i] as number));
      });
      return;
    case 'layerNorm':
      layerNorm(tape, op, g);
      return;
    case 'add':
      g.forEach((gi, i) => {
        accumulate(to(op.a), i, gi);
        accumulate(to(op.b), i, gi);
      });
      return;
    case 'slice': {
      const from = widthOf(program, op.input);
      for (let r = 0; r < rows; r++) for (let c = 0; c < width; c++) accumulate(to(op.input), r * from + op.first + c, g[r * width + c] as number);
      return;
    }
    case 'seed':
    case 'tangent':
    case 'trace': // v does not depend on them
    case 'oneHot':
      return;
    case 'embed': {
      const from = widthOf(program, op.input);
      const classes = ((program.parameters[op.table] as Parameter).shape[0] as number) - 1;
      for (let r = 0; r < rows; r++) {
        const k = classIndex(value(op.input)[r * from + op.column] as number, classes);
        for (let c = 0; c < width; c++) accumulate(grad, offset(op.table) + k * width + c, g[r * width + c] as number);
      }
      return;
    }
  }
}

function dense(tape: Tape, op: Extract<Op, { kind: 'dense' }>, g: Float64Array): void {
  const { program, flat, values, adjoint, grad, rows } = tape;
  const [input, output] = [widthOf(program, op.input), widthOf(program, op.output)];
  const [x, gx] = [values[op.input], adjoint[op.input]] as [Float64Array, Float64Array];
  const w = (program.parameters[op.weight] as Parameter).offset;
  const b = op.bias < 0 ? -1 : (program.parameters[op.bias] as Parameter).offset;
  for (let r = 0; r < rows; r++) {
    for (let o = 0; o < output; o++) {
      let z = b < 0 ? 0 : (flat[b + o] as number);
      for (let k = 0; k < input; k++) z += (x[r * input + k] as number) * (flat[w + o * input + k] as number);
      const gz = (g[r * output + o] as number) * slope(op.activation, z);
      if (b >= 0) accumulate(grad, b + o, gz);
      for (let k = 0; k < input; k++) {
        accumulate(grad, w + o * input + k, gz * (x[r * input + k] as number));
        accumulate(gx, r * input + k, gz * (flat[w + o * input + k] as number));
      }
    }
  }
}

const slope = (activation: Activation, z: number): number => rules[activation].derivative(z);

/** With n features, xhat = (x - mean) / s: dx = (q - mean(q) - xhat mean(q xhat)) / s, q = g * scale. */
function layerNorm(tape: Tape, op: Extract<Op, { kind: 'layerNorm' }>, g: Float64Array): void {
  const { program, flat, values, adjoint, grad, rows } = tape;
  const n = widthOf(program, op.output);
  const [x, gx] = [values[op.input], adjoint[op.input]] as [Float64Array, Float64Array];
  const scale = (program.parameters[op.scale] as Parameter).offset;
  const shift = (program.parameters[op.shift] as Parameter).offset;
  for (let r = 0; r < rows; r++) {
    const row = x.subarray(r * n, (r + 1) * n);
    const mean = row.reduce((sum, v) => sum + v, 0) / n;
    const deviation = Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n + op.epsilon);
    const hat = row.map((v) => (v - mean) / deviation);
    const q = hat.map((_, c) => (g[r * n + c] as number) * (flat[scale + c] as number));
    const meanQ = q.reduce((sum, v) => sum + v, 0) / n;
    const meanQHat = q.reduce((sum, v, c) => sum + v * (hat[c] as number), 0) / n;
    for (let c = 0; c < n; c++) {
      const [gi, hi] = [g[r * n + c] as number, hat[c] as number];
      accumulate(grad, scale + c, gi * hi);
      accumulate(grad, shift + c, gi);
      accumulate(gx, r * n + c, ((q[c] as number) - meanQ - hi * meanQHat) / deviation);
    }
  }
}
