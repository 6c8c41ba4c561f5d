// Pictures: build one (scatter, trajectories, frames, lossCurve, histogram, bars, pairs, heatMap), then toHtml, toSvg, toPng or writePicture.

export { type BarsOptions, bars, type HistogramOptions, histogram } from './columns.ts';
export { type LossOptions, lossCurve } from './curves.ts';
export { escapeHtml, figureHtml, pageHtml, toHtml } from './html.ts';
export { type HeatMapOptions, heatMap, type PairsOptions, pairs } from './matrix.ts';
export type { PictureOptions } from './options.ts';
export type * from './picture.ts';
export { type FlowOptions, frames, type ScatterOptions, scatter, type TrajectoriesOptions, trajectories } from './points.ts';
export { type PngOptions, type SvgOptions, toPng, toSvg } from './render.ts';
export { writePicture, writeWhole } from './write.ts';
