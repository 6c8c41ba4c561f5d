// A process that ends, or a Worker that is terminated, while onnxruntime works: its addon aborts the process when a thread is torn down inside it, so nothing
// of ours may be. The programs are bundled into one file, as the package is: the worker's text comes along.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { rk4 } from '../../lib/solvers/solvers.ts';
import { bundle, start } from '../support/bundle.ts';
import { untrained } from '../support/models.ts';

const folder = mkdtempSync(join(tmpdir(), 'flowmatch-exit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(folder, 'model.onnx');
const [idle, busy, inside] = ['idle', 'busy', 'inside'].map((name) => join(folder, `${name}.mjs`)) as [string, string, string];

beforeAll(async () => {
  writeFileSync(model, onnxBytes(untrained(3, { hidden: [96, 96] }), { solver: rk4({ steps: 25 }) }));
  const head = `import { loadOnnx } from '#flowmatch';\nconst open = () => loadOnnx(${JSON.stringify(model)}, { threads: 1 });\n`;
  await bundle(`${head} const { x } = await (await open()).sample({ n: 3, seed: 1 }); console.log(x.length);`, idle);
  await bundle(
    `${head} const onnx = await open(); console.log('running'); onnx.sample({ n: 5_000_000 }).catch(() => {}); setTimeout(() => process.exit(7), Number(process.argv[2]));`,
    busy,
  );
  await bundle(
    `${head} import { isMainThread, parentPort, Worker } from 'node:worker_threads'; import { fileURLToPath } from 'node:url';
     if (isMainThread) {
       const worker = new Worker(fileURLToPath(import.meta.url));
       worker.once('message', () => setTimeout(async () => { await worker.terminate(); setTimeout(() => process.exit(7), 100); }, Number(process.argv[2])));
     } else {
       const onnx = await open(); const { x } = await onnx.sample({ n: 2 }); parentPort.postMessage(x.length); await onnx.sample({ n: 5_000_000 });
     }`,
    inside,
  );
}, 60_000);

test('a bundled program samples, and ends by itself without dispose', async () => {
  expect(await start(idle).ended).toMatchObject({ code: 0, signal: null, out: '9\n', err: '' });
});

test('process.exit() while a call runs', async () => {
  for (let i = 0; i < 6; i++) expect(await start(busy, [20 + 31 * i]).ended).toMatchObject({ code: 7, signal: null, out: 'running\n', err: '' });
});

test('terminate() of the Worker that runs a call', async () => {
  for (let i = 0; i < 5; i++) expect(await start(inside, [20 + 37 * i]).ended).toMatchObject({ code: 7, signal: null, err: '' });
});
