// `npm run quickstart`: readies the clone (dependencies, addon, bundle), then runs the main job on a real table through the bundled CLI,
// printing each plain command before it runs, so that it can be typed again on another file.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';
import { commands } from './quickstart-commands.mjs';

ensure();
mkdirSync(join(root, 'out'), { recursive: true });
for (const { title, args } of commands) {
  process.stderr.write(`\n# ${title}\n$ npx flowmatch ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [join(root, 'dist/cli.js'), ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
process.stderr.write(
  '\nThe same commands work on your own file: replace examples/data/penguins.csv. Results are in out/; open out/penguins.html in a browser.\n',
);
