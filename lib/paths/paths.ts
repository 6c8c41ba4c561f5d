// Paths as others see them: what the `path` option accepts, what the native core reads, what a model file keeps.

import { argumentError, callIt, nameFactories } from '../errors.ts';
import { finite } from '../options.ts';
import type { AffinePath } from './affine.ts';
import { type CondOTPath, condOT } from './cond-ot.ts';
import { cosine } from './cosine.ts';
import { definePath, type PathDefinition } from './custom.ts';
import { interpolant, storedInterpolant } from './interpolant.ts';
import { linearVP } from './linear-vp.ts';
import { polynomial } from './polynomial.ts';
import { schrodingerBridge } from './schrodinger-bridge.ts';
import { pathFields, type TablePath, tablePath } from './table.ts';
import { fineNodes, nodes, tabulate } from './tabulate.ts';
import { ve } from './ve.ts';
import { vp } from './vp.ts';

/** A path that has been checked: closed form or table. */
export type KnownPath = CondOTPath | AffinePath | TablePath;

/** The affine paths that a file names: from their constants. */
const affine: Readonly<Record<string, (constants: never) => AffinePath>> = {
  polynomial,
  linearVP,
  cosine,
  vp,
  ve,
  schrodingerBridge: (constants: { readonly sigma?: number }) => schrodingerBridge(constants),
  linearInterpolant: storedInterpolant('linear'),
  trigonometricInterpolant: storedInterpolant('trigonometric'),
  encoderDecoderInterpolant: storedInterpolant('encoderDecoder'),
};

nameFactories('path', { condOT, polynomial, linearVP, cosine, vp, ve, schrodingerBridge, interpolant });

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

/** A built-in path has its constants beside its name; a path of the user's may have the same name, but no constants. */
function isAffine(value: object): value is AffinePath {
  const { name, constants } = value as { name?: unknown; constants?: unknown };
  return typeof constants === 'object' && constants !== null && typeof name === 'string' && Object.hasOwn(affine, name);
}

function isTablePath(value: object): value is TablePath {
  return (value as { table?: unknown }).table instanceof Float64Array;
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

/** The path of a stored record, checked again; throws a FlowError that names the field under `path`. */
export function restorePath(stored: StoredPath, path = 'path'): KnownPath {
  if (stored.table !== undefined)
    return tablePath(stored.name, stored.tMin, stored.tMax, finite(stored.sourceScale, `${path}.sourceScale`), stored.table, path);
  if (Object.hasOwn(affine, stored.name)) return (affine[stored.name] as (typeof affine)[string])((stored.constants ?? {}) as never);
  if (stored.name !== 'condOT') {
    throw argumentError(
      'ERR_FLOW_VERSION',
      `${path}.name`,
      `${['condOT', ...Object.keys(affine)].join(', ')} or a stored table`,
      stored.name,
      'The file was written by a newer version: update flowmatch.',
    );
  }
  const { sigmaMin = 0, sigma = 0 } = stored.constants ?? {};
  return condOT({ sigmaMin: finite(sigmaMin, `${path}.constants.sigmaMin`), sigma: finite(sigma, `${path}.constants.sigma`) });
}
