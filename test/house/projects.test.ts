// npm test runs every test file once, and those that look at the clock or at memory alone, when all others are through.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import config from '../../vitest.config.ts';

test('every test file stands in one project, and *.timing.test.ts in the one that runs alone', { timeout: 60_000 }, () => {
  const { stdout } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', '--json'], { encoding: 'utf8' });
  const listed = (JSON.parse(stdout) as { file: string; projectName: string }[]).map(({ file, projectName }) => [
    file.slice(file.lastIndexOf('/test/') + 1),
    projectName,
  ]);
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
  const wanted = files.map((name) => [`test/${name.replaceAll('\\', '/')}`, name.endsWith('.timing.test.ts') ? 'alone' : 'side by side']);
  expect(listed.sort()).toEqual(wanted.sort());
  expect(wanted.filter(([, project]) => project === 'alone').length).toBeGreaterThan(2);
});

test('one file at a time, after all others', () => {
  const settings = (config.test?.projects ?? []).map(
    (project) => (project as { test: { name: string; maxWorkers: number; sequence: { groupOrder: number } } }).test,
  );
  const [beside, alone] = ['side by side', 'alone'].map((name) => settings.find((one) => one.name === name));
  expect(alone?.maxWorkers).toBe(1);
  expect(alone?.sequence.groupOrder).toBeGreaterThan(beside?.sequence.groupOrder as number);
});
