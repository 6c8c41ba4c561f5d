// Hostile model files: sealed with a valid checksum, and each wrong in one place. Every one is refused with a typed error that names the place, at once and in little memory.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readModelFile, saveModel } from '../../lib/checkpoint/model-file.ts';
import { limits, parseHeader } from '../../lib/checkpoint/safetensors.ts';
import { FlowError } from '../../lib/errors.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { caught, untrained } from '../support/models.ts';
import { headerBytes, headerText, reseal } from '../support/reseal.ts';

const fs = new MemoryFiles();
await saveModel('/d/good', untrained(2, { hidden: [3] }, { normaliser: { shift: new Float32Array(2), scale: new Float32Array(2) } }), fs);
const good = fs.node('/d/good').bytes;
const data = 8 + headerBytes(good);

async function refusal(bytes: Uint8Array): Promise<FlowError> {
  fs.files.set('/d/bad', { bytes, mode: 0o600 });
  const error = await caught(() => readModelFile('/d/bad', fs));
  expect(error).toBeInstanceOf(FlowError);
  return error as FlowError;
}

/** The header as an object, changed by `edit`, sealed again. */
type Header = Record<string, Record<string, unknown>>;
const edited = (edit: (header: Header) => void) =>
  reseal(good, (text) => {
    const header = JSON.parse(text) as Header;
    edit(header);
    return JSON.stringify(header);
  });
const meta = (key: string, value: unknown) => edited((h) => Object.assign(h['__metadata__'] as object, { [key]: value }));
const weight = 'parameters.layers.0.weight';
const tensor = (change: Record<string, unknown>) => edited((h) => Object.assign(h[weight] as object, change));
const lengthOf = (value: bigint) => {
  const bytes = good.slice();
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
};
const { data_offsets: offsets, shape } = JSON.parse(headerText(good))[weight] as { data_offsets: [number, number]; shape: number[] };

const attacks: [string, () => Uint8Array, RegExp][] = [
  ['an empty file', () => new Uint8Array(0), /^\/d\/bad: byte 0: .*cut short/],
  ['seven bytes', () => good.slice(0, 7), /^\/d\/bad: byte 7/],
  ['a header length of 2^63', () => lengthOf(2n ** 63n), /at most 8388608 is allowed/],
  ['a header length over the limit', () => lengthOf(BigInt(limits.headerBytes + 1)), /byte 0/],
  ['a header longer than the file', () => lengthOf(8_000_000n), /only \d+ bytes follow/],
  ['a header of no bytes', () => lengthOf(0n), /byte 8/],
  ['half a header', () => good.slice(0, 100), /byte 0/],
  ['half a tensor', () => good.slice(0, good.length - 3), /tensors need \d+ bytes, \d+ follow/],
  ['a tail', () => Uint8Array.of(...good, 0), /tensors need/],
  ['bytes that are not UTF-8', () => { const b = good.slice(); b[60] = 0xff; return b; }, /UTF-8/],
  ['no seal', () => reseal(good, (text) => text).fill(0x30, 8, 30), /byte 8/],
  ['not JSON', () => reseal(good, (text) => text.slice(0, -1)), /not JSON/],
  ['an array for a header', () => reseal(good, (text) => `${text.slice(0, text.indexOf('}') + 1)}}`), /header/],
  ['a duplicate key', () => reseal(good, (text) => text.replace('"kind":"model"', '"kind":"model","kind":"model"')), /^\/d\/bad: byte \d+: .*canonical/],
  ['white space', () => reseal(good, (text) => text.replace('"kind":"model"', '"kind": "model"')), /^\/d\/bad: byte \d+: .*canonical/],
  ['an odd number', () => reseal(good, (text) => text.replace(`[${shape.join(',')}]`, `[${shape[0]}e0,${shape[1]}]`)), /canonical/],
  ['nesting without end', () => reseal(good, (text) => `${text.slice(0, -1)},"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`), /header|byte/],
  ['metadata that is no string', () => meta('kind', 3), /expected a string, got 3/],
  ['an unknown metadata key', () => meta('exec', 'rm'), /"exec"\]: is not a known key/],
  ['no version', () => edited((h) => delete h['__metadata__']?.['format']), /format: is missing/],
  ['another time convention', () => meta('convention', 't = 1 source'), /convention/],
  ['an unknown kind', () => meta('kind', 'pickle'), /expected model or training/],
  ['weights of no section', () => meta('weights', '__proto__'), /names no section/],
  ['a poisoned table', () => meta('table', '{"__proto__":{"polluted":1}}'), /holds a key "__proto__"/],
  ['a deep poison', () => meta('training', '{"a":[{"__proto__":1}]}'), /holds a key "__proto__"/],
  ['a record that is no JSON', () => meta('network', '{'), /network: is not JSON/],
  ['a network of another kind', () => meta('network', '{"kind":"unet"}'), /network/],
  ['a network that fills memory', () => meta('network', JSON.stringify({ ...JSON.parse(JSON.parse(headerText(good)).__metadata__.network), hidden: [65_536, 65_536] })), /at most|limit|parameters/i],
  ['a network that fills less memory', () => meta('network', JSON.stringify({ ...JSON.parse(JSON.parse(headerText(good)).__metadata__.network), hidden: [16_384, 16_384] })), /shape/],
  ['a dimension of 1e9', () => meta('dimension', '1000000000'), /dimension: expected an integer in/],
  ['a dimension that does not fit', () => meta('dimension', '3'), /shape: expected|scale/],
  ['names that do not fit', () => meta('columns', '["a"]'), /expected 2 different names/],
  ['names twice', () => meta('columns', '["a","a"]'), /expected 2 different names/],
  ['a condition out of the blue', () => meta('condition', '{"numbers":1,"classes":[]}'), /shape/],
  ['a path backwards', () => meta('path', '{"name":"condOT","tMin":1,"tMax":0,"sourceScale":1}'), /tMin < tMax/],
  ['a path with code', () => meta('path', '{"name":"condOT","tMin":0,"tMax":1,"sourceScale":1,"at":"() => 1"}'), /Known options|known option/],
  ['a diffusion that varies on no bridge', () => meta('score', '{"sigma":1,"varies":true}'), /score.varies.*bridge/],
  ['a diffusion that varies a little', () => meta('score', '{"sigma":1,"varies":0.5}'), /expected true or nothing/],
  ['an unknown prediction', () => meta('prediction', '"flow"'), /expected velocity/],
  ['a training record that is a list', () => meta('training', '[]'), /expected an object/],
  ['an unknown tensor key', () => tensor({ stride: [1] }), /stride.*is not a known key/],
  ['an unknown dtype', () => tensor({ dtype: 'BF16' }), /expected one of F64/],
  ['a dtype of other size', () => tensor({ dtype: 'F64' }), /bytes apart/],
  ['a dtype of the same size', () => tensor({ dtype: 'I32' }), /dtype: expected F32/],
  ['a negative shape', () => tensor({ shape: [-1, -6] }), /shape\[0\]: expected an integer >= 0/],
  ['a shape that overflows', () => tensor({ shape: [2 ** 31, 2 ** 31, 2 ** 31] }), /more than 2147483648 elements/],
  ['a shape of many zeros', () => tensor({ shape: Array(9).fill(0) }), /at most 8 integers/],
  ['a shape that is transposed', () => tensor({ shape: [...shape].reverse() }), /shape: expected \[3, /],
  ['offsets that overlap', () => tensor({ data_offsets: offsets.map((x) => x - 4) }), /inside another tensor|leaving a hole/],
  ['offsets that leave a hole', () => tensor({ data_offsets: offsets.map((x) => x + 4) }), /leaving a hole/],
  ['offsets turned around', () => tensor({ data_offsets: [...offsets].reverse() }), /bytes apart/],
  ['offsets that are text', () => tensor({ data_offsets: ['0', '72'] }), /expected an integer/],
  ['a tensor with a path for a name', () => edited((h) => { h['../../etc/passwd'] = { dtype: 'U8', shape: [0], data_offsets: [0, 0] }; }), /characters that a file may not hold/],
  ['a tensor that no one asked for', () => edited((h) => { h['extra'] = { dtype: 'U8', shape: [0], data_offsets: [0, 0] }; }), /"sha256\.extra"\]: is missing/],
  ['a checksum of nothing', () => meta('sha256.extra', '00'), /no tensor of that name/],
  ['a missing tensor', () => edited((h) => { delete h[weight]; }), /leaving a hole|no tensor of that name|tensors need/],
  ['a flipped weight', () => { const b = good.slice(); b[data + 3] = (b[data + 3] as number) ^ 1; return b; }, /do not match their SHA-256/],
]; // biome-ignore format: one attack a line

describe('a hostile model file', () => {
  it('the good one is read', async () => {
    expect((await readModelFile('/d/good', fs)).record.dimension).toBe(2);
    fs.files.set('/d/same', { bytes: reseal(good, (text) => text), mode: 0o600 });
    expect((await readModelFile('/d/same', fs)).hash).toBe((await readModelFile('/d/good', fs)).hash);
  });

  it.each(attacks)('%s is refused', async (_, make, message) => {
    const bytes = make();
    const before = process.memoryUsage().rss;
    const began = process.cpuUsage();
    const error = await refusal(bytes);
    expect(['ERR_FLOW_CHECKPOINT', 'ERR_FLOW_CHECKSUM', 'ERR_FLOW_LIMIT', 'ERR_FLOW_VERSION']).toContain(error.code);
    expect(`${error.message} ${error.hint}`).toMatch(message);
    expect(error.path).toBeTruthy();
    const { user, system } = process.cpuUsage(began); // of this process alone: a busy machine does not count
    expect(user + system).toBeLessThan(2e6);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('a file that is too large is not opened', async () => {
    const huge = { ...fs, stat: async () => ({ size: 2 ** 33, mode: 0, isFile: () => true }) } as unknown as MemoryFiles;
    expect(await caught(() => readModelFile('/d/huge', huge))).toMatchObject({ code: 'ERR_FLOW_LIMIT' });
    const pipe = { ...fs, stat: async () => ({ size: 0, mode: 0, isFile: () => false }) } as unknown as MemoryFiles;
    expect(await caught(() => readModelFile('/d/pipe', pipe))).toMatchObject({ code: 'ERR_FLOW_IO' });
  });

  it('random damage and random headers give typed errors only', () => {
    const text = headerText(good);
    const total = good.length - data;
    const mutate = fc
      .tuple(fc.nat(text.length - 1), fc.string({ maxLength: 4 }), fc.nat(6))
      .map(([at, piece, cut]) => text.slice(0, at) + piece + text.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(mutate, fc.json(), fc.string()), (header) => {
        const sealed = reseal(good, () => header.padEnd(110), new Uint8Array(0));
        try {
          parseHeader(sealed.subarray(8), total);
        } catch (error) {
          expect(error).toBeInstanceOf(FlowError);
          expect(['ERR_FLOW_CHECKPOINT', 'ERR_FLOW_CHECKSUM']).toContain((error as FlowError).code);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
