// Arguments of an ONNX sampler, checked, and as the tensors that one call of the graph takes.

import type { ConditionSpec } from '../data/condition.ts';
import { argumentError } from '../errors.ts';
import type { OnnxInfo } from '../onnx/inspect.ts';
import { finite, record } from '../options.ts';
import { noiseRows } from './noise.ts';
import type { Bound, InputNames } from './onnx-inputs.ts';
import type { Feed } from './onnx-session.ts';

export function namesOf(value: unknown): InputNames {
  const names = record(value, 'options.inputs', ['x', 't', 'condition']);
  for (const [role, name] of Object.entries(names)) {
    if (name !== undefined && typeof name !== 'string') throw argumentError('ERR_FLOW_TYPE', `options.inputs.${role}`, 'a name', name);
  }
  return names as InputNames;
}

export function columnsOf(value: unknown, d: number): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length !== d || value.some((name) => typeof name !== 'string'))
    throw argumentError('ERR_FLOW_SHAPE', 'options.columns', `${d} names`, value);
  return Object.freeze([...value]) as readonly string[];
}

export function floats(value: unknown, path: string, length: number, expected: string): Float32Array | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Float32Array)) throw argumentError('ERR_FLOW_TYPE', path, 'a Float32Array', value);
  if (value.length !== length) throw argumentError('ERR_FLOW_SHAPE', path, expected, value);
  return value;
}

export function convert(type: Feed['type'], values: ArrayLike<number>): Feed['data'] {
  if (type === 'float32') return Float32Array.from(values);
  if (type === 'float64') return Float64Array.from(values);
  return type === 'int32' ? Int32Array.from(values) : BigInt64Array.from(values as number[], (value: number) => BigInt(Math.trunc(value)));
}

/** The condition rows of one call, repeated or padded to `rows`; a single row stays single where the graph takes that. */
export function conditionFeed(
  bound: Bound,
  condition: { readonly values: Float32Array; readonly rows: number },
  first: number,
  count: number,
  rows: number,
): Feed {
  const c = bound.width;
  const shared = condition.rows === 1;
  if (shared && bound.single) return { name: bound.name, type: bound.type, data: convert(bound.type, condition.values), dims: [1, ...bound.dims.slice(1)] };
  const values = Float64Array.from({ length: rows * c }, (_, i) => {
    const row = Math.min(Math.floor(i / c), count - 1);
    return condition.values[(shared ? 0 : (first + row) * c) + (i % c)] as number;
  });
  return { name: bound.name, type: bound.type, data: convert(bound.type, values), dims: [rows, ...bound.dims.slice(1)] };
}

/** The noise of a stochastic solver (steps, rows, d) for rows from `firstRow`, `count` of them drawn and the rest zero. */
export async function incrementsFeed(
  name: string,
  of: { readonly seed: bigint; readonly steps: number; readonly firstRow: number; readonly count: number; readonly rows: number; readonly d: number },
): Promise<Feed> {
  const { seed, steps, firstRow, count, rows, d } = of;
  const data = new Float32Array(steps * rows * d);
  for (let k = 0; k < steps; k++) data.set(await noiseRows(seed, firstRow, count, d, k), k * rows * d);
  return { name, type: 'float32', data, dims: [steps, rows, d] };
}

/** The scale of the guidance for a graph that takes it (1 when it is left out); no other file can follow the option. */
export function guidanceFeed(name: string | null, value: unknown): Feed[] {
  if (name !== null) return [{ name, type: 'float32', data: Float32Array.of(finite(value ?? 1, 'options.guidance', -1000, 1000)), dims: [1] }];
  if (value === undefined) return [];
  throw argumentError(
    'ERR_FLOW_CONFIG',
    'options.guidance',
    'nothing, as this file does not take the scale of its guidance',
    value,
    "Export with guidance: 'input' to choose it in each call, or with the scale itself.",
  );
}

export function feed(bound: Bound, values: Float32Array, rows: number): Feed {
  return { name: bound.name, type: bound.type, data: bound.type === 'float32' ? values : convert(bound.type, values), dims: [rows, ...bound.dims.slice(1)] };
}

/** What a condition row of the file holds; a foreign one has numbers only. */
export function conditionSpec({ flow }: OnnxInfo, bound: Bound | null): ConditionSpec | null {
  if (bound === null) return null;
  return flow?.condition ?? { numbers: bound.width, classes: [] };
}

/** Start rows in network coordinates as the noise input takes them: the graph multiplies by the scale of the source. */
export function networkNoise(rows: Float32Array, { flow }: OnnxInfo): Float32Array {
  const scale = flow?.path.sourceScale ?? 1;
  return scale === 1 ? rows : rows.map((value) => value / scale);
}

/** Zero rows up to `length` numbers. */
export function pad(values: Float32Array, length: number): Float32Array {
  const out = new Float32Array(length);
  out.set(values);
  return out;
}

/** Where a velocity graph starts from noise: shift + scale * (sourceScale * noise). */
export function dataUnits(noise: Float32Array, { flow }: OnnxInfo): Float32Array {
  if (!flow) return noise;
  const { normaliser, dimension } = flow;
  const source = flow.path.sourceScale;
  if (!normaliser) return source === 1 ? noise : noise.map((value) => value * source);
  return noise.map((value, i) => (normaliser.shift[i % dimension] as number) + (normaliser.scale[i % dimension] as number) * (source * value));
}
