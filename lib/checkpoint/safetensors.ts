// The container of model files: safetensors (8 bytes length, JSON header, raw little-endian tensors), read strictly and sealed by SHA-256.
// A sealed header starts with {"__metadata__":{"flowmatch.sha256":"<hex>": the hash of the header bytes with these 64 digits as zeros; each tensor's hash stands
// in the metadata as `sha256.<name>`. Every byte of the file is thereby covered: a flipped bit is named by section. Layout: https://github.com/huggingface/safetensors

import { isUtf8 } from 'node:buffer';
import { isText, startsAsOnnx } from '../data/file-kind.ts';
import { FlowError, type FlowErrorCode, show } from '../errors.ts';
import { ioError, notAFile, writeAtomically } from './atomic.ts';
import { type FileHandle, type FileSystem, systemFiles } from './files.ts';
import { hashingOf, hashOf, sha256 } from './sha256.ts';

export type TensorData = Float32Array | Float64Array | Int32Array | Uint32Array | BigInt64Array | Uint8Array;
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: TensorData;
}
export interface Container {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Hash of the header, which holds the hashes of all tensors: names the content of the file. */
  readonly hash: string;
}

/** Upper limits of a file, checked before anything of that size is allocated. */
export const limits = { headerBytes: 8 * 2 ** 20, elements: 2 ** 31, fileBytes: 4 * 2 ** 30, tensors: 100_000, rank: 8 } as const;

type Dtype = 'F64' | 'I64' | 'F32' | 'I32' | 'U32' | 'U8';
const types: readonly {
  readonly dtype: Dtype;
  readonly size: number;
  readonly make: new (buffer: ArrayBuffer, byteOffset: number, length: number) => TensorData;
}[] = [
  { dtype: 'F64', size: 8, make: Float64Array },
  { dtype: 'I64', size: 8, make: BigInt64Array },
  { dtype: 'F32', size: 4, make: Float32Array },
  { dtype: 'I32', size: 4, make: Int32Array },
  { dtype: 'U32', size: 4, make: Uint32Array },
  { dtype: 'U8', size: 1, make: Uint8Array },
];
const nameOf = /^[A-Za-z_][\w./-]{0,255}$/;
const sealKey = 'flowmatch.sha256';
const sealStart = `{"__metadata__":{"${sealKey}":"`;
const zeros = '0'.repeat(64);
const zero = 0x30;

function refuse(code: FlowErrorCode, path: string, problem: string, hint?: string): FlowError {
  return new FlowError(code, `${path}: ${problem}.${hint ? ` ${hint}` : ''}`, { path, hint });
}

// ---------------------------------------------------------------------------------------------------------------- writing

/** Writes a sealed file atomically; returns the hash that names its content. */
export async function writeContainer(
  file: string,
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, Tensor>,
  fs: FileSystem = systemFiles,
): Promise<string> {
  const { header, data, hash } = await encodeContainer(metadata, tensors);
  await writeAtomically(file, [header, ...data], fs);
  return hash;
}

/** The bytes of a sealed file in pieces: the length and header, then every tensor. */
export async function encodeContainer(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, Tensor>,
): Promise<{ header: Uint8Array; data: Uint8Array[]; hash: string }> {
  const typed = [...tensors].map(([name, tensor]) => ({ name, tensor, type: types.find((t) => tensor.data instanceof t.make) as (typeof types)[number] }));
  typed.sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type)); // widest first: every tensor is aligned
  const notes: [string, string][] = [[sealKey, zeros], ...metadata];
  const entries: [string, unknown][] = [];
  const data: Uint8Array[] = [];
  let offset = 0;
  for (const { name, tensor, type } of typed) {
    const bytes = new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
    if (!nameOf.test(name)) throw refuse('ERR_FLOW_CHECKPOINT', `tensors[${show(name)}]`, 'the name has characters that a file may not hold');
    notes.push([`sha256.${name}`, await sha256(bytes)]);
    entries.push([name, { dtype: type.dtype, shape: [...tensor.shape], data_offsets: [offset, offset + bytes.byteLength] }]);
    data.push(bytes);
    offset += bytes.byteLength;
  }
  const json = JSON.stringify(Object.fromEntries([['__metadata__', Object.fromEntries(notes)], ...entries]));
  const plain = new TextEncoder().encode(json);
  const header = new Uint8Array(8 + Math.ceil(plain.length / 8) * 8).fill(0x20);
  header.set(plain, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  if (header.length - 8 > limits.headerBytes || header.length + offset > limits.fileBytes) {
    throw refuse('ERR_FLOW_LIMIT', 'file', `${header.length + offset} bytes with a header of ${header.length - 8} are over the limits of a model file`);
  }
  const hash = hashOf(header.subarray(8));
  header.set(new TextEncoder().encode(hash), 8 + sealStart.length);
  return { header, data, hash };
}

// ---------------------------------------------------------------------------------------------------------------- reading

interface Entry {
  readonly name: string;
  readonly type: (typeof types)[number];
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}
export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: readonly Entry[];
  readonly hash: string;
}

/** Reads and verifies a sealed file. Nothing is allocated that the file's own size does not back. */
export async function readContainer(file: string, fs: FileSystem = systemFiles): Promise<Container> {
  let handle: Awaited<ReturnType<FileSystem['open']>> | undefined;
  try {
    const { size, ...stat } = await fileSize(file, fs);
    if (!stat.regular) throw notAFile(file);
    if (size > limits.fileBytes) throw refuse('ERR_FLOW_LIMIT', file, `${size} bytes, at most ${limits.fileBytes} are read`);
    if (size < 8)
      throw refuse('ERR_FLOW_CHECKPOINT', `byte ${size}`, `the file ends inside the 8 bytes of the header length`, `It was cut short, or ${noModel}`);
    handle = await fs.open(file, 'r');
    const open = handle;
    const ahead = await readAhead(open, size);
    const read = async (target: Uint8Array, position: number, each: (part: Uint8Array) => void): Promise<void> => {
      const known = ahead.subarray(position, position + target.length);
      target.set(known);
      if (known.length > 0) each(target.subarray(0, known.length));
      for (let done = known.length; done < target.length; ) {
        const { bytesRead } = await open.read(target, done, Math.min(1 << 20, target.length - done), position + done);
        if (bytesRead === 0) throw refuse('ERR_FLOW_CHECKPOINT', `byte ${position + done}`, 'the file ends early', 'It was cut short while being read.');
        each(target.subarray(done, done + bytesRead));
        done += bytesRead;
      }
    };
    const head = new Uint8Array(Math.min(9, size));
    await read(head, 0, () => undefined);
    const headerBytes = headerLength(head, size);
    const text = new Uint8Array(headerBytes);
    await read(text, 8, () => undefined);
    const header = parseHeader(text, size - 8 - headerBytes);
    const tensors = new Map<string, Tensor>();
    let section = { buffer: new ArrayBuffer(0), begin: 0, stop: 0 };
    for (const [i, entry] of header.entries.entries()) {
      if (i === section.stop) section = allocate(header.entries, i);
      const data = new entry.type.make(section.buffer, entry.begin - section.begin, (entry.end - entry.begin) / entry.type.size);
      const digest = hashingOf(data.byteLength);
      await read(new Uint8Array(section.buffer, entry.begin - section.begin, data.byteLength), 8 + headerBytes + entry.begin, (part) => digest.update(part));
      if (digest.digest('hex') !== header.metadata.get(`sha256.${entry.name}`)) {
        throw refuse('ERR_FLOW_CHECKSUM', `tensors["${entry.name}"]`, 'its bytes do not match their SHA-256', 'The file is damaged; take another copy.');
      }
      tensors.set(entry.name, { shape: entry.shape, data });
    }
    const metadata = new Map([...header.metadata].filter(([key]) => key !== sealKey && !key.startsWith('sha256.')));
    return { metadata, tensors, hash: header.hash };
  } catch (error) {
    if (error instanceof RangeError) throw new FlowError('ERR_FLOW_NOMEM', `${file}: not enough memory to read it.`, { path: file, cause: error });
    throw await ioError(error, `reading ${file}`, file, fs);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** The first bytes of a file, of a small one all, by one call: a file holds tens of tensors, and each call is a turn of the event loop. */
async function readAhead(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.min(size, 1 << 17));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.subarray(0, bytesRead);
}

/** One buffer for the tensors from `first` on that follow each other with the same type and section (`ema.*`): the flat vector of a section then needs no copy. */
function allocate(entries: readonly Entry[], first: number): { buffer: ArrayBuffer; begin: number; stop: number } {
  const section = ({ name }: Entry): string => name.slice(0, name.indexOf('.') + 1);
  const { begin, type } = entries[first] as Entry;
  let stop = first + 1;
  while (stop < entries.length && entries[stop]?.type === type && section(entries[stop] as Entry) === section(entries[first] as Entry)) stop++;
  const { end } = entries[stop - 1] as Entry;
  return { buffer: new ArrayBuffer(end - begin), begin, stop };
}

async function fileSize(file: string, fs: FileSystem): Promise<{ size: number; regular: boolean }> {
  const stat = await fs.stat(file);
  return { size: stat.size, regular: stat.isFile() };
}

const brace = '{'.charCodeAt(0);
const noModel = 'it is not a model file: model.save() and `flowmatch fit` write those, .safetensors.';

/** Bytes in quotes, with all that is not printable ASCII escaped. */
const quoted = (bytes: Uint8Array): string => {
  const hex = (byte: number): string => `\\x${byte.toString(16).padStart(2, '0')}`;
  return `"${Array.from(bytes, (byte) => (isText(byte) ? JSON.stringify(String.fromCharCode(byte)).slice(1, -1) : hex(byte))).join('')}"`;
};

/**
 * The first 8 bytes, checked against the limits and the size of the file. Text where the length should be is a file of another kind; of other bytes that are no length the
 * ninth, where there is one, tells what the file most likely is, and both are said.
 */
export function headerLength(bytes: Uint8Array, size: number): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  const fits = length <= BigInt(Math.min(limits.headerBytes, size - 8));
  const over = length > BigInt(limits.headerBytes);
  const first = bytes.subarray(0, 8);
  const text = over && first.every(isText);
  if (text || (bytes.length > 8 ? !fits && bytes[8] !== brace : over)) {
    if (startsAsOnnx(bytes)) {
      const hint = 'loadOnnx() reads those; this takes the .safetensors file that it was made from.';
      throw refuse('ERR_FLOW_CHECKPOINT', 'byte 0', 'the file starts as an ONNX file does, not as a model file', hint);
    }
    const hint = text ? `So ${noModel}` : `Its first bytes are damaged, or ${noModel}`;
    throw refuse('ERR_FLOW_CHECKPOINT', 'byte 0', `the file starts with ${quoted(first)}, not with the length of a header`, hint);
  }
  if (over) {
    const most = `the header length is ${length}, at most ${limits.headerBytes} is allowed`;
    throw refuse('ERR_FLOW_CHECKPOINT', 'byte 0', most, `The file is damaged: take another copy. Or ${noModel}`);
  }
  if (Number(length) > size - 8) {
    throw refuse(
      'ERR_FLOW_CHECKPOINT',
      'byte 0',
      `the header length is ${length}, but only ${size - 8} bytes follow`,
      'The file was cut short, or it is damaged.',
    );
  }
  return Number(length);
}

/** Parses and verifies header bytes; `dataBytes` follow them in the file. Throws ERR_FLOW_CHECKPOINT or ERR_FLOW_CHECKSUM, nothing else. */
export function parseHeader(bytes: Uint8Array, dataBytes: number): Header {
  if (!isUtf8(bytes)) throw refuse('ERR_FLOW_CHECKPOINT', 'header', 'the bytes are not UTF-8', 'It is not a model file, or it is damaged.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const hash = checkSeal(bytes, text);
  const root = object(parseJson(text), 'header');
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(root)) {
    if (name === '__metadata__') {
      for (const [key, note] of Object.entries(object(value, 'header.__metadata__'))) {
        if (typeof note !== 'string') throw refuse('ERR_FLOW_CHECKPOINT', `header.__metadata__[${show(key)}]`, `expected a string, got ${show(note)}`);
        metadata.set(key, note);
      }
    } else entries.push(tensorEntry(name, value));
  }
  checkCover(entries, dataBytes);
  const names = new Set(entries.map((entry) => entry.name));
  for (const key of metadata.keys()) {
    if (key.startsWith('sha256.') && !names.has(key.slice(7)))
      throw refuse('ERR_FLOW_CHECKPOINT', `header.__metadata__[${show(key)}]`, 'there is no tensor of that name');
  }
  for (const name of names) {
    if (!metadata.has(`sha256.${name}`)) throw refuse('ERR_FLOW_CHECKPOINT', `header.__metadata__["sha256.${name}"]`, 'is missing');
  }
  return { metadata, entries, hash };
}

/** The header's own hash: over its bytes with the 64 digits of the hash as zeros. */
function checkSeal(bytes: Uint8Array, text: string): string {
  const hint = 'It is not a model file of this library, or its first bytes are damaged.';
  const seal = text.slice(sealStart.length, sealStart.length + 64);
  if (!text.startsWith(sealStart) || !/^[0-9a-f]{64}$/.test(seal))
    throw refuse('ERR_FLOW_CHECKPOINT', 'byte 8', `expected a header that starts with ${sealStart}`, hint);
  const plain = bytes.slice();
  plain.fill(zero, sealStart.length, sealStart.length + 64);
  const hash = hashOf(plain);
  if (hash !== seal) throw refuse('ERR_FLOW_CHECKSUM', 'header', 'its bytes do not match their SHA-256', 'The file is damaged; take another copy.');
  return hash;
}

/** JSON in the one form that JSON.stringify writes (then spaces): no duplicate keys, no odd numbers, no second reading of the same bytes. */
function parseJson(text: string): unknown {
  const trimmed = text.replace(/ +$/, '');
  let value: unknown;
  let canonical: string;
  try {
    value = JSON.parse(trimmed);
    canonical = JSON.stringify(value);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('ERR_FLOW_CHECKPOINT', 'header', 'the JSON is nested too deeply');
    const position = /position (\d+)/.exec(String(error))?.[1];
    throw refuse('ERR_FLOW_CHECKPOINT', position === undefined ? 'header' : `byte ${8 + Number(position)}`, 'the header is not JSON');
  }
  if (canonical !== trimmed) {
    let at = 0;
    while (canonical[at] === trimmed[at]) at++;
    throw refuse(
      'ERR_FLOW_CHECKPOINT',
      `byte ${8 + new TextEncoder().encode(trimmed.slice(0, at)).length}`,
      'the header is not in canonical JSON (a duplicate key, a space, an odd number)',
    );
  }
  return value;
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('ERR_FLOW_CHECKPOINT', path, `expected an object, got ${show(value)}`);
  return Object.assign(Object.create(null), value) as Record<string, unknown>;
}

function tensorEntry(name: string, value: unknown): Entry {
  const path = `header.tensors[${show(name)}]`;
  if (!nameOf.test(name)) throw refuse('ERR_FLOW_CHECKPOINT', path, 'the name has characters that a file may not hold');
  const { dtype, shape, data_offsets: offsets, ...rest } = object(value, path);
  for (const key of Object.keys(rest)) throw refuse('ERR_FLOW_CHECKPOINT', `${path}.${show(key)}`, 'is not a known key');
  const type = types.find((t) => t.dtype === dtype);
  if (type === undefined) throw refuse('ERR_FLOW_CHECKPOINT', `${path}.dtype`, `expected one of ${types.map((t) => t.dtype).join(', ')}, got ${show(dtype)}`);
  const sizes = numbers(shape, `${path}.shape`, limits.rank);
  let elements = 1;
  sizes.forEach((size, i) => {
    elements *= size;
    if (elements > limits.elements) throw refuse('ERR_FLOW_CHECKPOINT', `${path}.shape[${i}]`, `more than ${limits.elements} elements`);
  });
  const [begin, end, ...more] = numbers(offsets, `${path}.data_offsets`, 2);
  if (begin === undefined || end === undefined || more.length > 0 || end - begin !== elements * type.size) {
    throw refuse(
      'ERR_FLOW_CHECKPOINT',
      `${path}.data_offsets`,
      `expected two offsets ${elements * type.size} bytes apart, got ${show(JSON.stringify(offsets))}`,
    );
  }
  return { name, type, shape: sizes, begin, end };
}

function numbers(value: unknown, path: string, most: number): number[] {
  if (!Array.isArray(value) || value.length > most)
    throw refuse('ERR_FLOW_CHECKPOINT', path, `expected an array of at most ${most} integers, got ${show(value)}`);
  value.forEach((n, i) => {
    if (!Number.isSafeInteger(n) || n < 0) throw refuse('ERR_FLOW_CHECKPOINT', `${path}[${i}]`, `expected an integer >= 0, got ${show(n)}`);
  });
  return value as number[];
}

/** Tensors follow each other without overlap or hole and end where the file ends. */
function checkCover(entries: Entry[], dataBytes: number): void {
  if (entries.length > limits.tensors) throw refuse('ERR_FLOW_CHECKPOINT', 'header', `more than ${limits.tensors} tensors`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of entries) {
    const path = `header.tensors["${name}"].data_offsets`;
    if (begin !== at)
      throw refuse('ERR_FLOW_CHECKPOINT', path, `begins at ${begin}, ${begin < at ? 'inside another tensor' : 'leaving a hole'}: expected ${at}`);
    at = end;
  }
  if (at !== dataBytes)
    throw refuse('ERR_FLOW_CHECKPOINT', 'header', `the tensors need ${at} bytes, ${dataBytes} follow the header`, 'The file was cut short or extended.');
}
