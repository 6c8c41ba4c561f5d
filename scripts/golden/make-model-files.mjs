// Writes the golden model files of the current format version into test/golden/: once per format version, then kept for ever.
//   node scripts/golden/make-model-files.mjs
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'flowmatch-golden-'));
const contents = `
import { mlp, train } from '${join(root, 'lib/index.ts')}';
import { formatVersion } from '${join(root, 'lib/checkpoint/model-file.ts')}';
const data = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(i) + 2]);
const labels = data.map((_, i) => i % 2);
const out = (name) => '${join(root, 'test/golden')}/' + name + '-v' + formatVersion + '.safetensors';
const options = { data, columns: ['x', 'y'], condition: { numbers: data.map(([x]) => [x * 10]), labels }, steps: 40, batchSize: 16, seed: 1, patience: 9, evaluateEvery: 10,
  network: mlp({ hidden: [8, 8], norm: true, residual: true, time: { kind: 'sinusoid', dim: 8 }, classEmbedding: 2 }), table: { kind: 'golden' } };
const model = await train({ ...options, checkpoint: { file: out('training'), resume: false } });
await model.save(out('model'));
const { x } = await model.sample({ n: 3, seed: 1, condition: { numbers: [5], labels: 1 } });
console.log(JSON.stringify([...x]));`;
const outfile = join(folder, 'make.mjs');
const external = ['onnxruntime-node', '@observablehq/plot', '@resvg/resvg-js', 'linkedom'];
await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', external, logLevel: 'error' });
process.env['FLOWMATCH_ADDON'] ??= join(root, 'build/Release/flowmatch.node');
await import(pathToFileURL(outfile).href);
rmSync(folder, { recursive: true });
