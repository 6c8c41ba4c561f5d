// Paths by the names that model files have for them.

import { argumentError, nameFactories } from '../errors.ts';
import { finite } from '../options.ts';
import type { AffinePath } from './affine.ts';
import { type CondOTPath, condOT } from './cond-ot.ts';
import { cosine } from './cosine.ts';
import { interpolant, storedInterpolant } from './interpolant.ts';
import { linearVP } from './linear-vp.ts';
import { polynomial } from './polynomial.ts';
import { schrodingerBridge } from './schrodinger-bridge.ts';
import { type TablePath, tablePath } from './table.ts';
import { ve } from './ve.ts';
import { vp } from './vp.ts';

/** A path that has been checked: closed form or table. */
export type KnownPath = CondOTPath | AffinePath | TablePath;

/** The affine paths that a file names: from their constants. */
export const affine: Readonly<Record<string, (constants: never) => AffinePath>> = {
  polynomial,
  linearVP,
  cosine,
  vp,
  ve,
  schrodingerBridge: (constants: { readonly sigma?: number }) => schrodingerBridge(constants),
  linearInterpolant: (constants: never) => storedInterpolant('linear')(constants),
  trigonometricInterpolant: (constants: never) => storedInterpolant('trigonometric')(constants),
  encoderDecoderInterpolant: (constants: never) => storedInterpolant('encoderDecoder')(constants),
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

/** A built-in path has its constants beside its name; a path of the user's may have the same name, but no constants. */
export function isAffine(value: object): value is AffinePath {
  const { name, constants } = value as { name?: unknown; constants?: unknown };
  return typeof constants === 'object' && constants !== null && typeof name === 'string' && Object.hasOwn(affine, name);
}

export function isTablePath(value: object): value is TablePath {
  return (value as { table?: unknown }).table instanceof Float64Array;
}

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
