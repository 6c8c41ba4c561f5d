// Affine maps per column: data = shift + scale z. Fitted as mean and population standard deviation of the training rows, so that z has mean 0 and variance 1.
// A column that never changes gets scale 0: its rows come out of a sampler as `shift`, exactly.

import type { NativeDataset } from '../native/binding.ts';

/** Affine map per column: data = shift + scale * z. The same shape as in the Model record. */
export interface Normaliser {
  readonly shift: Float32Array;
  readonly scale: Float32Array;
}

/** Spread below which a column counts as constant: float32 cannot tell its values apart. */
const constantSpread = 1e-9;

/** Which columns to z-score. */
export type NormaliseMask = readonly boolean[];

/** Shift and scale of the named rows; columns that are not in the mask stay as they are (shift 0, scale 1). */
export async function fitNormaliser(store: NativeDataset, rows: Uint32Array, mask: NormaliseMask): Promise<Normaliser> {
  const { mean, std } = await store.moments(rows).done;
  const constant = (j: number): boolean => !((std[j] as number) > constantSpread * Math.abs(mean[j] as number) && (std[j] as number) > 1e-30);
  return {
    shift: Float32Array.from(mean, (value, j) => (mask[j] ? value : 0)),
    scale: Float32Array.from(std, (value, j) => (mask[j] ? (constant(j) ? 0 : value) : 1)),
  };
}

/** The scale to divide by: 1 where it is 0, so that a constant column becomes 0. */
export function divisor(normaliser: Normaliser): Float32Array {
  return normaliser.scale.map((scale) => (scale === 0 ? 1 : scale));
}

/** z = (x - shift) / scale in float32, as the native core does it; `width` columns, of which the first `shift.length` are mapped. In place. */
export function toNetwork(values: Float32Array, width: number, normaliser: Normaliser | null): Float32Array {
  if (normaliser === null) return values;
  const { shift } = normaliser;
  const by = divisor(normaliser);
  for (let i = 0; i < values.length; i += width) {
    for (let j = 0; j < shift.length; j++) values[i + j] = Math.fround((values[i + j] as number) - (shift[j] as number)) / (by[j] as number);
  }
  return values;
}
