// kill -9 at random moments of a training run with a tiny checkpoint interval: no corrupt file, at most one interval lost, and in the end the bytes of a quiet run.
//   node scripts/rehearse/kill.mjs [kills=300] [seed=1] [folder]      exits 1 on the first broken promise
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const everySteps = 5;

/** The victim: reports the step of each checkpoint that is safely written, one line each, then trains on. Each step that is begun is noted in a file that outlives it. */
const victim = `
import { openSync, writeSync } from 'node:fs';
import { adamw, mlp, Trainer } from '${join(root, 'lib/index.ts')}';
const [file, steps] = process.argv.slice(2);
const data = Array.from({ length: 256 }, (_, i) => [Math.sin(i), Math.cos(3 * i), Math.sin(i * i)]);
const note = openSync(file + '.step', 'w');
const lr = (step) => (writeSync(note, String(step + 1).padStart(12), 0), 1e-3);
const trainer = new Trainer({ data, optimiser: adamw({ lr }), steps: Number(steps), seed: 1, batchSize: 32, network: mlp({ hidden: [32, 32] }), evaluateEvery: 50, checkpoint: { file, everySteps: ${everySteps} } });
let told = -1;
for await (const { checkpointStep } of trainer) {
  if (trainer.resumed && told < 0) console.log('resumed', trainer.resumed.step);
  if (checkpointStep !== null && checkpointStep !== told) console.log('written', (told = checkpointStep));
}
console.log('finished', trainer.step);`;
/** The reader: what a stranger finds after the kill. */
const reader = `
import { readCheckpoint } from '${join(root, 'lib/checkpoint/checkpoint.ts')}';
const { trainer } = await readCheckpoint(process.argv[2]);
console.log(trainer.step);`;

/** Runs the loop; resolves with its counts. Throws on a corrupt file or a lost interval. */
export async function killLoop({ kills, seed = 1, folder = mkdtempSync(join(tmpdir(), 'flowmatch-kill-')), steps = 1e9, log = () => undefined }) {
  const programs = {};
  for (const [name, contents] of Object.entries({ victim, reader })) {
    programs[name] = join(folder, `${name}.mjs`);
    const options = { bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'error' };
    const external = ['onnxruntime-node', '@observablehq/plot', '@resvg/resvg-js', 'linkedom'];
    await build({ stdin: { contents, resolveDir: root, loader: 'ts' }, outfile: programs[name], external, ...options });
  }
  const env = { FLOWMATCH_ADDON: join(root, 'build/Release/flowmatch.node'), ...process.env };
  const file = join(folder, 'run.safetensors');
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const run = (program, args, onChild = () => undefined) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args.map(String)], { env });
      let out = '';
      let err = '';
      child.stdout.on('data', (part) => {
        out += part;
        onChild(child, out);
      });
      child.stderr.on('data', (part) => {
        err += part;
      });
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, out, err }));
    });

  let [safe, early, lostMost, reached] = [0, 0, 0, 0];
  for (let k = 0; k < kills; k++) {
    // Mostly while training and saving; some kills hit before or between.
    const delay = random() * 120;
    let armed = false;
    const { signal, code, out, err } = await run(programs.victim, [file, steps], (child, text) => {
      if (armed || !/written/.test(text)) return;
      armed = true;
      setTimeout(() => child.kill('SIGKILL'), delay);
    });
    if (signal !== 'SIGKILL') throw new Error(`kill ${k}: the victim ended by itself with ${code}: ${err}`);
    const written = [...out.matchAll(/^written (\d+)$/gm)].at(-1);
    const resumed = /^resumed (\d+)$/m.exec(out);
    if (resumed && Number(resumed[1]) !== reached) throw new Error(`kill ${k}: resumed at ${resumed[1]}, the file stood at ${reached}`);
    const told = written ? Number(written[1]) : safe;
    const found = await run(programs.reader, [file]);
    if (found.code !== 0) throw new Error(`kill ${k}: corrupt: ${found.err}`);
    reached = Number(found.out);
    if (reached < told) throw new Error(`kill ${k}: step ${told} was reported as written, the file holds ${reached}`);
    const at = Number(readFileSync(`${file}.step`, 'utf8'));
    lostMost = Math.max(lostMost, at - reached);
    if (at - reached > everySteps) throw new Error(`kill ${k}: at step ${at} the file holds ${reached}: more than one interval of ${everySteps} lost`);
    if (!written) early++;
    safe = reached;
    if (k % 25 === 24) log(`${k + 1} kills, file at step ${reached}`);
  }
  // The cut-up run, finished, has the bytes of a quiet one.
  const end = safe + 20;
  const quiet = join(folder, 'quiet.safetensors');
  for (const target of [file, quiet]) {
    const { code, err } = await run(programs.victim, [target, end]);
    if (code !== 0) throw new Error(`finishing ${target}: ${err}`);
  }
  if (!readFileSync(file).equals(readFileSync(quiet))) throw new Error(`after ${kills} kills the file differs from that of a quiet run of ${end} steps`);
  const left = readdirSync(folder).filter((name) => name.endsWith('.tmp'));
  if (left.length > 0) throw new Error(`temporaries left: ${left.join(', ')}`);
  rmSync(folder, { recursive: true, force: true });
  return { kills, early, steps: end, lostMost };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kills = '300', seed = '1'] = process.argv.slice(2);
  const began = Date.now();
  const result = await killLoop({ kills: Number(kills), seed: Number(seed), log: console.log });
  console.log(
    `${result.kills} kills in ${Math.round((Date.now() - began) / 1000)} s: 0 corrupt, at most ${result.lostMost} steps lost (interval ${everySteps}), ${result.steps} steps end with the bytes of a quiet run`,
  );
}
