// One error class, stable codes, machine-readable fields: the place (`path`), what was expected, what came, what to do next (`hint`).

export const errorCodes = [
  'ERR_FLOW_SHAPE',
  'ERR_FLOW_TYPE',
  'ERR_FLOW_RANGE',
  'ERR_FLOW_NONFINITE',
  'ERR_FLOW_CONFIG',
  'ERR_FLOW_STATE',
  'ERR_FLOW_DISPOSED',
  'ERR_FLOW_CSV_CELL',
  'ERR_FLOW_CSV_SHAPE',
  'ERR_FLOW_CHECKPOINT',
  'ERR_FLOW_VERSION',
  'ERR_FLOW_CHECKSUM',
  'ERR_FLOW_IO',
  'ERR_FLOW_LIMIT',
  'ERR_FLOW_NOMEM',
  'ERR_FLOW_SOLVER',
  'ERR_FLOW_DIVERGED',
  'ERR_FLOW_ONNX',
  'ERR_FLOW_ORT_MISSING',
  'ERR_FLOW_PLATFORM',
  'ABORT_ERR',
] as const;
export type FlowErrorCode = (typeof errorCodes)[number];

export interface FlowErrorFields {
  /** Where: `options.solver.steps` of what train(), sample() and the like are given, `sinkhorn.batch` of a description made by its factory; `row 4182, column "hp"`, `header.tensors["w0"].shape[1]`, `byte 8`. */
  readonly path?: string | undefined;
  readonly expected?: string | undefined;
  /** What came instead, shortened to 40 characters. */
  readonly received?: string | undefined;
  /** The next step, as a sentence. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
}

/** The only error this library throws on purpose. Its message reads `CODE path: expected E, got R. Hint`. */
export class FlowError extends Error {
  readonly code: FlowErrorCode;
  readonly path: string | undefined;
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly hint: string | undefined;

  constructor(code: FlowErrorCode, message: string, fields: FlowErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'FlowError';
    this.code = code;
    this.path = fields.path;
    this.expected = fields.expected;
    this.received = fields.received;
    this.hint = fields.hint;
  }
}

/** What a factory of the library makes. */
type Made = 'coupling' | 'loss' | 'network' | 'noise' | 'objective' | 'optimiser' | 'path' | 'rate' | 'solver' | 'time' | 'weight';
/** The library's own factories; functions of the user's are never among them. */
const factories = new WeakMap<object, { readonly makes: Made; readonly name: string; readonly call: string }>();
/** @internal Makes factories known to messages: `nameFactories('optimiser', { adamw })`; `calls` has those that cannot be called without arguments, as they are written. */
export function nameFactories(makes: Made, table: Readonly<Record<string, object>>, calls: Readonly<Record<string, string>> = {}): void {
  for (const [name, factory] of Object.entries(table)) factories.set(factory, { makes, name, call: calls[name] ?? `${name}()` });
}
const factoryOf = (value: unknown) => (typeof value === 'function' ? factories.get(value) : undefined);
/** Whether a value is a factory of the library itself and not what it makes: `optimiser: adamw`. */
export const isUncalled = (value: unknown): boolean => factoryOf(value) !== undefined;
/** "Call it" where a factory stands for what is wanted, which it makes; undefined for all else. */
export function callIt(value: unknown, wanted: Made): string | undefined {
  const factory = factoryOf(value);
  return factory?.makes === wanted ? `Call it: ${factory.call}.` : undefined;
}

/** What came, in our own words. */
class Words {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
/** Words that stand for what came, such as `2 rows`: messages show them without quotes. */
export const inWords = (text: string): unknown => new Words(text);

/** What to pass where a whole result { x, ... } was; undefined for all else. */
export function passX(value: unknown, beside = ''): string | undefined {
  try {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) return undefined;
    const { x } = value as { x?: unknown };
    return x instanceof Float32Array || x instanceof Float64Array ? `Pass its rows, .x${beside}.` : undefined;
  } catch {
    return undefined; // a getter or a proxy of the caller's threw
  }
}

/** A value as a message shows it: quoted, typed, never longer than 40 characters, never throwing. */
export function show(value: unknown): string {
  let text: string;
  try {
    if (value instanceof Words) text = value.text;
    else if (typeof value === 'string') text = JSON.stringify(value);
    else if (typeof value === 'bigint') text = `${value}n`;
    else if (typeof value === 'function') text = isUncalled(value) ? `the function ${factoryOf(value)?.name}` : 'a function';
    else if (typeof value === 'symbol') text = 'a symbol';
    else if (Object.is(value, -0)) text = '-0';
    else if (ArrayBuffer.isView(value)) text = `${Object.prototype.toString.call(value).slice(8, -1)}(${(value as Uint8Array).length ?? value.byteLength})`;
    else if (value instanceof Promise) text = 'a promise';
    else if (Array.isArray(value)) text = `an array of ${value.length}`;
    else if (typeof value === 'object' && value !== null) text = `an object {${Object.keys(value).slice(0, 4).join(', ')}}`;
    else text = String(value);
  } catch {
    text = `an unreadable ${typeof value}`;
  }
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** `1 step`, `2 steps` */
export const counted = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
/** The same as what came instead: messages show it without quotes. */
export const amount = (n: number, one: string): unknown => inWords(counted(n, one));

/** `path: expected E, got R. Hint`: the sentence every argument error is made of. */
export function argumentError(code: FlowErrorCode, path: string, expected: string, received: unknown, advice?: string): FlowError {
  const hint = received instanceof Promise ? 'Await it.' : advice;
  const got = show(received);
  return new FlowError(code, `${path}: expected ${expected}, got ${got}.${hint ? ` ${hint}` : ''}`, { path, expected, received: got, hint });
}

/** What is wrong with a whole file, as a clause, and the next step: `FILE: is a folder. Name a file in it.` */
export function fileError(code: FlowErrorCode, path: string, what: string, fields: FlowErrorFields & { readonly hint: string }): FlowError {
  return new FlowError(code, `${path}: ${what}. ${fields.hint}`, { path, ...fields });
}

/** The same error with the file named first; errors that name it themselves, and others, pass as they are. `path` stays the place inside the file. */
export function inFile(file: string, error: unknown): unknown {
  if (!(error instanceof FlowError) || error.path === file || error.message.startsWith(`${file}: `)) return error;
  const { code, path, expected, received, hint, message } = error;
  return new FlowError(code, `${file}: ${message}`, { path, expected, received, hint, cause: error });
}
