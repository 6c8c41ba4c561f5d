// Every public method in every state: idle, training, sampling, saving, disposed, re-entered from a callback, in another Worker, inside exit.
// A new class or member without cells fails here.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from '../../lib/index.ts';
import { bundled, run } from '../native-binding/child.ts';
import { type ClassName, cell, classes, type Files, files, found, members, states } from './cells.ts';

let place: Files;
beforeAll(async () => {
  place = await files();
});
afterAll(() => place.remove());

const names = Object.keys(classes) as ClassName[];

describe('the matrix', () => {
  it('holds every class of the public surface', () => {
    const isClass = (value: unknown) => typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
    const exported = Object.entries(api).flatMap(([name, value]) => (isClass(value) && name !== 'FlowError' ? [name] : []));
    expect(exported.sort()).toEqual([...names].sort());
  });

  it.each(names)('holds every member of %s', (name) => {
    expect(Object.keys(members[name]).sort()).toEqual(found(classes[name]).sort());
  });

  it('would notice a new member', () => {
    class More extends api.Dataset {
      extra(): void {}
    }
    expect(found(More as unknown as typeof api.Dataset)).toContain('extra');
  });
});

describe.each(names)('%s', (name) => {
  for (const state of states) {
    it.each(Object.entries(members[name]))(`${state}: %s`, async (member, { answers }) => {
      expect(await cell(name, member, state, place)).toBe(answers[state] ?? 'ok');
    });
  }
});

describe('in another Worker', () => {
  it('every member answers as it does here', { timeout: 120_000 }, async () => {
    const { out, err } = await run(await bundled('elsewhere', import.meta.url), ['worker']);
    expect(err).toBe('');
    const got = JSON.parse(out) as Record<string, string>;
    const expected = names.flatMap((name) => Object.keys(members[name]).map((member) => [`${name}.${member}`, 'ok']));
    expect(got).toEqual(Object.fromEntries(expected));
  });
});

describe('inside process.on("exit")', () => {
  it('every member answers at once, or with a promise that the end of the process leaves pending', { timeout: 120_000 }, async () => {
    const { code, signal, out, err } = await run(await bundled('elsewhere', import.meta.url), ['exit']);
    expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
    const got = JSON.parse(out) as Record<string, string>;
    expect(Object.keys(got)).toHaveLength(names.reduce((sum, name) => sum + Object.keys(members[name]).length, 0));
    for (const [member, outcome] of Object.entries(got)) expect(['ok', 'pending', 'ERR_FLOW_STATE'], `${member}: ${outcome}`).toContain(outcome);
  });
});
