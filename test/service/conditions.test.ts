// Conditions as a newcomer gives them: what is no condition, labels that are none, and one class: the code, the place and what to write instead.

import { expect, it, test, vi } from 'vitest';
import { Trainer, train } from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { data, failing, labels, small, training } from './failing.ts';

const state = vi.hoisted(() => ({ older: false }));
vi.mock('../../lib/data/condition.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../lib/data/condition.ts')>();
  const trainingCondition: typeof original.trainingCondition = (value, path, rows, drop, resumed) =>
    original.trainingCondition(value, path, rows, drop, resumed || state.older);
  return { ...original, trainingCondition };
});

const zeros = labels.map(() => 0);
const numbers = labels.map((x) => [x]);
const at = temporaryFolder();

test.each([
  ['numbers', labels, 'options.condition'],
  ['names', labels.map(String), 'options.condition'],
  ['an Int32Array', Int32Array.from(labels), 'options.condition'],
  ['a list of numbers as numbers', { numbers: labels }, 'options.condition.numbers'],
  ['an Int32Array as numbers', { numbers: Int32Array.from(labels) }, 'options.condition.numbers'],
])('one value per row, %s: the shape of a condition is shown', async (_, condition, path) => {
  const error = await training({ condition });
  expect([error.code, error.path]).toEqual(['ERR_FLOW_TYPE', path]);
  expect(error.hint).toContain('write condition: { labels }');
  expect(error.hint).toContain('{ numbers: values.map((x) => [x]) }');
  expect(error.message).not.toContain('columns');
});

test('the forms that the hint shows are taken', async () => {
  expect((await train({ ...small, condition: { labels } })).record.condition).toMatchObject({ numbers: 0, classes: [2] });
  expect((await train({ ...small, condition: { numbers } })).record.condition).toMatchObject({ numbers: 1, classes: [] });
});

test.each([
  ['NaN among 0 .. 3', data.map((_, i) => (i === 5 ? Number.NaN : i % 4)), 'RANGE', '[5]'],
  ['a word among 0 and 1', labels.map((x, i) => (i === 5 ? 'cat' : x)), 'TYPE', '[5]'],
  ['-1 and 0', labels.map((x) => -x), 'RANGE', '[1]'],
  ['halves', labels.map((x) => x / 2), 'RANGE', '[1]'],
  ['an endless one', labels.map((x) => x / 0 || 0), 'RANGE', '[1]'],
])('labels that are none, %s, are named before classes are counted', async (_, wrong, code, place) => {
  for (const [condition, path] of [
    [{ labels: wrong }, 'options.condition.labels'],
    [{ labels: wrong, classes: 1 }, 'options.condition.labels'],
    [{ labels: [labels, wrong] }, 'options.condition.labels[1]'],
  ] as const) {
    const error = await training({ condition });
    expect([error.code, error.path]).toEqual([`ERR_FLOW_${code}`, `${path}${place}`]);
  }
});

const out = 'Leave the condition out, or say how many classes there are: classes: 2.';
test.each([
  ['two in the labels', { labels, classes: 1 }, 0, 'The labels hold 2: write classes: 2, or leave classes out.'],
  ['one in the labels', { labels: zeros, classes: 1 }, 0, out],
  ['one in the labels and none given', { labels: zeros }, 0, out],
  ['beside numbers', { numbers, labels: zeros }, 0, out.replace('the condition', 'this label column')],
  ['of several', { labels: [labels, zeros] }, 1, 'Leave this label column out, or say how many classes there are in classes, a count for each label column.'],
  ['of several, two in the labels', { labels: [labels, labels], classes: [1, 2] }, 0, 'The labels hold 2: write 2 for this column, or leave classes out.'],
])('one class: %s', async (_, condition, column, hint) => {
  const error = await training({ condition });
  expect([error.code, error.path, error.hint]).toEqual(['ERR_FLOW_RANGE', `options.condition.classes[${column}]`, hint]);
});

test('one class seen of two is a condition, and so is what the hints advise', async () => {
  expect((await train({ ...small, condition: { labels: zeros, classes: 2 } })).record.condition?.classes).toEqual([2]);
  expect((await train({ ...small, condition: { labels: [labels, zeros], classes: [2, 2] } })).record.condition?.classes).toEqual([2, 2]);
});

test('classes without a row are told once, where nobody said how many there are', async () => {
  const told: [unknown, string][] = [];
  const listen = (warning: Error): void => void told.push([(warning as NodeJS.ErrnoException).code, warning.message]);
  process.on('warning', listen);
  const during = async (condition: object): Promise<string[]> => {
    told.length = 0;
    await train({ ...small, condition });
    await new Promise(setImmediate);
    for (const [code] of told) expect(code).toBe('FLOW_CONDITION_EMPTY_CLASS');
    return told.map(([, text]) => text);
  };
  try {
    const fromOne = data.map((_, i) => 1 + (i % 3));
    expect(await during({ labels: fromOne })).toEqual([
      'options.condition.labels: no row has class 0 of 0 .. 3. Number your classes 0, 1, 2, ..., or say classes: 4 if they are meant.',
    ]);
    expect(await during({ labels: [labels, Int32Array.from(fromOne, (k) => 10 * k)] })).toEqual([
      'options.condition.labels[1]: no row has classes 0, 1, 2, 3, 4, 5, 6, 7, ... of 0 .. 30. Number your classes 0, 1, 2, ..., or say in classes how many each label column has if they are meant.',
    ]);
    for (const condition of [{ labels }, { numbers }, { labels: fromOne, classes: 4 }, { labels: [labels, fromOne], classes: [2, 5] }])
      expect(await during(condition)).toEqual([]);
  } finally {
    process.off('warning', listen);
  }
});

it('goes on with a run of one class that an older release began', async () => {
  const file = at('one.safetensors');
  const options = { ...small, condition: { labels: zeros } };
  state.older = true;
  const straight = await train({ ...options, steps: 4 });
  await train({ ...options, checkpoint: file });
  state.older = false;
  const trainer = await Trainer.resume(file, { data, condition: options.condition, steps: 4 });
  const model = await trainer.run();
  expect(model.record.condition?.classes).toEqual([1]);
  expect(model.record.parameters).toEqual(straight.record.parameters);
  expect((await failing(() => train({ ...options, checkpoint: { file, resume: false } }))).path).toBe('options.condition.classes[0]');
  expect((await failing(() => train({ ...options, checkpoint: at('new.safetensors') }))).path).toBe('options.condition.classes[0]');
});
