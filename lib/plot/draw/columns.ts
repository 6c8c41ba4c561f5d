// Histograms, bars and the loss curve.

import type { BarsPicture, HistogramPicture, LossPicture } from '../picture.ts';
import { type Entry, frame, legendOf } from './frame.ts';
import { chart, colour, cut, type Kit, type Svg } from './kit.ts';

/** The outline of a histogram: two points per bin, from zero to zero. */
export function outline(edges: readonly number[], share: readonly number[]): { x: number; y: number }[] {
  const points = [{ x: edges[0]!, y: 0 }];
  for (const [j, y] of share.entries()) points.push({ x: edges[j]!, y }, { x: edges[j + 1]!, y });
  points.push({ x: edges[share.length]!, y: 0 });
  return points;
}

/** The overlaid outlines as marks; also used on the diagonal of a pair plot. */
export function outlines(kit: Kit, edges: readonly number[], series: readonly { readonly share: readonly number[] }[], width: number): unknown[] {
  return series.flatMap((s, i) => {
    const points = outline(edges, s.share);
    return [
      kit.plot.areaY(points, { x: 'x', y1: 0, y2: 'y', fill: colour(kit, i), fillOpacity: 0.16 }),
      kit.plot.line(points, { x: 'x', y: 'y', stroke: colour(kit, i), strokeWidth: width, strokeLinejoin: 'round' }),
    ];
  });
}

const percent = (value: number): string => `${Number((value * 100).toPrecision(3))} %`;

export function drawHistogram(kit: Kit, picture: HistogramPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, picture.series.length > 1 ? legendOf(kit, picture.series, 'area') : [], opaque);
  const p = kit.plot;
  const label = { labelAnchor: 'center', labelArrow: 'none', tickSize: 0, fill: kit.theme.muted };
  chart(kit, root, box, {
    marginTop: 12,
    marginRight: 18,
    marginBottom: picture.label ? 42 : 28,
    marginLeft: 58,
    x: { type: picture.scale === 'date' ? 'utc' : 'linear', domain: [picture.edges[0], picture.edges.at(-1)] },
    y: { zero: true, nice: true },
    marks: [
      p.gridY({ stroke: kit.theme.grid, strokeOpacity: 1, ticks: 4 }),
      ...outlines(kit, picture.edges, picture.series, 1.75),
      p.ruleY([0], { stroke: kit.theme.muted, strokeOpacity: 0.6 }),
      p.axisX({ ...label, label: picture.label || null, labelOffset: 36, ticks: Math.round(box.width / 90) }),
      p.axisY({ ...label, label: 'share of rows', labelOffset: 50, ticks: 4, tickFormat: percent }),
    ],
  });
  return root;
}

export function drawBars(kit: Kit, picture: BarsPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, picture.series.length > 1 ? legendOf(kit, picture.series, 'area') : [], opaque);
  const p = kit.plot;
  const names = picture.categories.map((name) => cut(name, box.width * 0.3));
  const longest = names.reduce((most, name) => Math.max(most, [...name].length), 0);
  const rows = picture.series.flatMap((s, i) => s.share.map((share, j) => ({ share, category: j, series: i })));
  const most = rows.reduce((a, row) => Math.max(a, row.share), 0);
  chart(kit, root, box, {
    marginTop: 8,
    marginRight: 56,
    marginBottom: picture.label ? 34 : 12,
    marginLeft: Math.min(box.width * 0.34, 26 + longest * 6.2),
    x: { domain: [0, most || 1], axis: null, label: null },
    y: { domain: picture.series.map((_, i) => i), axis: null, padding: 0.12 },
    fy: { domain: names.map((_, j) => j), padding: 0.24, label: null },
    marks: [
      p.ruleX([0], { stroke: kit.theme.muted, strokeOpacity: 0.6 }),
      ...picture.series.map((_, i) =>
        p.barX(
          rows.filter((row) => row.series === i),
          { x: 'share', y: 'series', fy: 'category', fill: colour(kit, i), fillOpacity: 0.75, rx: 1.5 },
        ),
      ),
      p.text(rows, { x: 'share', y: 'series', fy: 'category', text: (row: { share: number }) => percent(row.share), textAnchor: 'start', dx: 5 }),
      // Facet labels on the left, where names are read first.
      p.axisFy({ anchor: 'left', tickSize: 0, tickFormat: (j: number) => names[j], label: null, fill: kit.theme.ink }),
    ],
  });
  return root;
}

export function drawLoss(kit: Kit, picture: LossPicture, opaque: boolean): Svg {
  const [training, validation] = [colour(kit, 0), colour(kit, 1)];
  const best = picture.validation?.y.reduce((low, v, i, all) => (v < all[low]! ? i : low), 0);
  const lowest = best === undefined ? undefined : picture.validation?.y[best];
  const legend: Entry[] = [{ name: 'training', colour: training, shape: 'line' }];
  if (picture.validation && best !== undefined && lowest !== undefined) {
    const at = picture.validation.x[best]!.toLocaleString('en-GB');
    legend.push({ name: `validation (lowest ${Number(lowest.toPrecision(3))} at step ${at})`, colour: validation, shape: 'line' });
  }
  const { root, box } = frame(kit, picture, legend, opaque);
  const p = kit.plot;
  const label = { labelAnchor: 'center', labelArrow: 'none', tickSize: 0, fill: kit.theme.muted };
  const of = (series: { x: readonly number[]; y: readonly number[] }) => series.x.map((x, i) => ({ x, y: series.y[i]! }));
  const marks: unknown[] = [
    p.gridY({ stroke: kit.theme.grid, strokeOpacity: 1, ticks: 5 }),
    p.line(of(picture.training), { x: 'x', y: 'y', stroke: training, strokeOpacity: 0.3, strokeWidth: 1 }),
    p.line(of(picture.smooth), { x: 'x', y: 'y', stroke: training, strokeWidth: 2 }),
  ];
  if (picture.validation && best !== undefined) {
    const points = of(picture.validation);
    marks.push(p.line(points, { x: 'x', y: 'y', stroke: validation, strokeWidth: 2 }));
    if (points[best]) marks.push(p.dot([points[best]], { x: 'x', y: 'y', r: 4, fill: validation, stroke: kit.theme.background, strokeWidth: 1.5 }));
  }
  marks.push(
    p.axisX({ ...label, label: 'step', labelOffset: 36, ticks: Math.round(box.width / 110) }),
    p.axisY({ ...label, label: 'loss', labelOffset: 46, ticks: 5, ...(picture.logarithmic ? { tickFormat: '~g' } : {}) }),
  );
  chart(kit, root, box, {
    marginTop: 12,
    marginRight: 24,
    marginBottom: 42,
    marginLeft: 56,
    y: picture.logarithmic ? { type: 'log' } : { nice: true },
    marks,
  });
  return root;
}
