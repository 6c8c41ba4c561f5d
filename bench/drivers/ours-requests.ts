// What the drivers of flowmatch share: the addon, and requests to it through the treaty (lib/native/binding.ts), so that one native call is one measurement.

import { createRequire } from 'node:module';
import { mlp } from '../../lib/index.ts';
import type { Binding, NativeDataset, SampleRequest } from '../../lib/native/binding.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import type { Program } from '../../lib/network/ops.ts';
import type { Shape } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import { plain } from './model.ts';

export const binding = createRequire(import.meta.url)(process.env['FLOWMATCH_ADDON'] as string) as Binding;
/** What this addon computes in; an addon that does not say so knows f32. */
export const offered: { readonly training: readonly string[]; readonly sampling: readonly string[] } = (
  binding.info() as unknown as { precisions?: { training: readonly string[]; sampling: readonly string[] } }
).precisions ?? { training: ['f32'], sampling: ['f32'] };
/** The field is only sent where it says something, so that older addons take the request. */
export const precisely = (variant: string): object => (variant === 'f32' ? {} : { precision: variant });

export function encoded(shape: Shape, change: (program: Program) => Program = (program) => program) {
  const program = lower(mlp(plain(shape, 'silu')), shape.d, null);
  return { ...encodeProgram(change(program)), parameters: initialiseParameters(program, 1) };
}

export function noise(rows: number, columns: number): NativeDataset {
  const dataset = new binding.Dataset(columns);
  dataset.append(binding.normal(3n, 0, rows, columns));
  return dataset;
}

/** k Euler steps of all rows. */
export const eulerRequest = ({ shape, threads, variant }: Prepare, k: number): SampleRequest => ({
  n: shape.N,
  firstRow: 0,
  seed: 1n,
  initial: null,
  normaliseInitial: false,
  sourceScale: 1,
  condition: null,
  sharedCondition: false,
  a: Float64Array.of(0),
  b: Float64Array.of(1),
  c: Float64Array.of(0),
  grid: Float64Array.from({ length: k + 1 }, (_, i) => i / k),
  save: Int32Array.of(k),
  frame: null,
  shift: null,
  scale: null,
  threads,
  ...precisely(variant),
});
