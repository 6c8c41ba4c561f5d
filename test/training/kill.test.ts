// A short version of scripts/rehearse/kill.mjs: kill -9 at random moments, look at the file, go on.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { addonFile } from '../support/bundle.ts';

it('survives 25 kills with a whole file each time and at most one interval lost', async () => {
  const script = fileURLToPath(new URL('../../scripts/rehearse/kill.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, '25', '7'], { env: { ...process.env, FLOWMATCH_ADDON: addonFile() } });
  expect(stdout).toMatch(/25 kills in \d+ s: 0 corrupt, at most [0-5] steps lost/);
}, 240_000);
