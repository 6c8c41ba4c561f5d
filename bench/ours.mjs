// Drivers over the built addon, below the public face: the treaty (lib/native/binding.ts), so that one native call is one measurement.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;

/** The TypeScript that a driver needs, bundled once into a temporary module. */
export async function library() {
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-bench-'));
  try {
    const outfile = join(folder, 'library.mjs');
    const contents = `export { mlp } from './lib/network/mlp.ts'; export { lower } from './lib/network/lower.ts'; export { encodeProgram } from './lib/network/encode.ts';
      export { initialiseParameters } from './lib/network/initialise.ts';`;
    buildSync({ stdin: { contents, resolveDir: root, loader: 'ts' }, bundle: true, format: 'esm', platform: 'node', outfile, logLevel: 'error' });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function network({ mlp, lower, encodeProgram, initialiseParameters }, { d, H, L }, activation = 'silu') {
  const program = lower(mlp({ hidden: Array(L).fill(H), activation, time: 'raw', residual: false, norm: false }), d, null);
  return { program, ...encodeProgram(program), parameters: initialiseParameters(program, 1) };
}

function noiseDataset(binding, rows, columns) {
  const dataset = new binding.Dataset(columns);
  dataset.append(binding.normal(3n, 0, rows, columns));
  return dataset;
}

/** A trainer of the shape; `await step(k)` runs k steps in one native call. */
export function trainerOf(binding, net, shape, threads) {
  const rows = shape.d >= 512 ? 4096 : 10_000;
  const data = noiseDataset(binding, rows, shape.d);
  const trainer = new binding.Trainer({
    program: net.words,
    constants: net.constants,
    parameters: net.parameters,
    data,
    source: null,
    sourcePaired: false,
    condition: null,
    trainRows: Uint32Array.from({ length: rows }, (_, i) => i),
    validationRows: new Uint32Array(0),
    path: { kind: 'condOT', sigmaMin: 0 },
    times: { stratified: false, tMin: 0, tMax: 1, quantiles: null },
    batchSize: shape.B,
    seed: 1n,
    replacement: true,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    emaDecay: 0,
    emaWarmup: false,
    clip: 0,
    threads,
  });
  return {
    async step(k) {
      const { steps, status } = await trainer.run(new Float64Array(k).fill(1e-3), 1e9).done;
      if (steps !== k) throw new Error(`training ended after ${steps} of ${k} steps: ${status}`);
    },
    dispose() {
      trainer.dispose();
      data.dispose();
    },
  };
}

/** Euler sampling of n rows; `await sample(k)` takes k steps. */
export function samplerOf(binding, net, n, threads) {
  const native = new binding.Network(net.words, net.constants, net.parameters);
  return {
    async sample(k) {
      const grid = Float64Array.from({ length: k + 1 }, (_, i) => i / k);
      const { status } = await native.sample({
        n,
        firstRow: 0,
        seed: 1n,
        initial: null,
        normaliseInitial: false,
        sourceScale: 1,
        condition: null,
        a: Float64Array.of(0),
        b: Float64Array.of(1),
        c: Float64Array.of(0),
        grid,
        save: Int32Array.of(k),
        frame: null,
        shift: null,
        scale: null,
        threads,
      }).done;
      if (status !== 'done') throw new Error(`sampling ended: ${status}`);
    },
    dispose: () => native.dispose(),
  };
}
