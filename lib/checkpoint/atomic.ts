// Files that are whole or not there: write a temporary beside the target, fsync it, rename it over, fsync the directory.
// A crash at any moment leaves the old or the new file; an error removes the temporary and is an ERR_FLOW_IO with the system's code.

import { basename, dirname, join } from 'node:path';
import { FlowError, fileError } from '../errors.ts';
import { type FileHandle, type FileSystem, systemFiles } from './files.ts';

/** Largest single write: keeps each call short and the event loop free. */
const piece = 1 << 20;
const { getBuiltinModule } = process; // modules that only writing needs are loaded by the first write
const hostName = (): string =>
  getBuiltinModule('node:os')
    .hostname()
    .replace(/[^A-Za-z0-9-]/g, '_')
    .slice(0, 40);

/** Replaces `file` by the concatenation of `chunks`, keeping its mode (a new file gets the process's default). */
export async function writeAtomically(file: string, chunks: readonly Uint8Array[], fs: FileSystem = systemFiles): Promise<void> {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const target = await orMissing(fs.realpath(file), file, `writing ${file}`); // a link stays a link: its target is replaced
  const directory = dirname(target);
  const salt = getBuiltinModule('node:crypto').randomBytes(6).toString('hex');
  const temporary = join(directory, `.${basename(target)}.${hostName()}.${process.pid}.${salt}.tmp`);
  let handle: FileHandle | undefined;
  try {
    const old = await orMissing(fs.stat(target), null, `writing ${file}`);
    if (old !== null && !old.isFile()) throw notAFile(file);
    handle = await fs.open(temporary, 'wx', 0o666);
    if (old !== null) await handle.chmod(old.mode & 0o7777);
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.byteLength; ) done += (await handle.write(chunk, done, Math.min(piece, chunk.byteLength - done))).bytesWritten;
    }
    await handle.sync();
    const closing = handle;
    handle = undefined;
    await closing.close();
    await fs.rename(temporary, target);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await fs.unlink(temporary).catch(() => undefined);
    throw await ioError(error, `writing ${file}`, file, fs, bytes);
  }
  await syncDirectory(directory, file, fs);
}

/** Makes a rename durable. Systems that cannot open or sync a directory (Windows) order it themselves. */
async function syncDirectory(directory: string, file: string, fs: FileSystem): Promise<void> {
  if (process.platform === 'win32') return;
  let handle: FileHandle | undefined;
  try {
    handle = await fs.open(directory, 'r');
    await handle.sync();
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw await ioError(error, `making ${file} durable`, file, fs);
  } finally {
    await handle?.close().catch(() => undefined);
  }
}

/** Removes the temporaries that killed processes of this host left beside `file`. Never throws. */
export async function removeStale(file: string, fs: FileSystem = systemFiles): Promise<void> {
  const target = await fs.realpath(file).catch(() => file);
  const start = `.${basename(target)}.${hostName()}.`;
  for (const name of await fs.readdir(dirname(target)).catch(() => [])) {
    const match = name.startsWith(start) ? /^(\d+)\.[0-9a-f]{12}\.tmp$/.exec(name.slice(start.length)) : null;
    if (match !== null && !alive(Number(match[1]))) await fs.unlink(join(dirname(target), name)).catch(() => undefined);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== 'ESRCH';
  }
}

async function orMissing<T>(promise: Promise<T>, missing: T, action: string): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return missing;
    throw await ioError(error, action, action.slice('writing '.length));
  }
}

/** ERR_FLOW_IO for a file that is a directory, a device, a pipe ... */
export function notAFile(file: string): FlowError {
  return new FlowError('ERR_FLOW_IO', `${file}: expected a regular file.`, { path: file, expected: 'a regular file' });
}

const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path; directories are not created.',
  EACCES: 'Check the permissions of the file and of its directory.',
  EPERM: 'Check the permissions of the file and of its directory.',
  EROFS: 'The file system is read-only; choose another place.',
  ENOSPC: 'Free some space or choose another place.',
  EDQUOT: 'The quota is used up; free some space or choose another place.',
  EMFILE: 'Too many files are open in this process.',
  ENOTDIR: 'A part of the path is not a directory.',
  EISDIR: 'The path is a directory; name a file.',
};

/** Any failure of the file system as ERR_FLOW_IO: `ENOSPC while writing run.safetensors (needs 4.2 MB, 0.3 MB free)`. FlowErrors pass through. */
export async function ioError(error: unknown, action: string, file: string, fs: FileSystem = systemFiles, bytes?: number): Promise<FlowError> {
  if (error instanceof FlowError) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? (error as { message?: unknown } | null)?.message ?? error);
  if (code === 'ENOENT' && action.startsWith('reading ')) {
    const [expected, hint] = ['a model file or a checkpoint', 'Check the path; model.save() and `flowmatch fit` write model files.'];
    return fileError('ERR_FLOW_IO', file, `there is no such file (${code} while reading it)`, { expected, received: code, hint, cause: error });
  }
  let sizes = '';
  if (bytes !== undefined) {
    const free = await fs.statfs(dirname(file)).then(
      (s) => `, ${megabytes(s.bavail * s.bsize)} free`,
      () => '',
    );
    sizes = ` (needs ${megabytes(bytes)}${free})`;
  }
  const hint = remedies[code];
  return new FlowError('ERR_FLOW_IO', `${code} while ${action}${sizes}.${hint ? ` ${hint}` : ''}`, { path: file, received: code, hint, cause: error });
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
