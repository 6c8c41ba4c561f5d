// Installs the packed tarballs into an empty project with scripts blocked and no compiler in reach, and uses them as a stranger would:
// ESM, CommonJS, TypeScript, the CLI. Then publint and attw judge the tarball, and its size and contents are bounded.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensure, root, run } from './ensure.mjs';
import { stage } from './stage.mjs';

ensure();
run(process.execPath, ['scripts/prebuild.mjs']);
const folder = mkdtempSync(join(tmpdir(), 'flowmatch-pack-'));
const project = join(folder, 'project');
const tools = join(folder, 'bin');
mkdirSync(project);
mkdirSync(tools);
// A PATH that holds node alone: a compiler or CMake cannot be found by accident.
symlinkSync(process.execPath, join(tools, 'node'));

function check(title, command, args, env = process.env) {
  const result = spawnSync(command, args, { cwd: project, env, encoding: 'utf8' });
  if (result.status !== 0) {
    console.error(`pack: ${title} FAILED (${result.status ?? result.signal})\n${result.stdout}${result.stderr}`);
    process.exitCode = 1;
  } else console.log(`pack: ${title}: ok`);
  return result.stdout;
}

const program = (open) => `${open}
const data = Float32Array.from({ length: 2000 }, (_, i) => Math.sin(i * 12.9898) + (i % 2));
const run = async () => {
  const model = await train({ data, columns: 2, steps: 20, batchSize: 64, seed: 1 });
  const { x } = await model.sample({ n: 10, seed: 1 });
  await model.save('m.safetensors');
  const again = await (await Model.load('m.safetensors')).sample({ n: 10, seed: 1 });
  if (x.length !== 20 || !x.every((value, i) => value === again.x[i])) throw new Error('the loaded model samples other rows');
  console.log(info().isa);
};
run();
`;

const { main, platform } = stage(join(folder, 'stage'));
const limit = 2 * 1024 * 1024;
for (const tarball of [main, platform]) {
  console.log(`pack: ${tarball.slice(tarball.lastIndexOf('/') + 1)}: ${(statSync(tarball).size / 1024).toFixed(0)} KiB`);
  if (statSync(tarball).size > limit) {
    console.error('pack: a tarball is larger than 2 MiB');
    process.exitCode = 1;
  }
}
writeFileSync(join(project, 'package.json'), '{ "name": "stranger", "private": true }\n');
check('install with scripts blocked', 'npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', main, platform]);

writeFileSync(join(project, 'esm.mjs'), program("import { train, Model, info } from 'flowmatch';"));
writeFileSync(join(project, 'cjs.cjs'), program("const { train, Model, info } = require('flowmatch');"));
const bare = { PATH: tools, HOME: folder };
check('ESM without a compiler', 'node', ['esm.mjs'], bare);
check('CommonJS without a compiler', 'node', ['cjs.cjs'], bare);
check('the CLI', 'node', ['node_modules/flowmatch/dist/cli.js', '--help'], bare);

writeFileSync(join(project, 'types.ts'), program("import { train, Model, info } from 'flowmatch';"));
const strictly = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--module', 'nodenext', 'types.ts'];
const tsc = join(root, 'node_modules/typescript/bin/tsc');
check('TypeScript', process.execPath, [tsc, ...strictly, '--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]);
check('TypeScript without the types of Node', process.execPath, [tsc, ...strictly, '--typeRoots', join(project, 'none')]);
check('publint', process.execPath, [join(root, 'node_modules/publint/src/cli.js'), 'run', main, '--strict']);
check('attw', process.execPath, [join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js'), main, '--profile', 'esm-only']);
rmSync(folder, { recursive: true, force: true });
