// FLOWMATCH_ONNX_CORPUS names a folder that receives every file with its inputs and outputs, for scripts/check-onnx.sh.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Feeds } from './run.ts';

const corpus = process.env['FLOWMATCH_ONNX_CORPUS'];

/** Keeps a file and one call of it for the Python checks. */
export function keep(name: string, bytes: Uint8Array, feeds: Feeds, output: Float32Array): void {
  if (!corpus) return;
  mkdirSync(corpus, { recursive: true });
  const listed = Object.fromEntries(
    Object.entries(feeds).map(([key, { data, dims }]) => [key, { data: Array.from(data), dims, double: data instanceof Float64Array }]),
  );
  writeFileSync(join(corpus, `${name}.onnx`), bytes);
  writeFileSync(join(corpus, `${name}.json`), JSON.stringify({ feeds: listed, output: Array.from(output) }));
}
