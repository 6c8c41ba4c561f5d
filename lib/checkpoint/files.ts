// The file operations of this room, as an interface: tests pass file systems that fail.

import * as nodeFs from 'node:fs';

/** An open file, as far as this room uses one. */
export interface FileHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  write(buffer: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }>;
  chmod(mode: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}
/** The file operations used here; tests pass one that fails at the k-th call. @default the system's */
export interface FileSystem {
  open(path: string, flags: string, mode?: number): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ size: number; mode: number; isFile(): boolean }>;
  statfs(path: string): Promise<{ bavail: number; bsize: number }>;
  realpath(path: string): Promise<string>;
  readdir(path: string): Promise<string[]>;
}

/** What a call of node:fs tells its callback, as a promise. */
const told = <T>(call: (done: (error: Error | null, value?: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value as T))));

class SystemFile implements FileHandle {
  readonly #descriptor: number;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return told<number>((done) => nodeFs.read(this.#descriptor, buffer, offset, length, position, done)).then((bytesRead) => ({ bytesRead }));
  }
  write(buffer: Uint8Array, offset: number, length: number): Promise<{ bytesWritten: number }> {
    return told<number>((done) => nodeFs.write(this.#descriptor, buffer, offset, length, null, done)).then((bytesWritten) => ({ bytesWritten }));
  }
  chmod(mode: number): Promise<void> {
    return told((done) => nodeFs.fchmod(this.#descriptor, mode, done));
  }
  sync(): Promise<void> {
    return told((done) => nodeFs.fsync(this.#descriptor, done));
  }
  close(): Promise<void> {
    return told((done) => nodeFs.close(this.#descriptor, done));
  }
}

/** Those of the system. Not node:fs/promises: a program that does not use it elsewhere would load it for the sake of one file, in 1 ms. */
export const systemFiles: FileSystem = {
  open: (path, flags, mode) => told<number>((done) => nodeFs.open(path, flags, mode, done)).then((descriptor) => new SystemFile(descriptor)),
  rename: (from, to) => told((done) => nodeFs.rename(from, to, done)),
  unlink: (path) => told((done) => nodeFs.unlink(path, done)),
  stat: (path) => told((done) => nodeFs.stat(path, done)),
  statfs: (path) => told((done) => nodeFs.statfs(path, done)),
  realpath: (path) => told((done) => nodeFs.realpath.native(path, done)),
  readdir: (path) => told((done) => nodeFs.readdir(path, done)),
};
