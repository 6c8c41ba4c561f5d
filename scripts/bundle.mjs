// lib/ -> dist/: the library and the CLI, each with lazy chunks of its own, type declarations, and the notices of the bundled pure-JavaScript packages.
// Optional peers stay external. Sixty separate modules cost 17 ms at start, one costs none: hence the bundle. Chunks shared by library and CLI would cut the
// library into sixteen files of a millisecond each: hence two builds. What an import does not need loads on its first use (late-rooms.mjs).
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildBrowserAssets } from './build-browser-assets.mjs';
import { functionsOf, inRoom, late, lateRooms, roomOf } from './late-rooms.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What an import may read: the engine takes 30 us for a kilobyte, on a slow machine. */
const mostEagerBytes = 124 * 1024;
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

// Modules of Node are taken from the process: the ES module view of node:fs reads every one of its exports, which loads all streams (1 ms), and
// commander is CommonJS, whose require('node:events') an ES module does not have.
// To an import their exports are constants, of which esbuild drops what nobody reads: the view of a CommonJS module would copy them all (1 ms).
const nodeModules = {
  name: 'node-modules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) => ({ path, namespace: kind === 'require-call' ? 'node-required' : 'node-modules' }));
    onLoad({ filter: /.*/, namespace: 'node-required' }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule('${path}');` }));
    onLoad({ filter: /.*/, namespace: 'node-modules' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path)).filter((name) => /^[A-Za-z]\w*$/.test(name) && name !== 'default' && name !== 'constructor');
      const lines = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => all.${name})();`);
      return { contents: [`const all = process.getBuiltinModule('${path}');`, 'export default all;', ...lines].join('\n') };
    });
  },
};

const bundle = (entryPoints, chunkNames, plugins) =>
  build({
    absWorkingDir: root,
    entryPoints,
    outdir: 'dist',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    chunkNames,
    external: Object.keys(manifest.peerDependencies),
    plugins,
    legalComments: 'none',
    minifyWhitespace: true, // the engine reads every character before it runs the first: 1.5 ms; names stay, for stack traces
    minifySyntax: true,
    lineLimit: 200, // an uncaught error prints the line that threw
    sourcemap: false,
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
  });
const library = await bundle(
  { index: 'lib/index.ts', ...Object.fromEntries(Object.keys(late).map((room) => [`late/${room}`, `late:${room}`])) },
  'chunks/[name]-[hash]',
  [nodeModules, lateRooms],
);
const cli = await bundle({ cli: 'lib/cli/main.ts' }, 'chunks/cli-[name]-[hash]', [nodeModules]);
// For bundlers (the condition "module" of the manifest), which do not follow a require() of an ES module: the library with nothing late but what is imported dynamically.
const whole = await bundle({ whole: 'lib/index.ts' }, 'chunks/whole-[name]-[hash]', [nodeModules]);
const metafile = { inputs: { ...library.metafile.inputs, ...cli.metafile.inputs, ...whole.metafile.inputs } };
const { inputs: browserInputs } = await buildBrowserAssets(join(dist, 'assets'));
chmodSync(join(dist, 'cli.js'), 0o755);

// An import of the library reads two files and little of them; nothing of what is late is there.
const eager = new Set();
const reach = (file) => {
  if (eager.has(file) || !library.metafile.outputs[file]) return;
  eager.add(file);
  for (const { path, kind } of library.metafile.outputs[file].imports) if (kind === 'import-statement') reach(path);
};
reach('dist/index.js');
const eagerInputs = [...eager].flatMap((file) => Object.keys(library.metafile.outputs[file].inputs));
const early = eagerInputs.filter((file) => /^(node_modules|lib\/(plot|onnx|report|cli))\//.test(file) || (file.startsWith('lib/') && roomOf(join(root, file))));
const bytes = [...eager].reduce((sum, file) => sum + library.metafile.outputs[file].bytes, 0);
if (eager.size > 2 || early.length > 0 || bytes > mostEagerBytes)
  throw new Error(
    `bundle: importing the library reads ${bytes} bytes (at most ${mostEagerBytes}) of ${[...eager].join(', ')}, and with them ${early.join(', ') || 'nothing late'}`,
  );

// A stub is for files that are early: any other takes the file itself.
const withStubs = Object.entries(library.metafile.inputs).filter(([, { imports }]) => imports.some(({ path }) => path.startsWith('late:')));
const strangers = withStubs.map(([file]) => file).filter((file) => !eagerInputs.includes(file));
if (strangers.length > 0) throw new Error(`bundle: ${strangers.join(', ')} are late and take stubs of what is late: name them in the rooms`);

// Every stub must find its function, and what was made late must be a plain one.
const stubs = [...new Set(Object.values(library.metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)))].filter((input) => input.startsWith('late:'));
for (const file of stubs.map((input) => join(root, relative(root, input.slice('late:'.length))))) {
  const there = await import(pathToFileURL(join(dist, 'late', `${roomOf(file)}.js`)).href);
  for (const name of functionsOf(file)) {
    const found = there[inRoom(file, name)];
    if (typeof found !== 'function' || /^class\b/.test(Function.prototype.toString.call(found)))
      throw new Error(`bundle: ${name} of ${relative(root, file)} cannot be late: it is no plain function`);
  }
}

const tsc = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'];
const types = spawnSync(process.execPath, tsc, { cwd: root, stdio: 'inherit' });
if (types.status !== 0) process.exit(types.status ?? 1);

/** Folders of the packages whose code the bundle holds. */
function bundledPackages() {
  const found = new Set();
  for (const file of [...Object.keys(metafile.inputs), ...browserInputs]) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file);
    if (match) found.add(match[1]);
  }
  return [...found].sort();
}

function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file ? readFileSync(join(root, folder, file), 'utf8').trim() : '(no licence file in the package)';
  return `${name} ${version} (${license})\n\n${text}\n`;
}
const rule = `\n${'-'.repeat(78)}\n\n`;
const head = 'flowmatch bundles these packages; their licences follow.\n';
writeFileSync(
  join(dist, 'THIRD-PARTY-NOTICES'),
  [head, ...bundledPackages().map(notice), readFileSync(join(root, 'lib/plot/fonts/LICENSE'), 'utf8')].join(rule),
);
