// lower(): NetworkSpec -> Program. Input of the first layer: [x, time features, condition numbers, one-hot or embedding of each class column, span].
// Parameters are named and laid out as PyTorch names them: layers.0.weight [out, in], layers.0.bias, norms.1.weight, time.0.weight, classes.0.weight.

import { argumentError, FlowError } from '../errors.ts';
import { integer } from '../options.ts';
import { Random } from '../random.ts';
import { checkProgram } from './check.ts';
import { indicatorWidth, inputWidth } from './condition.ts';
import { type Activation, depends, inputs, type Op, type Parameter, type ParameterRole, type Program, type Value } from './ops.ts';
import type { ConditionSpec, NetworkSpec, TimeSpec } from './spec.ts';

/** Most parameters a network may have: 2^29, 2 GiB of weights. */
export const parameterLimit = 2 ** 29;
/** Epsilon of every layer norm, as in PyTorch. */
export const layerNormEpsilon = 1e-5;

/** Frequencies (radians per unit of t, rounded to f32 as every reader uses them) and whether t itself is a feature. */
export function timeFeatures(time: TimeSpec): { raw: boolean; omega: number[] } {
  const half = time.kind === 'random' || time.kind === 'sinusoid' ? time.dim / 2 : 0;
  switch (time.kind) {
    case 'raw':
      return { raw: true, omega: [] };
    case 'fourier':
      return { raw: false, omega: Array.from({ length: time.frequencies }, (_, k) => Math.fround((k + 1) * Math.PI)) };
    case 'random': {
      const random = new Random(time.seed, 0x74696d65); // 'time'
      return { raw: false, omega: Array.from({ length: half }, () => Math.fround(2 * Math.PI * time.scale * random.normal())) };
    }
    case 'sinusoid':
      return { raw: false, omega: Array.from({ length: half }, (_, k) => Math.fround(1000 * time.maxPeriod ** (-k / half))) };
  }
}

/** Collects values, parameters and ops; every method returns the number of the value it made. */
class Builder {
  readonly values: Value[];
  readonly ops: Op[] = [];
  readonly parameters: Parameter[] = [];
  count = 0;

  constructor(dimension: number, condition: number) {
    this.values = [
      { name: 'x', width: dimension, depends: depends.x },
      { name: 't', width: 1, depends: depends.t },
      { name: 'condition', width: condition, depends: depends.condition },
    ];
  }

  width(value: number): number {
    return (this.values[value] as Value).width;
  }

  value(name: string, width: number, ...from: number[]): number {
    const union = from.reduce((bits, v) => bits | (this.values[v] as Value).depends, 0);
    return this.values.push({ name, width, depends: union }) - 1;
  }

  parameter(name: string, role: ParameterRole, ...shape: number[]): number {
    const size = shape.reduce((a, b) => a * b, 1);
    const offset = this.count;
    this.count += size;
    if (this.count > parameterLimit) {
      throw new FlowError('ERR_FLOW_LIMIT', `network: expected at most ${parameterLimit} parameters, got more at ${name}. Use narrower layers.`, {
        path: 'network.hidden',
        expected: `at most ${parameterLimit} parameters`,
        hint: 'Use narrower layers.',
      });
    }
    return this.parameters.push({ name, shape, role, offset }) - 1;
  }

  dense(name: string, input: number, out: number, activation: Activation): number {
    const weight = this.parameter(`${name}.weight`, 'weight', out, this.width(input));
    const bias = this.parameter(`${name}.bias`, 'bias', out);
    const output = this.value(name, out, input);
    this.ops.push({ kind: 'dense', input, weight, bias, activation, output });
    return output;
  }

  norm(name: string, input: number): number {
    const width = this.width(input);
    const scale = this.parameter(`${name}.weight`, 'scale', width);
    const shift = this.parameter(`${name}.bias`, 'shift', width);
    const output = this.value(name, width, input);
    this.ops.push({ kind: 'layerNorm', input, scale, shift, epsilon: layerNormEpsilon, output });
    return output;
  }

  add(name: string, a: number, b: number): number {
    const output = this.value(name, this.width(a), a, b);
    this.ops.push({ kind: 'add', a, b, output });
    return output;
  }

  time(spec: TimeSpec): number {
    const { raw, omega } = timeFeatures(spec);
    const output = this.value('time', (raw ? 1 : 0) + 2 * omega.length, inputs.t);
    this.ops.push({ kind: 'time', raw, omega, output });
    if (spec.kind !== 'sinusoid') return output;
    return this.dense('time.1', this.dense('time.0', output, spec.dim, 'silu'), spec.dim, 'identity');
  }

  /** The parts that the condition input brings to the first layer; the span is its last column. */
  condition(condition: ConditionSpec | null, embedding: number, span: boolean): number[] {
    if (condition === null) return span ? [inputs.condition] : [];
    const { classes } = condition;
    const numbers = condition.numbers + indicatorWidth(condition);
    const out: number[] = [];
    if (numbers > 0 && classes.length === 0) out.push(inputs.condition);
    else if (numbers > 0) {
      const output = this.value('numbers', numbers, inputs.condition);
      this.ops.push({ kind: 'slice', input: inputs.condition, first: 0, count: numbers, output });
      out.push(output);
    }
    classes.forEach((count, k) => {
      const indicators = count + (condition.drop === undefined ? 0 : 1); // the null class has a column, and so weights, of its own
      const output = this.value(`classes.${k}`, embedding || indicators, inputs.condition);
      const column = numbers + k;
      if (embedding === 0) this.ops.push({ kind: 'oneHot', input: inputs.condition, column, classes: indicators, output });
      else {
        const table = this.parameter(`classes.${k}.weight`, 'table', count + 1, embedding);
        this.ops.push({ kind: 'embed', input: inputs.condition, column, table, output });
      }
      out.push(output);
    });
    if (span && classes.length > 0) {
      const output = this.value('span', 1, inputs.condition);
      this.ops.push({ kind: 'slice', input: inputs.condition, first: numbers + classes.length, count: 1, output });
      out.push(output);
    }
    return out;
  }
}

/** The last Program of each network: loading a model, packing it and every further network of it ask for the same one. Programs are frozen. */
const lowered = new WeakMap<
  NetworkSpec,
  { readonly dimension: number; readonly condition: ConditionSpec | null; readonly heads: 1 | 2; readonly program: Program }
>();

/**
 * The Program of a network for rows of `dimension` columns (1 .. 65536) and the given condition.
 * `heads`: 2 = the output is [v, s], velocity and score.
 * The same arguments always give the same Program, so that a model file needs the spec only.
 */
export function lower(spec: NetworkSpec, dimension: number, condition: ConditionSpec | null, heads: 1 | 2 = 1): Program {
  const last = lowered.get(spec);
  if (last !== undefined && last.dimension === dimension && last.condition === condition && last.heads === heads) return last.program;
  const program = checkProgram(build(spec, dimension, condition, heads));
  if (Object.isFrozen(spec) && (condition === null || Object.isFrozen(condition))) lowered.set(spec, { dimension, condition, heads, program });
  return program;
}

function build(spec: NetworkSpec, dimension: number, condition: ConditionSpec | null, heads: 1 | 2): Program {
  integer(dimension, 'dimension', 1, 65_536);
  if (spec.kind !== 'mlp') throw argumentError('ERR_FLOW_CONFIG', 'network.kind', '"mlp"', (spec as { kind: unknown }).kind);
  const width = inputWidth(spec, condition);
  const network = new Builder(dimension, width);
  const parts = [inputs.x, network.time(spec.time), ...network.condition(condition, spec.classEmbedding, spec.span !== undefined)];
  const joined = parts.reduce((sum, part) => sum + network.width(part), 0);
  let h = network.value('input', joined, ...parts);
  network.ops.push({ kind: 'concat', inputs: parts, output: h });
  spec.hidden.forEach((out, i) => {
    const from = i > 0 && spec.norm ? network.norm(`norms.${i}`, h) : h;
    const layer = network.dense(`layers.${i}`, from, out, spec.activation);
    h = i > 0 && spec.residual && network.width(h) === out ? network.add(`residual.${i}`, h, layer) : layer;
  });
  const output = network.dense(`layers.${spec.hidden.length}`, h, heads * dimension, 'identity');
  const { values, ops, parameters, count } = network;
  return {
    version: 1,
    dimension,
    conditionWidth: width,
    values,
    ops,
    parameters,
    parameterCount: count,
    output,
    ...(heads === 2 ? { heads } : {}),
  };
}
