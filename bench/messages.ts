// What the bench and its drivers say to each other: one JSON object a line. A driver is a process of its own that holds prepared work and times it when asked.

import type { Kind, Shape } from './cases.ts';

export interface Prepare {
  readonly do: 'prepare';
  /** The name under which measure() and release() find it. */
  readonly key: string;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly variant: string;
  readonly threads: number;
  /** Wanted length of one measurement. */
  readonly seconds: number;
}
export type Ask = Prepare | { readonly do: 'measure' | 'release'; readonly key: string } | { readonly do: 'info' };

/** What a driver offers: its version in words, and its variants by kind; the first one is the plain f32 one. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  readonly variants: Readonly<Partial<Record<Kind, readonly string[]>>>;
}
export type Answer = { readonly error: string } | Offer | { readonly seconds: number } | Record<string, never>;

/** Which clock a measurement reads: processor time of the process leaves out what other processes take of the same core; with several threads only the wall clock counts. */
export const clockName = (threads: number): 'cpu' | 'wall' => (threads > 1 ? 'wall' : 'cpu');
