// Runs one table: `node bench/tables/run.mjs tables [arguments]`. Bundles bench/tables/tables.ts with the library's sources and runs it here, against build/Release.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [name, ...rest] = process.argv.slice(2);
if (!name) {
  console.error('usage: node bench/tables/run.mjs NAME [arguments]   (tables, choices, defaults)');
  process.exit(2);
}
const outfile = join(root, 'build/tables', `${name}.mjs`);
await build({
  entryPoints: [join(root, 'bench/tables', `${name}.ts`)],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile,
  logLevel: 'error',
  packages: 'external',
  // CommonJS inside an ESM bundle asks for `require`.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
});
process.exit(spawnSync(process.execPath, [outfile, ...rest], { cwd: root, stdio: 'inherit' }).status ?? 1);
