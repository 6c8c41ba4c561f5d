// neighbour.ts, in a Worker: trains and samples from a seed and posts a digest of the weights and the rows.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { network, rates, sampleRequest, small, trainer } from '../support.ts';

const seed = BigInt(workerData as number);
const t = trainer(small, 512, { seed });
const n = network(small);
const hash = createHash('sha256');
for (let i = 0; i < 5; i++) {
  const [sampled] = await Promise.all([n.sample(sampleRequest(200, 10, { seed })).done, t.run(rates(10), 0).done, t.evaluate('ema', 1n, 1).done]);
  hash.update(sampled.x);
}
hash.update(t.state('parameters'));
parentPort?.postMessage(hash.digest('hex'));
