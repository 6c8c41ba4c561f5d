// A clone on a machine without CMake or a compiler: told at once which command installs them, before anything is downloaded.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = temporaryFolder();

describe.skipIf(process.platform === 'win32')('a machine without a toolchain', () => {
  it('gets the command that installs it', () => {
    const clone = at('clone');
    mkdirSync(join(clone, 'bin'), { recursive: true });
    for (const path of ['scripts', 'package.json', 'package-lock.json', 'CMakeLists.txt']) cpSync(join(root, path), join(clone, path), { recursive: true });
    symlinkSync(process.execPath, join(clone, 'bin/node'));
    symlinkSync('/bin/sh', join(clone, 'bin/sh'));
    const { status, stderr } = spawnSync(process.execPath, ['scripts/quickstart.mjs'], { cwd: clone, env: { PATH: join(clone, 'bin') }, encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^flowmatch: CMake .* not found\. Install with:\n\n {4}\S.*(cmake|CMake).*\n\nand run the same command again\.\n$/);
    expect(existsSync(join(clone, 'node_modules'))).toBe(false);
  });
});
