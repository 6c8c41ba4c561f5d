// Where a verb will write, checked before its work begins: the ending is one of the format, the folder is there, and no input would be overwritten.

import { accessSync, type BigIntStats, constants, mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { wrongEnding } from '../data/endings.ts';
import { argumentError, FlowError } from '../errors.ts';

export interface Place {
  /** Files that the verb reads, by what they are: `{ table: 'people.csv' }`. */
  readonly inputs?: Readonly<Record<string, string | undefined>>;
  /** Endings that name the format. @default any */
  readonly endings?: readonly string[];
  /** Whether a name without an ending passes. @default true */
  readonly bare?: boolean;
  /** Whether only a regular file will do: a model is renamed into place, where text may go to a device or a pipe. @default false */
  readonly regular?: boolean;
  /** @default '--output' */
  readonly flag?: string;
}

/** @throws FlowError ERR_FLOW_CONFIG for a wrong ending or an input, ERR_FLOW_IO where nothing can be written */
export function checkPlace(file: string, { inputs = {}, endings, bare = true, regular = false, flag = '--output' }: Place): void {
  const ending = extname(file).toLowerCase();
  if (endings !== undefined && !(bare && ending === '') && !endings.includes(ending)) throw wrongEnding(flag, endings, file);
  const there = statOf(file);
  for (const [what, input] of Object.entries(inputs)) {
    if (there === null || input === undefined || !same(there, statOf(input))) continue;
    throw argumentError('ERR_FLOW_CONFIG', flag, `another file than the ${what}`, file, `It would overwrite the ${what}; choose another name.`);
  }
  if (there?.isDirectory()) throw unwritable(file, 'a file', 'EISDIR', 'It is a folder; name a file.');
  if (there !== null && !there.isFile()) {
    if (regular) throw unwritable(file, 'a regular file', 'a device or a pipe', 'It is a device or a pipe; name a file.');
    return;
  }
  const folder = dirname(file);
  if (!statOf(folder)?.isDirectory()) throw unwritable(file, 'an existing folder', folder, `The folder ${folder} does not exist; make it first.`);
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unwritable(file, 'a folder that can be written', code, `The folder ${folder} cannot be written; choose another place.`, cause);
  }
}

/** Whether two names stand for one file, be it there or not. */
export function samePlace(a: string, b: string): boolean {
  const [one, other] = [statOf(a), statOf(b)];
  return one === null && other === null ? placeOf(a) === placeOf(b) : one !== null && same(one, other);
}

/** Makes a folder with those above it. @throws FlowError ERR_FLOW_IO */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unwritable(folder, 'a folder', code, 'The folder cannot be made; choose another place with -o.', cause);
  }
}

const statOf = (file: string): BigIntStats | null => {
  try {
    return statSync(file, { bigint: true });
  } catch {
    return null;
  }
};
/** A name in full, with the links of its folder followed. */
const placeOf = (file: string): string => {
  const folder = dirname(resolve(file));
  return join(statOf(folder) === null ? folder : realpathSync(folder), basename(file));
};
/** One file under two names, through links too; a device may be read and written. */
const same = (a: BigIntStats, b: BigIntStats | null): boolean => b !== null && a.isFile() && a.dev === b.dev && a.ino === b.ino;

const unwritable = (path: string, expected: string, received: string, hint: string, cause?: unknown): FlowError =>
  new FlowError('ERR_FLOW_IO', `${path}: ${hint}`, { path, expected, received, hint, cause });
