// Where rows go: stdout, or a file that appears under its name only when it is complete. Waits when the reader is slow; a closed pipe ends the work quietly.

import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FlowError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

export interface Output {
  /** False once the reader of a pipe has gone: stop producing. */
  readonly open: boolean;
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the file under its name. */
  finish(): Promise<void>;
  /** Leaves nothing behind. Safe after finish(). */
  discard(): Promise<void>;
}

/** Stdout for `-` or nothing, else a file. */
export async function openOutput(file: string | undefined, terminal: Terminal): Promise<Output> {
  return file === undefined || file === '-' ? new PipeOutput(terminal) : FileOutput.create(file);
}

class PipeOutput implements Output {
  open = true;
  private failure: unknown;
  private readonly terminal: Terminal;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.open = false;
      if (error.code !== 'EPIPE') this.failure = error;
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.open || bytes.length === 0) return;
    if (process.stdout.isTTY) this.terminal.clear(); // rows begin at the start of a line
    await new Promise<void>((resolve) => {
      process.stdout.write(bytes, () => resolve());
    });
    if (this.failure) throw fileError('stdout', this.failure);
  }

  async finish(): Promise<void> {}
  async discard(): Promise<void> {}
}

class FileOutput implements Output {
  readonly open = true;
  private readonly file: string;
  private readonly temporary: string | null;
  private handle: FileHandle | null;

  private constructor(file: string, temporary: string | null, handle: FileHandle) {
    this.file = file;
    this.temporary = temporary;
    this.handle = handle;
  }

  static async create(file: string): Promise<FileOutput> {
    const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.tmp`);
    try {
      const old = await stat(file).catch(() => null);
      if (old !== null && !old.isFile()) {
        // A device or a pipe (/dev/null, /dev/stdout) is written as it is: a rename would replace it.
        if (old.isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' });
        return new FileOutput(file, null, await open(file, 'w'));
      }
      return new FileOutput(file, temporary, await open(temporary, 'wx'));
    } catch (error) {
      throw fileError(file, error);
    }
  }

  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) done += (await (this.handle as FileHandle).write(bytes, done)).bytesWritten;
    } catch (error) {
      throw fileError(this.file, error);
    }
  }

  async finish(): Promise<void> {
    try {
      const handle = this.handle as FileHandle;
      if (this.temporary !== null) await handle.sync();
      this.handle = null;
      await handle.close();
      if (this.temporary !== null) await rename(this.temporary, this.file);
    } catch (error) {
      throw fileError(this.file, error);
    }
  }

  async discard(): Promise<void> {
    await this.handle?.close().catch(() => undefined);
    this.handle = null;
    if (this.temporary !== null) await rm(this.temporary, { force: true }).catch(() => undefined);
  }
}

function fileError(file: string, error: unknown): FlowError {
  if (error instanceof FlowError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? 'unknown error';
  const hint =
    code === 'ENOENT'
      ? 'The folder does not exist.'
      : code === 'EISDIR'
        ? 'It is a folder; name a file.'
        : code === 'ENOSPC'
          ? 'The disk is full.'
          : 'Choose another place with -o.';
  return new FlowError('ERR_FLOW_IO', `${file}: ${code} while writing. ${hint}`, { path: file, received: code, hint, cause: error });
}
