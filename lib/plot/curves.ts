// The loss curve: training loss thin, its running mean on top, validation loss with a dot at its lowest point.

import { argumentError } from '../errors.ts';
import { record } from '../options.ts';
import { numbers, type PictureOptions, pictureKeys, round, sized } from './options.ts';
import type { LossPicture, PointSeries } from './picture.ts';

export interface LossOptions extends PictureOptions {
  readonly training: { readonly step: ArrayLike<number>; readonly loss: ArrayLike<number> };
  readonly validation?: { readonly step: ArrayLike<number>; readonly loss: ArrayLike<number> } | null;
  /** Logarithmic loss axis. @default when the largest loss is over 8 times the smallest */
  readonly logarithmic?: boolean;
}

/**
 * Training and validation loss over steps; at most 600 points are kept, each the mean of a stretch of steps.
 * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_CONFIG
 */
export function lossCurve(options: LossOptions): LossPicture {
  const o = record(options, 'options', [...pictureKeys, 'training', 'validation', 'logarithmic']);
  const raw = curve('training', o.training, 'options.training');
  const validation = o.validation === undefined || o.validation === null ? null : curve('validation', o.validation, 'options.validation');
  const training = shorten(raw, 600);
  const all = [...training.y, ...(validation?.y ?? [])];
  const [low, high] = all.reduce<[number, number]>(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Number.POSITIVE_INFINITY, 0]);
  if (o.logarithmic !== undefined && typeof o.logarithmic !== 'boolean')
    throw argumentError('ERR_FLOW_TYPE', 'options.logarithmic', 'a boolean', o.logarithmic);
  const logarithmic = low > 0 && ((o.logarithmic as boolean | undefined) ?? high > 8 * low);
  return { kind: 'loss', ...sized(o, 'options', 720, 320), training, smooth: smooth(training), validation, logarithmic };
}

function curve(name: string, value: unknown, path: string): PointSeries {
  const c = record(value, path, ['step', 'loss']);
  const [step, loss] = [numbers(c.step, `${path}.step`), numbers(c.loss, `${path}.loss`)];
  if (step.length !== loss.length) throw argumentError('ERR_FLOW_SHAPE', `${path}.loss`, `${step.length} numbers, as in step`, loss.length);
  const rows = Array.from({ length: step.length }, (_, i) => i).filter((i) => Number.isFinite(step[i]) && Number.isFinite(loss[i]));
  return { name, x: rows.map((i) => round(step[i]!)), y: rows.map((i) => round(loss[i]!)) };
}

/** Means over equal stretches. */
function shorten(series: PointSeries, most: number): PointSeries {
  const count = series.x.length;
  if (count <= most) return series;
  const mean = (values: readonly number[], k: number) => {
    const part = values.slice(Math.floor((k * count) / most), Math.floor(((k + 1) * count) / most));
    return round(part.reduce((a, b) => a + b, 0) / part.length);
  };
  const at = Array.from({ length: most }, (_, k) => k);
  return { name: series.name, x: at.map((k) => mean(series.x, k)), y: at.map((k) => mean(series.y, k)) };
}

/** A centred running mean over a twentieth of the curve. */
function smooth(series: PointSeries): PointSeries {
  const half = Math.floor(series.y.length / 40);
  const y = series.y.map((_, i) => {
    const reach = Math.min(half, i, series.y.length - 1 - i);
    const part = series.y.slice(i - reach, i + reach + 1);
    return round(part.reduce((a, b) => a + b, 0) / part.length);
  });
  return { name: `${series.name}, running mean`, x: series.x, y };
}
