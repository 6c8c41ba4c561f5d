// A file system in memory that can fail: the k-th call with any errno, before or after it took effect, with short writes. For checkpoint tests.

import type { FileHandle, FileSystem } from '../../lib/checkpoint/files.ts';

interface Node {
  bytes: Uint8Array;
  mode: number;
}

export function errno(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

export class MemoryFiles implements FileSystem {
  files = new Map<string, Node>();
  /** Every call in order: `open run.tmp wx`, `rename`, ... */
  calls: string[] = [];
  /** The call with this number (from 0) fails; Infinity = none. */
  failAt = Number.POSITIVE_INFINITY;
  code = 'EIO';
  /** Keep failing after the first failure. */
  sticky = false;
  /** Handles not closed. */
  open_ = 0;
  /** Bytes a write takes at most. */
  shortWrites = Number.POSITIVE_INFINITY;

  step(name: string): void {
    const index = this.calls.push(name) - 1;
    if (index === this.failAt || (this.sticky && index > this.failAt)) throw errno(this.code);
  }

  node(path: string): Node {
    const node = this.files.get(path);
    if (node === undefined) throw errno('ENOENT');
    return node;
  }

  async open(path: string, flags: string, mode = 0o666): Promise<FileHandle> {
    this.step(`open ${flags}`);
    const directory = path === '/d';
    if (flags === 'wx') {
      if (this.files.has(path)) throw errno('EEXIST');
      this.files.set(path, { bytes: new Uint8Array(0), mode: mode & ~0o022 });
    }
    const node = directory ? { bytes: new Uint8Array(0), mode: 0 } : this.node(path);
    this.open_++;
    let closed = false;
    return {
      read: async (buffer, offset, length, position) => {
        this.step('read');
        const part = node.bytes.subarray(position, position + length);
        buffer.set(part, offset);
        return { bytesRead: part.length };
      },
      write: async (buffer, offset, length) => {
        this.step('write');
        const part = buffer.subarray(offset, offset + Math.min(length, this.shortWrites));
        const bytes = new Uint8Array(node.bytes.length + part.length);
        bytes.set(node.bytes);
        bytes.set(part, node.bytes.length);
        node.bytes = bytes;
        return { bytesWritten: part.length };
      },
      chmod: async (bits) => {
        this.step('chmod');
        node.mode = bits;
      },
      sync: async () => this.step(directory ? 'sync directory' : 'sync file'),
      close: async () => {
        if (!closed) this.open_--;
        closed = true;
        this.step('close');
      },
    };
  }
  async rename(from: string, to: string): Promise<void> {
    this.step('rename');
    this.files.set(to, this.node(from));
    this.files.delete(from);
  }
  async unlink(path: string): Promise<void> {
    this.step('unlink');
    this.node(path);
    this.files.delete(path);
  }
  async stat(path: string): Promise<{ size: number; mode: number; isFile(): boolean }> {
    this.step('stat');
    const { bytes, mode } = this.node(path);
    return { size: bytes.length, mode, isFile: () => true };
  }
  async statfs(): Promise<{ bavail: number; bsize: number }> {
    return { bavail: 75, bsize: 4096 };
  }
  async realpath(path: string): Promise<string> {
    this.step('realpath');
    this.node(path);
    return path;
  }
  async readdir(): Promise<string[]> {
    this.step('readdir');
    return [...this.files.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1));
  }
}
