// Finds and loads the addon, once, on first use: the only file that requires a .node. A failure keeps every attempt's reason and names the remedy.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlowError, type FlowErrorCode } from '../errors.ts';
import { type Binding, treaty } from './binding.ts';

/** One place that was tried, and why it did not serve. */
export interface LoadAttempt {
  readonly from: string;
  readonly reason: string;
}

/** What the addon offers to this file alone. */
interface Door extends Binding {
  /** The addon builds its errors through this function, so that they are FlowErrors of this realm. */
  setErrorFactory(make: (code: FlowErrorCode, message: string, path?: string, expected?: string, received?: string, hint?: string) => FlowError): void;
  /** No new jobs from here on (the process or Worker is exiting); running ones are asked to stop. */
  close(): void;
}

const require = createRequire(import.meta.url);
const neededNapi = 8;
let loaded: Binding | undefined;
let failure: FlowError | undefined;
let attempts: LoadAttempt[] = [];
let origin = '';

/** `glibc`, `musl`, or an empty string away from Linux: read from the libraries mapped into this process. */
export function libc(): string {
  if (process.platform !== 'linux') return '';
  try {
    return readFileSync('/proc/self/maps', 'utf8').includes('ld-musl-') ? 'musl' : 'glibc';
  } catch {
    return 'glibc';
  }
}

/** The package that carries the addon for this platform. */
export function platformPackage(): string {
  return `@flowmatch/${process.platform}-${process.arch}${libc() === 'musl' ? '-musl' : ''}`;
}

/** The addon. Throws ERR_FLOW_PLATFORM (the same error each time) when it cannot be loaded here. */
export function native(): Binding {
  if (loaded) return loaded;
  if (failure) throw failure;
  try {
    loaded = open();
  } catch (error) {
    failure = error as FlowError;
    throw failure;
  }
  return loaded;
}

/** Where the addon came from, and what was tried before; loads it if that has not happened. Never throws. */
export function loadReport(): { binding: Binding | undefined; from: string; attempts: readonly LoadAttempt[]; error: FlowError | undefined } {
  try {
    native();
  } catch {
    // The reason stands in `failure`.
  }
  return { binding: loaded, from: origin, attempts, error: failure };
}

function open(): Binding {
  attempts = [];
  const napi = Number(process.versions.napi ?? 0);
  if (!(napi >= neededNapi)) {
    attempts.push({ from: 'Node-API', reason: `this runtime offers version ${napi}, version ${neededNapi} is needed` });
    throw platformError('Use Node.js 20.19 or newer.');
  }
  for (const { from, path } of candidates()) {
    try {
      const door = require(path) as Door;
      const offered = door.info().treaty;
      if (offered !== treaty) {
        attempts.push({ from, reason: `it speaks treaty ${offered}, this library speaks ${treaty}: the two come from different versions` });
        continue;
      }
      door.setErrorFactory(
        (code, message, place, expected, received, hint) => new FlowError(code, message, { path: place, expected, received: received?.slice(0, 40), hint }),
      );
      process.prependOnceListener('exit', () => door.close());
      origin = from;
      return door;
    } catch (error) {
      attempts.push({ from, reason: error instanceof Error ? (error.message.split('\n')[0] as string) : String(error) });
    }
  }
  throw platformError(remedy());
}

/** FLOWMATCH_ADDON alone when it is set; otherwise the platform package, then this checkout's own build. */
function* candidates(): Generator<{ from: string; path: string }> {
  const forced = process.env['FLOWMATCH_ADDON'];
  if (forced) {
    yield { from: `FLOWMATCH_ADDON=${forced}`, path: forced };
    return;
  }
  const root = packageRoot();
  const local = root ? join(root, 'build', 'Release', 'flowmatch.node') : undefined;
  if (local && existsSync(local)) yield { from: local, path: local };
  yield { from: platformPackage(), path: platformPackage() };
  if (local && !existsSync(local)) attempts.push({ from: local, reason: 'no such file' });
}

/** The folder of this package's manifest, from lib/native/, dist/ or dist/chunks/. */
function packageRoot(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < 4; up++) {
    try {
      const manifest = join(folder, 'package.json');
      if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'flowmatch') return folder;
    } catch {
      // No manifest that can be read: look one level up.
    }
    folder = dirname(folder);
  }
  return undefined;
}

function remedy(): string {
  if (attempts.some(({ reason }) => reason.startsWith('FLOWMATCH_ISA'))) return 'Unset FLOWMATCH_ISA, or set it to one of the available names.';
  const root = packageRoot();
  if (root && existsSync(join(root, 'CMakeLists.txt'))) return `Build the addon: npm run ready in ${root}`;
  return `Install it: npm install ${platformPackage()}. From a clone: npm run ready in the package's folder builds it.`;
}

function platformError(hint: string): FlowError {
  const here = `${process.platform}-${process.arch}${libc() ? ` (${libc()})` : ''}, Node ${process.versions.node}`;
  const reasons = attempts.map(({ from, reason }) => `\n  ${from}: ${reason}`).join('');
  return new FlowError('ERR_FLOW_PLATFORM', `the native addon did not load on ${here}. ${hint}${reasons}`, {
    path: 'native addon',
    expected: `an addon for ${platformPackage().slice('@flowmatch/'.length)}`,
    received: here,
    hint,
  });
}
