// Runs every program of examples/ against the built package, each in an empty folder of its own and for at most a minute (three on a shared machine).
// A program that finds its own result wrong exits non-zero; so does this script. `node scripts/run-examples.mjs moons` runs those whose name contains "moons".
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';
import { bundleProgram } from './flowmatch-alias.mjs';

const limitSeconds = Number(process.env.FLOWMATCH_EXAMPLE_SECONDS || (process.env.CI ? 180 : 60));
if (!(limitSeconds > 0 && limitSeconds <= 86_400)) {
  console.error(
    `examples: FLOWMATCH_EXAMPLE_SECONDS is ${JSON.stringify(process.env.FLOWMATCH_EXAMPLE_SECONDS)}: expected seconds, above 0 and at most 86400.`,
  );
  process.exit(2);
}
const pastLimit =
  `stopped at the limit of ${limitSeconds} s and not by an error of its own. Examples are to be tried on the spot: each example must end within a minute (CI: three). ` +
  'Run it alone on an idle machine; where it is still too long, give it fewer steps or rows. FLOWMATCH_EXAMPLE_SECONDS sets another limit.';
if (!existsSync(join(root, 'dist/index.js'))) ensure();
const wanted = process.argv[2] ?? '';
const all = readdirSync(join(root, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .sort();
const names = all.filter((file) => file.includes(wanted));
if (names.length === 0) {
  console.error(`examples: none has ${JSON.stringify(wanted)} in its name. There are: ${all.map((file) => file.slice(0, -3)).join(', ')}`);
  process.exit(1);
}

/** Seconds it took, or null when the program failed. */
export async function runProgram(file, name) {
  const program = await bundleProgram(file, 'examples', name);
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-example-'));
  const start = performance.now();
  const run = spawnSync(process.execPath, ['--unhandled-rejections=strict', program], {
    cwd: folder,
    encoding: 'utf8',
    timeout: limitSeconds * 1000,
    env: { ...process.env, FLOWMATCH_EXAMPLES: join(root, 'examples') },
  });
  const seconds = (performance.now() - start) / 1000;
  rmSync(folder, { recursive: true, force: true });
  const fine = run.status === 0;
  const reason = run.error?.code === 'ETIMEDOUT' ? pastLimit : (run.signal ?? `exit code ${run.status}`);
  console.log(`${fine ? 'ok  ' : 'FAIL'} ${name} (${seconds.toFixed(1)} s)${fine ? '' : `: ${reason}`}`);
  const text = `${run.stdout}${fine ? '' : run.stderr}`.trimEnd();
  if (text) console.log(text.replace(/^/gm, '     '));
  return fine ? seconds : null;
}

let failed = 0;
for (const file of names) if ((await runProgram(join(root, 'examples', file), file.slice(0, -3))) === null) failed++;
console.log(`examples: ${names.length - failed} of ${names.length} ok`);
process.exit(failed === 0 ? 0 : 1);
