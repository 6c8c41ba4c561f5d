// Readings to rows: medians with minimum and maximum, fractions of the peak measured beside each reading, and whether the machine stood still meanwhile.

export interface Reading {
  /** Of one unit of the case. */
  readonly seconds: number;
  /** GFLOP/s of the f32 fma peak of the cores in use, measured right before or after. */
  readonly peak: number;
}
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly contender: string;
  /** `flowmatch` or the name of the peer. */
  readonly group: string;
  readonly threads: number;
  readonly precision: string;
  readonly rounds: number;
  readonly seconds: Spread;
  readonly gflops: number;
  /** Of the peak. */
  readonly fraction: Spread;
  readonly peak: Spread;
  /** The peak moved by more than a fifth between rounds: read the fraction, not the time. */
  readonly noisy: boolean;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('the median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}

export const spread = (values: readonly number[]): Spread => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

/** Largest share by which a peak may move between rounds. */
export const steady = 0.2;
export const isNoisy = (peaks: readonly number[]): boolean => Math.max(...peaks) > (1 + steady) * Math.min(...peaks);

type Label = Pick<Row, 'id' | 'title' | 'contender' | 'group' | 'threads' | 'precision'>;
export function rowOf(label: Label, flop: number, readings: readonly Reading[]): Row {
  const peaks = readings.map((r) => r.peak);
  const seconds = spread(readings.map((r) => r.seconds));
  return {
    ...label,
    rounds: readings.length,
    seconds,
    gflops: (flop / seconds.median) * 1e-9,
    fraction: spread(readings.map((r) => ((flop / r.seconds) * 1e-9) / r.peak)),
    peak: spread(peaks),
    noisy: isNoisy(peaks),
  };
}

/** The fastest row of each group among those of one case. */
export function bestOf(rows: readonly Row[]): Map<string, Row> {
  const best = new Map<string, Row>();
  for (const row of rows) if (row.seconds.median < (best.get(row.group)?.seconds.median ?? Number.POSITIVE_INFINITY)) best.set(row.group, row);
  return best;
}
