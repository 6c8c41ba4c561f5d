// Pictures of one column: histograms of numbers and dates laid over each other, bars of categories.

import { argumentError } from '../errors.ts';
import { choice, integer, record } from '../options.ts';
import { list, numbers, type PictureOptions, pictureKeys, round, sized, text } from './options.ts';
import type { BarsPicture, HistogramPicture, Scale } from './picture.ts';

export interface HistogramOptions extends PictureOptions {
  readonly series: readonly { readonly name: string; readonly values: ArrayLike<number> }[];
  /** Axis label. @default '' */
  readonly label?: string;
  /** 'date': values are milliseconds since 1970. @default 'number' */
  readonly scale?: Scale;
  /** Number of bins, 1 to 500. @default by the Freedman-Diaconis rule, 14 to 48 */
  readonly bins?: number;
}

/**
 * The share of rows in each bin, series laid over each other on common bins. Values that are not finite are left out.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 * @example histogram({ label: 'body mass (g)', series: [{ name: 'real', values: a }, { name: 'synthetic', values: b }] })
 */
export function histogram(options: HistogramOptions): HistogramPicture {
  const o = record(options, 'options', [...pictureKeys, 'series', 'label', 'scale', 'bins']);
  const series = list(o.series, 'options.series', 'series').map((one, i) => {
    const s = record(one, `options.series[${i}]`, ['name', 'values']);
    return { name: text(s.name, `options.series[${i}].name`), values: numbers(s.values, `options.series[${i}].values`) };
  });
  const bins = o.bins === undefined ? undefined : integer(o.bins, 'options.bins', 1, 500);
  const edges = binEdges(
    series.map((s) => s.values),
    bins,
  );
  return {
    kind: 'histogram',
    ...sized(o, 'options', 460, 280),
    label: text(o.label ?? '', 'options.label'),
    scale: choice(o.scale ?? 'number', 'options.scale', ['number', 'date'] as const),
    edges: edges.map(round),
    series: series.map((s) => ({ name: s.name, share: binShares(s.values, edges) })),
  };
}

/** Common bin edges. The width is Freedman and Diaconis' 2 IQR n^(-1/3) of the first series; few distinct integers get a bin each, centred. */
export function binEdges(all: readonly ArrayLike<number>[], bins?: number): number[] {
  let [low, high, whole] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (const values of all) {
    for (let i = 0; i < values.length; i++) {
      const v = values[i]!;
      if (!Number.isFinite(v)) continue;
      if (v < low) low = v;
      if (v > high) high = v;
      if (whole && !Number.isInteger(v)) whole = false;
    }
  }
  if (low > high) return [0, 1];
  if (bins === undefined && whole && high - low <= 30) return Array.from({ length: high - low + 2 }, (_, i) => low + i - 0.5);
  if (low === high) return [low - 0.5, high + 0.5];
  const first = Float64Array.from(all[0] ?? [])
    .filter(Number.isFinite)
    .sort();
  const iqr = (first[Math.floor(first.length * 0.75)] ?? 0) - (first[Math.floor(first.length * 0.25)] ?? 0);
  const width = (2 * iqr) / Math.cbrt(Math.max(1, first.length));
  let count = bins ?? (width > 0 ? Math.min(48, Math.max(14, Math.ceil((high - low) / width))) : 20);
  let step = (high - low) / count;
  // A bin of a whole column holds the same number of integers as its neighbour, or the picture grows teeth.
  if (bins === undefined && whole) [step, low] = [Math.max(1, Math.round(step)), low - 0.5];
  if (bins === undefined && whole) count = Math.ceil((high + 0.5 - low) / step);
  return Array.from({ length: count + 1 }, (_, i) => low + i * step);
}

/** The share of the finite values in each bin; the last bin includes its right edge. */
export function binShares(values: ArrayLike<number>, edges: readonly number[]): number[] {
  const count = edges.length - 1;
  const [low, high] = [edges[0]!, edges[count]!];
  const share = new Array<number>(count).fill(0);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (!Number.isFinite(v)) continue;
    total++;
    if (v < low || v > high) continue;
    share[Math.min(count - 1, Math.floor(((v - low) / (high - low)) * count))]! += 1;
  }
  return share.map((n) => round(n / Math.max(1, total)));
}

export interface BarsOptions extends PictureOptions {
  readonly series: readonly { readonly name: string; readonly values: readonly (string | null)[] }[];
  /** Axis label. @default '' */
  readonly label?: string;
  /** Categories shown before the rest is summed as "other". @default 12 */
  readonly most?: number;
}

/**
 * The share of rows in each category, most frequent (in the first series) first; nulls are left out.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 */
export function bars(options: BarsOptions): BarsPicture {
  const o = record(options, 'options', [...pictureKeys, 'series', 'label', 'most']);
  const most = o.most === undefined ? 12 : integer(o.most, 'options.most', 1, 200);
  const series = list(o.series, 'options.series', 'series').map((one, i) => {
    const s = record(one, `options.series[${i}]`, ['name', 'values']);
    if (!Array.isArray(s.values)) throw argumentError('ERR_FLOW_TYPE', `options.series[${i}].values`, 'an array of strings', s.values);
    const counts = new Map<string, number>();
    for (const value of s.values as unknown[]) if (value !== null && value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
    const total = [...counts.values()].reduce((a, b) => a + b, 0);
    return { name: text(s.name, `options.series[${i}].name`), counts, total: Math.max(1, total) };
  });
  const seen = new Set(series.flatMap((s) => [...s.counts.keys()]));
  const rank = (name: string) => series.map((s) => s.counts.get(name) ?? 0);
  const order = [...seen].sort((a, b) => {
    const [p, q] = [rank(a), rank(b)];
    for (let i = 0; i < p.length; i++) if (p[i] !== q[i]) return q[i]! - p[i]!;
    return a < b ? -1 : 1;
  });
  const shown = order.length > most ? order.slice(0, most - 1) : order;
  const rest = order.slice(shown.length);
  const share = (s: (typeof series)[number], names: readonly string[]) => round(names.reduce((sum, name) => sum + (s.counts.get(name) ?? 0), 0) / s.total);
  const groups = [...shown.map((name) => [name]), ...(rest.length > 0 ? [rest] : [])];
  const size = sized(o, 'options', 460, Math.max(150, 96 + groups.length * (16 * series.length + 10)));
  return {
    kind: 'bars',
    ...size,
    label: text(o.label ?? '', 'options.label'),
    categories: [...shown, ...(rest.length > 0 ? [`other (${rest.length})`] : [])],
    series: series.map((s) => ({ name: s.name, share: groups.map((names) => share(s, names)) })),
  };
}
