// Cold start: a program that imports the package, loads a model file and draws one row with 100 Euler steps, above an empty Node process. Process starts
// alternate (empty, ours, a peer, empty, ...), and their differences to the empty process of the same round are what counts: by the wall clock from spawn to
// exit, and in processor time of all threads of the process until its exit event, which other work on the machine does not lengthen as much.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { euler, exportOnnx, Model } from '../lib/index.ts';
import { peersFolder } from './contenders.ts';
import { record } from './drivers/model.ts';
import { type Spread, spread } from './statistics.ts';
import { markdown, time } from './table.ts';

export interface ColdStart {
  readonly name: string;
  /** Seconds above the empty process, from spawn to exit. */
  readonly above: Spread;
  /** The same in processor time. */
  readonly cpu: Spread;
  /** Smallest start of all less the smallest empty one: what remains when nothing disturbs. */
  readonly least: number;
  readonly starts: number;
}

const here = { d: 2, H: 64, L: 3, B: 256, N: 1 };

/** Programs by name, written into `folder`. */
async function programs(root: string, folder: string): Promise<Record<string, string>> {
  const model = join(folder, 'model.safetensors');
  const graph = join(folder, 'model.onnx');
  const flow = Model.fromRecord(record(here));
  await flow.save(model);
  await exportOnnx(flow, graph, { graph: 'sampler', solver: euler({ steps: 100 }) });
  const text = JSON.stringify;
  const dist = join(root, 'dist/index.js');
  const use = `const model = await Model.load(${text(model)}); model.sampleSync({ n: 1, seed: 1, solver: euler({ steps: 100 }) });`;
  const ort = createRequire(join(root, 'package.json')).resolve('onnxruntime-node');
  const found: Record<string, string> = {
    'empty.mjs': '',
    'flowmatch, import.mjs': `import { euler, Model } from ${text(pathToFileURL(dist).href)}; ${use}`,
    'flowmatch, require.cjs': `const { euler, Model } = require(${text(dist)}); (async () => { ${use} })();`,
    'flowmatch, import alone.mjs': `import { Model } from ${text(pathToFileURL(dist).href)}; void Model;`,
    'onnxruntime-node.cjs': `const { InferenceSession, Tensor } = require(${text(ort)});
      InferenceSession.create(${text(graph)}, { logSeverityLevel: 3, intraOpNumThreads: 1 }).then((session) => session.run({ noise: new Tensor('float32', new Float32Array(2), [1, 2]) }));`,
  };
  const tf = join(peersFolder(), 'node/package.json');
  if (existsSync(join(peersFolder(), 'node/node_modules/@tensorflow/tfjs-core'))) {
    found['TensorFlow.js wasm.cjs'] =
      `const { createRequire } = require('node:module'); const { dirname } = require('node:path'); const here = createRequire(${text(tf)});
      const tf = here('@tensorflow/tfjs-core'); const wasm = here('@tensorflow/tfjs-backend-wasm');
      wasm.setWasmPaths(dirname(here.resolve('@tensorflow/tfjs-backend-wasm')) + '/');
      (async () => { await tf.setBackend('wasm'); await tf.ready();
        const widths = [3, 64, 64, 64, 2]; const w = widths.slice(1).map((out, i) => tf.randomNormal([widths[i], out]));
        let x = tf.randomNormal([1, 2]);
        for (let i = 0; i < 100; i++) x = tf.tidy(() => { let h = tf.concat([x, tf.fill([1, 1], i / 100)], 1);
          w.forEach((m, l) => { h = tf.matMul(h, m); if (l < 3) h = tf.mul(h, tf.sigmoid(h)); }); return tf.add(x, tf.mul(h, 0.01)); });
        await x.data(); })();`;
  }
  const exit = `\nprocess.on('exit', () => { const { user, system } = process.cpuUsage(); process.stderr.write('cpu ' + (user + system)); });\n`;
  const files: Record<string, string> = {};
  for (const [name, source] of Object.entries(found)) {
    const file = join(folder, name.replace(/[^\w.-]+/g, '-'));
    writeFileSync(file, source + exit);
    files[name.replace(/\.[cm]js$/, '')] = file;
  }
  return files;
}

interface Start {
  readonly wall: number;
  readonly cpu: number;
}
function start(file: string): Start {
  const begin = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, [file], { stdio: ['ignore', 'ignore', 'pipe'] });
  const wall = Number(process.hrtime.bigint() - begin) * 1e-9;
  const told = stderr.toString();
  const cpu = /cpu (\d+)$/.exec(told);
  if (status !== 0 || cpu === null) throw new Error(told.trim().split('\n').slice(-3).join(' / '));
  return { wall, cpu: Number(cpu[1]) * 1e-6 };
}

export function coldTable(results: readonly ColdStart[]): string {
  const line = ({ name, above, cpu, least }: ColdStart): string[] => [name, time(above.median), time(least), time(cpu.median), time(cpu.min)];
  return markdown(['program', 'wall, median of differences', 'wall, least less least', 'processor time, median', 'least'], results.map(line));
}

export async function coldStart(root: string, rounds: number, note: (text: string) => void): Promise<ColdStart[]> {
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-cold-'));
  try {
    const files = Object.entries(await programs(root, folder));
    const starts = 8 * rounds;
    const took = new Map<string, Start[]>();
    for (const [name, file] of [...files]) {
      try {
        start(file); // what it reads is in the file cache from here on
        took.set(name, []);
      } catch (error) {
        note(`cold start of ${name}: ${(error as Error).message}`);
      }
    }
    for (let i = 0; i < starts; i++) for (const [name, file] of files) took.get(name)?.push(start(file));
    const empty = took.get('empty') as Start[];
    const least = (list: readonly Start[]): number => Math.min(...list.map(({ wall }) => wall));
    const results = [...took].map(([name, list]): ColdStart => {
      const differences = (clock: keyof Start): number[] => list.map((one, i) => one[clock] - (name === 'empty' ? 0 : (empty[i] as Start)[clock]));
      return {
        name,
        above: spread(differences('wall')),
        cpu: spread(differences('cpu')),
        least: least(list) - (name === 'empty' ? 0 : least(empty)),
        starts,
      };
    });
    console.log(`\ncold start above an empty Node process (its own row: the whole process), ${starts} starts each\n\n${coldTable(results)}`);
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
