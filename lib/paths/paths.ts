// Paths as others see them: what the `path` option accepts, what the native core reads, what a model file keeps.

import { argumentError } from '../errors.ts';
import { finite } from '../options.ts';
import { type CondOTPath, condOT } from './cond-ot.ts';
import { definePath, type PathDefinition } from './custom.ts';
import { type TablePath, tablePath } from './table.ts';

/** A path that has been checked: closed form or table. */
export type KnownPath = CondOTPath | TablePath;

/** What a model file keeps of a path (PathRecord). */
export interface StoredPath {
  readonly name: string;
  readonly tMin: number;
  readonly tMax: number;
  readonly sourceScale: number;
  readonly constants?: Readonly<Record<string, number>>;
  readonly table?: Float64Array;
}

/** What the native core reads (NativePath). */
export type PathForm =
  | { readonly kind: 'condOT'; readonly sigmaMin: number }
  | { readonly kind: 'table'; readonly tMin: number; readonly tMax: number; readonly nodes: Float64Array };

/** The value of a `path` option: condOT(), definePath(...), or the bare object literal of a path. Undefined means condOT(). */
export function resolvePath(value: unknown, path = 'path'): KnownPath {
  if (value === undefined || value === 'condOT') return condOT();
  if (typeof value !== 'object' || value === null) {
    throw argumentError('ERR_FLOW_TYPE', path, 'a path', value, 'Write condOT(), or an object { name, at(t) }.');
  }
  if (isTablePath(value)) return tablePath(value.name, value.tMin, value.tMax, value.sourceScale, value.table, path);
  if ((value as { name?: unknown }).name === 'condOT') return condOT({ sigmaMin: finite((value as CondOTPath).sigmaMin, `${path}.sigmaMin`) });
  return definePath(value as PathDefinition);
}

function isTablePath(value: object): value is TablePath {
  return (value as { table?: unknown }).table instanceof Float64Array;
}

export function pathForm(path: KnownPath): PathForm {
  if (isTablePath(path)) return { kind: 'table', tMin: path.tMin, tMax: path.tMax, nodes: path.table };
  return { kind: 'condOT', sigmaMin: path.sigmaMin };
}

export function storePath(path: KnownPath): StoredPath {
  const { name, tMin, tMax } = path;
  const sourceScale = path.sourceScale ?? 1;
  if (isTablePath(path)) return { name, tMin, tMax, sourceScale, table: path.table.slice() };
  return { name, tMin, tMax, sourceScale, constants: { sigmaMin: path.sigmaMin } };
}

/** The path of a stored record, checked again; throws a FlowError that names the field under `path`. */
export function restorePath(stored: StoredPath, path = 'path'): KnownPath {
  if (stored.table !== undefined)
    return tablePath(stored.name, stored.tMin, stored.tMax, finite(stored.sourceScale, `${path}.sourceScale`), stored.table, path);
  if (stored.name !== 'condOT') {
    throw argumentError(
      'ERR_FLOW_VERSION',
      `${path}.name`,
      '"condOT" or a stored table',
      stored.name,
      'The file was written by a newer version: update flowmatch.',
    );
  }
  return condOT({ sigmaMin: finite(stored.constants?.['sigmaMin'] ?? 0, `${path}.constants.sigmaMin`) });
}
