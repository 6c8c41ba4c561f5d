// What the commands and programs of README.md write into the root of a clone is no change of the clone.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test.skipIf(!existsSync('.git'))('git ignores the files that README.md writes', () => {
  const blocks = readFileSync('README.md', 'utf8').match(/^```(?:sh|ts).*?^```/gms) ?? [];
  const written = blocks.flatMap((block) => [...block.matchAll(/(?<=[ '])[\w-]+\.(?:safetensors|onnx|html)\b/g)].map(String));
  const names = [...new Set(written)].sort();
  expect(names).toEqual(['moons.html', 'moons.onnx', 'moons.safetensors', 'penguins.html', 'penguins.onnx', 'penguins.safetensors']);
  const { stdout } = spawnSync('git', ['check-ignore', '--no-index', ...names], { encoding: 'utf8' });
  expect(stdout.trim().split('\n')).toEqual(names);
});
