// Program -> the words that native/network/program.cc parses. Pure; the C++ side checks every word again.
//
//   header  magic 0x464d5031, version 1, dimension, conditionWidth, values, ops, parameters, output, constants, parameterCount
//   value   width, depends
//   param   role (0 weight, 1 bias, 2 scale, 3 shift, 4 table), rank, shape[0], shape[1] (1 when rank is 1), offset
//   op      kind, payload length, payload:
//     1 time [output, raw, first constant, count]       2 concat [output, n, inputs ...]   3 dense [output, input, weight, bias or -1, activation]
//     4 activation [output, input, activation]          5 layerNorm [output, input, scale, shift, constant of epsilon]
//     6 add [output, a, b]   7 slice [output, input, first, count]   8 oneHot [output, input, column, classes]   9 embed [output, input, column, table]
//   A program with tangents (network/tangent.ts) is of version 2: the header ends with one more word, the value asked for, and there are three more kinds:
//     10 seed [output, copies, 0 basis or 1 given]   11 tangent [output, copies, of, first, n, inputs or -1 ...]   12 trace [output, seed, tangent or -1, weight or -1]

import { activations, type Op, type Program } from './ops.ts';

export interface EncodedProgram {
  readonly words: Int32Array;
  readonly constants: Float32Array;
}

const magic = 0x464d5031;
const roles = ['weight', 'bias', 'scale', 'shift', 'table'] as const;

export function encodeProgram(program: Program): EncodedProgram {
  const constants: number[] = [];
  const keep = (...values: readonly number[]): number => constants.push(...values) - values.length;
  const copies = (value: number): number => program.values[value]?.copies ?? 1;
  const payload = (op: Op): [number, number[]] => {
    switch (op.kind) {
      case 'time':
        return [1, [op.output, op.raw ? 1 : 0, keep(...op.omega), op.omega.length]];
      case 'concat':
        return [2, [op.output, op.inputs.length, ...op.inputs]];
      case 'dense':
        return [3, [op.output, op.input, op.weight, op.bias, activations.indexOf(op.activation)]];
      case 'activation':
        return [4, [op.output, op.input, activations.indexOf(op.activation)]];
      case 'layerNorm':
        return [5, [op.output, op.input, op.scale, op.shift, keep(op.epsilon)]];
      case 'add':
        return [6, [op.output, op.a, op.b]];
      case 'slice':
        return [7, [op.output, op.input, op.first, op.count]];
      case 'oneHot':
        return [8, [op.output, op.input, op.column, op.classes]];
      case 'embed':
        return [9, [op.output, op.input, op.column, op.table]];
      case 'seed':
        return [10, [op.output, copies(op.output), op.seed === 'basis' ? 0 : 1]];
      case 'tangent':
        return [11, [op.output, copies(op.output), op.of, op.first, op.inputs.length, ...op.inputs]];
      case 'trace':
        return [12, [op.output, op.seed, op.tangent, op.weight]];
    }
  };
  const ops = program.ops.flatMap((op) => {
    const [kind, words] = payload(op);
    return [kind, words.length, ...words];
  });
  const values = program.values.flatMap((value) => [value.width, value.depends]);
  const parameters = program.parameters.flatMap((p) => [roles.indexOf(p.role), p.shape.length, p.shape[0] ?? 1, p.shape[1] ?? 1, p.offset]);
  const { dimension, conditionWidth, output, parameterCount } = program;
  const counts = [program.values.length, program.ops.length, program.parameters.length];
  const { tangent } = program;
  const version = tangent === undefined ? 1 : 2;
  const header = [magic, version, dimension, conditionWidth, ...counts, output, constants.length, parameterCount, ...(tangent === undefined ? [] : [tangent])];
  return { words: Int32Array.from([...header, ...values, ...parameters, ...ops]), constants: Float32Array.from(constants) };
}
