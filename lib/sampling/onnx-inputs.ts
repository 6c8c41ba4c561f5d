// Which inputs of an ONNX graph are x, t and the condition: by name, or as the caller maps them. Foreign velocity models (x, t) -> v are read this way.

import { argumentError, FlowError } from '../errors.ts';
import type { OnnxInfo, OnnxValue } from '../onnx/inspect.ts';

/** Names of the inputs of a foreign model. */
export interface InputNames {
  readonly x?: string | undefined;
  readonly t?: string | undefined;
  readonly condition?: string | undefined;
}

/** A bound input: its name, element type and dimensions with -1 for the rows. */
export interface Bound {
  readonly name: string;
  readonly type: 'float32' | 'float64' | 'int64' | 'int32';
  readonly dims: readonly number[];
  /** Numbers per row. */
  readonly width: number;
  /** Takes one row for all (files of this library). */
  readonly single?: boolean;
}

export interface Binding {
  readonly kind: 'velocity' | 'sampler' | 'log-density';
  readonly x: Bound;
  /** Velocity graphs only. */
  readonly t: Bound | null;
  readonly condition: Bound | null;
  readonly grid: string | null;
  /** The input of a graph with a stochastic solver. */
  readonly increments: string | null;
  /** The input of a graph that takes the scale of its guidance. */
  readonly guidance: string | null;
  readonly output: string;
  /** Rows the graph is fixed to, or 0 when they are free. */
  readonly fixedRows: number;
}

const usual = {
  x: ['x', 'xt', 'x_t', 'sample', 'z', 'input', 'noisy'],
  t: ['t', 'time', 'timestep', 'timesteps', 'tau'],
  condition: ['condition', 'cond', 'c', 'context', 'y', 'label', 'labels'],
} as const;
const types: Readonly<Record<string, Bound['type']>> = { float: 'float32', double: 'float64', int64: 'int64', int32: 'int32' };

function find(info: OnnxInfo, role: keyof typeof usual, given: string | undefined): OnnxValue | undefined {
  const names = info.inputs.map((input) => input.name);
  if (given !== undefined) {
    const input = info.inputs.find(({ name }) => name === given);
    if (!input) throw argumentError('ERR_FLOW_CONFIG', `options.inputs.${role}`, `one of the inputs ${names.join(', ')}`, given);
    return input;
  }
  return usual[role].map((name) => info.inputs.find((input) => input.name.toLowerCase() === name)).find((input) => input !== undefined);
}

function typed(input: OnnxValue, allowed: readonly Bound['type'][]): Bound['type'] {
  const type = types[input.type];
  if (type !== undefined && allowed.includes(type)) return type;
  const received = `${input.type}`;
  throw new FlowError('ERR_FLOW_ONNX', `input "${input.name}": expected ${allowed.join(' or ')}, got ${received}. Export it with one of these types.`, {
    path: `input "${input.name}"`,
    expected: allowed.join(' or '),
    received,
  });
}

/** x: rows first, then fixed dimensions. */
function boundX(input: OnnxValue): Bound {
  const rest = input.shape?.slice(1) ?? [];
  const width = rest.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : Number.NaN), 1);
  if (!input.shape || input.shape.length < 2 || !Number.isSafeInteger(width) || width < 1)
    throw new FlowError('ERR_FLOW_ONNX', `input "${input.name}": expected the shape [rows, columns] with fixed columns, got [${input.shape ?? '?'}].`, {
      path: `input "${input.name}"`,
      expected: '[rows, columns]',
      received: `[${input.shape ?? '?'}]`.slice(0, 40),
    });
  return { name: input.name, type: typed(input, ['float32', 'float64']), dims: [-1, ...(rest as number[])], width };
}

/** t: a scalar, [1], [rows], [rows, 1] ...; a free first dimension other than that of x is one row in files of this library. */
function boundT(input: OnnxValue, x: OnnxValue, own: boolean): Bound {
  const type = typed(input, ['float32', 'float64']);
  const shape = input.shape ?? ['rows'];
  const dims = shape.map((dim, i) => {
    if (typeof dim === 'number') return dim;
    return i > 0 || (own && dim !== x.shape?.[0]) ? 1 : -1;
  });
  return { name: input.name, type, dims, width: 1 };
}

function boundCondition(input: OnnxValue, single: boolean): Bound {
  const rest = input.shape?.slice(1) ?? [];
  const width = rest.reduce<number>((product, dim) => product * (typeof dim === 'number' ? dim : Number.NaN), 1);
  if (!Number.isSafeInteger(width)) {
    throw new FlowError('ERR_FLOW_ONNX', `input "${input.name}": expected the shape [rows, columns], got [${input.shape ?? '?'}].`, {
      path: `input "${input.name}"`,
    });
  }
  return { name: input.name, type: typed(input, ['float32', 'float64', 'int64', 'int32']), dims: [-1, ...(rest as number[])], width, single };
}

/** Finds x, t, condition and the output of a graph. Throws ERR_FLOW_ONNX / ERR_FLOW_CONFIG listing the inputs there are. */
export function bindInputs(info: OnnxInfo, names: InputNames, output: string | undefined): Binding {
  const own = info.flow !== null;
  const all = info.inputs.map((input) => input.name).join(', ');
  const kind = info.flow?.graph ?? 'velocity';
  const x = kind === 'sampler' ? info.inputs.find((input) => input.name === 'noise') : find(info, 'x', names.x);
  if (!x)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.inputs.x',
      `the name of the state among the inputs ${all}`,
      names.x,
      'Write inputs: { x: "...", t: "..." }.',
    );
  const t = kind !== 'velocity' ? undefined : find(info, 't', names.t);
  if (!t && kind === 'velocity')
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.inputs.t',
      `the name of the time among the inputs ${all}`,
      names.t,
      'Write inputs: { x: "...", t: "..." }.',
    );
  const condition = find(info, 'condition', names.condition);
  const grid = kind === 'sampler' ? info.inputs.find((input) => input.name === 'grid') : undefined;
  const guidance = info.flow?.guidance?.scale === 'input' ? info.inputs.find((input) => input.name === 'guidance') : undefined;
  const increments = info.flow?.solver?.noise === undefined ? undefined : info.inputs.find((input) => input.name === 'increments');
  const free = info.inputs.filter((input) => !input.optional && ![x, t, condition, guidance, increments].includes(input));
  if (free.length > 0) {
    const list = free.map((input) => `"${input.name}"`).join(', ');
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.inputs',
      `every input to be x, t or the condition; ${list} is none`,
      all,
      'Name it in inputs: { condition: "..." }.',
    );
  }
  const outputs = info.outputs.map(({ name }) => name);
  const chosen = output ?? (outputs.length === 1 ? outputs[0] : outputs.find((name) => ['v', 'velocity', 'x'].includes(name)));
  if (chosen === undefined || !outputs.includes(chosen))
    throw argumentError('ERR_FLOW_CONFIG', 'options.output', `one of the outputs ${outputs.join(', ')}`, output);
  const rows = x.shape?.[0];
  return {
    kind,
    x: boundX(x),
    t: t ? boundT(t, x, own) : null,
    condition: condition ? boundCondition(condition, own) : null,
    grid: grid?.name ?? null,
    guidance: guidance?.name ?? null,
    increments: increments?.name ?? null,
    output: chosen,
    fixedRows: typeof rows === 'number' ? rows : 0,
  };
}
