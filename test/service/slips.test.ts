// Slips that a first user makes: the line that comes, and that what it shows is taken.

import { writeFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import * as library from '../../lib/index.ts';
import { exportOnnx, loadOnnx, Model, minibatchOT, mlp, partialOT, sinkhorn, synthetic, Trainer, train, unbalancedOT } from '../../lib/index.ts';
import { inFolder, run } from '../cli/helpers.ts';
import { untrained } from '../support/models.ts';
import { data, failing, labels, small, training } from './failing.ts';

const rows = [
  [0, 0],
  [1, 1],
  [2, 2],
  [3, 3],
];
const conditional = (numbers: number, classes: number[]) => Model.fromRecord(untrained(2, { hidden: [4] }, { condition: { numbers, classes } }));
const told = async (call: () => unknown): Promise<string> => (await failing(call)).message;

describe('conditions of sampling', () => {
  const model = conditional(0, [2]);

  test.each([
    ['an array', [0, 1, 0, 1]],
    ['an Int32Array', Int32Array.of(0, 1, 0, 1)],
  ])('bare labels, %s: the form with labels', async (_, condition) => {
    for (const call of [() => model.sample({ n: 4, condition: condition as never }), () => model.logDensity(rows, { condition: condition as never })])
      expect(await told(call)).toBe('options.condition: expected [n, 1], got [n, 4]. Of class labels write condition: { labels: [0, 1, ...] }.');
  });

  test('bare values of other models', async () => {
    const said = async (numbers: number, classes: number[]) => (await failing(() => conditional(numbers, classes).sample({ condition: [0, 1, 0, 1] }))).hint;
    expect(await said(1, [2])).toBe('Of class labels write condition: { numbers, labels: [0, 1, ...] }.');
    expect(await said(0, [2, 2])).toBe('Of class labels write condition: { labels: [one array for each label column] }.');
    expect(await said(1, [])).toBe('Of one number per row write condition: { numbers: values.map((x) => [x]) }.');
    expect(await said(3, [])).toBeUndefined();
    for (const condition of [{ labels: [0, 1, 0, 1] }, { labels: [0] }]) expect((await model.sample({ n: 4, condition })).rows).toBe(4);
    expect((await conditional(1, []).sample({ condition: { numbers: [0, 1].map((x) => [x]) } })).rows).toBe(2);
  });

  test.each([
    [0, [2], '{ labels: 0 }', { labels: 0 }],
    [0, [2, 3], '{ labels: [0, 0] }', { labels: [0, 0] }],
    [2, [], '{ numbers: [0, 0] }', { numbers: [0, 0] }],
    [1, [2], '{ numbers: [0], labels: 0 }', { numbers: [0], labels: 0 }],
    [5, [2], '{ numbers: [...], labels: 0 }', { numbers: [0, 0, 0, 0, 0], labels: 0 }],
  ])('none, for %j numbers and classes %j: %s', async (numbers, classes, text, condition) => {
    const other = conditional(numbers, classes);
    for (const call of [() => other.sample({ n: 4 }), () => other.logDensity(rows)])
      expect((await failing(call)).hint).toBe(`This model was trained with a condition: write condition: ${text}.`);
    expect((await other.sample({ n: 4, condition })).rows).toBe(4);
  });
});

describe('training', () => {
  test.each([
    ['labels', 'Write condition: { labels }.'],
    ['y', 'Write condition: { labels }.'],
    ['classes', 'Write condition: { labels, classes }.'],
  ])('%s beside the data', async (option, hint) => {
    expect((await training({ [option]: labels })).hint).toBe(hint);
  });

  test('a file name as data', async () => {
    const message = 'options.data: expected rows of numbers, or a Dataset, got "users.csv". A table in a file: fitTable(file), or `flowmatch fit`.';
    expect((await training({ data: 'users.csv' })).message).toBe(message);
    expect(await told(() => new Trainer({ ...small, data: 'users.csv' as never }))).toBe(message);
  });

  test('names of other libraries', async () => {
    expect((await failing(() => library.adamw({ learningRate: 1e-3 } as never))).hint).toBe('Write lr.');
    expect((await failing(() => mlp({ layers: [4, 4] } as never))).hint).toBe('Write hidden: [256, 256].');
    for (const coupling of [minibatchOT, sinkhorn, unbalancedOT, partialOT])
      expect((await failing(() => coupling({ batchSize: 64 } as never))).hint).toBe('Write batch.');
    for (const [name, factory] of [
      ['ot', minibatchOT],
      ['unbalanced', unbalancedOT],
      ['partial', partialOT],
    ] as const) {
      const { code, path, hint } = await training({ coupling: name });
      expect([code, path, hint]).toEqual(['ERR_FLOW_CONFIG', 'options.coupling', `Write ${factory.name}().`]);
      await train({ ...small, coupling: factory() });
    }
    expect((await training({ coupling: 'minibatchOt' })).hint).toBe('Did you mean "minibatchOT"?');
    await train({ ...small, coupling: minibatchOT({ batch: 256 }) });
  });
});

describe('results where rows are read', () => {
  const model = Model.fromRecord(untrained(2));

  test('the rows of a result are its x', async () => {
    const drawn = await model.sample({ n: 4 });
    for (const call of [() => model.logDensity(drawn as never), () => model.encode(drawn as never), () => model.sample({ source: drawn as never })])
      expect((await failing(call)).hint).toBe('Pass its rows, .x.');
    expect((await model.logDensity(drawn.x)).rows).toBe(4);
    const moons = synthetic('moons', { n: 20 });
    expect((await training({ data: moons })).hint).toBe('Pass its rows, .x, and columns: how many values a row has.');
    await train({ ...small, data: moons.x, columns: moons.columns });
    expect((await training({ data: { x: [1, 2] } })).hint).toBeUndefined();
  });

  test('metrics: rows are looked at before columns', async () => {
    const drawn = await model.sample({ n: 4 });
    const { x } = drawn;
    const { energyDistance, wasserstein2, slicedWasserstein, mmdSquared, c2st } = library;
    expect(await told(() => wasserstein2(model.sample({ n: 4 }) as never, x, undefined as never))).toBe(
      'x: expected a Float32Array or Float64Array, got a promise. Await it.',
    );
    expect((await failing(() => energyDistance(drawn as never, x, 2))).hint).toBe('Pass its rows, .x.');
    for (const metric of [energyDistance, wasserstein2, slicedWasserstein, mmdSquared, c2st] as ((...given: unknown[]) => unknown)[])
      for (const columns of [undefined, { seed: 1 }]) {
        const { code, path, hint } = await failing(() => metric(x, x, columns));
        expect([code, path, hint]).toEqual(['ERR_FLOW_TYPE', 'columns', 'How many values a row has comes third, before the options.']);
      }
    expect(energyDistance(x, x, 2)).toBe(0);
  });

  test('counts that came stand without quotes', async () => {
    expect((await training({ data: new Float32Array(1001), columns: 2 })).message).toBe('options.data: expected a multiple of 2 values, got 1001 values.');
    expect((await training({ data, columns: 3 })).message).toMatch(/\[n, 3\]|got 2 columns\./);
    expect(await told(() => model.sample({ n: 4, source: rows.slice(2) }))).toBe('options.source: expected 4 rows, as options.n, got 2 rows.');
    expect(await told(() => conditional(0, [2]).sample({ n: 4, condition: { labels: [0, 1] } }))).toMatch(/one per sample, got 2 rows\.$/);
    const shown = await failing(() => model.sample({ n: '2 rows' as never }));
    expect(shown.received).toBe('"2 rows"');
  });
});

describe('files of another kind', () => {
  const at = inFolder;
  const files = async () => {
    const model = Model.fromRecord(untrained(2));
    await model.save(at('moons.safetensors'));
    await exportOnnx(model, at('moons.onnx'));
    writeFileSync(at('users.csv'), 'users,age\nann,31\nbob,27\n');
  };

  test('in code', async () => {
    await files();
    expect(await told(() => Model.load(at('moons.onnx')))).toBe(
      `${at('moons.onnx')}: byte 0: the file starts as an ONNX file does, not as a model file. loadOnnx() reads those; this takes the .safetensors file that it was made from.`,
    );
    expect(await told(() => loadOnnx(at('moons.safetensors')))).toBe(
      `${at('moons.safetensors')}: file: expected an ONNX file, got a model file. Model.load() reads it, and exportOnnx() makes an ONNX file of it.`,
    );
    for (const text of ['users,age\nann,31\n', 'name,age\nann,31\n', '{"data": [[1, 2]]}', '1,2\n'])
      expect(await told(() => loadOnnx(new TextEncoder().encode(text)))).toBe(
        'file: expected an ONNX file, got text. exportOnnx() and `flowmatch export` write ONNX files.',
      );
    expect(await told(() => loadOnnx(at('users.csv')))).toMatch(/users\.csv: file: expected an ONNX file, got text\./);
    expect(await told(() => loadOnnx(Uint8Array.of(8, 8, 0xff, 1)))).toMatch(/^byte 4: /); // a damaged ONNX file: its byte, as before
  });

  test('as a table, and a dry run, which writes nothing and needs no --output', async () => {
    await files();
    for (const [name, kind] of [
      ['moons.safetensors', 'a model file'],
      ['moons.onnx', 'an ONNX file'],
    ] as const) {
      const { code, stderr } = await run('fit', at(name), '-o', at('never.safetensors'));
      expect([code, stderr]).toEqual([3, expect.stringContaining(`${name}: is ${kind}, not a table. Name a table here: CSV, JSON or JSON lines.`)]);
    }
    const table = Array.from({ length: 60 }, (_, i) => `${i % 7},${(i * i) % 11}`).join('\n');
    writeFileSync(at('numbers.csv'), `a,b\n${table}\n`);
    const dry = await run('fit', at('numbers.csv'), '--dry-run', '--steps', '2', '--hidden', '4');
    expect([dry.code, dry.stdout + dry.stderr]).toEqual([0, expect.stringContaining('nothing was written (--dry-run)')]);
    const wet = await run('fit', at('numbers.csv'), '--json');
    expect([wet.code, wet.stderr]).toEqual([2, expect.stringContaining("required option '-o, --output <file>' not specified")]);
    const placed = await run('fit', at('numbers.csv'), '--dry-run', '-o', at('x.csv'));
    expect([placed.code, placed.stderr]).toEqual([2, expect.stringContaining('--output: expected a name that ends in .safetensors')]);
  });
});

test('no addon, in a clone: how it is built there', async () => {
  vi.stubEnv('FLOWMATCH_ADDON', inFolder('nowhere.node'));
  const { code, stderr } = await run('demo', '-o', inFolder('.'), '--steps', '2').finally(() => vi.unstubAllEnvs());
  expect([code, stderr]).toEqual([1, expect.stringContaining(`Build the addon: npm run ready in ${process.cwd()}`)]);
});
