// The end of training is told to the native side, which solves no transport beyond it (test/native-binding/couplings.test.ts counts them).

import { expect, it, vi } from 'vitest';
import { mlp, Trainer, type TrainOptions } from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';

const told = vi.hoisted(() => [] as (number | undefined)[]);
vi.mock('../../lib/native/build.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../lib/native/build.ts')>();
  const buildTrainer: typeof original.buildTrainer = (binding, request, signal) => {
    told.push(request.steps);
    return original.buildTrainer(binding, request, signal);
  };
  return { ...original, buildTrainer };
});
const at = temporaryFolder();

it('also when a run goes on to more steps', async () => {
  const data = Array.from({ length: 40 }, (_, i) => [i % 7, i % 5]);
  const options = { data, network: mlp({ hidden: [4] }), coupling: 'minibatchOT', batchSize: 8, checkpoint: at('run.safetensors') } as const;
  for (const steps of [3, 9]) for await (const _ of new Trainer({ ...options, steps } as unknown as TrainOptions));
  expect(told).toEqual([3, 9]);
});
