// What a newcomer writes by mistake, and the line that says what to write instead.

import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { exportOnnx, loadOnnx, Model, minibatchOT, mlp, train } from '../../lib/index.ts';
import { inFolder, run } from '../cli/helpers.ts';

const data = Array.from({ length: 20 }, (_, i) => [i % 5, (i * i) % 7]);
const small = { data, steps: 2, validation: 0, network: mlp({ hidden: [4] }) };

describe('in code', () => {
  test('options of sampling that stand elsewhere', async () => {
    const model = await train(small);
    for (const [options, says] of [
      [{ steps: 5 }, /options\.steps: .*Write solver: midpoint\(\{ steps: 50 \}\)\./],
      [{ rtol: 1e-3 }, /Write solver: dopri5\(\{ rtol: 1e-5 \}\)\./],
      [{ rows: 3 }, /options\.rows: .*Write n\./],
      [{ labels: [1] }, /Write condition: \{ labels \}\./],
    ] as const) {
      for (const call of [() => model.sample(options as never), () => model.sampleBatches(options as never), () => model.encode(data, options as never)])
        expect(call).toThrow(says);
    }
  });

  test('a factory that was not called, one width, one condition, a file that is not there', async () => {
    await expect((async () => train({ ...small, coupling: minibatchOT as never }))()).rejects.toThrow(
      /such as minibatchOT\(\), got the function minibatchOT\. Call it: minibatchOT\(\)\./,
    );
    expect(() => mlp({ hidden: 64 as never })).toThrow(/mlp\.hidden: expected an array of integers, got 64\. Write \[64\]\./);
    const model = await train({ ...small, condition: { labels: data.map(([a]) => (a as number) % 2) } });
    expect(() => model.sample({ n: 2 })).toThrow(/expected 1 condition value: labels of 2 classes/);
    await expect(loadOnnx('nowhere.onnx')).rejects.toThrow(/nowhere\.onnx: there is no such file\. Check the path; exportOnnx\(\)/);
  });

  test('a promise that was not awaited, and a model that was not trained', async () => {
    const promised = train(small);
    expect(() => exportOnnx(promised as never, 'never.onnx')).toThrow(/model: expected a model, got a promise\. Await it\./);
    await expect((async () => train({ ...small, data: Promise.resolve(data) as never }))()).rejects.toThrow(/options\.data: .* got a promise\. Await it\./);
    await promised;
    const Plain = Model as unknown as new () => Model;
    expect(() => new Plain()).toThrow(/Model: expected a model record, got undefined\. Models come from train\(\), Model\.load\(file\)/);
  });
});

describe('on the command line', () => {
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * i) % 11},${'ab'[i % 2]}`).join('\n');

  test('a table without names is noticed', async () => {
    writeFileSync(inFolder('bare.csv'), `${rows.replaceAll(/,[ab]/g, '').split('\n').slice(2).join('\n')}\n`);
    writeFileSync(inFolder('named.csv'), `a,b,kind\n${rows}\n`);
    const said = async (table: string) => (await run('fit', inFolder(table), '-o', inFolder('m.safetensors'), '--steps', '2', '--hidden', '4')).stderr;
    expect(await said('bare.csv')).toMatch(/warning: the columns are called 2, 4: is the first line of .*bare\.csv a row\? Put a line of names above it\./);
    expect(await said('named.csv')).not.toContain('are called');
  });

  test('wrong columns and values are told by flag', async () => {
    const fit = ['fit', inFolder('named.csv'), '-o', inFolder('n.safetensors'), '--steps', '2', '--hidden', '4'];
    for (const [flags, says] of [
      [['--target', 'knid'], /ERR_FLOW_CONFIG --target: there is no column "knid"\. Did you mean "kind"\?/],
      [['--target', 'a'], /--target: "a" is an? .* column; a target is a category or boolean/],
      [['--drop', 'c'], /--drop: there is no column "c"/],
    ] as const) {
      const { code, stderr } = await run(...fit, ...flags);
      expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
    }
    expect((await run(...fit, '--target', 'kind', '--quiet')).code).toBe(0);
    expect((await run('sample', inFolder('n.safetensors'), '--given', 'kind=c')).stderr).toMatch(/--given: "kind" has the values a, b; got "c"/);
  });
});
