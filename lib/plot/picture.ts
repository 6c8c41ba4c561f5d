// A picture is plain data (JSON): what is shown, never how. `draw/` turns it into SVG, in Node and in the reader's browser alike; the builders
// (scatter, trajectories, frames, lossCurve, histogram, bars, pairs, heatMap) check, thin and bin the data before it gets here.

/** Title, one line below it, and the size in CSS pixels: shared by all pictures. */
export interface Sized {
  readonly title: string;
  readonly subtitle: string;
  readonly width: number;
  readonly height: number;
}

/** Points of one colour; x and y have one length. */
export interface PointSeries {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export type Scale = 'number' | 'date';

export interface ScatterPicture extends Sized {
  readonly kind: 'scatter';
  readonly series: readonly PointSeries[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** One unit of x is as long as one unit of y. */
  readonly equal: boolean;
}

/** Lines from noise (t = 0) to data (t = 1): x[k][i] is the x of row i at times[k]. */
export interface TrajectoriesPicture extends Sized {
  readonly kind: 'trajectories';
  readonly times: readonly number[];
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** One unit of x is as long as one unit of y. */
  readonly equal: boolean;
}

/** One panel per time, all on the same axes; group[i] colours row i. */
export interface FramesPicture extends Sized {
  readonly kind: 'frames';
  readonly times: readonly number[];
  readonly x: readonly (readonly number[])[];
  readonly y: readonly (readonly number[])[];
  readonly group: readonly number[];
}

export interface LossPicture extends Sized {
  readonly kind: 'loss';
  readonly training: PointSeries;
  /** A running mean of `training`: the line to read. */
  readonly smooth: PointSeries;
  readonly validation: PointSeries | null;
  readonly logarithmic: boolean;
}

/** share[j] of the rows lies in [edges[j], edges[j + 1]). */
export interface HistogramPicture extends Sized {
  readonly kind: 'histogram';
  readonly label: string;
  readonly scale: Scale;
  readonly edges: readonly number[];
  readonly series: readonly { readonly name: string; readonly share: readonly number[] }[];
}

export interface BarsPicture extends Sized {
  readonly kind: 'bars';
  readonly label: string;
  readonly categories: readonly string[];
  readonly series: readonly { readonly name: string; readonly share: readonly number[] }[];
}

/** Every column against every other: points below the diagonal, distributions on it, correlations above it. */
export interface PairsPicture extends Sized {
  readonly kind: 'pairs';
  readonly columns: readonly { readonly name: string; readonly scale: Scale; readonly edges: readonly number[] }[];
  readonly series: readonly {
    readonly name: string;
    /** values[column][row] */
    readonly values: readonly (readonly number[])[];
    readonly share: readonly (readonly number[])[];
    readonly correlation: readonly (readonly number[])[];
  }[];
}

/** Square matrices of numbers in [-1, 1] side by side, on one colour scale. */
export interface HeatMapPicture extends Sized {
  readonly kind: 'heatMap';
  readonly names: readonly string[];
  readonly matrices: readonly { readonly name: string; readonly values: readonly (readonly number[])[] }[];
}

export type Picture = ScatterPicture | TrajectoriesPicture | FramesPicture | LossPicture | HistogramPicture | BarsPicture | PairsPicture | HeatMapPicture;
