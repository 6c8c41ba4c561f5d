// npm run bench [-- options]: bundles the TypeScript of bench/ into build/bench and runs it; `--peers` installs what we are compared with,
// `--render [--check]` writes docs/performance.md from stored results, or holds it against them.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
if (process.argv.includes('--peers')) {
  const { installPeers } = await import('./peers.mjs');
  process.exit(installPeers());
}
const outdir = join(root, 'build/bench');
await build({
  absWorkingDir: root,
  entryPoints: ['main', 'render-main', 'drivers/ours', 'drivers/onnxruntime', 'drivers/tensorflow'].map((name) => `bench/${name}.ts`),
  outbase: 'bench',
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'error',
});
await import(pathToFileURL(join(outdir, process.argv.includes('--render') ? 'render-main.mjs' : 'main.mjs')).href);
