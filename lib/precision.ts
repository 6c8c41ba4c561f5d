// Arithmetic of a network's dense layers, by name. States, time features, normalisation, sums and parameters stay f32 in all of them.

import { choice } from './options.ts';

/**
 * How a network is sampled: f32 (the same bits on every machine with fma), f32-amx (three bfloat16 parts per number, six products: as accurate, fast with AMX), bf16x3 (two parts,
 * three products: errors up to 2e-5 of the largest velocity), bf16 (up to 1e-2). Without AMX the two in the middle are f32 itself.
 */
export type SamplingPrecision = 'f32' | 'f32-amx' | 'bf16x3' | 'bf16';
/** How a network is trained: bf16 rounds the operands of the matrix products; sums, parameters and optimiser stay f32. */
export type TrainingPrecision = 'f32' | 'bf16';

export const samplingPrecisions: readonly SamplingPrecision[] = ['f32', 'f32-amx', 'bf16x3', 'bf16'];
export const trainingPrecisions: readonly TrainingPrecision[] = ['f32', 'bf16'];

export function samplingPrecision(value: unknown, path: string): SamplingPrecision {
  return choice(value ?? 'f32', path, samplingPrecisions);
}
export function trainingPrecision(value: unknown, path: string): TrainingPrecision {
  return choice(value ?? 'f32', path, trainingPrecisions);
}
