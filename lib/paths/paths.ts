// Paths as others see them: what the `path` option accepts, what the native core reads, what a model file keeps (restore.ts reads it).

import { argumentError, callIt } from '../errors.ts';
import { finite } from '../options.ts';
import type { AffinePath } from './affine.ts';
import { type CondOTPath, condOT } from './cond-ot.ts';
import { definePath, type PathDefinition } from './custom.ts';
import { affine, isAffine, isTablePath, type KnownPath, type StoredPath } from './restore.ts';
import { pathFields, tablePath } from './table.ts';
import { fineNodes, nodes, tabulate } from './tabulate.ts';

/** What the native core reads (NativePath). */
export type PathForm =
  | { readonly kind: 'condOT'; readonly sigmaMin: number }
  | { readonly kind: 'table'; readonly tMin: number; readonly tMax: number; readonly nodes: Float64Array };

/** The value of a `path` option: condOT() or another built-in path, definePath(...), or the bare object literal of a path. Undefined means condOT(). */
export function resolvePath(value: unknown, path = 'path'): KnownPath {
  if (value === undefined || value === 'condOT') return condOT();
  if (typeof value !== 'object' || value === null || !('name' in value || 'at' in value))
    throw argumentError('ERR_FLOW_TYPE', path, 'a path', value, callIt(value, 'path') ?? 'Write condOT(), or an object { name, at(t) }.');
  if (isTablePath(value)) return tablePath(value.name, value.tMin, value.tMax, value.sourceScale, value.table, path);
  if ((value as { name?: unknown }).name === 'condOT') {
    const { sigmaMin, width } = value as CondOTPath;
    return condOT({ sigmaMin: finite(sigmaMin, `${path}.sigmaMin`), sigma: finite(width ?? 0, `${path}.sigma`) });
  }
  if (isAffine(value)) return (affine[value.name] as (typeof affine)[string])(value.constants as never);
  return definePath(value as PathDefinition);
}

/** Nodes per table: where a derivative grows without bound beyond tMax, eight times as many keep the table's error below 1e-6; straight lines need their ends. */
const nodesOf = (path: AffinePath | CondOTPath): number => (!isAffine(path) ? 2 : path.tMax < 1 ? fineNodes : nodes);

export function pathForm(path: KnownPath): PathForm {
  const { tMin, tMax } = path;
  if (isTablePath(path)) return { kind: 'table', tMin, tMax, nodes: path.table };
  if (isAffine(path) || path.width > 0) {
    const sample = (t: number): number[] => {
      const point = path.at(t);
      return pathFields.map((field) => point[field]);
    };
    return { kind: 'table', tMin, tMax, nodes: tabulate(sample, tMin, tMax, nodesOf(path)) };
  }
  return { kind: 'condOT', sigmaMin: path.sigmaMin };
}

export function storePath(path: KnownPath): StoredPath {
  const { name, tMin, tMax } = path;
  const sourceScale = path.sourceScale ?? 1;
  if (isTablePath(path)) return { name, tMin, tMax, sourceScale, table: path.table.slice() };
  return { name, tMin, tMax, sourceScale, constants: isAffine(path) ? { ...path.constants } : lineConstants(path) };
}

const lineConstants = ({ sigmaMin, width }: CondOTPath): Record<string, number> => ({ sigmaMin, ...(width > 0 ? { sigma: width } : {}) });
