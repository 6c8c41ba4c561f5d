// `flowmatch plot`: generated rows as a scatter or pair plot, the flow as trajectories, or the loss curve; .html, .svg or .png by the name of the file.

import { FlowError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { choice } from '../options.ts';
import { lossCurve, type Picture, pairs, scatter, trajectories, writePicture } from '../plot/index.ts';
import { lossHistory } from '../report/history.ts';
import type { SampleOptions } from '../sampling/options.ts';
import { euler } from '../solvers/solvers.ts';
import { tableCodec } from '../table/sample.ts';
import { loadModel } from './model.ts';
import { checkPlace } from './place.ts';
import type { Session } from './session.ts';

export interface PlotFlags {
  readonly output: string;
  readonly kind?: string;
  readonly rows: number;
  readonly seed: number;
  readonly threads?: number;
}

const kinds = ['scatter', 'trajectories', 'pairs', 'loss'] as const;
const mostColumns = 5;

export async function plotModel(file: string, flags: PlotFlags, { terminal, signal }: Session): Promise<void> {
  checkPlace(flags.output, { inputs: { model: file }, endings: ['.html', '.htm', '.svg', '.png'], bare: false });
  const model = await loadModel(file);
  try {
    const columns = plottable(model);
    const kind = choice(flags.kind ?? (columns.length === 2 ? 'scatter' : 'pairs'), '--kind', kinds);
    const picture = kind === 'loss' ? lossPicture(model, file) : await rowsPicture(model, kind, columns, flags, signal);
    await writePicture(picture, flags.output);
    terminal.result({ event: 'done', file: flags.output, kind }, `wrote ${flags.output}: ${picture.title || kind}`);
  } finally {
    model.dispose();
  }
}

interface Drawn {
  readonly name: string;
  /** Position in a generated row (`decoded`: after decoding by the codec). */
  readonly at: number;
  readonly value: (x: number) => number;
}

/** The numeric columns of the model, undone from their transform so that the axes are in the table's units. */
function plottable(model: Model): Drawn[] {
  const { table, dimension, columns } = model.record;
  const identity = (x: number) => x;
  if (table === null) return Array.from({ length: dimension }, (_, at) => ({ name: columns?.[at] ?? `x${at}`, at, value: identity }));
  return tableCodec(model).record.columns.flatMap((column) => {
    if (column.encoding !== 'value') return [];
    const { transform, scale, offset } = column;
    const value = (z: number) => (transform === 'log' ? Math.exp(z + offset) : transform === 'asinh' ? Math.sinh(z + offset) * scale : z + offset);
    return [{ name: column.name, at: column.first, value }];
  });
}

function lossPicture(model: Model, file: string): Picture {
  const history = lossHistory(model.record.training);
  if (history) return lossCurve({ ...history, title: 'Loss' });
  throw new FlowError('ERR_FLOW_CONFIG', `${file}: holds no loss history to draw.`, { path: '--kind', expected: 'a model with training.history' });
}

/** The frames of a trajectory; a model of average velocities, which takes one step by itself, takes as many as it knows. */
function following(span: true | number | undefined): Pick<SampleOptions, 'solver' | 'saveAt'> {
  if (span === undefined) return { saveAt: 26 };
  const steps = span === true ? 25 : Math.min(32, span);
  return { solver: euler({ steps }), saveAt: steps + 1 };
}

async function rowsPicture(
  model: Model,
  kind: 'scatter' | 'trajectories' | 'pairs',
  columns: readonly Drawn[],
  flags: PlotFlags,
  signal: AbortSignal,
): Promise<Picture> {
  const need = kind === 'pairs' ? 1 : 2;
  if (columns.length < need) {
    throw new FlowError('ERR_FLOW_CONFIG', `--kind ${kind}: needs ${need} numeric columns, the model has ${columns.length}.`, {
      path: '--kind',
      expected: `${need} numeric columns`,
      received: String(columns.length),
    });
  }
  const n = kind === 'trajectories' ? Math.min(flags.rows, 300) : flags.rows;
  const { condition } = model.record;
  const given = condition
    ? { condition: Array.from({ length: n }, (_, i) => [...Array.from({ length: condition.numbers }, () => 0), ...condition.classes.map((k) => i % k)]) }
    : {};
  const threads = flags.threads === undefined ? {} : { threads: flags.threads };
  const followed = kind === 'trajectories' ? following(model.record.network.span) : {};
  const { x, times, saved } = await model.sample({ n, seed: flags.seed, signal, ...given, ...threads, ...followed });
  const d = model.record.dimension;
  const read = (column: Drawn, from = x, frame = 0) =>
    Float64Array.from({ length: n }, (_, i) => column.value(from[(frame * n + i) * d + column.at] as number));
  const [a, b] = columns as [Drawn, Drawn];
  const labels = () => ({ xLabel: a.name, yLabel: b.name });
  if (kind === 'scatter')
    return scatter({ title: `${n} generated rows`, series: [{ name: 'generated', x: read(a), y: read(b) }], ...labels(), equal: model.record.table === null });
  if (kind === 'pairs') {
    const shown = columns.slice(0, mostColumns);
    return pairs({
      title: `${n} generated rows`,
      columns: shown.map(({ name }) => ({ name })),
      series: [{ name: 'generated', values: shown.map((column) => read(column)) }],
    });
  }
  const frames = Array.from(times, (_, k) => {
    const [u, v] = [read(a, saved, k), read(b, saved, k)];
    return Float64Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? u : v)[i >> 1] as number);
  });
  return trajectories({ title: 'From noise to rows', times, frames, dimension: 2, ...labels(), equal: model.record.table === null });
}
