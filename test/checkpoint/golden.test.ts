// Files of every format version, kept for ever: each must load, sample as it did, and be written back byte for byte while its version is the current one.

import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { formatVersion, readModelFile } from '../../lib/checkpoint/model-file.ts';
import { Model, Trainer } from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const at = temporaryFolder();
const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
const rows = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(i) + 2]);
const condition = { numbers: rows.map(([x]) => [(x as number) * 10]), labels: rows.map((_, i) => i % 2) };
/** model.sample({ n: 3, seed: 1, condition: { numbers: [5], labels: 1 } }) when the file was written. */
const sampled: Record<string, number[]> = {
  1: [0.23854151368141174, 1.9170976877212524, 0.38810116052627563, 1.6927694082260132, -0.9890967607498169, 1.685914158821106],
};

describe.each(Object.keys(sampled))('files of format %s', (version) => {
  it('load and sample as they did', async () => {
    for (const kind of ['model', 'training']) {
      const model = await Model.load(golden(`${kind}-v${version}.safetensors`));
      expect(model.record).toMatchObject({
        dimension: 2,
        columns: ['x', 'y'],
        condition: { numbers: 1, classes: [2] },
        table: { kind: 'golden' },
        training: { steps: 40 },
      });
      const { x } = await model.sample({ n: 3, seed: 1, condition: { numbers: [5], labels: 1 } });
      expect([...x]).toEqual(sampled[version]);
    }
  });

  it('are written back byte for byte', async () => {
    if (Number(version) !== formatVersion) return;
    const name = golden(`model-v${version}.safetensors`);
    await (await Model.load(name)).save(at('again'));
    expect(new Uint8Array(readFileSync(at('again')))).toEqual(new Uint8Array(readFileSync(name)));
  });

  it('resume', async () => {
    copyFileSync(golden(`training-v${version}.safetensors`), at('run'));
    const trainer = await Trainer.resume(at('run'), { data: rows, columns: ['x', 'y'], condition, steps: 60 });
    expect((await trainer.run()).info().step).toBe(60);
    expect((await readModelFile(at('run'))).record.training).toMatchObject({ steps: 60 });
  });
});

it('there is a file of every version, the current one included', () => {
  const found = readdirSync(golden('.')).filter((name) => /^model-v\d+\.safetensors$/.test(name));
  expect(found.length).toBe(formatVersion);
  expect(Object.keys(sampled)).toContain(String(formatVersion));
});
