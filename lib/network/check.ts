// checkProgram(): every word of a Program is consistent: each value produced once and before use, widths, dependence bits, parameter shapes and offsets.

import { FlowError } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import { depends, type Op, type Parameter, type ParameterRole, type Program, type Value } from './ops.ts';

/** The values an op reads. */
export function opInputs(op: Op): readonly number[] {
  switch (op.kind) {
    case 'time':
      return [1];
    case 'concat':
      return op.inputs;
    case 'add':
      return [op.a, op.b];
    default:
      return [op.input];
  }
}

/** Returns the program itself, deeply frozen; throws ERR_FLOW_CONFIG naming the op or parameter that is wrong. */
export function checkProgram(program: Program): Program {
  const fail = (path: string, expected: string, received: unknown): never => {
    const fields = { path, expected, received: String(received) };
    throw new FlowError('ERR_FLOW_CONFIG', `${path}: expected ${expected}, got ${String(received)}.`, fields);
  };
  const equal = (path: string, expected: unknown, received: unknown): void => {
    if (expected !== received) fail(path, String(expected), received);
  };
  const { values, ops, parameters, dimension, conditionWidth } = program;
  equal('program.version', 1, program.version);
  [dimension, 1, conditionWidth].forEach((width, i) => {
    equal(`program.values[${i}].width`, width, values[i]?.width);
    equal(`program.values[${i}].depends`, [depends.x, depends.t, depends.condition][i], values[i]?.depends);
  });
  checkParameters(parameters, program.parameterCount, fail);

  const known = new Set([0, 1, 2]);
  const used = new Set<number>();
  ops.forEach((op, i) => {
    const at = `program.ops[${i}] (${op.kind})`;
    const value = (index: number): Value => (known.has(index) ? (values[index] as Value) : fail(at, 'a value made by an earlier op', index));
    const parameter = (index: number, role: ParameterRole, ...shape: number[]): void => {
      const p = parameters[index];
      if (p === undefined || p.role !== role) throw fail(at, `a parameter of role ${role}`, p?.role ?? index);
      if (used.has(index)) fail(at, 'a parameter of its own', p.name);
      used.add(index);
      equal(`${at} shape of ${p.name}`, shape.join('x'), p.shape.join('x'));
    };
    const from = opInputs(op).map(value);
    const output = values[op.output];
    if (output === undefined || known.has(op.output)) throw fail(at, 'a fresh output value', op.output);
    equal(
      `${at} width`,
      opWidth(op, from, output, parameter, (index) => parameters[index]?.shape[0] ?? 0, fail, at),
      output.width,
    );
    const union = from.reduce((bits, v) => bits | v.depends, 0);
    equal(`${at} depends`, union, output.depends);
    known.add(op.output);
  });
  equal('program.values produced', values.length, known.size);
  equal('program.parameters used', parameters.length, used.size);
  equal('program.output width', dimension, known.has(program.output) ? values[program.output]?.width : 'an unknown value');
  return deepFreeze(program);
}

type ParameterCheck = (index: number, role: ParameterRole, ...shape: number[]) => void;
type Fail = (path: string, expected: string, received: unknown) => never;

/** The width that an op's output must have; checks its parameters and ranges on the way. */
function opWidth(op: Op, from: readonly Value[], output: Value, parameter: ParameterCheck, rows: (index: number) => number, fail: Fail, at: string): number {
  const width = from[0]?.width ?? 0;
  switch (op.kind) {
    case 'time':
      return (op.raw ? 1 : 0) + 2 * op.omega.length;
    case 'concat':
      return from.reduce((sum, v) => sum + v.width, 0);
    case 'dense':
      parameter(op.weight, 'weight', output.width, width);
      if (op.bias !== -1) parameter(op.bias, 'bias', output.width);
      return output.width;
    case 'activation':
      return width;
    case 'layerNorm':
      parameter(op.scale, 'scale', width);
      parameter(op.shift, 'shift', width);
      if (!(op.epsilon > 0)) fail(at, 'epsilon > 0', op.epsilon);
      return width;
    case 'add':
      return from[1]?.width === width ? width : fail(at, 'two values of one width', `${width} and ${from[1]?.width}`);
    case 'slice':
      if (op.first < 0 || op.count < 1 || op.first + op.count > width) fail(at, `columns within ${width}`, `${op.first} + ${op.count}`);
      return op.count;
    case 'oneHot':
    case 'embed':
      if (op.column < 0 || op.column >= width) fail(at, `a column below ${width}`, op.column);
      if (op.kind === 'oneHot') return op.classes;
      parameter(op.table, 'table', rows(op.table), output.width);
      return output.width;
  }
}

function checkParameters(parameters: readonly Parameter[], count: number, fail: Fail): void {
  let offset = 0;
  const names = new Set<string>();
  for (const p of parameters) {
    if (names.has(p.name)) fail(`program.parameters ${p.name}`, 'a name of its own', p.name);
    names.add(p.name);
    if (p.offset !== offset) fail(`program.parameters ${p.name}.offset`, String(offset), p.offset);
    if (p.shape.length < 1 || p.shape.length > 2 || !p.shape.every((n) => Number.isSafeInteger(n) && n >= 1)) {
      fail(`program.parameters ${p.name}.shape`, 'one or two positive sizes', p.shape.join('x'));
    }
    offset += p.shape.reduce((a, b) => a * b, 1);
  }
  if (count !== offset) fail('program.parameterCount', String(offset), count);
}
