import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { version } from '../../lib/version.ts';

test('the version constant is that of package.json and of the platform packages', () => {
  for (const file of ['../../package.json', '../../npm/linux-x64/package.json']) {
    expect(JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).version).toBe(version);
  }
});
