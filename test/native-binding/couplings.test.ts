// Malformed records of couplings by transport: the binding names the field and refuses, whatever the library above it lets through. Transports past the last step are not solved.

import { expect, it } from 'vitest';
import type { TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { tiny, trainerRequest } from './support.ts';

const entropic = { kind: 'entropic', regularisation: { value: 0.05, absolute: false }, permutation: false, iterations: 10, tolerance: 1e-3 };
const partial = { kind: 'partial', mass: 0.9 };
const right = { kind: 'ot', condition: false, labels: 0 };
const build = (coupling: unknown) => new (native().Trainer)(trainerRequest(tiny, 64, { coupling: coupling as NonNullable<TrainerRequest['coupling']> }));
const at = 'request.coupling.plan';

it('takes what is right', () => {
  const marginal = { value: 2, absolute: true };
  for (const plan of [
    undefined,
    null,
    entropic,
    { ...entropic, permutation: true },
    { ...entropic, marginal },
    { ...entropic, tolerance: 0 },
    partial,
    { ...partial, mass: 1 },
  ])
    build({ ...right, plan }).dispose();
});

it.each([
  ['a plan that is none', 7, 'ERR_FLOW_TYPE', at],
  ['a plan by its name', 'entropic', 'ERR_FLOW_TYPE', at],
  ['no kind', {}, 'ERR_FLOW_TYPE', `${at}.kind`],
  ['an unknown kind', { ...entropic, kind: 'sinkhorn' }, 'ERR_FLOW_CONFIG', `${at}.kind`],
  ['no mass', { kind: 'partial' }, 'ERR_FLOW_TYPE', `${at}.mass`],
  ['no pairs', { ...partial, mass: 0 }, 'ERR_FLOW_RANGE', `${at}.mass`],
  ['more pairs than rows', { ...partial, mass: 1.1 }, 'ERR_FLOW_RANGE', `${at}.mass`],
  ['a mass that is no number', { ...partial, mass: Number.NaN }, 'ERR_FLOW_RANGE', `${at}.mass`],
  ['no regularisation', { ...entropic, regularisation: undefined }, 'ERR_FLOW_TYPE', `${at}.regularisation`],
  ['a regularisation without its unit', { ...entropic, regularisation: 0.05 }, 'ERR_FLOW_TYPE', `${at}.regularisation`],
  ['a unit that is no boolean', { ...entropic, regularisation: { value: 1, absolute: 1 } }, 'ERR_FLOW_TYPE', `${at}.regularisation.absolute`],
  ['no entropy', { ...entropic, regularisation: { value: 0, absolute: false } }, 'ERR_FLOW_RANGE', `${at}.regularisation.value`],
  ['negative entropy', { ...entropic, regularisation: { value: -1, absolute: false } }, 'ERR_FLOW_RANGE', `${at}.regularisation.value`],
  ['endless entropy', { ...entropic, regularisation: { value: Number.POSITIVE_INFINITY, absolute: false } }, 'ERR_FLOW_RANGE', `${at}.regularisation.value`],
  ['a free marginal', { ...entropic, marginal: { value: 0, absolute: false } }, 'ERR_FLOW_RANGE', `${at}.marginal.value`],
  ['a marginal that is no record', { ...entropic, marginal: 1 }, 'ERR_FLOW_TYPE', `${at}.marginal`],
  ['an unbalanced permutation', { ...entropic, permutation: true, marginal: { value: 1, absolute: false } }, 'ERR_FLOW_CONFIG', `${at}.permutation`],
  ['a permutation that is no boolean', { ...entropic, permutation: 'yes' }, 'ERR_FLOW_TYPE', `${at}.permutation`],
  ['no turns', { ...entropic, iterations: 0 }, 'ERR_FLOW_RANGE', `${at}.iterations`],
  ['half a turn', { ...entropic, iterations: 0.5 }, 'ERR_FLOW_RANGE', `${at}.iterations`],
  ['endless turns', { ...entropic, iterations: 2 ** 31 }, 'ERR_FLOW_RANGE', `${at}.iterations`],
  ['a negative tolerance', { ...entropic, tolerance: -1 }, 'ERR_FLOW_RANGE', `${at}.tolerance`],
  ['a tolerance that is no number', { ...entropic, tolerance: Number.NaN }, 'ERR_FLOW_RANGE', `${at}.tolerance`],
])('refuses %s', (_, plan, code, path) => {
  expect(() => build({ ...right, plan })).toThrow(expect.objectContaining({ code, path }));
});

it.each([
  ['another kind', { ...right, kind: 'sinkhorn' }, 'ERR_FLOW_CONFIG', 'request.coupling.kind'],
  ['a condition that is no boolean', { ...right, condition: 1 }, 'ERR_FLOW_TYPE', 'request.coupling.condition'],
  ['a negative count of labels', { ...right, labels: -1 }, 'ERR_FLOW_RANGE', 'request.coupling.labels'],
  ['a group of no rows', { ...right, batch: 0 }, 'ERR_FLOW_RANGE', 'request.coupling.batch'],
])('refuses %s', (_, coupling, code, path) => {
  expect(() => build(coupling)).toThrow(expect.objectContaining({ code, path }));
});

it('refuses groups that do not divide into batches, and labels without a condition', () => {
  expect(() => build({ ...right, batch: tiny.batch + 1, plan: entropic })).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_FLOW_/) }));
  expect(() => build({ ...right, condition: true, labels: 3, plan: entropic })).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_FLOW_/) }));
});

// Groups of one and of two batches; one thread solves none ahead, two solve ahead before a step, three beside it. The last steps have nothing to solve ahead.
it.each([1, 2, 3, 4])('no transport is solved that no step uses, on %i threads', async (threads) => {
  for (const [batch, steps, groups] of [
    [32, 7, 7],
    [64, 7, 4],
    [64, 8, 4],
    [32, 1, 1],
  ] as const) {
    const take = async (fields: Partial<TrainerRequest>) => {
      const trainer = new (native().Trainer)(trainerRequest(tiny, 256, { coupling: { ...right, kind: 'ot', batch }, threads, ...fields }));
      const whole = [];
      for (let k = 0; k < steps; k++) whole.push(await trainer.run(Float64Array.of(1e-3), 0).done); // every step a slice
      const state = trainer.state('parameters');
      trainer.dispose();
      return { transports: whole.reduce((sum, { transports }) => sum + transports, 0), state };
    };
    const [ended, endless, early] = [await take({ steps }), await take({}), await take({ steps: 1 })];
    expect(ended.transports).toBe(groups);
    expect(endless.transports).toBeGreaterThanOrEqual(groups);
    expect(early.transports).toBe(groups); // past the end each is solved where it is needed
    for (const { state } of [endless, early]) expect(Buffer.from(state.buffer).equals(Buffer.from(ended.state.buffer))).toBe(true);
  }
});
