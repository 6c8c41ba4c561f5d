// Pictures of many columns: the pair plot and correlation matrices.

import { argumentError } from '../errors.ts';
import { choice, integer, record } from '../options.ts';
import { binEdges, binShares } from './columns.ts';
import { list, numbers, type PictureOptions, pictureKeys, round, sized, text } from './options.ts';
import type { HeatMapPicture, PairsPicture, Scale } from './picture.ts';
import { thin } from './thin.ts';

export interface PairsOptions extends PictureOptions {
  readonly columns: readonly { readonly name: string; readonly scale?: Scale }[];
  /** values[column][row] of each series; a row with a value that is not finite is left out. */
  readonly series: readonly { readonly name: string; readonly values: readonly ArrayLike<number>[] }[];
  /** At most this many points of each series in a panel. @default 500 */
  readonly most?: number;
}

/**
 * Every column against every other: points below the diagonal, distributions on it, Pearson correlations above it.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_RANGE, ERR_FLOW_CONFIG
 */
export function pairs(options: PairsOptions): PairsPicture {
  const o = record(options, 'options', [...pictureKeys, 'columns', 'series', 'most']);
  const most = o.most === undefined ? 500 : integer(o.most, 'options.most', 1, 20_000);
  const columns = list(o.columns, 'options.columns', 'columns').map((one, i) => {
    const c = record(one, `options.columns[${i}]`, ['name', 'scale']);
    const scale = choice(c.scale ?? 'number', `options.columns[${i}].scale`, ['number', 'date'] as const);
    return { name: text(c.name, `options.columns[${i}].name`), scale };
  });
  const series = list(o.series, 'options.series', 'series').map((one, i) => {
    const path = `options.series[${i}]`;
    const s = record(one, path, ['name', 'values']);
    const all = list(s.values, `${path}.values`, 'columns').map((values, j) => numbers(values, `${path}.values[${j}]`));
    if (all.length !== columns.length) throw argumentError('ERR_FLOW_SHAPE', `${path}.values`, `${columns.length} columns`, all.length);
    const count = all[0]!.length;
    for (const [j, values] of all.entries())
      if (values.length !== count) throw argumentError('ERR_FLOW_SHAPE', `${path}.values[${j}]`, `${count} rows`, values.length);
    const rows = Array.from({ length: count }, (_, row) => row).filter((row) => all.every((values) => Number.isFinite(values[row])));
    return { name: text(s.name, `${path}.name`), values: all.map((values) => rows.map((row) => values[row]!)) };
  });
  const edges = columns.map((_, j) =>
    binEdges(
      series.map((s) => s.values[j]!),
      24,
    ),
  );
  const side = Math.min(190, 860 / columns.length);
  return {
    kind: 'pairs',
    ...sized(o, 'options', Math.round(side * columns.length + 60), Math.round(side * columns.length + 110)),
    columns: columns.map((column, j) => ({ ...column, edges: edges[j]!.map(round) })),
    series: series.map((s) => {
      const shown = thin(s.values[0]!.length, most);
      return {
        name: s.name,
        values: s.values.map((values) => shown.map((row) => round(values[row]!))),
        share: s.values.map((values, j) => binShares(values, edges[j]!)),
        correlation: s.values.map((a) => s.values.map((b) => round(correlate(a, b)))),
      };
    }),
  };
}

/** Pearson's correlation; 0 when a column is constant. */
function correlate(a: readonly number[], b: readonly number[]): number {
  const n = a.length;
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / n;
  const [p, q] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [u, v] = [a[i]! - p, b[i]! - q];
    ab += u * v;
    aa += u * u;
    bb += v * v;
  }
  return aa > 0 && bb > 0 ? Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb))) : 0;
}

export interface HeatMapOptions extends PictureOptions {
  readonly names: readonly string[];
  /** Square matrices of numbers in [-1, 1], drawn side by side on one colour scale. */
  readonly matrices: readonly { readonly name: string; readonly values: readonly ArrayLike<number>[] }[];
}

/**
 * Matrices of correlations side by side: blue positive, orange negative, the number in each cell.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_CONFIG
 */
export function heatMap(options: HeatMapOptions): HeatMapPicture {
  const o = record(options, 'options', [...pictureKeys, 'names', 'matrices']);
  const names = list(o.names, 'options.names', 'names').map((name, i) => text(name, `options.names[${i}]`));
  const matrices = list(o.matrices, 'options.matrices', 'matrices').map((one, i) => {
    const path = `options.matrices[${i}]`;
    const m = record(one, path, ['name', 'values']);
    const values = list(m.values, `${path}.values`, 'rows').map((row, j) => Array.from(numbers(row, `${path}.values[${j}]`), round));
    if (values.length !== names.length || values.some((row) => row.length !== names.length))
      throw argumentError('ERR_FLOW_SHAPE', `${path}.values`, `${names.length} rows of ${names.length}`, values);
    return { name: text(m.name, `${path}.name`), values };
  });
  const side = Math.max(150, Math.min(280, 36 * names.length));
  return { kind: 'heatMap', ...sized(o, 'options', 110 + (side + 20) * matrices.length, side + 150), names, matrices };
}
