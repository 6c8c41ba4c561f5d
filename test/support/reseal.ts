// Edits the header of a sealed file and seals it again: what a hostile writer, or a later release, could produce.

import { createHash } from 'node:crypto';

const start = '{"__metadata__":{"flowmatch.sha256":"';
const encoder = new TextEncoder();

/** Length of the header of a safetensors file. */
export function headerBytes(file: Uint8Array): number {
  return Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
}

/** The header's text without its padding. */
export function headerText(file: Uint8Array): string {
  return new TextDecoder().decode(file.subarray(8, 8 + headerBytes(file))).trimEnd();
}

/** The file with `edit` applied to its header text, with a fresh length and seal; `data` replaces what follows the header. */
export function reseal(file: Uint8Array, edit: (header: string) => string, data: Uint8Array = file.subarray(8 + headerBytes(file))): Uint8Array {
  const text = edit(headerText(file));
  const plain = encoder.encode(text.slice(0, start.length) + '0'.repeat(64) + text.slice(start.length + 64));
  const length = Math.ceil(plain.length / 8) * 8;
  const out = new Uint8Array(8 + length + data.length).fill(0x20, 8, 8 + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(plain, 8);
  const hash = createHash('sha256')
    .update(out.subarray(8, 8 + length))
    .digest('hex');
  out.set(encoder.encode(hash), 8 + start.length);
  out.set(data, 8 + length);
  return out;
}
