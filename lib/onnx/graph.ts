// A small typed builder over the official ONNX messages: nodes, initialisers and nested graphs, with names that are unique in the whole file.
// Deterministic: the same calls give the same bytes. One file, initialisers as raw little-endian data, never external data.
// Source: onnx.proto as compiled in onnx-buf; semantics in ONNX IR.md.

import { createHash } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import type { ModelPieces } from './pieces.ts';

export type ElementType = 'float' | 'double' | 'int64' | 'bool';
const codes = {
  float: TensorProto_DataType.FLOAT,
  double: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
} as const;

/** Attribute of a node; ONNX keeps floats and integers apart, so the caller says which. */
export type Attribute = { readonly float: number } | { readonly int: number } | { readonly graph: GraphProto };
/** A dimension: a count, or the name of a free one. */
export type Dimension = number | string;

/** Initialisers of the element types that exports use; `values` in row-major order. */
export type Constant =
  | { readonly type: 'float'; readonly shape: readonly number[]; readonly values: Float32Array | readonly number[] }
  | { readonly type: 'double'; readonly shape: readonly number[]; readonly values: readonly number[] }
  | { readonly type: 'int64'; readonly shape: readonly number[]; readonly values: readonly number[] }
  /** 0 or 1. */
  | { readonly type: 'bool'; readonly shape: readonly number[]; readonly values: readonly number[] };

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The bytes of `values`, little-endian on every host. */
function rawBytes(constant: Constant): Uint8Array<ArrayBuffer> {
  if (constant.type === 'bool') return Uint8Array.from(constant.values);
  if (constant.type === 'float' && littleEndian) {
    const values = constant.values instanceof Float32Array ? constant.values : Float32Array.from(constant.values);
    return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
  }
  const width = constant.type === 'float' ? 4 : 8;
  const view = new DataView(new ArrayBuffer(constant.values.length * width));
  constant.values.forEach((value: number, i: number) => {
    if (constant.type === 'float') view.setFloat32(i * 4, value, true);
    else if (constant.type === 'double') view.setFloat64(i * 8, value, true);
    else view.setBigInt64(i * 8, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}

/** A named, typed value at the edge of a graph. */
export function valueInfo(name: string, type: ElementType, shape: readonly Dimension[], doc = ''): ValueInfoProto {
  const dim = shape.map((d) =>
    create(TensorShapeProto_DimensionSchema, { value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d } }),
  );
  const tensor = create(TypeProto_TensorSchema, { elemType: codes[type], shape: create(TensorShapeProtoSchema, { dim }) });
  const info = create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: 'tensorType', value: tensor } }) });
  if (doc) info.docString = doc;
  return info;
}

function attributeProto(name: string, value: Attribute): AttributeProto {
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.FLOAT, f: value.float });
  if ('int' in value) return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.INT, i: BigInt(value.int) });
  return create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: value.graph });
}

/** What all graphs of one file share: the names given out, the constants (kept in the outermost graph), and the opset the ops so far need. */
interface Shared {
  readonly taken: Map<string, number>;
  readonly constants: Map<string, string>;
  readonly initializers: TensorProto[];
  opset: number;
}

/** A graph under construction; `inner()` opens a nested one that sees the names of this one. */
export class Graph {
  readonly #shared: Shared;
  readonly #nodes: NodeProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];

  constructor(outer?: Graph) {
    this.#shared = outer ? outer.#shared : { taken: new Map(), constants: new Map(), initializers: [], opset: 13 };
  }

  inner(): Graph {
    return new Graph(this);
  }

  /** The lowest opset that has every op added so far; 13 is the floor (axes as inputs). */
  get opset(): number {
    return this.#shared.opset;
  }

  /** Declares that the graph needs at least this opset. */
  require(opset: number): void {
    this.#shared.opset = Math.max(this.#shared.opset, opset);
  }

  /** `base`, or `base_1`, `base_2` ... when it is taken. */
  name(base: string): string {
    const taken = this.#shared.taken;
    let name = base;
    while (taken.has(name)) {
      const next = (taken.get(base) ?? 0) + 1;
      taken.set(base, next);
      name = `${base}_${next}`;
    }
    taken.set(name, 0);
    return name;
  }

  input(name: string, type: ElementType, shape: readonly Dimension[], doc = ''): string {
    const own = this.name(name);
    this.#inputs.push(valueInfo(own, type, shape, doc));
    return own;
  }

  output(name: string, type: ElementType, shape: readonly Dimension[], doc = ''): void {
    this.#outputs.push(valueInfo(name, type, shape, doc));
  }

  /** Adds one node with one output, called after `hint`; returns the output's name. */
  op(type: string, inputs: readonly string[], hint: string = type.toLowerCase(), attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = this.name(hint);
    this.opTo(output, type, inputs, attributes);
    return output;
  }

  /** Adds one node whose output has a name that was reserved before. */
  opTo(output: string, type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): void {
    const attribute = Object.entries(attributes).map(([key, value]) => attributeProto(key, value));
    this.#nodes.push(create(NodeProtoSchema, { opType: type, name: `${type}:${output}`, input: [...inputs], output: [output], attribute }));
  }

  /** A Loop over its body, with one output for each value that the body carries; their names. */
  loop(inputs: readonly string[], hints: readonly string[], body: { readonly graph: GraphProto }): string[] {
    const output = hints.map((hint) => this.name(hint));
    const attribute = [attributeProto('body', body)];
    this.#nodes.push(create(NodeProtoSchema, { opType: 'Loop', name: `Loop:${output[0]}`, input: [...inputs], output, attribute }));
    return output;
  }

  /** An initialiser of the whole file; small ones with equal content are shared. */
  constant(hint: string, constant: Constant): string {
    const key = constant.values.length <= 64 ? `${constant.type}|${constant.shape}|${Array.from(constant.values, (v) => (Object.is(v, -0) ? '-0' : v))}` : '';
    const known = key && this.#shared.constants.get(key);
    if (known) return known;
    const name = this.name(hint);
    this.initialiser(name, constant);
    if (key) this.#shared.constants.set(key, name);
    return name;
  }

  /** An initialiser under exactly this name: the default of a graph input of the same name. */
  initialiser(name: string, constant: Constant): void {
    const dims = constant.shape.map(BigInt);
    this.#shared.initializers.push(create(TensorProtoSchema, { name, dims, dataType: codes[constant.type], rawData: rawBytes(constant) }));
  }

  /** The finished message; the outermost graph carries all initialisers. */
  finish(name: string, doc = '', outermost = false): GraphProto {
    const graph = create(GraphProtoSchema, { name, node: this.#nodes, input: this.#inputs, output: this.#outputs });
    if (outermost) graph.initializer = this.#shared.initializers;
    if (doc) graph.docString = doc;
    return graph;
  }
}

export interface ModelHeader {
  readonly opset: number;
  readonly irVersion: number;
  readonly producerVersion: string;
  readonly doc: string;
  /** metadata_props, written in this order. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Metadata key of the checksum that `modelPieces` adds: SHA-256 (hex) of the graph's bytes as they stand in the file. */
export const graphHashKey = 'flowmatch.graph.sha256';
export function graphHash(...pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Initialisers from this size on stay where they are; smaller ones are joined with what stands around them. */
const largeBytes = 1 << 16;

/**
 * The bytes of a graph in pieces, as toBinary would write them: weights are views of the caller's arrays, which may hold hundreds of megabytes.
 * Fields are written in the order of their numbers, the initialisers after node and name and before the rest.
 */
function graphPieces(graph: GraphProto): Uint8Array[] {
  const { initializer } = graph;
  graph.initializer = [];
  const rest = toBinary(GraphProtoSchema, graph);
  graph.initializer = initializer;
  const before = toBinary(GraphProtoSchema, create(GraphProtoSchema, { name: graph.name, node: graph.node })).length;
  const pieces: Uint8Array[] = [];
  let small = new BinaryWriter().raw(rest.subarray(0, before));
  for (const tensor of initializer) {
    const { name, dims, dataType, rawData } = tensor;
    const head = toBinary(TensorProtoSchema, create(TensorProtoSchema, { name, dims, dataType }));
    const rawHead = new BinaryWriter().tag(TensorProtoSchema.field.rawData.number, WireType.LengthDelimited).uint32(rawData.length).finish();
    small.tag(GraphProtoSchema.field.initializer.number, WireType.LengthDelimited).uint32(head.length + rawHead.length + rawData.length);
    small.raw(head).raw(rawHead);
    if (rawData.length < largeBytes) small.raw(rawData);
    else {
      pieces.push(small.finish(), rawData);
      small = new BinaryWriter();
    }
  }
  pieces.push(small.raw(rest.subarray(before)).finish());
  return pieces;
}

/** A whole model file: header and metadata first, the graph last, so that no shortened file is a whole one. */
export function modelPieces(graph: GraphProto, header: ModelHeader): ModelPieces {
  const pieces = graphPieces(graph);
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const head = (hash: string): Uint8Array => {
    const metadata = { ...header.metadata, [graphHashKey]: hash };
    const model = create(ModelProtoSchema, {
      irVersion: BigInt(header.irVersion),
      producerName: 'flowmatch',
      producerVersion: header.producerVersion,
      domain: '',
      modelVersion: 1n,
      docString: header.doc,
      opsetImport: [create(OperatorSetIdProtoSchema, { domain: '', version: BigInt(header.opset) })],
      metadataProps: Object.entries(metadata).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    });
    const writer = new BinaryWriter().raw(toBinary(ModelProtoSchema, model));
    return writer.tag(ModelProtoSchema.field.graph.number, WireType.LengthDelimited).uint32(length).finish();
  };
  return { graph: pieces, head };
}

/** The same in one array. */
export function modelBytes(graph: GraphProto, header: ModelHeader): Uint8Array<ArrayBuffer> {
  return joinPieces(modelPieces(graph, header));
}

export function joinPieces({ graph, head }: ModelPieces): Uint8Array<ArrayBuffer> {
  const all = [head(graphHash(...graph)), ...graph];
  const bytes = new Uint8Array(all.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of all) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
