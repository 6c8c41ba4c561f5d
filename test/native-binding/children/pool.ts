// pool.ts: every thread of libuv's pool is kept busy while a sampling and a training job run. Prints the order in which they finished.
import { pbkdf2 } from 'node:crypto';
import { network, rates, sampleRequest, tiny, trainer } from '../support.ts';

const order: string[] = [];
const n = network(tiny);
const t = trainer(tiny);
let left = 8;
const blocked = new Promise<void>((resolve) => {
  for (let i = left; i > 0; i--) {
    pbkdf2('a', 'b', 200_000, 64, 'sha512', () => {
      if (--left === 4) order.push('pool');
      if (left === 0) resolve();
    });
  }
});
const sampled = n.sample(sampleRequest(8, 2)).done.then(() => order.push('sample'));
const trained = sampled.then(() => t.run(rates(2), 0).done).then(() => order.push('train'));
await Promise.all([blocked, sampled, trained]);
console.log(JSON.stringify({ order }));
