// Pictures of points in the plane: scatter (one colour per series), trajectories (lines from t = 0 to t = 1) and frames (one panel per time).

import { argumentError } from '../errors.ts';
import { integer, record } from '../options.ts';
import { list, numbers, type PictureOptions, pictureKeys, round, sized, text } from './options.ts';
import type { FramesPicture, PointSeries, ScatterPicture, TrajectoriesPicture } from './picture.ts';
import { thin } from './thin.ts';

export interface ScatterOptions extends PictureOptions {
  /** Each series: a name and either x and y, or rows (n, dimension) of which `axes` are shown. */
  readonly series: readonly (
    | { readonly name: string; readonly x: ArrayLike<number>; readonly y: ArrayLike<number> }
    | { readonly name: string; readonly rows: ArrayLike<number>; readonly dimension?: number; readonly axes?: readonly [number, number] }
  )[];
  /** @default 'x' */
  readonly xLabel?: string;
  /** @default 'y' */
  readonly yLabel?: string;
  /** One unit of x as long as one of y. @default true */
  readonly equal?: boolean;
  /** At most this many points of each series are drawn, chosen evenly. @default 2000 */
  readonly most?: number;
}

/**
 * Points in the plane, one colour per series; rows that are not finite are left out.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG (unknown option)
 * @example scatter({ title: 'Two moons', series: [{ name: 'data', rows: data, dimension: 2 }, { name: 'model', rows: x, dimension: 2 }] })
 */
export function scatter(options: ScatterOptions): ScatterPicture {
  const o = record(options, 'options', [...pictureKeys, 'series', 'xLabel', 'yLabel', 'equal', 'most']);
  const most = o.most === undefined ? 2000 : integer(o.most, 'options.most', 1, 200_000);
  const series = list(o.series, 'options.series', 'series').map((one, i) => pointSeries(one, `options.series[${i}]`, most));
  return {
    kind: 'scatter',
    ...sized(o, 'options', 560, 520),
    series,
    xLabel: text(o.xLabel ?? 'x', 'options.xLabel'),
    yLabel: text(o.yLabel ?? 'y', 'options.yLabel'),
    equal: flag(o.equal, 'options.equal'),
  };
}

function flag(value: unknown, path: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError('ERR_FLOW_TYPE', path, 'a boolean', value);
  return value ?? true;
}

function pointSeries(value: unknown, path: string, most: number): PointSeries {
  const s = record(value, path, ['name', 'x', 'y', 'rows', 'dimension', 'axes']);
  const name = text(s.name, `${path}.name`);
  let [x, y, count] = [[] as ArrayLike<number>, [] as ArrayLike<number>, 0];
  let [stride, first, second] = [1, 0, 0];
  if (s.rows !== undefined) {
    x = y = numbers(s.rows, `${path}.rows`);
    stride = s.dimension === undefined ? 2 : integer(s.dimension, `${path}.dimension`, 1);
    if (x.length % stride !== 0) throw argumentError('ERR_FLOW_SHAPE', `${path}.rows`, `a multiple of ${stride} numbers`, x.length);
    const axes = (s.axes ?? [0, Math.min(1, stride - 1)]) as readonly unknown[];
    if (!Array.isArray(axes) || axes.length !== 2) throw argumentError('ERR_FLOW_SHAPE', `${path}.axes`, 'two column numbers', axes);
    [first, second] = [integer(axes[0], `${path}.axes[0]`, 0, stride - 1), integer(axes[1], `${path}.axes[1]`, 0, stride - 1)];
    count = x.length / stride;
  } else {
    [x, y] = [numbers(s.x, `${path}.x`), numbers(s.y, `${path}.y`)];
    if (x.length !== y.length) throw argumentError('ERR_FLOW_SHAPE', `${path}.y`, `${x.length} numbers, as in x`, y.length);
    count = x.length;
  }
  const finite: number[] = [];
  for (let i = 0; i < count; i++) if (Number.isFinite(x[i * stride + first]) && Number.isFinite(y[i * stride + second])) finite.push(i);
  const rows = thin(finite.length, most).map((i) => finite[i]!);
  return { name, x: rows.map((i) => round(x[i * stride + first]!)), y: rows.map((i) => round(y[i * stride + second]!)) };
}

export interface FlowOptions extends PictureOptions {
  /** Times of the frames, ascending from noise (0) to data (1). */
  readonly times: ArrayLike<number>;
  /** frames[k]: rows (n, dimension) at times[k]. */
  readonly frames: readonly ArrayLike<number>[];
  /** @default 2 */
  readonly dimension?: number;
  /** The two columns shown. @default [0, 1] */
  readonly axes?: readonly [number, number];
  /** At most this many rows are drawn, chosen evenly. @default 220 (trajectories), 1500 (frames) */
  readonly most?: number;
}

export interface TrajectoriesOptions extends FlowOptions {
  /** @default 'x' */
  readonly xLabel?: string;
  /** @default 'y' */
  readonly yLabel?: string;
  /** One unit of x as long as one of y. @default true */
  readonly equal?: boolean;
}

/**
 * The way of each row from noise (t = 0) to data (t = 1), in the plane.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 */
export function trajectories(options: TrajectoriesOptions): TrajectoriesPicture {
  const o = record(options, 'options', [...pictureKeys, 'times', 'frames', 'dimension', 'axes', 'most', 'xLabel', 'yLabel', 'equal']);
  const flow = readFlow(o, 220);
  const labels = { xLabel: text(o.xLabel ?? 'x', 'options.xLabel'), yLabel: text(o.yLabel ?? 'y', 'options.yLabel') };
  return { kind: 'trajectories', ...sized(o, 'options', 560, 540), times: flow.times, x: flow.x, y: flow.y, ...labels, equal: flag(o.equal, 'options.equal') };
}

/**
 * One panel per time on common axes; `group` colours the rows, so that the eye can follow them.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 */
export function frames(options: FlowOptions & { readonly group?: ArrayLike<number> }): FramesPicture {
  const o = record(options, 'options', [...pictureKeys, 'times', 'frames', 'dimension', 'axes', 'most', 'group']);
  const flow = readFlow(o, 1500);
  const group = o.group === undefined ? undefined : numbers(o.group, 'options.group');
  if (group && group.length !== flow.count) throw argumentError('ERR_FLOW_SHAPE', 'options.group', `${flow.count} numbers, one per row`, group.length);
  const panels = flow.times.length;
  const size = sized(o, 'options', Math.min(1600, 190 * panels + 20), 250);
  return { kind: 'frames', ...size, times: flow.times, x: flow.x, y: flow.y, group: flow.rows.map((i) => group?.[i] ?? 0) };
}

type FlowKeys = { readonly [key in 'times' | 'frames' | 'dimension' | 'axes' | 'most']?: unknown };

function readFlow(o: FlowKeys, usual: number) {
  const times = Array.from(numbers(o.times, 'options.times'), round);
  const given = list(o.frames, 'options.frames', 'frames').map((frame, k) => numbers(frame, `options.frames[${k}]`));
  if (given.length !== times.length) throw argumentError('ERR_FLOW_SHAPE', 'options.frames', `${times.length} frames, one per time`, given.length);
  const dimension = o.dimension === undefined ? 2 : integer(o.dimension, 'options.dimension', 1);
  const axes = (o.axes ?? [0, Math.min(1, dimension - 1)]) as readonly unknown[];
  if (!Array.isArray(axes) || axes.length !== 2) throw argumentError('ERR_FLOW_SHAPE', 'options.axes', 'two column numbers', axes);
  const [first, second] = axes.map((axis, i) => integer(axis, `options.axes[${i}]`, 0, dimension - 1)) as [number, number];
  const length = given[0]!.length;
  for (const [k, frame] of given.entries()) {
    if (frame.length !== length || length % dimension !== 0)
      throw argumentError('ERR_FLOW_SHAPE', `options.frames[${k}]`, `${length} numbers in rows of ${dimension}`, frame.length);
  }
  const most = o.most === undefined ? usual : integer(o.most, 'options.most', 1, 100_000);
  const finite = Array.from({ length: length / dimension }, (_, i) => i).filter((i) =>
    given.every((frame) => Number.isFinite(frame[i * dimension + first]) && Number.isFinite(frame[i * dimension + second])),
  );
  const rows = thin(finite.length, most).map((i) => finite[i]!);
  const take = (axis: number) => given.map((frame) => rows.map((i) => round(frame[i * dimension + axis]!)));
  return { times, rows, count: length / dimension, x: take(first), y: take(second) };
}
