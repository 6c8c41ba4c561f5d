// Reads any ONNX file strictly and tells what it is: inputs, outputs, opset, IR, producer, operators, metadata, which runtimes load it.
// A file is data: one file, no external tensors, bounded time and memory, only typed errors.

import { constants, type FileHandle, open } from 'node:fs/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { type GraphProto, type ModelProto, ModelProtoSchema, type TensorProto, TensorProto_DataType, type ValueInfoProto } from 'onnx-buf';
import { isText, startsAsModelFile } from '../data/file-kind.ts';
import { argumentError, FlowError, fileError, inFile } from '../errors.ts';
import { graphHash, graphHashKey } from './graph.ts';
import { checkWire, onnxError } from './guard.ts';
import { type FlowMetadata, readMetadata } from './metadata.ts';
import { firstRuntime } from './runtimes.ts';

export interface OnnxValue {
  readonly name: string;
  /** Element type in ONNX's words: 'float', 'double', 'int64' ... */
  readonly type: string;
  /** Counts, names of free dimensions, or null where nothing is said; null when the rank is not known. */
  readonly shape: readonly (number | string | null)[] | null;
  /** Has a default inside the file and may be left out. */
  readonly optional: boolean;
  readonly doc: string;
}

export interface OnnxInfo {
  readonly bytes: number;
  /** Version of the operator set, the default domain's. */
  readonly opset: number;
  readonly irVersion: number;
  /** Operator domains beside the default one: name and version. */
  readonly domains: readonly { readonly name: string; readonly version: number }[];
  readonly producer: string;
  readonly doc: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Operators, nested graphs included, with their counts. */
  readonly operators: Readonly<Record<string, number>>;
  /** Numbers in the initialisers. */
  readonly parameters: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** For files that this library wrote. */
  readonly flow: FlowMetadata | null;
  /** Whether the graph's bytes are still those that this library wrote; null for files of other origin. */
  readonly intact: boolean | null;
  /** Which onnxruntime-node, onnxruntime-web and onnxruntime (Python) load it. */
  readonly runtimes: string;
}

/** Largest file that is read: protobuf's own limit. */
export const fileLimit = 2 ** 31 - 1;
/** Domains whose operators every onnxruntime has. */
const builtIn = ['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft'];

const bytesPerElement: Readonly<Record<number, number>> = { 1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2 };
const typeName = (code: number): string => (TensorProto_DataType[code] ?? `type ${code}`).toLowerCase();

/** Elements of an initialiser, after a check that its raw data has as many. */
function elements(tensor: TensorProto): number {
  const path = `initializer "${tensor.name.slice(0, 40)}"`;
  let count = 1;
  for (const dim of tensor.dims) {
    count *= Number(dim);
    if (dim < 0n || !Number.isSafeInteger(count)) throw onnxError(path, 'dimensions of a tensor that fits memory', tensor.dims.slice(0, 4).join(' x '));
  }
  const width = bytesPerElement[tensor.dataType ?? 0];
  if (width !== undefined && tensor.rawData.length > 0 && tensor.rawData.length !== count * width)
    throw onnxError(path, `${count * width} bytes of raw data`, `${tensor.rawData.length}`, 'The file is damaged.');
  return count;
}

function value(info: ValueInfoProto, optional: boolean): OnnxValue {
  const type = info.type?.value;
  const doc = info.docString;
  if (type?.case !== 'tensorType') return { name: info.name, type: type?.case ?? 'unknown', shape: null, optional, doc };
  const shape = type.value.shape?.dim.map(({ value: dim }) => (dim.case === 'dimValue' ? Number(dim.value) : dim.case === 'dimParam' ? dim.value : null));
  return { name: info.name, type: typeName(type.value.elemType), shape: shape ?? null, optional, doc };
}

/** Counts operators and initialiser elements of a graph and of those nested in it. */
function tally(graph: GraphProto, operators: Map<string, number>): number {
  let parameters = graph.initializer.reduce((sum, tensor) => sum + elements(tensor), 0);
  for (const node of graph.node) {
    const name = node.domain ? `${node.domain}.${node.opType}` : node.opType;
    operators.set(name, (operators.get(name) ?? 0) + 1);
    for (const attribute of node.attribute) {
      for (const inner of attribute.g ? [attribute.g, ...attribute.graphs] : attribute.graphs) parameters += tally(inner, operators);
    }
  }
  return parameters;
}

function runtimesText(opset: number, irVersion: number, domains: OnnxInfo['domains']): string {
  const custom = domains.filter((domain) => !builtIn.includes(domain.name)).map((domain) => domain.name);
  if (custom.length > 0) return `none without the custom operators of ${custom.join(', ')}`;
  const version = firstRuntime(opset, irVersion);
  return version === null
    ? 'none known: opset or IR version is newer than onnxruntime 1.30'
    : `onnxruntime-node, onnxruntime-web and onnxruntime (Python) >= ${version}`;
}

function flowMetadata(entries: ReadonlyMap<string, string>): FlowMetadata | null {
  try {
    return readMetadata(entries);
  } catch (error) {
    throw onnxError(
      'metadata',
      'entries as this library writes them',
      (error as Error).message.slice(0, 120),
      'The file is damaged, or of a newer version.',
      error,
    );
  }
}

function describe(model: ModelProto, bytes: number, graphBytes: Uint8Array): OnnxInfo {
  const { graph } = model;
  if (!graph || graph.output.length === 0) throw onnxError('graph', 'a graph with outputs', 'none', 'This is not an ONNX model.');
  const versions = model.opsetImport.map((entry) => ({ name: entry.domain, version: Number(entry.version) }));
  const opset = versions.find((entry) => entry.name === '' || entry.name === 'ai.onnx')?.version ?? 0;
  const irVersion = Number(model.irVersion);
  if (!Number.isSafeInteger(irVersion) || irVersion < 1) throw onnxError('irVersion', 'a positive version', String(model.irVersion));
  if (!Number.isSafeInteger(opset) || opset < 1)
    throw onnxError('opsetImport', 'a version of the default operator set', String(opset), 'The file is truncated or damaged.');
  if (model.producerName === 'flowmatch' && !model.metadataProps.some(({ key }) => key === 'flowmatch.format'))
    throw onnxError('metadata', 'the entries of a file written by this library', 'none', 'The file is truncated.');
  const domains = versions.filter((entry) => entry.name !== '' && entry.name !== 'ai.onnx');
  const defaults = new Set(graph.initializer.map((tensor) => tensor.name));
  const operators = new Map<string, number>();
  const parameters = tally(graph, operators);
  const entries = new Map<string, string>();
  for (const { key, value: text } of model.metadataProps) {
    if (entries.has(key)) throw onnxError(`metadata "${key.slice(0, 40)}"`, 'one entry for each key', 'two');
    entries.set(key, text);
  }
  return {
    bytes,
    opset,
    irVersion,
    domains,
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    doc: model.docString,
    // before IR 4 every initialiser was listed among the inputs; there it is a weight, not an option
    inputs: graph.input.filter((input) => irVersion >= 4 || !defaults.has(input.name)).map((input) => value(input, defaults.has(input.name))),
    outputs: graph.output.map((output) => value(output, false)),
    operators: Object.assign(Object.create(null), Object.fromEntries([...operators].sort(([a], [b]) => (a < b ? -1 : 1)))),
    parameters,
    metadata: Object.assign(Object.create(null), Object.fromEntries(entries)),
    flow: flowMetadata(entries),
    intact: entries.has('flowmatch.format') ? entries.get(graphHashKey) === graphHash(graphBytes) : null,
    runtimes: runtimesText(opset, irVersion, domains),
  };
}

/** checkWire(), which names a byte; of a file of another kind its kind is told instead. */
function wireOf(bytes: Uint8Array): Uint8Array {
  const head = bytes.subarray(0, 9);
  if (startsAsModelFile(head)) throw onnxError('file', 'an ONNX file', 'a model file', 'Model.load() reads it, and exportOnnx() makes an ONNX file of it.');
  try {
    return checkWire(bytes);
  } catch (error) {
    if (!head.every(isText)) throw error;
    throw onnxError('file', 'an ONNX file', 'text', 'exportOnnx() and `flowmatch export` write ONNX files.', error);
  }
}

/**
 * What an ONNX file in memory is.
 * @throws FlowError ERR_FLOW_ONNX naming the byte, tensor or entry that is wrong: truncated or damaged files, external data, unknown fields.
 */
export function inspectOnnx(bytes: Uint8Array): OnnxInfo {
  if (!(bytes instanceof Uint8Array)) throw argumentError('ERR_FLOW_TYPE', 'bytes', 'a Uint8Array', bytes);
  if (bytes.length === 0 || bytes.length > fileLimit) throw onnxError('file', `1 to ${fileLimit} bytes`, String(bytes.length));
  const graphBytes = wireOf(bytes);
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw onnxError('file', 'an ONNX model', 'something else', 'The file is damaged or of another kind.', error);
  }
  return describe(model, bytes.length, graphBytes);
}

/**
 * The same file with an optional input made a required one: its default is taken out. onnxruntime's JavaScript packages cannot give an optional input
 * (they drop it silently), so whoever wants to give it there rewrites the file first.
 */
export function requireInput(bytes: Uint8Array, name: string): Uint8Array {
  // On the wire: parsing and writing a file of 19 MB takes 80 ms, copying what stays takes 5.
  const out: Uint8Array[] = [];
  for (const field of wireFields(bytes)) {
    if (field.number !== graphField) {
      out.push(bytes.subarray(field.start, field.end));
      continue;
    }
    const graph = bytes.subarray(field.value, field.end);
    const kept = wireFields(graph).filter(({ number, value, end }) => number !== initialiserField || tensorName(graph.subarray(value, end)) !== name);
    const pieces = kept.map(({ start, end }) => graph.subarray(start, end));
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    out.push(new BinaryWriter().tag(graphField, WireType.LengthDelimited).uint32(length).finish(), ...pieces);
  }
  const whole = new Uint8Array(out.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of out) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Field numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.name. */
const [graphField, initialiserField, nameField] = [7, 5, 8];

/** The fields of a message: where each begins, where its content begins and where it ends. The bytes have been checked by checkWire. */
function wireFields(bytes: Uint8Array): { number: number; start: number; value: number; end: number }[] {
  const reader = new BinaryReader(bytes);
  const found = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, type] = reader.tag();
    let value = reader.pos;
    if (type === WireType.LengthDelimited) {
      const length = reader.uint32();
      value = reader.pos;
      reader.pos += length;
    } else reader.skip(type, number);
    found.push({ number, start, value, end: reader.pos });
  }
  return found;
}

function tensorName(tensor: Uint8Array): string {
  const field = wireFields(tensor).findLast(({ number }) => number === nameField);
  return field === undefined ? '' : new TextDecoder().decode(tensor.subarray(field.value, field.end));
}

/** The domains of a file whose operators no plain onnxruntime has; empty when it can be loaded. */
export function customDomains(info: OnnxInfo): string[] {
  return info.domains.map((domain) => domain.name).filter((name) => !builtIn.includes(name));
}

/** Reads a file and tells what it is; errors name the file and the place in it. */
export async function inspectOnnxFile(file: string): Promise<{ readonly bytes: Uint8Array<ArrayBuffer>; readonly info: OnnxInfo }> {
  const bytes = await readOnnxFile(file);
  try {
    return { bytes, info: inspectOnnx(bytes) };
  } catch (error) {
    throw inFile(file, error);
  }
}

/** The bytes of a regular file of at most `fileLimit` bytes. Throws ERR_FLOW_IO. */
export async function readOnnxFile(file: string): Promise<Uint8Array<ArrayBuffer>> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // a named pipe must not block a thread
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > fileLimit) throw new Error(stat.isFile() ? `it has more than ${fileLimit} bytes` : 'it is not a regular file');
    const buffer = new Uint8Array(stat.size);
    let read = 0;
    while (read < buffer.length) {
      const { bytesRead } = await handle.read(buffer, read, buffer.length - read, read);
      if (bytesRead === 0) break;
      read += bytesRead;
    }
    return buffer.subarray(0, read);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      const hint = 'Check the path; exportOnnx() and `flowmatch export` write ONNX files.';
      throw fileError('ERR_FLOW_IO', file, 'there is no such file', { expected: 'an ONNX file', received: 'ENOENT', hint, cause });
    }
    const reason = (cause as Error).message;
    throw new FlowError('ERR_FLOW_IO', `${file}: cannot be read: ${reason}.`, {
      path: file,
      expected: 'a readable ONNX file',
      received: reason.slice(0, 40),
      cause,
    });
  } finally {
    await handle?.close();
  }
}
