// The options of a run as it reads them: checked, with their defaults.

import type { Coupling, OptimalCoupling } from '../couplings/coupling.ts';
import type { Width } from '../data/rows.ts';
import type { Loss } from '../losses/loss.ts';
import type { Objective } from '../losses/objective.ts';
import type { LossWeight } from '../losses/weight.ts';
import type { NetworkSpec } from '../network/spec.ts';
import type { AdamW } from '../optimisers/optimiser.ts';
import type { Prediction } from '../paths/frame.ts';
import type { KnownPath } from '../paths/restore.ts';
import type { TrainingPrecision } from '../precision.ts';
import type { TimeLaw } from '../times/time-law.ts';
import type { CheckpointOptions, Progress, Resumed } from './options.ts';

/** An objective whose score is of a known diffusion: sigma, or sigma sqrt(dAlpha) of the path where it varies. */
export type SettledObjective =
  | Exclude<Objective, { readonly name: 'scoreAndFlow' }>
  | { readonly name: 'scoreAndFlow'; readonly sigma: number; readonly varies?: true };

/** Checked options with their defaults. */
export interface Settings {
  readonly data: unknown;
  readonly columns: Width | undefined;
  readonly condition: unknown;
  readonly dropCondition: number;
  readonly source: { readonly rows: unknown; readonly paired: boolean; readonly noise: boolean } | null;
  readonly normalise: boolean | readonly boolean[];
  readonly network: NetworkSpec;
  readonly path: KnownPath;
  readonly prediction: Prediction;
  readonly objective: SettledObjective;
  readonly loss: Loss;
  readonly weight: LossWeight | null;
  readonly coupling: Coupling;
  readonly time: TimeLaw;
  readonly optimiser: AdamW;
  readonly precision: TrainingPrecision;
  readonly batchSize: number;
  readonly replacement: boolean;
  readonly steps: number;
  readonly ema: number;
  readonly clip: number;
  readonly validation: number;
  readonly evaluateEvery: number;
  readonly patience: number;
  readonly seed: bigint;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
  readonly onResume: ((resumed: Resumed) => void) | undefined;
  readonly checkpoint:
    | (Required<Omit<CheckpointOptions, 'everySteps' | 'everySeconds'>> & { readonly everySteps: number; readonly everySeconds: number })
    | null;
  readonly table: unknown;
}

/** Whether the native step couples by optimal transport. */
export function isOptimal(coupling: Coupling): coupling is OptimalCoupling {
  return 'optimal' in coupling;
}
