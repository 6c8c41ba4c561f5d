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
