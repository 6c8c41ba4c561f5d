// Runs a TypeScript program of children/ in a Node process of its own: what may crash a process is tested in one that may crash.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { loadReport } from '../../lib/native/load.ts';
import { temporaryFolder } from '../support/folder.ts';

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
  readonly milliseconds: number;
}

const place = temporaryFolder();
/** Optional peers, loaded when they are asked for. */
const external = ['@observablehq/plot', '@resvg/resvg-js', 'linkedom', 'onnxruntime-node'];

/** The bundled program children/<name>.ts, beside this file or in another folder of tests. */
export async function bundled(name: string, from: string = import.meta.url): Promise<string> {
  const outfile = place(`${name}.mjs`);
  const entry = fileURLToPath(new URL(`children/${name}.ts`, from));
  await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'error', external });
  return outfile;
}

/** Runs it with the addon of this test, or with the sanitized one that scripts/check-sanitizers.sh names; resolves when it has ended. */
export function run(
  file: string,
  args: readonly (string | number)[] = [],
  nodeFlags: readonly string[] = [],
  variables: Record<string, string> = {},
): Promise<Outcome> {
  const addon = process.env['FLOWMATCH_CHILD_ADDON'] ?? loadReport().from.replace(/^FLOWMATCH_ADDON=/, '');
  const preload = process.env['FLOWMATCH_CHILD_PRELOAD'];
  const env = { ...process.env, ...(preload ? { LD_PRELOAD: preload } : {}), FLOWMATCH_ADDON: addon, ...variables };
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(process.execPath, [...nodeFlags, file, ...args.map(String)], { env });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, out, err, milliseconds: performance.now() - started }));
  });
}
