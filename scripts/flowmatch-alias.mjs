// Programs that say `import ... from 'flowmatch'` (examples, code in the documents) as one file each that imports the built package in dist/.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
export const scratch = join(root, '.scratch');
const built = pathToFileURL(join(root, 'dist/index.js')).href;

const alias = {
  name: 'flowmatch',
  setup({ onResolve }) {
    onResolve({ filter: /^flowmatch$/ }, () => ({ path: built, external: true }));
  },
};

/** Bundles `file` (other packages stay imports) into .scratch/<folder>; resolves to the path of the result. */
export async function bundleProgram(file, folder, name) {
  const outfile = join(scratch, folder, `${name}.mjs`);
  mkdirSync(join(scratch, folder), { recursive: true });
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    plugins: [alias],
    logLevel: 'silent',
  });
  return outfile;
}
