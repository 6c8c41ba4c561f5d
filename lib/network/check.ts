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
    case 'seed':
      return [];
    case 'tangent':
      return op.inputs.filter((v) => v >= 0);
    case 'trace':
      return op.tangent < 0 ? [op.seed] : [op.seed, op.tangent];
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
    equal(`${at} width`, opWidth(op, from, output, parameter, program, fail, at), output.width);
    const source = op.kind === 'tangent' ? ops.slice(0, i).find((other) => other.output === op.of) : undefined;
    if (op.kind === 'tangent') checkTangent(op, source, values, at, fail);
    if (op.kind === 'trace') checkTrace(op, program, at, fail);
    const places = source && bends(source) ? opInputs(source).map(value) : [];
    const start: number = op.kind === 'seed' || op.kind === 'tangent' ? depends.seed : 0;
    equal(
      `${at} depends`,
      [...from, ...places].reduce((bits, v) => bits | v.depends, start),
      output.depends,
    );
    known.add(op.output);
  });
  if (program.tangent !== undefined && !known.has(program.tangent)) fail('program.tangent', 'a value of the program', program.tangent);
  equal('program.values produced', values.length, known.size);
  equal('program.parameters used', parameters.length, used.size);
  equal('program.output width', dimension * (program.heads ?? 1), known.has(program.output) ? values[program.output]?.width : 'an unknown value');
  return deepFreeze(program);
}

/** Whether a seed is the basis: its trace is the sum over all directions. */
export function overBasis(program: Program, seed: number): boolean {
  return program.ops.some((op) => op.kind === 'seed' && op.output === seed && op.seed === 'basis');
}

/** Whether the derivative of an op depends on where it is taken. */
export function bends(op: Op): boolean {
  return (op.kind === 'dense' && op.activation !== 'identity') || op.kind === 'activation' || op.kind === 'layerNorm' || op.kind === 'time';
}

function checkTangent(op: Extract<Op, { kind: 'tangent' }>, source: Op | undefined, values: readonly Value[], at: string, fail: Fail): void {
  if (
    source === undefined ||
    source.kind === 'seed' ||
    source.kind === 'tangent' ||
    source.kind === 'trace' ||
    source.kind === 'oneHot' ||
    source.kind === 'embed'
  )
    throw fail(at, 'the value of an earlier op that has a derivative', op.of);
  const sources = opInputs(source);
  if (op.inputs.length !== sources.length) fail(at, `${sources.length} tangents, as the op has inputs`, op.inputs.length);
  const copies = (values[op.output] as Value).copies ?? 1;
  op.inputs.forEach((v, i) => {
    if (v < 0) return;
    const width = (values[sources[i] as number] as Value).width;
    const own = values[v] as Value;
    if ((own.copies ?? 1) !== copies) fail(at, `${copies} copies`, own.copies ?? 1);
    const fits = source.kind === 'dense' ? op.first >= 0 && op.first + own.width <= width : op.first === 0 && own.width === width;
    if (!fits) fail(at, `a tangent within ${width} columns`, `${op.first} + ${own.width}`);
  });
}

function checkTrace(op: Extract<Op, { kind: 'trace' }>, program: Program, at: string, fail: Fail): void {
  const [seed, tangent] = [program.values[op.seed] as Value, program.values[op.tangent]];
  if (!program.ops.some((other) => other.kind === 'seed' && other.output === op.seed) || seed.width !== program.dimension)
    fail(at, `a seed of ${program.dimension} columns`, op.seed);
  const p = op.weight < 0 ? undefined : program.parameters[op.weight];
  if (op.weight >= 0 && (p?.role !== 'weight' || p.shape[0] !== program.dimension)) fail(at, 'the weight of the last layer', op.weight);
  const width = p?.shape[1] ?? program.dimension;
  if (tangent && (tangent.width !== width || (tangent.copies ?? 1) !== (seed.copies ?? 1)))
    fail(at, `a tangent of ${width} columns, ${seed.copies ?? 1} copies`, `${tangent.width}, ${tangent.copies ?? 1}`);
}

type ParameterCheck = (index: number, role: ParameterRole, ...shape: number[]) => void;
type Fail = (path: string, expected: string, received: unknown) => never;

/** The width that an op's output must have; checks its parameters and ranges on the way. */
function opWidth(op: Op, from: readonly Value[], output: Value, parameter: ParameterCheck, program: Program, fail: Fail, at: string): number {
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
      parameter(op.table, 'table', program.parameters[op.table]?.shape[0] ?? 0, output.width);
      return output.width;
    case 'seed':
      if (op.seed === 'basis' && output.copies !== output.width) fail(at, `${output.width} copies, one per column`, output.copies);
      return output.width;
    case 'tangent':
      return program.values[op.of]?.width ?? fail(at, 'a value of the program', op.of);
    case 'trace':
      return overBasis(program, op.seed) ? 1 : (program.values[op.seed]?.copies ?? 1);
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
