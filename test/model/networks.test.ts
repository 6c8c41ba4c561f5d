// Strengths of noise on a model with a score head: each is a network of its own, packed once while few of them take turns; of many the oldest goes.

import { expect, it } from 'vitest';
import { eulerMaruyama, mlp, scoreAndFlow, train } from '../../lib/index.ts';
import { Networks } from '../../lib/model/networks.ts';

it('keeps four that take turns, and of more the four asked for last', async () => {
  const data = Array.from({ length: 40 }, (_, i) => [i % 7, i % 5]);
  const model = await train({ data, steps: 2, validation: 0, network: mlp({ hidden: [4] }), objective: scoreAndFlow({ sigma: 0.5 }) });
  const networks = new Networks(model.record);
  const shares = [1, 0.5, 2, 4];
  const first = shares.map((share) => networks.open(share));
  for (const i of [2, 0, 3, 1, 2, 0, 3, 1]) expect(networks.open(shares[i] as number)).toBe(first[i]);
  expect(networks.count).toBe(4);
  networks.open(2); // asked for again: 1 is now the one not asked for the longest
  networks.open(8);
  expect(networks.count).toBe(4);
  expect(networks.open(2)).toBe(first[2]);
  expect(networks.open(1)).not.toBe(first[0]);
  networks.dispose();
  const rows = async (noise: number) => (await model.sample({ n: 3, seed: 1, solver: eulerMaruyama({ steps: 5, noise: () => noise }) })).x;
  const once = await rows(0.3);
  for (const noise of [0.4, 0.5, 0.6, 0.7, 0.8]) await rows(noise);
  expect(await rows(0.3)).toEqual(once);
});

it('keeps two of a model of more than 2^18 parameters', async () => {
  const data = Array.from({ length: 40 }, (_, i) => [i % 7, i % 5]);
  const of = async (hidden: readonly number[]) => {
    const model = await train({ data, steps: 1, batchSize: 2, validation: 0, network: mlp({ hidden }), objective: scoreAndFlow({ sigma: 0.5 }) });
    const networks = new Networks(model.record);
    const first = networks.open(1);
    networks.open(0.5);
    expect(networks.open(1)).toBe(first);
    for (const share of [2, 4]) networks.open(share);
    const { count } = networks;
    const kept = networks.open(1) === first;
    networks.dispose();
    return { many: model.record.parameters.length > 2 ** 18, count, kept };
  };
  expect(await of([480, 480])).toEqual({ many: false, count: 4, kept: true });
  expect(await of([520, 520])).toEqual({ many: true, count: 2, kept: false });
});
