// SHA-256 of bytes (FIPS 180-4). node:crypto takes 3 ms when it is first loaded, more than all the rest of reading a small model: it is loaded when it is needed,
// and small pieces go to another implementation when the caller has named one (the addon's).

/** Largest piece that goes to the other implementation: a fraction of a millisecond. */
const small = 1 << 17;
type Whole = (bytes: Uint8Array) => string;
let other: () => Whole | undefined = () => undefined;

/** From here on small pieces are hashed by what `find` gives; by node:crypto where it gives nothing. */
export function preferHash(find: () => Whole | undefined): void {
  other = find;
}

/** A running hash for bytes that come piece by piece. */
export function hashing(): { update(bytes: Uint8Array): unknown; digest(encoding: 'hex'): string } {
  return process.getBuiltinModule('node:crypto').createHash('sha256');
}

/** The hash of bytes that are all there, in hex. */
export function hashOf(bytes: Uint8Array): string {
  const whole = bytes.length <= small ? other() : undefined;
  if (whole !== undefined) return whole(bytes);
  const hash = hashing();
  hash.update(bytes);
  return hash.digest('hex');
}

/** A running hash, or for `length` bytes that are small one that takes them together at the end. */
export function hashingOf(length: number): { update(bytes: Uint8Array): unknown; digest(encoding: 'hex'): string } {
  if (length > small || other() === undefined) return hashing();
  const pieces: Uint8Array[] = [];
  return { update: (bytes) => pieces.push(bytes), digest: () => hashOf(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)) };
}

/** The hash of the concatenation, piece by piece with a turn of the event loop after each megabyte. */
export async function sha256(...parts: readonly Uint8Array[]): Promise<string> {
  const hash = hashing();
  const piece = 1 << 20;
  let since = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; ) {
      if (since === piece) {
        await new Promise((resolve) => setImmediate(resolve));
        since = 0;
      }
      const next = part.subarray(at, at + piece - since);
      hash.update(next);
      at += next.length;
      since += next.length;
    }
  }
  return hash.digest('hex');
}
