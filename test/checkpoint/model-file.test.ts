import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModelFile, saveModel } from '../../lib/checkpoint/model-file.ts';
import { temporaryFolder } from '../support/folder.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { caught, untrained } from '../support/models.ts';
import { headerBytes, headerText, reseal } from '../support/reseal.ts';

const at = temporaryFolder();
const bytesOf = (name: string) => new Uint8Array(readFileSync(at(name)));
const rich = () =>
  untrained(
    2,
    { hidden: [3], time: 'raw', classEmbedding: 2 },
    {
      columns: ['höhe', 'b"c'],
      condition: { numbers: 1, classes: [2] },
      conditionNormaliser: { shift: Float32Array.of(1.5), scale: Float32Array.of(0.1) },
      normaliser: { shift: Float32Array.of(0.1, -3), scale: Float32Array.of(2, 0) },
      path: { name: 'mine', tMin: 0.125, tMax: 1, sourceScale: 2, table: Float64Array.from({ length: 24 }, (_, i) => i / 7) },
      source: 'rows',
      table: { columns: [{ name: 'x', kind: 'number' }], '0': [1, null, 'ü'] },
      training: { steps: 3, losses: { window: 1, values: [0.1, 1 / 3] } },
    },
  );

describe('a model file', () => {
  it('gives back every field, bit for bit, and equal models have equal files', async () => {
    const model = rich();
    const hash = await saveModel(at('a.safetensors'), model);
    const read = await readModelFile(at('a.safetensors'));
    expect(read.record).toEqual(model);
    expect(read.hash).toBe(hash);
    expect(await saveModel(at('b.safetensors'), read.record)).toBe(hash);
    expect(bytesOf('b.safetensors')).toEqual(bytesOf('a.safetensors'));
  });

  it('holds each weight under the name that PyTorch would give it', async () => {
    await saveModel(at('names.safetensors'), rich());
    const header = JSON.parse(headerText(bytesOf('names.safetensors')));
    expect(header['parameters.layers.0.weight'].shape).toEqual([3, 6]);
    expect(header['__metadata__'].convention).toBe('t = 0 source, t = 1 data, dx/dt = v');
    expect((header['parameters.layers.0.weight'].data_offsets[0] as number) % 4).toBe(0);
  });

  it('rejects every single flipped bit, naming a section', async () => {
    const fs = new MemoryFiles();
    await saveModel('/d/m', untrained(1, { hidden: [1], time: 'raw' }), fs);
    const { bytes } = fs.node('/d/m');
    const data = 8 + headerBytes(bytes);
    const seen = new Map<string, number>();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      const error = await caught(() => readModelFile('/d/m', fs));
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      if (error.code !== 'ERR_FLOW_CHECKSUM') expect(error.code, `bit ${bit}`).toBe('ERR_FLOW_CHECKPOINT');
      if (!(bit < 8 * data ? /^(byte|header)/ : /^tensors\["parameters/).test(error.path ?? '')) expect.fail(`bit ${bit}: ${error.message}`);
      seen.set(error.code as string, (seen.get(error.code as string) ?? 0) + 1);
    }
    expect(seen.get('ERR_FLOW_CHECKSUM')).toBeGreaterThan(1000);
    expect((await readModelFile('/d/m', fs)).record.dimension).toBe(1);
  });

  it('says which versions do not fit', async () => {
    await saveModel(at('v1.safetensors'), untrained(1));
    const later = (text: string) => text.replace('"format":"1"', '"format":"2"').replace('\\"0.1.0\\"', '\\"9.0.0\\"');
    writeFileSync(at('v2.safetensors'), reseal(bytesOf('v1.safetensors'), later));
    const error = await caught(() => readModelFile(at('v2.safetensors')));
    expect(error.code).toBe('ERR_FLOW_VERSION');
    expect(error.message).toMatch(/format "2".*reads format 1.*9\.0\.0/);
  });

  it('names a missing file, a folder and an unwritable place', async () => {
    expect(await caught(() => readModelFile(at('none.safetensors')))).toMatchObject({ code: 'ERR_FLOW_IO', path: at('none.safetensors') });
    expect(await caught(() => readModelFile(at('.')))).toMatchObject({ code: 'ERR_FLOW_IO' });
    expect(await caught(() => saveModel(at('no/such/folder.safetensors'), untrained(1)))).toMatchObject({ code: 'ERR_FLOW_IO' });
    expect(existsSync(at('no'))).toBe(false);
  });

  it('keeps the mode of the file it replaces and leaves no temporary', async () => {
    writeFileSync(at('mode.safetensors'), 'old', { mode: 0o640 });
    await saveModel(at('mode.safetensors'), untrained(1));
    expect(statSync(at('mode.safetensors')).mode & 0o777).toBe(0o640);
    expect(readdirSync(at('.')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
