// The command line as a child process, bundled once per test file from the sources into the ignored folder .scratch (the addon is found from there).

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type PluginBuild } from 'esbuild';
import { afterAll, beforeAll } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bundle = join(root, '.scratch', `cli-${process.pid}`);
/** A folder for the files of one test file. */
export const folder = mkdtempSync(join(tmpdir(), 'flowmatch-cli-'));
const running = new Set<ChildProcess>();

const requireNode = {
  name: 'require-node',
  setup({ onResolve, onLoad }: PluginBuild) {
    onResolve({ filter: /^node:/ }, ({ kind, path }) => (kind === 'require-call' ? { path, namespace: 'require-node' } : undefined));
    onLoad({ filter: /.*/, namespace: 'require-node' }, ({ path }) => ({ contents: `import value from '${path}'; module.exports = value;` }));
  },
};

beforeAll(async () => {
  mkdirSync(bundle, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: { cli: 'lib/cli/main.ts' },
    outdir: bundle,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    external: ['@observablehq/plot', '@resvg/resvg-js', 'linkedom', 'onnxruntime-node'],
    plugins: [requireNode],
    logLevel: 'warning',
  });
}, 60_000);

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(bundle, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts `flowmatch ...args`; `done` settles when it has ended. */
export function start(...args: string[]): { readonly child: ChildProcess; readonly done: Promise<Ran> } {
  const child = spawn(process.execPath, [join(bundle, 'cli.js'), ...args], { cwd: root, env: { ...process.env, NO_COLOR: '1' } });
  running.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const done = new Promise<Ran>((resolve) => {
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
  return { child, done };
}

/** Runs `flowmatch ...args` to its end. */
export const run = (...args: string[]): Promise<Ran> => start(...args).done;

export const inFolder = (name: string): string => join(folder, name);
