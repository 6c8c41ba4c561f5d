// Scatter, trajectories and frames.

import type { FramesPicture, ScatterPicture, TrajectoriesPicture } from '../picture.ts';
import { type Entry, frame, legendOf } from './frame.ts';
import { type Box, chart, colour, element, type Kit, type Svg } from './kit.ts';

type Domain = [number, number];

/** Smallest interval holding all values, widened by 4 %; never empty. */
function extent(columns: readonly (readonly number[])[]): Domain {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const values of columns)
    for (const v of values) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  if (low > high) return [0, 1];
  const pad = high > low ? (high - low) * 0.04 : Math.max(1e-9, Math.abs(low) * 0.05, 0.5);
  return [low - pad, high + pad];
}

/** Widens one of two domains until a unit of x is as long as a unit of y. */
function square(x: Domain, y: Domain, width: number, height: number): { x: Domain; y: Domain } {
  const unit = Math.max((x[1] - x[0]) / width, (y[1] - y[0]) / height);
  const grow = ([a, b]: Domain, span: number): Domain => [(a + b - span) / 2, (a + b + span) / 2];
  return { x: grow(x, unit * width), y: grow(y, unit * height) };
}

const margins = { marginTop: 14, marginRight: 20, marginBottom: 42, marginLeft: 56 };
const inner = (box: Box) => [box.width - margins.marginLeft - margins.marginRight, box.height - margins.marginTop - margins.marginBottom] as const;

/** Grid and the two labelled axes, common to charts of points. */
function axes(kit: Kit, xLabel: string, yLabel: string): unknown[] {
  const p = kit.plot;
  const label = { labelAnchor: 'center', labelArrow: 'none', tickSize: 0, fill: kit.theme.muted };
  return [
    p.gridX({ stroke: kit.theme.grid, strokeOpacity: 1 }),
    p.gridY({ stroke: kit.theme.grid, strokeOpacity: 1 }),
    p.axisX({ ...label, label: xLabel, labelOffset: 36 }),
    p.axisY({ ...label, label: yLabel, labelOffset: 46 }),
  ];
}

/** Dots get smaller and paler as they become many. */
const dots = (count: number) => ({ r: count > 1200 ? 1.6 : count > 400 ? 2.1 : 2.8, fillOpacity: count > 1200 ? 0.5 : 0.6 });

export function drawScatter(kit: Kit, picture: ScatterPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, picture.series.length > 1 ? legendOf(kit, picture.series, 'dot') : [], opaque);
  const free = { x: extent(picture.series.map((s) => s.x)), y: extent(picture.series.map((s) => s.y)) };
  const domain = picture.equal ? square(free.x, free.y, ...inner(box)) : free;
  chart(kit, root, box, {
    ...margins,
    x: { domain: domain.x },
    y: { domain: domain.y },
    marks: [
      ...axes(kit, picture.xLabel, picture.yLabel),
      ...picture.series.map((s, i) => kit.plot.dot(s.x, { x: s.x, y: s.y, fill: colour(kit, i), stroke: 'none', ...dots(s.x.length) })),
    ],
  });
  return root;
}

export function drawTrajectories(kit: Kit, picture: TrajectoriesPicture, opaque: boolean): Svg {
  const last = picture.times.length - 1;
  const [noise, data] = [kit.theme.muted, colour(kit, 0)];
  const at = (k: number) => `t = ${Number(picture.times[k]!.toFixed(2))}`;
  const legend: Entry[] = [
    { name: `noise, ${at(0)}`, colour: noise, shape: 'dot' },
    { name: 'way of a row', colour: data, shape: 'line' },
    { name: `data, ${at(last)}`, colour: colour(kit, 1), shape: 'dot' },
  ];
  const { root, box } = frame(kit, picture, legend, opaque);
  const free = { x: extent(picture.x), y: extent(picture.y) };
  const domain = picture.equal ? square(free.x, free.y, ...inner(box)) : free;
  // One mark per stretch of time: the line grows out of nothing as t goes on.
  const stretches = picture.times.slice(1).map((_, k) =>
    kit.plot.link(picture.x[k]!, {
      x1: picture.x[k],
      y1: picture.y[k],
      x2: picture.x[k + 1],
      y2: picture.y[k + 1],
      stroke: data,
      strokeOpacity: 0.1 + 0.35 * ((k + 1) / last),
      strokeWidth: 1,
      strokeLinecap: 'round',
    }),
  );
  chart(kit, root, box, {
    ...margins,
    x: { domain: domain.x },
    y: { domain: domain.y },
    marks: [
      ...axes(kit, picture.xLabel, picture.yLabel),
      ...stretches,
      kit.plot.dot(picture.x[0], { x: picture.x[0], y: picture.y[0], r: 1.8, fill: noise, fillOpacity: 0.7 }),
      kit.plot.dot(picture.x[last], { x: picture.x[last], y: picture.y[last], r: 2.4, fill: colour(kit, 1), fillOpacity: 0.9 }),
    ],
  });
  return root;
}

export function drawFrames(kit: Kit, picture: FramesPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, [], opaque);
  const count = picture.times.length;
  const side = (box.width - 20) / count;
  const panel = { width: side - 8, height: box.height - 34 };
  const domain = square(extent(picture.x), extent(picture.y), panel.width, panel.height);
  for (const [k, t] of picture.times.entries()) {
    const x = 10 + k * side + 4;
    const outline = { x, y: box.y + 4, ...panel, rx: 6, fill: 'none', stroke: kit.theme.grid };
    root.appendChild(element(kit, 'rect', outline));
    const groups = [...new Set(picture.group)].sort((a, b) => a - b);
    chart(
      kit,
      root,
      { x, y: box.y + 4, ...panel },
      {
        margin: 0,
        x: { domain: domain.x, axis: null },
        y: { domain: domain.y, axis: null },
        marks: groups.map((group, i) => {
          const rows = picture.group.map((g, row) => (g === group ? row : -1)).filter((row) => row >= 0);
          const [xs, ys] = [rows.map((row) => picture.x[k]![row]!), rows.map((row) => picture.y[k]![row]!)];
          return kit.plot.dot(xs, { x: xs, y: ys, fill: colour(kit, i), ...dots(picture.group.length), r: picture.group.length > 800 ? 1.3 : 1.8 });
        }),
      },
    );
    const label = { x: x + panel.width / 2, y: box.y + panel.height + 21, 'text-anchor': 'middle', 'font-size': 12, fill: kit.theme.muted };
    root.appendChild(element(kit, 'text', label, `t = ${Number(t.toFixed(2))}`));
  }
  return root;
}
