// Files that are no model files, and rows that do not fit a metric: what it is, and what to check.

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as library from '../../lib/index.ts';
import { Model, train } from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { failing, small } from './failing.ts';

const at = temporaryFolder();
const f = (n: number) => new Float32Array(n);
const noModel = 'it is not a model file: model.save() and `flowmatch fit` write those, .safetensors.';

test.each([
  ['x', () => library.energyDistance(f(7), f(8), 2)],
  ['y', () => library.energyDistance(f(8), f(7), 2)],
  ['y', () => library.wasserstein2(f(8), f(7), 2)],
  ['x', () => library.mmdSquared(f(7), f(8), 2)],
  ['y', () => library.slicedWasserstein(f(8), f(7), 2)],
  ['y', () => library.optimalPairs(f(8), f(7), 2)],
])('a metric names the argument (%s), its length and the columns', async (path, call) => {
  const error = await failing(call);
  expect([error.code, error.path]).toEqual(['ERR_FLOW_SHAPE', path]);
  expect(error.message).toBe(`${path}: expected rows of 2 columns, got Float32Array(7). 7 is no multiple of 2: check ${path} and columns.`);
});

async function loading(content: string | Uint8Array): Promise<string> {
  const file = at('x.csv');
  writeFileSync(file, content);
  const error = await failing(() => Model.load(file));
  expect(error.code).toBe('ERR_FLOW_CHECKPOINT');
  expect(error.message).toContain(`${file}: `);
  return error.message.slice(file.length + 2);
}

test.each([
  ['a table', 'name,age\nann,31\nbob,27\n', 'name,age'],
  ['eight characters', 'a,b\n1,2\n', 'a,b\\n1,2\\n'],
  ['JSON', '{\n  "x": 1}', '{\\n  \\"x\\":'],
  ['JSON whose ninth byte is that of a header', '{"data":{"x":1,"y":[1,2,3]}}', '{\\"data\\":'],
])('text, %s: no model file', async (_, text, start) => {
  expect(await loading(text)).toBe(`byte 0: the file starts with "${start}", not with the length of a header. So ${noModel}`);
});

test.each([
  ['a byte order mark', '\ufeffname,age\nann,31\n', '\\xef\\xbb\\xbfname,'],
  ['accents', 'prénom,âge\n', 'pr\\xc3\\xa9nom,'],
  ['control characters of Latin-1', Uint8Array.from([0x9b, 0x31, 0x6d, 0x85, 0x7f, 0x0b, 0x22, 0x5c, 0x41]), '\\x9b1m\\x85\\x7f\\x0b\\"\\\\'],
])('other bytes, %s: escaped, and either reading is said', async (_, content, start) => {
  expect(await loading(content)).toBe(`byte 0: the file starts with "${start}", not with the length of a header. Its first bytes are damaged, or ${noModel}`);
});

test('a few bytes', async () => {
  expect(await loading('a\n1\n')).toMatch(/^byte 4: the file ends inside the 8 bytes .* or it is not a model file/);
});

test('a mark before JSON whose ninth byte is that of a header, and a model whose length is damaged: either reading is said', async () => {
  const either = `at most 8388608 is allowed. The file is damaged: take another copy. Or ${noModel}`;
  expect(await loading('\ufeff{"a":{"b":1}}')).toContain(either);
  await (await train(small)).save(at('good.safetensors'));
  const bytes = new Uint8Array(readFileSync(at('good.safetensors')));
  for (const [place, byte] of [
    [7, 0x80],
    [4, 1],
  ] as const) {
    const damaged = bytes.slice();
    damaged[place] = byte;
    expect(await loading(damaged)).toContain(either);
  }
  const longer = bytes.slice();
  longer[2] = 0x40;
  expect(await loading(longer)).toMatch(/^byte 0: the header length is \d+, but only \d+ bytes follow\. The file was cut short, or it is damaged\.$/);
});

test.each([
  ['model.save', '.safetensors', (model: Model, file: string) => model.save(file)],
  ['trainer.save', '.safetensors', (_: Model, file: string) => new library.Trainer(small).save(file)],
  ['exportOnnx', '.onnx', (model: Model, file: string) => library.exportOnnx(model, file)],
])('%s writes nothing to a name that says another kind of file', async (_, own, write) => {
  const model = await train(small);
  const others: Record<string, string> = {
    'users.csv': 'Rename it.',
    'a.JSON': 'Rename it.',
    's.txt': 'Rename it.',
    'p.png': 'Rename it.',
    ...(own === '.onnx' ? { 'm.safetensors': 'model.save() writes model files.' } : { 'm.onnx': 'exportOnnx() writes ONNX files.' }),
  };
  for (const [name, hint] of Object.entries(others)) {
    const file = at(name);
    writeFileSync(file, 'theirs');
    const error = await failing(() => write(model, file));
    expect([error.code, error.path, error.expected, error.hint]).toEqual(['ERR_FLOW_CONFIG', 'file', `a name that ends in ${own}`, hint]);
    expect(readFileSync(file, 'utf8')).toBe('theirs');
  }
});

test('any other name is a name: without an ending, with one of a version, in capitals', async () => {
  const model = await train(small);
  for (const name of ['plain', 'model.v1', 'MODEL.SAFETENSORS', 'weights.bin']) expect((await model.save(at(name))).file).toBe(at(name));
  for (const name of ['plain', 'graph.v1', 'GRAPH.ONNX']) expect(await library.exportOnnx(model, at(name))).toBeGreaterThan(0);
});
