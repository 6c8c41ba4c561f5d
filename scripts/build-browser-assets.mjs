// Builds what HTML pages and PNGs need beside the code: `plot.browser.js` (lib/plot/draw with Observable Plot, one minified file) and the two font files.
// scripts/bundle.mjs calls `buildBrowserAssets(join(dist, 'assets'))` after it has cleared dist, and names the packages among `inputs` (Plot and the d3
// modules) and lib/plot/fonts/LICENSE in THIRD-PARTY-NOTICES. Run by hand, or before the tests (test/setup.mjs), it fills
// node_modules/.cache/flowmatch/assets, where a checkout looks.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
export const cache = join(root, 'node_modules/.cache/flowmatch/assets');

/** Fills `folder`; resolves to the source files that went into the bundle, relative to the root. */
export async function buildBrowserAssets(folder = cache) {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['lib/plot/draw/browser.ts'],
    outfile: join(folder, 'plot.browser.js'),
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    // The file stands inside a <script>: neither of these may close it.
    supported: { 'inline-script': false },
    charset: 'ascii',
    metafile: true,
    logLevel: 'warning',
  });
  for (const font of ['inter-Regular.otf', 'inter-SemiBold.otf']) copyFileSync(join(root, 'lib/plot/fonts', font), join(folder, font));
  return { inputs: Object.keys(metafile.inputs) };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await buildBrowserAssets(process.argv[2]);
