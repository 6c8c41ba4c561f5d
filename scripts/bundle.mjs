// lib/ -> dist/: the library and the CLI, each with lazy chunks of its own, type declarations, and the notices of the bundled pure-JavaScript packages.
// Optional peers stay external. Sixty separate modules cost 17 ms at start, one costs none: hence the bundle. Chunks shared by library and CLI would cut the
// library into sixteen files of a millisecond each: hence two builds. What reads ONNX (protobuf: most of the time of the import) loads on its first use.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { buildBrowserAssets } from './build-browser-assets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
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

// Rooms that load on their first use: in the built library a function of theirs is a stub that loads its file with require(), which shares every module that
// import already knows. Only functions can be late; the check at the end holds that.
const late = { onnx: ['onnx/inspect.ts'], plot: ['plot/index.ts'], table: ['table/fit.ts', 'table/sample.ts'] };
const indexFile = join(root, 'lib/index.ts');
const indexText = readFileSync(indexFile, 'utf8');
/** The values that index.ts takes from a file. */
const namesFrom = (file) => {
  const list = new RegExp(`export \\{([^}]*)\\} from './${file.replaceAll('.', '\\.')}'`).exec(indexText)?.[1];
  if (list === undefined) throw new Error(`lib/index.ts exports nothing from ./${file}`);
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name && !name.startsWith('type '));
};
// Each late file, and each that is imported dynamically, also holds on to the whole of index.ts: what is shared is then one chunk and not one for each set of users.
const withIndex = (...files) => ({
  contents: [...files.map((file) => `export * from '${file}';`), `export * as library from '${indexFile}';`].join('\n'),
  resolveDir: root,
  loader: 'ts',
});
const lateRooms = {
  name: 'late-rooms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^late:/ }, ({ path }) => ({ path: path.slice(5), namespace: 'room' }));
    onLoad({ filter: /.*/, namespace: 'room' }, ({ path }) => withIndex(...late[path].map((file) => join(root, 'lib', file))));
    onResolve({ filter: /^csv-parse$/ }, ({ path, kind }) => (kind === 'dynamic-import' ? { path, namespace: 'dynamic' } : undefined));
    onResolve({ filter: /^\.\.?\// }, ({ path, importer, kind, resolveDir }) => {
      const room = importer === indexFile && Object.keys(late).find((name) => late[name].some((file) => path === `./${file}`));
      if (room) return { path: path.slice(2), namespace: 'late', pluginData: room };
      return kind === 'dynamic-import' ? { path: join(resolveDir, path), namespace: 'dynamic' } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'dynamic' }, ({ path }) => withIndex(path));
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path, pluginData }) => ({
      contents: [
        `import { createRequire } from 'node:module'; const load = createRequire(import.meta.url);`,
        ...namesFrom(path).map((name) => `export function ${name}(...args) { return load('../late/${pluginData}.js').${name}(...args); }`),
      ].join('\n'),
    }));
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
  });
const library = await bundle(
  { index: 'lib/index.ts', ...Object.fromEntries(Object.keys(late).map((room) => [`late/${room}`, `late:${room}`])) },
  'chunks/[name]-[hash]',
  [nodeModules, lateRooms],
);
const cli = await bundle({ cli: 'lib/cli/main.ts' }, 'chunks/cli-[name]-[hash]', [nodeModules]);
const metafile = { inputs: { ...library.metafile.inputs, ...cli.metafile.inputs } };
const { inputs: browserInputs } = await buildBrowserAssets(join(dist, 'assets'));
chmodSync(join(dist, 'cli.js'), 0o755);

// An import of the library reads two files, and nothing of what is late is in them.
const eager = new Set();
const reach = (file) => {
  if (eager.has(file) || !library.metafile.outputs[file]) return;
  eager.add(file);
  for (const { path, kind } of library.metafile.outputs[file].imports) if (kind === 'import-statement') reach(path);
};
reach('dist/index.js');
const early = [...eager]
  .flatMap((file) => Object.keys(library.metafile.outputs[file].inputs))
  .filter((file) => /node_modules|lib\/(plot|onnx|report|cli)\//.test(file));
if (eager.size > 2 || early.length > 0)
  throw new Error(`bundle: importing the library reads ${[...eager].join(', ')}, and with them ${early.join(', ') || 'nothing late'}`);

// What was made late must be a plain function, and must be there.
const built = await import(pathToFileURL(join(dist, 'index.js')).href);
for (const room of Object.keys(late)) {
  const there = await import(pathToFileURL(join(dist, 'late', `${room}.js`)).href);
  for (const name of late[room].flatMap(namesFrom)) {
    const isClass = /^class\b/.test(Function.prototype.toString.call(there[name] ?? ''));
    if (typeof there[name] !== 'function' || isClass || typeof built[name] !== 'function')
      throw new Error(`bundle: ${name} of ${room} cannot be late: it is no plain function`);
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
