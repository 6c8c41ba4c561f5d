// lib/ -> dist/: one ESM entry, the CLI, lazy chunks shared by both, type declarations, and the notices of the bundled pure-JavaScript packages.
// Optional peers stay external. Sixty separate modules cost 17 ms at start, one costs none: hence the bundle.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildBrowserAssets } from './build-browser-assets.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

// commander is CommonJS: inside an ES module its require('node:events') must become an import
const requireNode = {
  name: 'require-node',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ kind, path }) => (kind === 'require-call' ? { path, namespace: 'require-node' } : undefined));
    onLoad({ filter: /.*/, namespace: 'require-node' }, ({ path }) => ({ contents: `import value from '${path}'; module.exports = value;` }));
  },
};

const entries = { index: 'lib/index.ts', cli: 'lib/cli/main.ts' };
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(join(root, file)))),
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  external: Object.keys(manifest.peerDependencies),
  plugins: [requireNode],
  legalComments: 'none',
  sourcemap: false,
  metafile: true,
  logLevel: 'warning',
});
const { inputs: browserInputs } = await buildBrowserAssets(join(dist, 'assets'));
if (existsSync(join(dist, 'cli.js'))) chmodSync(join(dist, 'cli.js'), 0o755);

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
