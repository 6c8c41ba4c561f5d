// ModelRecord <-> sealed safetensors. Every field stands in the metadata as JSON; weights are tensors under the names that lower() gives them, so that a file does
// not depend on the order of the flat vector: `parameters.layers.0.weight` [out, in]. A training checkpoint holds more sections and is a model file as well.

import { FlowError, type FlowErrorCode, inFile, show } from '../errors.ts';
import type { ModelRecord, Normaliser, PathRecord } from '../model/record.ts';
import { lower } from '../network/lower.ts';
import { checkCondition, checkNetwork } from '../network/mlp.ts';
import type { Program } from '../network/ops.ts';
import { finite, record } from '../options.ts';
import { frameOf, trainedKinds } from '../paths/frame.ts';
import { diffusionOf } from '../paths/schrodinger-bridge.ts';
import { type FileSystem, systemFiles } from './files.ts';
import { type Container, readContainer, type Tensor, writeContainer } from './safetensors.ts';

/** Raised when a reader of this release could not read the new files; every reader keeps reading the older versions. */
export const formatVersion = 1;
/** Stands in every file, so that no reader can turn time around. */
const convention = 't = 0 source, t = 1 data, dx/dt = v';

/** Sets of parameters a file may hold; `weights` in the metadata names the one that is the model. */
export type Section = 'parameters' | 'ema' | 'best' | 'firstMoment' | 'secondMoment';
const modelKeys = ['network', 'dimension', 'columns', 'condition', 'path', 'prediction', 'source', 'table', 'training', 'version'] as const;
const ownKeys = ['format', 'kind', 'convention', 'weights', ...modelKeys, 'samplingPath', 'score'] as const;

/** A file as read: the model, and for a training checkpoint everything else that it holds. */
export interface ModelFile {
  readonly record: ModelRecord;
  readonly kind: 'model' | 'training';
  readonly sections: ReadonlyMap<Section, Float32Array>;
  /** State of the trainer (JSON) and its logs; null in a model file. */
  readonly trainer: unknown;
  readonly logs: ReadonlyMap<string, Tensor>;
  /** SHA-256 that names the content. */
  readonly hash: string;
}

export function damaged(path: string, problem: string, hint?: string, code: FlowErrorCode = 'ERR_FLOW_CHECKPOINT'): FlowError {
  return new FlowError(code, `${path}: ${problem}.${hint ? ` ${hint}` : ''}`, { path, hint });
}

/** Writes a model atomically. @returns the SHA-256 that names the content: equal models have equal files. */
export async function saveModel(file: string, model: ModelRecord, fs: FileSystem = systemFiles): Promise<string> {
  const { metadata, tensors } = packModel(model, 'model', 'parameters', new Map([['parameters', model.parameters]]));
  return writeContainer(file, metadata, tensors, fs);
}

/** Metadata and tensors of a model, with the given sections of parameters; `weights` names the section that is the model. */
export function packModel(
  model: ModelRecord,
  kind: ModelFile['kind'],
  weights: Section,
  sections: ReadonlyMap<Section, Float32Array>,
): { metadata: Map<string, string>; tensors: Map<string, Tensor> } {
  const metadata = new Map<string, string>([
    ['format', String(formatVersion)],
    ['kind', kind],
    ['convention', convention],
    ['weights', weights],
  ]);
  const tensors = new Map<string, Tensor>();
  for (const key of [...modelKeys, 'samplingPath'] as const) {
    if (key !== 'path' && key !== 'samplingPath') metadata.set(key, JSON.stringify(model[key] ?? null));
    else if (model[key] !== undefined) {
      const { table: nodes, ...path } = model[key];
      metadata.set(key, JSON.stringify(path));
      if (nodes) tensors.set(`${key}.table`, { shape: [nodes.length / 12, 12], data: nodes });
    }
  }
  const vector = (name: string, data: Float32Array): unknown => tensors.set(name, { shape: [data.length], data });
  for (const name of ['normaliser', 'conditionNormaliser'] as const) {
    const map = model[name];
    if (map !== null) {
      vector(`${name}.shift`, map.shift);
      vector(`${name}.scale`, map.scale);
    }
  }
  if (model.score !== undefined) metadata.set('score', JSON.stringify(model.score));
  const program = lower(model.network, model.dimension, model.condition, model.score ? 2 : 1);
  for (const [section, flat] of sections) {
    if (flat.length !== program.parameterCount)
      throw damaged(section, `expected ${program.parameterCount} parameters, got ${flat.length}`, undefined, 'ERR_FLOW_SHAPE');
    for (const { name, shape, offset } of program.parameters) {
      tensors.set(`${section}.${name}`, { shape, data: flat.subarray(offset, offset + size(shape)) });
    }
  }
  return { metadata, tensors };
}

/** Reads and verifies a model file or training checkpoint; errors name the file and the place in it. */
export async function readModelFile(file: string, fs: FileSystem = systemFiles): Promise<ModelFile> {
  try {
    return unpackModel(await readContainer(file, fs));
  } catch (error) {
    throw inFile(file, error);
  }
}

/** A container as a model: every key and tensor must be known and fit. */
export function unpackModel({ metadata, tensors, hash }: Container): ModelFile {
  const found = metadata.get('format');
  if (found === undefined) throw damaged('header.__metadata__.format', 'is missing', 'It is not a model file of this library.');
  if (found !== String(formatVersion)) {
    const text = `format ${show(found)} of this file is not known; this release reads format ${formatVersion}`;
    throw damaged(
      'header.__metadata__.format',
      text,
      `It was written by flowmatch ${show(metadata.get('version') ?? 'of a later version')}; update the package.`,
      'ERR_FLOW_VERSION',
    );
  }
  const kind = metadata.get('kind');
  if (kind !== 'model' && kind !== 'training') throw damaged('header.__metadata__.kind', `expected model or training, got ${show(kind)}`);
  if (metadata.get('convention') !== convention)
    throw damaged('header.__metadata__.convention', `expected "${convention}", got ${show(metadata.get('convention'))}`);
  for (const key of metadata.keys()) {
    if (!(ownKeys as readonly string[]).includes(key) && !(kind === 'training' && key === 'trainer'))
      throw damaged(`header.__metadata__[${show(key)}]`, 'is not a known key');
  }
  const rest = new Map(tensors);
  const model = readRecord(metadata, rest);
  if (model.prediction !== 'velocity' || model.samplingPath !== undefined) checkPrediction(model);
  if (model.score?.varies && diffusionOf(frameOf({ path: model.path, prediction: 'velocity' }).path) === null)
    throw damaged('header.__metadata__.score.varies', 'belongs to the path of a bridge');
  if (
    model.network.span !== undefined &&
    (model.score !== undefined || model.prediction !== 'velocity' || model.samplingPath !== undefined || model.path.tMin !== 0 || model.path.tMax !== 1)
  )
    throw damaged('header.__metadata__.network', 'says average velocities, which belong to velocities of a path over [0, 1]');
  const program = lower(model.network, model.dimension, model.condition, model.score ? 2 : 1);
  const sections = new Map<Section, Float32Array>();
  const allowed: readonly Section[] = kind === 'model' ? ['parameters'] : ['parameters', 'ema', 'best', 'firstMoment', 'secondMoment'];
  for (const section of allowed) {
    if (section === 'parameters' || rest.has(`${section}.${program.parameters[0]?.name}`)) sections.set(section, takeSection(section, program, rest));
  }
  const parameters = sections.get(metadata.get('weights') as Section);
  if (parameters === undefined) throw damaged('header.__metadata__.weights', `names no section of the file: ${show(metadata.get('weights'))}`);
  const logs = new Map([...rest].filter(([name]) => kind === 'training' && name.startsWith('log.')));
  for (const name of rest.keys()) if (!logs.has(name)) throw damaged(`tensors["${name}"]`, 'does not belong to this model');
  return { record: Object.freeze({ ...model, parameters }), kind, sections, trainer: kind === 'training' ? json(metadata, 'trainer') : null, logs, hash };
}

/** A prediction or a change of path that fits the path. */
function checkPrediction(model: Omit<ModelRecord, 'parameters'>): void {
  try {
    frameOf(model);
  } catch (error) {
    if (!(error instanceof FlowError)) throw error;
    throw damaged('header.__metadata__.prediction', `${show(model.prediction)} does not fit the path: ${error.message}`);
  }
}

function takeSection(section: Section, program: Program, tensors: Map<string, Tensor>): Float32Array {
  // All are taken before the flat vector is made: a small file cannot ask for much memory.
  const parts = program.parameters.map(({ name, shape, offset }) => ({ offset, data: takeTensor(tensors, `${section}.${name}`, shape) as Float32Array }));
  const first = parts[0]?.data;
  const joined = (part: (typeof parts)[number]): boolean =>
    part.data.buffer === first?.buffer && part.data.byteOffset === first.byteOffset + part.offset * first.BYTES_PER_ELEMENT;
  if (first && parts.every(joined)) return new Float32Array(first.buffer as ArrayBuffer, first.byteOffset, program.parameterCount); // no copy of millions
  const flat = new Float32Array(program.parameterCount);
  for (const { offset, data } of parts) flat.set(data, offset);
  return flat;
}

/** Removes a float tensor of that very shape from the map. */
function takeTensor(tensors: Map<string, Tensor>, name: string, shape: readonly number[], type: 'F32' | 'F64' = 'F32'): Float32Array | Float64Array {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw damaged(`tensors["${name}"]`, 'is missing');
  const { data } = tensor;
  if (!(type === 'F32' ? data instanceof Float32Array : data instanceof Float64Array)) throw damaged(`header.tensors["${name}"].dtype`, `expected ${type}`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i])) {
    throw damaged(`header.tensors["${name}"].shape`, `expected [${shape.join(', ')}], got [${tensor.shape.join(', ')}]`);
  }
  tensors.delete(name);
  return data as Float32Array | Float64Array;
}

/** One metadata value as JSON without `__proto__` keys: whatever reads it later cannot be poisoned. */
export function json(metadata: ReadonlyMap<string, string>, key: string): unknown {
  const path = `header.__metadata__.${key}`;
  const text = metadata.get(key);
  if (text === undefined) throw damaged(path, 'is missing');
  let poisoned = false;
  try {
    const value = JSON.parse(text, (name, inner) => {
      if (name === '__proto__') poisoned = true;
      return inner;
    });
    if (!poisoned) return value;
  } catch (error) {
    throw damaged(path, `is not JSON: ${error instanceof Error ? error.message.slice(0, 80) : 'unreadable'}`);
  }
  throw damaged(path, 'holds a key "__proto__"');
}

function readRecord(metadata: ReadonlyMap<string, string>, tensors: Map<string, Tensor>): Omit<ModelRecord, 'parameters'> {
  const checked = <T>(key: string, check: (value: unknown, path: string) => T): T => {
    try {
      return check(json(metadata, key), `header.__metadata__.${key}`);
    } catch (error) {
      if (!(error instanceof FlowError) || error.code === 'ERR_FLOW_CHECKPOINT') throw error;
      throw new FlowError('ERR_FLOW_CHECKPOINT', error.message, {
        path: error.path,
        expected: error.expected,
        received: error.received,
        hint: error.hint,
        cause: error,
      });
    }
  };
  const dimension = checked('dimension', (value, path) => {
    if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 65_536)
      throw damaged(path, `expected an integer in [1, 65536], got ${show(value)}`);
    return value as number;
  });
  const condition = checked('condition', checkCondition);
  const normaliser = (name: 'normaliser' | 'conditionNormaliser', width: number): Normaliser | null => {
    if (!tensors.has(`${name}.shift`)) return null;
    const shift = takeTensor(tensors, `${name}.shift`, [width]) as Float32Array;
    const scale = takeTensor(tensors, `${name}.scale`, [width]) as Float32Array;
    if (!scale.every((s) => s >= 0 && Number.isFinite(s)) || !shift.every(Number.isFinite))
      throw damaged(`tensors["${name}.scale"]`, 'expected finite numbers >= 0');
    return { shift, scale };
  };
  return {
    network: checked('network', checkNetwork),
    dimension,
    columns: checked('columns', (value, path) => checkNames(value, path, dimension)),
    condition,
    conditionNormaliser: normaliser('conditionNormaliser', condition?.numbers ?? 0),
    normaliser: normaliser('normaliser', dimension),
    path: checked('path', (value, path) => checkPath(value, path, tensors, 'path')),
    prediction: checked('prediction', (value, path) => oneOf(value, path, trainedKinds)),
    ...(metadata.has('score') ? { score: checked('score', checkScore) } : {}),
    ...(metadata.has('samplingPath') ? { samplingPath: checked('samplingPath', (value, path) => checkPath(value, path, tensors, 'samplingPath')) } : {}),
    source: checked('source', (value, path) => oneOf(value, path, ['gaussian', 'rows'] as const)),
    table: checked('table', (value) => value),
    training: checked('training', (value, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(path, `expected an object, got ${show(value)}`);
      return value as Record<string, unknown>;
    }),
    version: checked('version', (value, path) => {
      if (typeof value !== 'string' || value.length > 64) throw damaged(path, `expected a version, got ${show(value)}`);
      return value;
    }),
  };
}

function oneOf<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  if (!choices.includes(value as T)) throw damaged(path, `expected ${choices.join(' or ')}, got ${show(value)}`, 'It may need a later release.');
  return value as T;
}

function checkScore(value: unknown, path: string): { readonly sigma: number; readonly varies?: true } {
  const { sigma, varies } = record(value, path, ['sigma', 'varies']);
  if (varies !== undefined && varies !== true) throw damaged(`${path}.varies`, `expected true or nothing, got ${show(varies)}`);
  return Object.freeze({ sigma: finite(sigma, `${path}.sigma`, 1e-3, 100), ...(varies ? { varies } : {}) });
}

function checkNames(value: unknown, path: string, width: number): readonly string[] | null {
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== width || value.some((name) => typeof name !== 'string') || new Set(value).size !== width) {
    throw damaged(path, `expected ${width} different names, got ${show(value)}`);
  }
  return Object.freeze(value as string[]);
}

function checkPath(value: unknown, path: string, tensors: Map<string, Tensor>, key: string): PathRecord {
  const given = record(value, path, ['name', 'tMin', 'tMax', 'sourceScale', 'constants']);
  const { name, tMin, tMax, sourceScale, constants } = given;
  if (typeof name !== 'string' || name.length > 200) throw damaged(`${path}.name`, `expected a name, got ${show(name)}`);
  if (typeof tMin !== 'number' || typeof tMax !== 'number' || !(tMin >= 0 && tMin < tMax && tMax <= 1)) throw damaged(path, 'expected 0 <= tMin < tMax <= 1');
  if (typeof sourceScale !== 'number' || !(sourceScale > 0 && sourceScale < 1e6))
    throw damaged(`${path}.sourceScale`, `expected a positive number, got ${show(sourceScale)}`);
  if (constants !== undefined && (typeof constants !== 'object' || constants === null || Object.values(constants).some((n) => !Number.isFinite(n)))) {
    throw damaged(`${path}.constants`, 'expected finite numbers');
  }
  const rows = tensors.get(`${key}.table`)?.shape[0];
  const nodes = rows === undefined ? null : (takeTensor(tensors, `${key}.table`, [rows, 12], 'F64') as Float64Array);
  if (nodes && (nodes.length < 24 || !nodes.every(Number.isFinite))) throw damaged(`tensors["${key}.table"]`, 'expected at least 2 rows of finite numbers');
  return { name, tMin, tMax, sourceScale, ...(constants ? { constants: constants as Record<string, number> } : {}), ...(nodes ? { table: nodes } : {}) };
}

function size(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}
