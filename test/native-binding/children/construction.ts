// construction.ts: how long the event loop stands still while a trainer and a model of 4.7 million parameters are built, beside the time of building them on
// the JavaScript thread. Prints {trainer, model}, each {held, sync, control} in milliseconds: `held` is the longest time between two turns of the loop during
// the building by jobs, `control` the same during the building on this thread.

import { Model } from '../../../lib/model/model.ts';
import { buildTrainer } from '../../../lib/native/build.ts';
import { native } from '../../../lib/native/load.ts';
import { euler } from '../../../lib/solvers/solvers.ts';
import { untrained } from '../../support/models.ts';
import { dataset, trainerRequest } from '../support.ts';

/** Longest time between two turns of the event loop while `work` runs. */
async function held(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  let going = true;
  const turn = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (going) setImmediate(turn);
  };
  await new Promise((resolve) => setImmediate(resolve));
  last = performance.now();
  setImmediate(turn);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  going = false;
  return longest;
}

const binding = native();
const shape = { d: 784, width: 1024, depth: 4, batch: 256 };
const request = trainerRequest(shape, 512, { data: dataset(784, 512) });
if (!(request.parameters instanceof Float32Array)) throw new Error('parameters as an array');
const staged = { ...request, parameters: request.parameters };

const sync = async (): Promise<unknown> => new binding.Trainer(request);
const began = performance.now();
const control = await held(sync);
const trainer = { sync: performance.now() - began, control, held: await held(() => buildTrainer(binding, staged, undefined)) };

const record = untrained(784, { hidden: [1024, 1024, 1024, 1024], residual: false, norm: false });
const solver = euler({ steps: 1 });
const first = Model.fromRecord(record);
const start = performance.now();
const modelControl = await held(async () => first.sampleSync({ n: 1, solver }));
const model = { sync: performance.now() - start, control: modelControl, held: 0 };
const second = Model.fromRecord(record);
model.held = await held(() => second.sample({ n: 1, solver }));
console.log(JSON.stringify({ trainer, model }));
process.exit(0);
