// A table that is filled row by row: what is stored is not measured again, a stopped run keeps what it had, and other settings are refused.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openRows } from '../../bench/tables/rows.ts';
import { temporaryFolder } from '../support/folder.ts';

const place = temporaryFolder();
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

it('measures the rows that are missing, in the order of the names, and stores each as it comes', async () => {
  const file = place('rows.json');
  const asked: string[] = [];
  const measure = async (name: string) => {
    if (name === 'c' && asked.length < 3) throw new Error('stopped');
    asked.push(name);
    return { x: asked.length };
  };
  const names = ['a', 'b', 'c'];
  await openRows(file, { steps: 5 })('part', ['b'], measure);
  await expect(openRows(file, { steps: 5 })('part', names, measure)).rejects.toThrow('stopped');
  expect(read(file)).toEqual({ steps: 5, part: { a: { x: 2 }, b: { x: 1 } } });
  asked.push('later');
  await openRows(file, { steps: 5 })('part', names, measure);
  expect(asked).toEqual(['b', 'a', 'later', 'c']);
  expect(Object.keys((read(file) as { part: object }).part)).toEqual(names);
  await openRows(file, { steps: 5 })('other', ['a'], measure);
  expect(read(file)).toEqual({ steps: 5, part: { a: { x: 2 }, b: { x: 1 }, c: { x: 4 } }, other: { a: { x: 5 } } });
});

it('keeps rows whose names are no longer asked for, behind the others', async () => {
  const file = place('unknown.json');
  const one = async () => ({ x: 1 });
  await openRows(file, { steps: 5 })('part', ['old', 'a'], one);
  await openRows(file, { steps: 5 })('part', ['a', 'b'], one);
  expect(Object.keys((read(file) as { part: object }).part)).toEqual(['a', 'b', 'old']);
});

it('refuses to add to rows of other settings', async () => {
  const file = place('settings.json');
  await openRows(file, { steps: 5, seeds: 1 })('part', ['a'], async () => ({ x: 1 }));
  expect(() => openRows(file, { steps: 5, seeds: 3 })).toThrow('holds rows of seeds = 1, not 3');
});
