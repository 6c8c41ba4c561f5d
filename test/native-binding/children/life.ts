// life.ts WHAT: what keeps a process alive and what an exiting one may do. Prints one JSON line.

import { failure, network, rates, sampleRequest, tiny, trainer } from '../support.ts';

const what = process.argv[2];
const n = network(tiny);
if (what === 'pending') {
  // No timer, no handle: only the job holds the process.
  void n.sample(sampleRequest(2000, 50)).done.then((result) => console.log(JSON.stringify({ status: result.status })));
} else if (what === 'idle') {
  // After its jobs an environment must not keep the process; a trainer that was never run must not either.
  trainer(tiny);
  await n.sample(sampleRequest(10, 2)).done;
  console.log(JSON.stringify({ status: 'idle' }));
} else if (what === 'exit-handler') {
  const t = trainer(tiny);
  process.on('exit', () => {
    const codes: (string | undefined)[] = [];
    for (const work of [() => n.sample(sampleRequest(10, 2)), () => t.run(rates(1), 0), () => t.evaluate('ema', 1n, 1), () => t.draw()]) {
      try {
        work();
        codes.push('started');
      } catch (error) {
        codes.push((error as { code?: string }).code);
      }
    }
    const still = n.sampleSync(sampleRequest(10, 2)).status;
    const state = t.state('parameters').length > 0;
    n.dispose();
    t.dispose();
    console.log(JSON.stringify({ codes, still, state }));
  });
  await n.sample(sampleRequest(10, 2)).done;
} else if (what === 'first-job-at-exit') {
  process.on('exit', () => {
    void failure(() => n.sample(sampleRequest(10, 2))).then(() => undefined);
    try {
      n.sample(sampleRequest(10, 2));
    } catch (error) {
      console.log(JSON.stringify({ code: (error as { code?: string }).code }));
    }
  });
}
