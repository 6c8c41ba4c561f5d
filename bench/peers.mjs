// Installs what we are compared with into a scratch folder outside the tree: PyTorch from PyPI (its wheel for Linux carries CUDA and is large) and TensorFlow.js.
// onnxruntime-node is a development dependency already.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const tensorflow = ['@tensorflow/tfjs@4.22.0', '@tensorflow/tfjs-backend-wasm@4.22.0'];
/** PyTorch's own index of wheels without CUDA first; where it cannot be reached, PyPI. */
const index = 'https://download.pytorch.org/whl/cpu';

export function installPeers(folder = process.env.FLOWMATCH_PEERS ?? join(tmpdir(), 'flowmatch-peers')) {
  const run = (command, args, cwd = folder) => spawnSync(command, args, { cwd, stdio: 'inherit' }).status === 0;
  mkdirSync(join(folder, 'node'), { recursive: true });
  writeFileSync(join(folder, 'node/package.json'), '{ "private": true }\n');
  const node = run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...tensorflow], join(folder, 'node'));
  const pip = join(folder, 'python/bin/pip');
  const venv = existsSync(pip) || run('python3', ['-m', 'venv', join(folder, 'python')]);
  const torch =
    venv &&
    (run(pip, ['install', '--quiet', '--retries', '0', '--timeout', '10', '--index-url', index, 'torch']) ||
      run(pip, ['install', '--quiet', 'torch', 'numpy']));
  console.log(`peers in ${folder}: TensorFlow.js ${node ? 'installed' : 'FAILED'}, PyTorch ${torch ? 'installed' : 'FAILED'}`);
  return node && torch ? 0 : 1;
}
