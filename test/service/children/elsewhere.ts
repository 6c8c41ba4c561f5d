// elsewhere.ts worker | exit: the cells of the state matrix on idle objects, in a Worker or inside process.on('exit'). Prints {member: outcome}.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { answer, type ClassName, cell, classes, files, idle, members } from '../cells.ts';

const names = Object.keys(classes) as ClassName[];
const outcomes: Record<string, string> = {};
if (process.argv[2] === 'exit') {
  const place = await files();
  const made: [string, unknown, (self: unknown, files: unknown) => unknown][] = [];
  for (const name of names) {
    let shared: unknown; // a runtime session takes a while to open
    for (const [member, { call }] of Object.entries(members[name])) {
      if (name !== 'OnnxSampler' || shared === undefined) shared = await idle(name, place);
      made.push([`${name}.${member}`, shared, call as (self: unknown, files: unknown) => unknown]);
    }
  }
  process.on('exit', () => {
    for (const [member, self, call] of made) {
      const outcome = answer(() => call(self, place));
      outcomes[member] = typeof outcome === 'string' ? outcome : 'pending';
    }
    place.remove();
    console.log(JSON.stringify(outcomes));
  });
} else if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: ['worker'] });
  worker.on('message', (message) => console.log(JSON.stringify(message)));
} else {
  const place = await files();
  for (const name of names) {
    for (const member of Object.keys(members[name])) outcomes[`${name}.${member}`] = await cell(name, member, 'idle', place);
  }
  place.remove();
  parentPort?.postMessage(outcomes);
}
