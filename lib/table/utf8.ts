// Refuses bytes that are not UTF-8 while they stream by: decoding would replace them silently, and a model would learn the replacement as a category.

import { isUtf8 } from 'node:buffer';
import { FlowError } from '../errors.ts';

export class Utf8Check {
  readonly #file: string;
  #read = 0;
  #tail: Uint8Array = new Uint8Array(0);

  constructor(file: string) {
    this.#file = file;
  }

  /** The next bytes of the file. @throws FlowError ERR_FLOW_CSV_SHAPE with the place of the first wrong byte. */
  push(chunk: Uint8Array): void {
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk]);
    const open = unfinished(bytes);
    this.#check(bytes.subarray(0, bytes.length - open));
    this.#read += bytes.length - open;
    this.#tail = bytes.slice(bytes.length - open);
  }

  /** The file ends here: inside a character is wrong too. */
  end(): void {
    this.#check(this.#tail);
  }

  #check(bytes: Uint8Array): void {
    if (isUtf8(bytes)) return;
    const start = goodBytes(bytes);
    const path = `byte ${this.#read + start} of ${this.#file}`;
    const around = Buffer.from(bytes.subarray(Math.max(0, start - 10), start + 10))
      .toString('latin1')
      .replace(/[^\x20-\x7e\xa0-\xff]/g, ' ');
    const hint = 'Save the file as UTF-8.';
    throw new FlowError('ERR_FLOW_CSV_SHAPE', `${path}: not UTF-8 text, near ${JSON.stringify(around)}. ${hint}`, { path, expected: 'UTF-8 text', hint });
  }
}

/** How many bytes at the end belong to a character that goes on in the next chunk. */
function unfinished(bytes: Uint8Array): number {
  for (let k = 1; k <= 3 && k <= bytes.length; k++) {
    const byte = bytes[bytes.length - k] as number;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return k < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? k : 0;
  }
  return 0;
}

/** Bytes before the first wrong one: the longest prefix that is UTF-8 but for a last character that is cut. */
function goodBytes(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const prefix = bytes.subarray(0, middle);
    if (isUtf8(prefix.subarray(0, middle - unfinished(prefix)))) good = middle;
    else bad = middle;
  }
  return good - unfinished(bytes.subarray(0, good));
}
