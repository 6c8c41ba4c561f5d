// What this installation can do here: for bug reports and tests. Never throws.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { version } from '../version.ts';
import { type LoadAttempt, libc, loadReport, platformPackage } from './load.ts';

export interface Info {
  /** `native` when the addon is loaded; `none` otherwise, see `error` and `attempts`. */
  readonly backend: 'native' | 'none';
  /** Instruction set in use (`avx512`, `avx2`, `neon`, `baseline`), or null. Forced by the variable FLOWMATCH_ISA. */
  readonly isa: string | null;
  /** Instruction sets that this CPU, its system and this build allow, best first. */
  readonly available: readonly string[];
  /** Kernels of bfloat16 products: `amx`, `avx512bf16`, `fallback` (operands rounded, f32 arithmetic: no faster than f32), or null. Forced by the variable FLOWMATCH_BF16. */
  readonly bf16: string | null;
  /** Physical cores this process may use: the default of every `threads` option. */
  readonly threads: number;
  readonly platform: string;
  /** Of this package, of Node and its Node-API, of the treaty between TypeScript and the addon, of the compiler that built it. */
  readonly versions: {
    readonly flowmatch: string;
    readonly node: string;
    readonly napi: string;
    readonly treaty: number | null;
    readonly compiler: string | null;
  };
  /** File or package the addon came from, or null. */
  readonly addon: string | null;
  /** Why the addon did not load, with the remedy; null when it did. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** Every place that was tried in vain, and why. */
  readonly attempts: readonly LoadAttempt[];
  /** Version of the optional peer onnxruntime-node, or null when it cannot be resolved from here. */
  readonly onnxruntime: string | null;
}

/**
 * Describes the loaded addon, the CPU path it chose and the runtime around it. Loads the addon if that has not happened yet.
 * @example console.log(info().isa, info().threads);
 */
export function info(): Info {
  const { binding, from, attempts, error } = loadReport();
  const native = binding?.info();
  return {
    backend: native ? 'native' : 'none',
    isa: native?.isa ?? null,
    available: native?.available ?? [],
    bf16: native?.bf16 ?? null,
    threads: native?.threads ?? 1,
    platform: platformPackage().slice('@flowmatch/'.length) + (libc() === 'glibc' ? ' (glibc)' : ''),
    versions: {
      flowmatch: version,
      node: process.versions.node,
      napi: process.versions.napi ?? '0',
      treaty: native?.treaty ?? null,
      compiler: native?.compiler ?? null,
    },
    addon: native ? from : null,
    error: error ? { code: error.code, message: error.message, hint: error.hint ?? '' } : null,
    attempts,
    onnxruntime: versionOf('onnxruntime-node'),
  };
}

/** The version in the manifest of a package that can be resolved from here, without loading the package. */
function versionOf(name: string): string | null {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    for (let up = 0; up < 6; up++) {
      try {
        const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
        if (manifest.name === name) return manifest.version ?? null;
      } catch {
        // No manifest in this folder: look one level up.
      }
      folder = dirname(folder);
    }
  } catch {
    // Not installed.
  }
  return null;
}
