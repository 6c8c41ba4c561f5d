// Options every picture takes, and the reading of numbers a user passed.

import { argumentError } from '../errors.ts';
import { integer } from '../options.ts';
import type { Picture, Sized } from './picture.ts';

export interface PictureOptions {
  /** @default '' */
  readonly title?: string;
  /** One line under the title. @default '' */
  readonly subtitle?: string;
  /** CSS pixels, 120 to 4096. @default depends on the kind */
  readonly width?: number;
  /** CSS pixels, 80 to 4096. @default depends on the kind */
  readonly height?: number;
}
export const pictureKeys = ['title', 'subtitle', 'width', 'height'] as const;

/** Title and size out of checked options. */
export function sized(options: { readonly [key in keyof PictureOptions]?: unknown }, path: string, width: number, height: number): Sized {
  return {
    title: text(options.title ?? '', `${path}.title`),
    subtitle: text(options.subtitle ?? '', `${path}.subtitle`),
    width: options.width === undefined ? width : integer(options.width, `${path}.width`, 120, 4096),
    height: options.height === undefined ? height : integer(options.height, `${path}.height`, 80, 4096),
  };
}

/** A string, or throws ERR_FLOW_TYPE. */
export function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw argumentError('ERR_FLOW_TYPE', path, 'a string', value);
  return value;
}

/** An array or a view of numbers, or throws ERR_FLOW_TYPE. */
export function numbers(value: unknown, path: string): ArrayLike<number> {
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!list) throw argumentError('ERR_FLOW_TYPE', path, 'an array of numbers', value);
  const view = value as ArrayLike<unknown>;
  for (let i = 0; i < view.length; i++) if (typeof view[i] !== 'number') throw argumentError('ERR_FLOW_TYPE', `${path}[${i}]`, 'a number', view[i]);
  return view as ArrayLike<number>;
}

/** A copy of a non-empty array without holes, or throws ERR_FLOW_TYPE / ERR_FLOW_SHAPE. */
export function list(value: unknown, path: string, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', path, `an array of ${what}`, value);
  if (value.length === 0) throw argumentError('ERR_FLOW_SHAPE', path, `at least one of ${what}`, value);
  return Array.from(value); // holes become undefined: map() would pass over them
}

/** Six significant digits: all that a screen can show, and short in a file. */
export const round = (value: number): number => (Number.isFinite(value) ? Number(value.toPrecision(Math.abs(value) > 1e9 ? 10 : 6)) : value);

const kinds = ['scatter', 'trajectories', 'frames', 'loss', 'histogram', 'bars', 'pairs', 'heatMap'] as const satisfies readonly Picture['kind'][];

/** A picture as scatter() and its like make them, or throws ERR_FLOW_TYPE. */
export function checkPicture(value: unknown): Picture {
  const kind = typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : undefined;
  if (!(kinds as readonly unknown[]).includes(kind)) {
    throw argumentError('ERR_FLOW_TYPE', 'picture', 'a picture', value, 'Make one with scatter(), histogram(), lossCurve() ...');
  }
  return value as Picture;
}
