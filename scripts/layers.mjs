// The import table of docs/architecture.md, enforced: fails on an edge that the table does not have. Seeded violations are checked first, so that the check is known to see.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pure = ['network', 'paths', 'couplings', 'solvers', 'times', 'losses', 'optimisers'];
const everywhere = ['errors.ts', 'options.ts', 'version.ts', 'freeze.ts', 'random.ts', 'abort.ts', 'precision.ts'];
const middle = [...pure, 'data'];
const binding = 'native/binding.ts';
const native = [binding, 'native/load.ts', 'native/build.ts'];

/** Room -> what it may import beside itself and `everywhere`: rooms, or single files. */
const mayImport = {
  ...Object.fromEntries(pure.map((room) => [room, ['network/ops.ts']])),
  data: native,
  native: [],
  sampling: [...middle, ...native, 'model/record.ts', 'onnx/inspect.ts'],
  training: [...middle, ...native, 'model', 'checkpoint'],
  checkpoint: [...middle, 'model/record.ts'],
  onnx: [...middle, 'model/record.ts', 'model/onnx-options.ts'],
  metrics: [...middle, ...native],
  model: [...middle, ...native, 'sampling', 'onnx', 'checkpoint'],
  plot: [],
  table: [...middle, 'training', 'model', 'metrics', 'sampling'],
  report: [...middle, 'table', 'training', 'model', 'plot', 'metrics'],
  cli: ['*'],
  'index.ts': ['*'],
};

/** C++ room -> rooms whose headers it may include. */
const mayInclude = {
  core: [],
  kernels: ['core'],
  rng: ['kernels', 'core'],
  network: ['rng', 'kernels', 'core'],
  optimiser: ['network', 'rng', 'kernels', 'core'], // its pass ends by transposing the weights it has just written
  ot: ['rng', 'kernels', 'core', 'network', 'optimiser'],
  solver: ['rng', 'kernels', 'core', 'network', 'optimiser'],
  train: ['ot', 'rng', 'kernels', 'core', 'network', 'optimiser'],
  binding: ['train', 'solver', 'ot', 'network', 'optimiser', 'rng', 'kernels', 'core'],
};

const room = (path) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);

/** Problems of one TypeScript file, given its path below lib/ and its text. */
export function checkTypeScript(path, text) {
  const problems = [];
  const own = room(path);
  const allowed = mayImport[own];
  if (!allowed && !everywhere.includes(own)) return [`lib/${path}: the room "${own}" is not in the table of scripts/layers.mjs`];
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    if (!specifier.startsWith('.')) {
      if (specifier.startsWith('node:') && pure.includes(own)) problems.push(`lib/${path}: ${own} is pure, yet imports ${specifier}`);
      continue;
    }
    const target = normalize(join(dirname(path), specifier));
    const edge = room(target);
    const fine = edge === own || everywhere.includes(target) || (allowed ?? []).some((entry) => entry === '*' || entry === edge || entry === target);
    if (!fine) problems.push(`lib/${path}: ${own} may not import ${target}`);
  }
  if (/\.node['"`]/.test(text) && path !== 'native/load.ts') problems.push(`lib/${path}: only native/load.ts may name a .node file`);
  return problems;
}

/** Problems of one C++ file, given its path below native/ and its text. */
export function checkCpp(path, text) {
  const problems = [];
  const own = room(path);
  for (const [, header] of text.matchAll(/^\s*#include\s*["<]([^">]+)[">]/gm)) {
    if (/^(napi|node_api)/.test(header) && own !== 'binding') problems.push(`native/${path}: only binding may include ${header}`);
    const edge = room(header);
    if (edge in mayInclude && edge !== own && !mayInclude[own]?.includes(edge)) problems.push(`native/${path}: ${own} may not include ${header}`);
  }
  return problems;
}

function walk(folder, pattern, check) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .flatMap((file) => check(relative(folder, file), readFileSync(file, 'utf8')));
}

function selfTest() {
  const seeded = [
    checkTypeScript('paths/bad.ts', "import { x } from '../training/train.ts';"),
    checkTypeScript('network/bad.ts', "import fs from 'node:fs';"),
    checkTypeScript('onnx/bad.ts', "const a = await import('../checkpoint/safetensors.ts');"),
    checkTypeScript('model/bad.ts', "createRequire(import.meta.url)('./flowmatch.node')"),
    checkCpp('train/bad.cc', '#include <napi.h>'),
    checkCpp('kernels/bad.h', '#include "network/network.h"'),
  ];
  const blind = seeded.filter((problems) => problems.length !== 1).length;
  if (blind > 0 || checkTypeScript('paths/good.ts', "import type { Op } from '../network/ops.ts';").length > 0) {
    console.error('layers: the self-test failed: a seeded violation was not seen');
    process.exit(1);
  }
}

selfTest();
const problems = [...walk(join(root, 'lib'), /\.ts$/, checkTypeScript), ...walk(join(root, 'native'), /\.(cc|h)$/, checkCpp)];
for (const problem of problems) console.error(problem);
console.log(`layers: ${problems.length === 0 ? 'no forbidden edge' : `${problems.length} forbidden edges`}`);
process.exit(problems.length === 0 ? 0 : 1);
