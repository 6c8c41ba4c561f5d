// The limit on the time of an example: that it is named when it strikes, and that it is a number.

import { spawnSync } from 'node:child_process';
import { expect, it, test } from 'vitest';

const examples = (seconds: string) =>
  spawnSync(process.execPath, ['scripts/run-examples.mjs', 'moons'], { encoding: 'utf8', env: { ...process.env, FLOWMATCH_EXAMPLE_SECONDS: seconds } });

it('says that it is the limit which an example ran into', () => {
  const { status, stdout } = examples('0.05');
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /FAIL moons .*: stopped at the limit of 0\.05 s and not by an error of its own\. Examples are to be tried on the spot: each example must end within a minute/,
  );
});

test.each(['abc', '0', '-1', 'Infinity', '1e9'])('refuses a limit of %s', (seconds) => {
  const { status, stdout, stderr } = examples(seconds);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe(`examples: FLOWMATCH_EXAMPLE_SECONDS is "${seconds}": expected seconds, above 0 and at most 86400.\n`);
});

it('takes an empty limit as none given', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/run-examples.mjs', 'no such example'], {
    encoding: 'utf8',
    env: { ...process.env, FLOWMATCH_EXAMPLE_SECONDS: '' },
  });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/none has "no such example" in its name/)]);
});
