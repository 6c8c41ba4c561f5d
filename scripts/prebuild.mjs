// `npm run prebuild`: compiles the addon for this platform into its package under npm/. The symbol floor is checked by scripts/check-symbols.sh.
import { copyFileSync, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, root, run } from './ensure.mjs';

const platform = `${process.platform}-${process.arch}`;
const folder = join(root, 'npm', platform);
if (!existsSync(folder)) {
  console.error(`prebuild: there is no package npm/${platform}; this platform is built from source (npm run ready).`);
  process.exit(1);
}
ensure({ bundle: false });
const file = join(folder, 'flowmatch.node');
copyFileSync(join(root, 'build/Release/flowmatch.node'), file);
run('strip', ['--strip-unneeded', file]);
console.log(`npm/${platform}/flowmatch.node: ${(statSync(file).size / 1024).toFixed(0)} KiB`);
