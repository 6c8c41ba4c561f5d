// One table of networks and ops for value, gradient, parity and speed: named cases, single-op programs, and random networks from a seed.

import { checkProgram, opInputs } from '../../lib/network/check.ts';
import { conditionWidth } from '../../lib/network/condition.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import { type MlpOptions, mlp } from '../../lib/network/mlp.ts';
import { activations, depends, type Op, type Parameter, type Program, type Value } from '../../lib/network/ops.ts';
import type { ConditionSpec, MlpSpec } from '../../lib/network/spec.ts';
import { Random } from '../../lib/random.ts';

export interface NetworkCase {
  readonly name: string;
  /** null for a program made by hand. */
  readonly spec: MlpSpec | null;
  readonly dimension: number;
  readonly condition: ConditionSpec | null;
  readonly program: Program;
}

/** Inputs for `rows` rows of a case: x (rows, d), t (rows), condition (rows, c) with the null class now and then, cotangent (rows, d), parameters. */
export interface CaseInputs {
  readonly rows: number;
  readonly x: Float32Array;
  readonly t: Float32Array;
  readonly condition: Float32Array | null;
  readonly cotangent: Float32Array;
  readonly parameters: Float32Array;
}

export function networkCase(name: string, options: MlpOptions, dimension: number, condition: ConditionSpec | null = null): NetworkCase {
  const spec = mlp({ residual: false, norm: false, ...options });
  return { name, spec, dimension, condition, program: lower(spec, dimension, condition) };
}

const condition: ConditionSpec = { numbers: 2, classes: [3, 5] };
const nonlinear = activations.filter((a) => a !== 'identity');

/** Every feature of mlp() once, sizes around the panel width of 32 and its multiples. */
export const networkCases: readonly NetworkCase[] = [
  ...nonlinear.map((activation) => networkCase(`plain ${activation}`, { hidden: [33, 31], activation }, 3)),
  networkCase('linear', { hidden: [], time: 'raw' }, 2),
  networkCase('one neuron', { hidden: [1], time: 'raw' }, 1),
  networkCase('selu raw 3x64', { hidden: [64, 64, 64], activation: 'selu', time: 'raw' }, 2),
  networkCase('residual', { hidden: [32, 32, 16, 16], residual: true, activation: 'gelu' }, 4),
  networkCase('norm', { hidden: [40, 40, 40], norm: true }, 5),
  networkCase('residual norm', { hidden: [64, 64, 64], residual: true, norm: true }, 6),
  networkCase('random time', { hidden: [32, 32], time: { kind: 'random', dim: 16, scale: 2, seed: 5 } }, 2),
  networkCase('sinusoid time', { hidden: [32, 32], time: { kind: 'sinusoid', dim: 32 } }, 2),
  networkCase('numbers', { hidden: [32, 32] }, 3, { numbers: 4, classes: [] }),
  networkCase('one-hot', { hidden: [32, 32] }, 3, { numbers: 0, classes: [4] }),
  networkCase('one-hot and numbers', { hidden: [32, 32] }, 3, condition),
  networkCase('embedding', { hidden: [32, 32], classEmbedding: 7 }, 3, condition),
  networkCase('everything', { hidden: [48, 48, 48], activation: 'gelu', time: 'sinusoid', residual: true, norm: true, classEmbedding: 8 }, 9, condition),
  networkCase('wide rows', { hidden: [70, 65] }, 100),
];

/** A program of one op under test between x and the output, with whatever it needs around it. */
export const opCases: readonly NetworkCase[] = [
  ...activations.map((activation) => opCase(`op activation ${activation}`, 5, 0, [{ kind: 'activation', input: 0, activation, output: 3 }], [5])),
  opCase('op time raw', 7, 0, [{ kind: 'time', raw: true, omega: [1, 2, 30], output: 3 }], [7]),
  opCase('op time', 2, 0, [{ kind: 'time', raw: false, omega: [3], output: 3 }], [2]),
  opCase('op add', 4, 0, [{ kind: 'add', a: 0, b: 0, output: 3 }], [4]),
  opCase(
    'op concat and slice',
    3,
    2,
    [
      { kind: 'concat', inputs: [0, 1, 2], output: 3 },
      { kind: 'slice', input: 3, first: 2, count: 3, output: 4 },
    ],
    [6, 3],
  ),
  opCase(
    'op slice of x',
    40,
    0,
    [
      { kind: 'slice', input: 0, first: 31, count: 9, output: 3 },
      { kind: 'slice', input: 0, first: 0, count: 31, output: 4 },
      { kind: 'concat', inputs: [3, 4], output: 5 },
    ],
    [9, 31, 40],
  ),
  opCase(
    'op layerNorm',
    6,
    0,
    [{ kind: 'layerNorm', input: 0, scale: 0, shift: 1, epsilon: 1e-5, output: 3 }],
    [6],
    [
      ['s', 'scale', 6],
      ['h', 'shift', 6],
    ],
  ),
  opCase(
    'op layerNorm 33',
    33,
    0,
    [{ kind: 'layerNorm', input: 0, scale: 0, shift: 1, epsilon: 1e-5, output: 3 }],
    [33],
    [
      ['s', 'scale', 33],
      ['h', 'shift', 33],
    ],
  ),
  opCase('op dense without bias', 3, 0, [{ kind: 'dense', input: 0, weight: 0, bias: -1, activation: 'tanh', output: 3 }], [3], [['w', 'weight', 3, 3]]),
  opCase(
    'op oneHot',
    4,
    1,
    [
      { kind: 'oneHot', input: 2, column: 0, classes: 4, output: 3 },
      { kind: 'add', a: 0, b: 3, output: 4 },
    ],
    [4, 4],
  ),
  opCase(
    'op embed',
    4,
    1,
    [
      { kind: 'embed', input: 2, column: 0, table: 0, output: 3 },
      { kind: 'add', a: 0, b: 3, output: 4 },
    ],
    [4, 4],
    [['e', 'table', 5, 4]],
  ),
];

export function opCase(
  name: string,
  dimension: number,
  width: number,
  ops: readonly Op[],
  widths: readonly number[],
  shapes: readonly (readonly [string, Parameter['role'], ...number[]])[] = [],
): NetworkCase {
  const values: Value[] = [
    { name: 'x', width: dimension, depends: depends.x },
    { name: 't', width: 1, depends: depends.t },
    { name: 'condition', width, depends: depends.condition },
  ];
  ops.forEach((op, i) => {
    const from = opInputs(op);
    values.push({ name: `v${i}`, width: widths[i] as number, depends: from.reduce((bits, v) => bits | (values[v] as Value).depends, 0) });
  });
  let offset = 0;
  const parameters = shapes.map(([label, role, ...shape]): Parameter => {
    const made = { name: label, role, shape, offset };
    offset += shape.reduce((a, b) => a * b, 1);
    return made;
  });
  const program = checkProgram({ version: 1, dimension, conditionWidth: width, values, ops, parameters, parameterCount: offset, output: values.length - 1 });
  const spec = width === 0 ? null : { numbers: 0, classes: [4] };
  return { name, spec: null, dimension, condition: name.startsWith('op concat') ? { numbers: width, classes: [] } : spec, program };
}

/** A small random network: depth 0 to 4, widths 1 to 70, any activation, time, norm, residual, condition; the same for the same seed. */
export function randomCase(seed: number): NetworkCase {
  const random = new Random(seed, 0x63617365);
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const width = pick(1, 2, 8, 16, 31, 32, 33, 64, 1 + random.below(70));
  const depth = random.below(5);
  const hidden = Array.from({ length: depth }, () => (random.below(3) === 0 ? 1 + random.below(70) : width));
  const time = pick<MlpOptions['time']>(
    'raw',
    'fourier',
    { kind: 'fourier', frequencies: 1 + random.below(9) },
    { kind: 'random', dim: 8, seed },
    { kind: 'sinusoid', dim: 16 },
  );
  const numbers = random.below(4);
  const classes = Array.from({ length: random.below(3) }, () => 1 + random.below(6));
  const conditional = random.below(2) === 1 && numbers + classes.length > 0;
  const options: MlpOptions = {
    hidden,
    activation: pick(...nonlinear) as MlpSpec['activation'],
    ...(time === undefined ? {} : { time }),
    residual: random.below(2) === 1,
    norm: random.below(3) === 0,
    classEmbedding: pick(0, 1, 5),
  };
  return networkCase(`random ${seed}`, options, pick(1, 2, 3, 8, 31, 33, 1 + random.below(40)), conditional ? { numbers, classes } : null);
}

/** Inputs drawn from a seed. Parameters are initialised as for training, with layer norms and zeros perturbed so that nothing cancels. */
export function caseInputs(network: NetworkCase, rows: number, seed = 1): CaseInputs {
  const { program, condition: conditions } = network;
  const random = new Random(seed, 0x696e7075);
  const normals = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
  const x = normals(rows * program.dimension);
  const t = Float32Array.from({ length: rows }, () => random.uniform());
  const width = conditionWidth(conditions);
  const given = width === 0 ? null : normals(rows * width);
  conditions?.classes.forEach((count, k) => {
    for (let r = 0; r < rows; r++) given?.fill(random.below(count + 1), r * width + conditions.numbers + k, r * width + conditions.numbers + k + 1);
  });
  const parameters = initialiseParameters(program, seed).map((p) => p + 0.05 * random.normal());
  return { rows, x, t, condition: given, cotangent: normals(rows * program.dimension), parameters };
}
