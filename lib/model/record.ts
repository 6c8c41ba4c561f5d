// The Model record: everything a trained flow is. Plain data; one per file; sampling, onnx and checkpoint take this record and not each other.

import type { ConditionSpec, NetworkSpec } from '../network/spec.ts';
import { eulerStepsOf } from '../times/euler-times.ts';

/** Path as stored: a built-in by name and constants, or the table a user's path was sampled to (see NativePath). */
export interface PathRecord {
  readonly name: string;
  readonly tMin: number;
  readonly tMax: number;
  readonly sourceScale: number;
  /** Constants of a built-in path, e.g. { sigmaMin: 0 }. */
  readonly constants?: Readonly<Record<string, number>>;
  /** (n, 12) nodes of a user's path, see NativePath. */
  readonly table?: Float64Array;
}

/** Affine map per column: data = shift + scale * z. Scale 0 marks a constant column: its value is `shift`, and its z is 0. */
export interface Normaliser {
  readonly shift: Float32Array;
  readonly scale: Float32Array;
}

export interface ModelRecord {
  readonly network: NetworkSpec;
  readonly dimension: number;
  /** Names of the d columns, when known. */
  readonly columns: readonly string[] | null;
  readonly condition: ConditionSpec | null;
  /** For the `numbers` of the condition only. */
  readonly conditionNormaliser: Normaliser | null;
  /** null = raw coordinates. */
  readonly normaliser: Normaliser | null;
  readonly path: PathRecord;
  /** What the network says at (t, x): the velocity, x1, or x0 of standard deviation 1 (see paths/frame.ts). */
  readonly prediction: 'velocity' | 'x1' | 'noise';
  /** Sampled along this path instead of the trained one (Model.withPath); absent: along `path`. */
  readonly samplingPath?: PathRecord;
  /**
   * Trained by scoreAndFlow: the network has a second head, s = sigma(t)^2 / 2 grad log p_t. Absent: it has one. sigma(t) is `sigma`, or with `varies` that of the bridge
   * whose path this is, sigma(t)^2 = sigma^2 dAlpha(t).
   */
  readonly score?: { readonly sigma: number; readonly varies?: true };
  /** 'rows': start rows must be given when sampling; they are never stored. */
  readonly source: 'gaussian' | 'rows';
  /** Table codec (lib/table), JSON; null for plain matrices. */
  readonly table: unknown;
  /** How it was trained: steps, seed, batch size, losses by epoch ...; JSON, shown by `inspect`. */
  readonly training: Readonly<Record<string, unknown>>;
  /** Flat parameters in the logical layout of lower(network, dimension, condition): the EMA weights when EMA is on. */
  readonly parameters: Float32Array;
  /** Library version that wrote it. */
  readonly version: string;
}

/** The k Euler steps that distil() made this model for, by default all that it is sampled with; null for any other model. */
export const distilledSteps = (model: Pick<ModelRecord, 'training'>): number | null => eulerStepsOf(model.training['time']);
