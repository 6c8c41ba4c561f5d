// Makes a fresh clone ready: Node version, exact dependencies, compiled addon, bundled library. Each step runs only when its inputs changed.
// Plain Node, no dependency: it must run before anything is installed. `node scripts/ensure.mjs [--bundle]`
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const stampFolder = join(root, 'node_modules', '.flowmatch');

/** Runs a command from the root; ends this process with its exit code when it fails. */
export function run(command, args, options = {}) {
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', ...options.env };
  const result = spawnSync(command, args, { cwd: root, stdio: options.quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit', env, encoding: 'utf8' });
  if (result.status === 0) return;
  if (options.quiet) process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail(`\`${command} ${args.join(' ')}\` failed${result.error ? `: ${result.error.message}` : ''}.`, result.status || 1);
}

function fail(message, code = 1) {
  process.stderr.write(`flowmatch: ${message}\n`);
  process.exit(code);
}

function files(folder, pattern) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path.slice(root.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

const isDone = (name, key, products) => {
  const stamp = join(stampFolder, `${name}.stamp`);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === key && products.every((product) => existsSync(join(root, product)));
};

/** Runs `work` unless `name` was stamped with the same key and `products` exist; says what it does and how long it took. */
function step(name, title, key, products, work) {
  if (isDone(name, key, products)) return;
  const start = performance.now();
  process.stderr.write(`flowmatch: ${title} ...\n`);
  work();
  mkdirSync(stampFolder, { recursive: true });
  writeFileSync(join(stampFolder, `${name}.stamp`), key);
  process.stderr.write(`flowmatch: ${title}: done in ${((performance.now() - start) / 1000).toFixed(0)} s\n`);
}

/** The command that installs a compiler and CMake on this system. */
function toolchainCommand() {
  if (process.platform === 'darwin') return 'xcode-select --install && brew install cmake';
  if (process.platform === 'win32') return 'winget install Kitware.CMake Microsoft.VisualStudio.2022.BuildTools';
  const managers = {
    'apt-get': 'sudo apt-get install -y build-essential cmake',
    dnf: 'sudo dnf install -y gcc-c++ make cmake',
    apk: 'sudo apk add build-base cmake',
  };
  const found = Object.keys(managers).find((manager) => spawnSync('sh', ['-c', `command -v ${manager}`]).status === 0);
  return managers[found] ?? managers['apt-get'];
}

function checkToolchain() {
  const works = (command, args = ['--version']) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  const missing = [];
  if (!works('cmake')) missing.push('CMake (3.20 or newer)');
  if (process.platform !== 'win32') {
    if (!works(process.env.CXX ?? 'c++') && !works('g++') && !works('clang++')) missing.push('a C++20 compiler (g++ 12 or clang 16, or newer)');
    if (!works('make') && !works('ninja')) missing.push('make');
  }
  if (missing.length > 0) fail(`${missing.join(' and ')} not found. Install with:\n\n    ${toolchainCommand()}\n\nand run the same command again.`);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) fail(`Node ${process.versions.node} is too old: 20.19 or newer is needed (https://nodejs.org).`);
}

export function ensure({ bundle = true } = {}) {
  checkNode();
  const native = [join(root, 'CMakeLists.txt'), ...files(join(root, 'native'), /\.(cc|h)$/), ...files(join(root, 'test/native'), /\.(cc|h)$/)];
  const [compiled, addon] = [digest(native), ['build/Release/flowmatch.node']];
  if (!isDone('native', compiled, addon)) checkToolchain(); // before anything that takes time
  step('install', 'installing exact dependencies', digest([join(root, 'package-lock.json')]), ['node_modules/vitest'], () => {
    run(process.platform === 'win32' ? 'npm.cmd' : 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  });
  step('native', 'compiling the addon (a minute or two)', compiled, addon, () => {
    run(process.execPath, ['node_modules/cmake-js/bin/cmake-js', 'build', '--silent'], { quiet: true, env: { CMAKE_BUILD_PARALLEL_LEVEL: '2' } });
  });
  if (!bundle) return;
  const sources = [
    join(root, 'package.json'),
    ...['bundle.mjs', 'late-rooms.mjs'].map((name) => join(root, 'scripts', name)),
    ...files(join(root, 'lib'), /\.ts$/),
  ];
  step('bundle', 'bundling the library', digest(sources), ['dist/index.js', 'dist/cli.js', 'dist/index.d.ts'], () =>
    run(process.execPath, ['scripts/bundle.mjs']),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) ensure({ bundle: !process.argv.includes('--no-bundle') });
