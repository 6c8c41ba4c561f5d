// Argument checks shared by every public function: each throws a FlowError that names the option. Defaults and ranges of options stand with their types.

import { argumentError, FlowError } from './errors.ts';

/** An integer in [min, max], or throws ERR_FLOW_RANGE / ERR_FLOW_TYPE. */
export function integer(value: unknown, path: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw argumentError('ERR_FLOW_TYPE', path, 'an integer', value);
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `an integer >= ${min}` : `an integer in [${min}, ${max}]`;
    throw argumentError('ERR_FLOW_RANGE', path, range, value);
  }
  return value;
}

/** A finite number in [min, max], or throws. */
export function finite(value: unknown, path: string, min: number = -Number.MAX_VALUE, max: number = Number.MAX_VALUE): number {
  if (typeof value !== 'number') throw argumentError('ERR_FLOW_TYPE', path, 'a number', value);
  if (!Number.isFinite(value) || value < min || value > max) {
    const open = min === -Number.MAX_VALUE;
    const range = max < Number.MAX_VALUE ? ` ${open ? `<= ${max}` : `in [${min}, ${max}]`}` : open ? '' : ` >= ${min}`;
    throw argumentError('ERR_FLOW_RANGE', path, `a finite number${range}`, value);
  }
  return value;
}

/** Numbers of an array or a typed array, copied. */
export function numbersOf(value: unknown, path: string, expected: string): number[] {
  let copy: unknown[] | null = null;
  try {
    if (Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))) copy = Array.from(value as unknown as ArrayLike<unknown>);
  } catch (cause) {
    throw new FlowError('ERR_FLOW_TYPE', `${path}: expected ${expected}, got an array that cannot be read.`, { path, expected, cause });
  }
  if (copy === null) throw argumentError('ERR_FLOW_TYPE', path, expected, value);
  return copy.map((one, i) => {
    if (typeof one !== 'number') throw argumentError('ERR_FLOW_TYPE', `${path}[${i}]`, 'a number', one);
    return one;
  });
}

/** One of `choices`, or throws with the nearest choice as the hint. */
export function choice<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  if (typeof value === 'string' && (choices as readonly string[]).includes(value)) return value as T;
  const near = typeof value === 'string' ? nearest(value, choices) : undefined;
  throw argumentError('ERR_FLOW_CONFIG', path, `one of ${choices.join(', ')}`, value, near ? `Did you mean "${near}"?` : undefined);
}

/**
 * A plain record whose own keys are all in `known`; unknown keys throw ERR_FLOW_CONFIG with a did-you-mean. Returns a null-prototype copy: each property is read once.
 * `elsewhere` says what to write instead of names that other libraries have; `single` is the option that a bare number most likely means, and the factory, which tells
 * whether it takes that number.
 */
export function record<K extends string>(
  value: unknown,
  path: string,
  known: readonly K[],
  elsewhere: Readonly<Record<string, string>> = {},
  single?: readonly [option: K, make: (options: never) => unknown],
): { [key in K]?: unknown } {
  if (typeof value !== 'object' || value === null || isArray(value, path) || ArrayBuffer.isView(value)) {
    throw argumentError('ERR_FLOW_TYPE', path, 'an options object', value, byName(value, known, single));
  }
  const copy = Object.create(null) as { [key in K]?: unknown };
  for (const key of keysOf(value, path)) {
    if (!(known as readonly string[]).includes(key)) {
      const near = nearest(key, known);
      const hint = Object.hasOwn(elsewhere, key)
        ? `Write ${elsewhere[key]}.`
        : near
          ? `Did you mean "${near}"?`
          : known.length > 0
            ? `Known options: ${known.join(', ')}.`
            : 'It takes none.';
      throw argumentError('ERR_FLOW_CONFIG', `${path}.${key}`, 'a known option', key, hint);
    }
    copy[key as K] = read(value, key, path);
  }
  return copy;
}

/** What to write instead of a bare value, such as { steps: 50 } for midpoint(50). */
function byName(value: unknown, known: readonly string[], single?: readonly [option: string, make: (options: never) => unknown]): string | undefined {
  if (value === null || typeof value === 'function') return undefined;
  if (known.length === 0) return 'It takes none.';
  if (typeof value === 'number' && single !== undefined && takes(single[1], { [single[0]]: value })) return `Options have names: { ${single[0]}: ${value} }.`;
  return `Options have names: { ${known.slice(0, 4).join(', ')}${known.length > 4 ? ', ...' : ''} }.`;
}

function takes(make: (options: never) => unknown, options: object): boolean {
  try {
    make(options as never);
    return true;
  } catch {
    return false;
  }
}

/** A seed: an integer in [0, 2^53) or a bigint in [0, 2^64). */
export function checkSeed(value: unknown, path: string): bigint {
  if (typeof value === 'bigint') {
    if (value < 0n || value >= 1n << 64n) throw argumentError('ERR_FLOW_RANGE', path, 'an integer in [0, 2^64)', value);
    return value;
  }
  return BigInt(integer(value ?? 0, path, 0));
}

/** An AbortSignal by its shape, so that signals of other realms serve. */
export function checkSignal(value: unknown, path = 'options.signal'): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  const signal = value as AbortSignal;
  if (typeof signal !== 'object' || typeof signal.aborted !== 'boolean' || typeof signal.addEventListener !== 'function')
    throw argumentError('ERR_FLOW_TYPE', path, 'an AbortSignal', value);
  return signal;
}

/** Own keys and properties of what may be a proxy or have getters: what those throw becomes the cause of a typed error. */
function keysOf(value: object, path: string): string[] {
  try {
    return Object.keys(value);
  } catch (cause) {
    throw new FlowError('ERR_FLOW_TYPE', `${path}: expected an options object, got one that cannot be read.`, { path, cause });
  }
}
/** A null-prototype copy of an object's own properties, each read once; what getters and proxies throw is the cause of a typed error. */
export function ownFields(value: object, path: string): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of keysOf(value, path)) copy[key] = read(value, key, path);
  return copy;
}
/** Array.isArray, which a revoked proxy makes throw. */
function isArray(value: object, path: string): boolean {
  try {
    return Array.isArray(value);
  } catch (cause) {
    throw new FlowError('ERR_FLOW_TYPE', `${path}: expected an options object, got a revoked proxy.`, { path, cause });
  }
}
function read(value: object, key: string, path: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (cause) {
    throw new FlowError('ERR_FLOW_TYPE', `${path}.${key}: expected a value, got a property that throws when it is read.`, { path: `${path}.${key}`, cause });
  }
}

/** The choice at the smallest edit distance, when it is near enough to be a typo. */
export function nearest(word: string, choices: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of choices) {
    const distance = editDistance(word.slice(0, 40).toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Damerau-Levenshtein distance (adjacent transpositions count one). */
function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const row = rows[i] as number[];
      const above = rows[i - 1] as number[];
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j] as number, ((rows[i - 2] as number[])[j - 2] as number) + 1);
    }
  }
  return (rows[a.length] as number[])[b.length] as number;
}
