// Walks the wire format of an ONNX file before anything is decoded, so that a hostile file costs bounded time and memory: every field must be one that
// onnx.proto knows, lengths must fit, nesting and the number of messages are limited, and no tensor may point outside the file (external data).

import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ModelProtoSchema } from 'onnx-buf';
import { FlowError } from '../errors.ts';

/** Most messages plus repeated numbers outside raw data: a decoded one costs some hundred bytes. The largest models in use have some 100,000 nodes. */
const itemLimit = 4_000_000;
const depthLimit = 64;

export function onnxError(path: string, expected: string, received: string, hint?: string, cause?: unknown): FlowError {
  const message = `${path}: expected ${expected}, got ${received}.${hint ? ` ${hint}` : ''}`;
  return new FlowError('ERR_FLOW_ONNX', message, { path, expected, received, hint, cause });
}

const fieldsOf = new Map<DescMessage, ReadonlyMap<number, DescField>>();
function fields(message: DescMessage): ReadonlyMap<number, DescField> {
  const known = fieldsOf.get(message) ?? new Map(message.fields.map((field) => [field.number, field]));
  fieldsOf.set(message, known);
  return known;
}

/** Throws ERR_FLOW_ONNX naming the byte at which the file stops being an ONNX file that stands on its own. Returns the bytes of the (last) graph. */
export function checkWire(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  let items = 0;
  let graph = bytes.subarray(0, 0);
  const wrong = (at: number, expected: string, received: string, hint?: string): FlowError => onnxError(`byte ${at}`, expected, received, hint);
  const step = (at: number, more: number): void => {
    items += more;
    if (items > itemLimit) throw wrong(at, `at most ${itemLimit} nodes, names and numbers`, 'more');
  };
  const walk = (message: DescMessage, end: number, depth: number): void => {
    if (depth > depthLimit) throw wrong(reader.pos, `graphs nested at most ${depthLimit} messages deep`, 'more');
    const known = fields(message);
    while (reader.pos < end) {
      const at = reader.pos;
      const [number, wire] = reader.tag();
      const field = known.get(number);
      if (!field) throw wrong(at, `a field of ${message.name}`, `field ${number}`, 'This is not an ONNX file, or one of a newer format.');
      if (message.name === 'TensorProto' && (number === 13 || number === 14)) refuseExternal(number, wire, at);
      else if (wire === WireType.LengthDelimited) delimited(field, end, depth, at);
      else {
        step(at, 1);
        reader.skip(wire, number);
      }
      if (reader.pos > end) throw wrong(at, `a field that ends before byte ${end}`, `one that ends at byte ${reader.pos}`, 'The file is truncated or damaged.');
    }
  };
  const delimited = (field: DescField, end: number, depth: number, at: number): void => {
    const length = reader.uint32();
    const stop = reader.pos + length;
    if (stop > end) throw wrong(at, `${length} more bytes`, `${end - reader.pos}`, 'The file is truncated or damaged.');
    step(at, 1);
    if (depth === 0 && field.name === 'graph') graph = bytes.subarray(reader.pos, stop);
    if (field.message) walk(field.message, stop, depth + 1);
    // packed numbers take at least a byte each and a tenth of a decoded bigint; strings and raw data are single values
    else if (field.fieldKind === 'list' && !(field.listKind === 'scalar' && (field.scalar === 9 || field.scalar === 12))) step(at, length);
    reader.pos = stop;
  };
  const refuseExternal = (number: number, wire: WireType, at: number): void => {
    const external = number === 13 || wire !== WireType.Varint || reader.uint32() !== 0;
    if (external) throw wrong(at, 'all tensors inside the file', 'a tensor with external data', 'Save the model as one file.');
  };
  try {
    walk(ModelProtoSchema, bytes.length, 0);
    return graph;
  } catch (error) {
    if (error instanceof FlowError) throw error;
    throw onnxError(
      `byte ${Math.min(reader.pos, bytes.length)}`,
      'an ONNX file',
      'something else',
      'The file is truncated, damaged or of another kind.',
      error,
    );
  }
}
