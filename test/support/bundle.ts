// TypeScript programs for processes of their own: bundled by esbuild into a temporary .mjs, with the addon that this test uses.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadReport } from '../../lib/native/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Bundles `source`, a module that imports '#flowmatch', into `outfile`. */
export async function bundle(source: string, outfile: string): Promise<string> {
  await build({
    stdin: { contents: source.replaceAll("'#flowmatch'", `'${join(root, 'lib/index.ts')}'`), resolveDir: root, loader: 'ts' },
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['onnxruntime-node', '@observablehq/plot', '@resvg/resvg-js', 'linkedom'],
    logLevel: 'error',
  });
  return outfile;
}

/** The addon in use here, for FLOWMATCH_ADDON of a child. */
export function addonFile(): string {
  return loadReport().from.replace(/^FLOWMATCH_ADDON=/, '');
}

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** Starts a bundled program; `ended` resolves with its output. */
export function start(file: string, args: readonly (string | number)[] = []): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [file, ...args.map(String)], { env: { ...process.env, FLOWMATCH_ADDON: addonFile() } });
  let [out, err] = ['', ''];
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
  return { child, ended };
}
