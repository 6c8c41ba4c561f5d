// Shapes that a newcomer gives where another is expected: the code, the place and what to write instead.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as library from '../../lib/index.ts';
import { FlowError, Model, mlp, train } from '../../lib/index.ts';
import { inFolder } from '../cli/helpers.ts';

const data = Array.from({ length: 20 }, (_, i) => [i % 5, (i * i) % 7]);
const labels = data.map((_, i) => i % 2);
const small = { data, steps: 2, validation: 0, network: mlp({ hidden: [4] }) };
const f = (n: number) => new Float32Array(n);

async function failing(call: () => unknown): Promise<FlowError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(FlowError);
    return error as FlowError;
  }
  throw new Error('it did not fail');
}
const training = (options: object) => failing(() => train({ ...small, ...options } as never));

test.each([
  ['numbers', labels],
  ['names', labels.map(String)],
  ['an Int32Array', Int32Array.from(labels)],
])('labels as a bare list of %s: the shape of a condition is shown', async (_, condition) => {
  const error = await training({ condition });
  expect([error.code, error.path]).toEqual(['ERR_FLOW_TYPE', 'options.condition']);
  expect(error.hint).toContain('write condition: { labels }');
  expect(error.hint).toContain('{ numbers: values.map((x) => [x]) }');
});

test('the forms that the hint shows are taken', async () => {
  expect((await train({ ...small, condition: { labels } })).record.condition).toMatchObject({ numbers: 0, classes: [2] });
  expect((await train({ ...small, condition: { numbers: labels.map((x) => [x]) } })).record.condition).toMatchObject({ numbers: 1, classes: [] });
});

test.each([
  ['two in the labels', { labels, classes: 1 }, /The labels hold 2: write classes: 2/],
  ['one in the labels', { labels: labels.map(() => 0), classes: 1 }, /Leave the condition out, or say how many classes there are/],
  ['one in the labels and none given', { labels: labels.map(() => 0) }, /Leave the condition out/],
])('one class: %s', async (_, condition, hint) => {
  const error = await training({ condition });
  expect([error.code, error.path]).toEqual(['ERR_FLOW_RANGE', 'options.condition.classes[0]']);
  expect(error.message).toMatch(hint);
});
test('one class seen of two is a condition', async () => {
  expect((await train({ ...small, condition: { labels: labels.map(() => 0), classes: 2 } })).record.condition?.classes).toEqual([2]);
});

const { adamw, condOT, interpolant, minibatchOT, independent, logitNormal, beta, pseudoHuber, meanFlow, edm } = library;
test.each([
  ['optimiser', { adamw }],
  ['path', { condOT }],
  ['path', { interpolant }],
  ['coupling', { minibatchOT }],
  ['coupling', { independent }],
  ['time', { logitNormal }],
  ['time', { beta }],
  ['loss', { pseudoHuber }],
  ['objective', { meanFlow }],
  ['weight', { edm }],
  ['network', { mlp }],
])('%s: a factory that was not called', async (option, table) => {
  const [[name, factory]] = Object.entries(table) as [[string, unknown]];
  const error = await training({ [option]: factory });
  expect(error.path).toBe(`options.${option}`);
  expect(error.message).toMatch(new RegExp(`got the function ${name}\\. Call it: ${name}\\(\\)\\.$`));
});
test('a schedule of rates or noise that was not called, and functions of the user that are not told so', async () => {
  expect((await failing(() => adamw({ lr: library.warmupCosine as never }))).message).toMatch(/^adamw\.lr: .* Call it: warmupCosine\(\)\.$/);
  expect((await failing(() => library.eulerMaruyama({ noise: library.fading as never }))).message).toMatch(/Call it: fading\(\)\.$/);
  expect((await training({ path: () => ({}) })).message).toMatch(/got a function\. Write condOT\(\), or an object/);
  expect((await training({ coupling: () => 1 })).message).toMatch(/give your own function as \{ name, pair \}\.$/);
});

test('what is no solver is named with its option', async () => {
  const model = await train(small);
  for (const solver of [{}, [], 50, { steps: 5 }]) {
    const error = await failing(() => model.sample({ n: 1, solver: solver as never }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_TYPE', 'options.solver']);
    expect(error.message).toContain('such as midpoint({ steps: 50 })');
    expect(error.hint).toMatch(/^A factory makes it/);
  }
  const wrong = { name: 'mine', order: 1, a: [[]], b: [2], c: [0], steps: 2 };
  expect((await failing(() => model.sample({ n: 1, solver: wrong }))).path).toBe('options.solver.order');
});

test('a number where a factory has options: the first name that takes one is shown, and it takes one', async () => {
  const takesNoNumber = new Set(['independent', 'memoryless', 'info', 'sampleTable', 'constant', 'uniformGrid', 'edmGrid', 'powerGrid', 'mse', 'linearVP']);
  let told = 0;
  for (const [name, factory] of Object.entries(library)) {
    if (typeof factory !== 'function' || /^[A-Z]/.test(name) || takesNoNumber.has(name)) continue;
    const error = await failing(() => (factory as (value: number) => unknown)(1));
    const [, shown, option, value] = /(\w+)\(\{ (\w+): \[?1\]? \}\)\.$/.exec(error.message) ?? [];
    if (shown === undefined) continue;
    told++;
    expect([shown, value]).toEqual([name, undefined]);
    const given = name === 'mlp' ? [1] : 1;
    await Promise.resolve()
      .then(() => (factory as (value: object) => unknown)({ [option as string]: given }))
      .catch((again: FlowError) => expect([again.code, again.path]).not.toEqual(['ERR_FLOW_TYPE', `${name}.${option}`]));
  }
  expect(told).toBeGreaterThanOrEqual(35);
  expect((await failing(() => library.midpoint(50 as never))).message).toBe(
    'midpoint: expected an options object, got 50. Options have names: midpoint({ steps: 50 }).',
  );
  expect((await failing(() => library.mse(50 as never))).hint).toBe('It takes none.');
  expect((await failing(() => train(data as never))).hint).toBe('Options have names: { data, columns, condition, dropCondition, ... }.');
});

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

test.each([
  ['a table', 'name,age\nann,31\nbob,27\n', /the file starts with "name,age", not with the length of a header\. So it is not a model file/],
  ['eight characters', 'a,b\n1,2\n', /the file starts with "a,b\\n1,2\\n"/],
  ['a few', 'a\n1\n', /byte 4: the file ends inside the 8 bytes .* or it is not a model file/],
])('a file of another kind, %s: what a model file is', async (_, text, says) => {
  const file = inFolder('x.csv');
  writeFileSync(file, text);
  const error = await failing(() => Model.load(file));
  expect(error.code).toBe('ERR_FLOW_CHECKPOINT');
  expect(error.message).toMatch(says);
  expect(error.message).toContain(`${file}: `);
  expect(error.message).toContain('model.save() and `flowmatch fit` write those, .safetensors.');
});

test('an example that runs into the limit says that it is the limit', () => {
  const env = { ...process.env, FLOWMATCH_EXAMPLE_SECONDS: '0.05' };
  const { status, stdout } = spawnSync(process.execPath, ['scripts/run-examples.mjs', 'moons'], { encoding: 'utf8', env });
  expect(status).toBe(1);
  expect(stdout).toMatch(/FAIL moons .*: stopped at the limit of 0\.05 s and not by an error of its own\. Examples are to be tried on the spot/);
});
