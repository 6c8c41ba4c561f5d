// Stages the package as it is published: dist/, documents, and a manifest without scripts and development dependencies, whose
// optionalDependencies name the platform packages. Returns the paths of the two tarballs.
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './ensure.mjs';

function pack(folder, target) {
  const result = spawnSync('npm', ['pack', '--silent', '--pack-destination', target], { cwd: folder, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`npm pack failed: ${result.stderr}`);
  return join(target, result.stdout.trim().split('\n').at(-1));
}

/** Packs the main package and the package of this platform into `target`. */
export function stage(target) {
  rmSync(target, { recursive: true, force: true });
  const main = join(target, 'flowmatch');
  mkdirSync(main, { recursive: true });
  const {
    scripts: _scripts,
    devDependencies: _dev,
    allowScripts: _allow,
    binary: _binary,
    ...manifest
  } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const platforms = readdirSync(join(root, 'npm')).filter((name) => existsSync(join(root, 'npm', name, 'package.json')));
  manifest.optionalDependencies = Object.fromEntries(platforms.map((name) => [`@flowmatch/${name}`, manifest.version]));
  writeFileSync(join(main, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, 'dist'), join(main, 'dist'), { recursive: true });
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) copyFileSync(join(root, file), join(main, file));
  copyFileSync(join(root, 'dist/THIRD-PARTY-NOTICES'), join(main, 'THIRD-PARTY-NOTICES'));
  return { main: pack(main, target), platform: pack(join(root, 'npm', `${process.platform}-${process.arch}`), target) };
}
