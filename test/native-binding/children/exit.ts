// exit.ts WAY MILLISECONDS: leaves while jobs run, by process.exit, an uncaught error, SIGTERM or from a promise reaction.

import { network, rates, sampleRequest, small, trainer } from '../support.ts';

const way = process.argv[2];
const delay = Number(process.argv[3]);
const trained = trainer(small);
const sampled = network(small);
void trained.run(rates(1e6), 0).done;
void trained.run(rates(1e6), 50).done;
const sample = (): Promise<unknown> => sampled.sample(sampleRequest(512, 50)).done.then(sample);
void sample();
setTimeout(() => {
  if (way === 'exit') process.exit(7);
  if (way === 'throw') throw new Error('on purpose');
  if (way === 'kill') process.kill(process.pid, 'SIGTERM');
  if (way === 'reaction') void sampled.sample(sampleRequest(4, 1)).done.then(() => process.exit(7));
}, delay);
