// Networks and trainers are built off the JavaScript thread: the same objects, datasets that cannot change meanwhile, stops obeyed. That the event loop goes on: service.timing.test.ts.

import { describe, expect, it } from 'vitest';
import type { NativeFloats } from '../../lib/native/binding.ts';
import { buildNetwork, buildTrainer } from '../../lib/native/build.ts';
import { native } from '../../lib/native/load.ts';
import { dataset, encoded, failure, middle, rates, sampleRequest, small, trainerRequest } from './support.ts';

const binding = native();
const staged = (request = trainerRequest(small)) => ({ ...request, parameters: request.parameters as Float32Array });

describe('built by a job', () => {
  it('a network samples the same bits as one built here, its parameters given at once or by parts', async () => {
    const { words, constants, parameters } = encoded(middle);
    const floats = new binding.Floats(parameters.length);
    for (let at = 0; at < parameters.length; at += 100_000) floats.append(parameters.subarray(at, at + 100_000));
    const here = new binding.Network(words, constants, parameters);
    const byParts = await binding.createNetwork(words, constants, floats).done;
    const atOnce = await binding.createNetwork(words, constants, parameters).done;
    const built = await buildNetwork(binding, words, constants, parameters);
    const { x } = here.sampleSync(sampleRequest(5, 3));
    for (const network of [byParts, atOnce, built]) expect(network.sampleSync(sampleRequest(5, 3)).x).toEqual(x);
    expect((await failure(() => floats.append(new Float32Array(1))))?.code).toBe('ERR_FLOW_DISPOSED'); // taken over
  });

  it('a trainer takes the same steps as one built here', async () => {
    const request = trainerRequest(small);
    const [here, there] = [new binding.Trainer(request), await buildTrainer(binding, staged(request), undefined)];
    await Promise.all([here.run(rates(7), 0).done, there.run(rates(7), 0).done]);
    for (const name of ['parameters', 'ema', 'secondMoment'] as const) expect(there.state(name)).toEqual(here.state(name));
    expect(there.step).toBe(7);
  });

  it('holds its datasets from the moment it is asked for until it is gone', async () => {
    const data = dataset(small.d, 512);
    const job = binding.createTrainer(trainerRequest(small, 512, { data }));
    expect((await failure(() => data.append(new Float32Array(small.d))))?.code).toBe('ERR_FLOW_STATE');
    expect((await failure(() => data.normalise(new Float32Array(small.d), new Float32Array(small.d).fill(1))))?.code).toBe('ERR_FLOW_STATE');
    const trainer = await job.done;
    expect((await failure(() => data.append(new Float32Array(small.d))))?.code).toBe('ERR_FLOW_STATE');
    trainer.dispose();
    data.append(new Float32Array(small.d)); // free again
    const refused = binding.createTrainer(trainerRequest(small, 512, { data, parameters: new Float32Array(3) }));
    expect((await failure(() => refused.done))?.code).toMatch(/^ERR_FLOW_/);
    await new Promise((resolve) => setImmediate(resolve));
    data.append(new Float32Array(small.d)); // and after a failure
  });

  it('refuses what is wrong as the constructors do, stops, and obeys a signal', async () => {
    const { words, constants, parameters } = encoded(small);
    const codes = async (work: () => Promise<unknown>) => (await failure(work))?.code;
    const bad = parameters.slice();
    bad[17] = Number.NaN;
    expect(await codes(() => binding.createNetwork(words, constants, bad).done)).toBe('ERR_FLOW_NONFINITE');
    expect(await codes(() => buildNetwork(binding, words.slice(1), constants, parameters))).toBe(
      (await failure(() => new binding.Network(words.slice(1), constants, parameters)))?.code,
    );
    const short = new binding.Floats(10);
    short.append(new Float32Array(4));
    expect(await codes(async () => binding.createNetwork(words, constants, short))).toBe('ERR_FLOW_SHAPE');
    expect(await codes(async () => short.append(new Float32Array(7)))).toBe('ERR_FLOW_SHAPE');
    expect(await codes(async () => binding.createNetwork(words, constants, {} as NativeFloats))).toBe('ERR_FLOW_TYPE');
    const jobs = Array.from({ length: 4 }, () => binding.createTrainer(trainerRequest(middle, 64)));
    const last = jobs.at(-1)!; // behind the others: it has not begun
    last.stop();
    expect(await codes(() => last.done)).toBeDefined();
    for (const job of jobs.slice(0, -1)) (await job.done).dispose();
    const controller = new AbortController();
    const reason = new Error('enough');
    const building = buildTrainer(binding, staged(), controller.signal);
    controller.abort(reason);
    await expect(building).rejects.toBe(reason);
  });
});
