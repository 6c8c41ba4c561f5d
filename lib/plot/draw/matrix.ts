// The pair plot (one small chart per cell) and correlation matrices.

import type { HeatMapPicture, PairsPicture } from '../picture.ts';
import { outlines } from './columns.ts';
import { frame, legendOf } from './frame.ts';
import { chart, colour, cut, element, type Kit, type Svg } from './kit.ts';

const signed = (value: number): string => {
  const text = Math.abs(value).toFixed(2);
  return value < 0 && text !== '0.00' ? `\u2212${text}` : text;
};

export function drawPairs(kit: Kit, picture: PairsPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, picture.series.length > 1 ? legendOf(kit, picture.series, 'dot') : [], opaque);
  const count = picture.columns.length;
  const [left, bottom] = [44, 44];
  const side = { x: (box.width - left - 14) / count, y: (box.height - bottom - 6) / count };
  const cell = { width: side.x - 8, height: side.y - 8 };
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const place = { x: left + j * side.x, y: box.y + 4 + i * side.y, ...cell };
      root.appendChild(element(kit, 'rect', { ...place, rx: 4, fill: 'none', stroke: kit.theme.grid }));
      if (i === j) drawOutlines(kit, root, place, picture, i);
      else if (i > j) drawCell(kit, root, place, picture, j, i);
      else drawCorrelation(kit, root, place, picture, i, j);
    }
  }
  for (const [j, column] of picture.columns.entries()) {
    const text = { 'text-anchor': 'middle', 'font-size': 11.5, fill: kit.theme.ink };
    const x = left + j * side.x + cell.width / 2;
    root.appendChild(element(kit, 'text', { ...text, x, y: box.y + box.height - 10 }, cut(column.name, cell.width)));
    const y = box.y + 4 + j * side.y + cell.height / 2;
    root.appendChild(element(kit, 'text', { ...text, transform: `translate(14 ${y}) rotate(-90)` }, cut(column.name, cell.height)));
  }
  return root;
}

type Place = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

function scaleOf(picture: PairsPicture, j: number, hidden = false) {
  const column = picture.columns[j]!;
  const domain = [column.edges[0]!, column.edges.at(-1)!];
  const pad = (domain[1]! - domain[0]!) * 0.03;
  const axis = hidden ? { axis: null } : { label: null };
  return { type: column.scale === 'date' ? 'utc' : 'linear', domain: [domain[0]! - pad, domain[1]! + pad], ...axis };
}

function drawOutlines(kit: Kit, root: Svg, place: Place, picture: PairsPicture, j: number): void {
  const edges = picture.columns[j]!.edges;
  const series = picture.series.map((s) => ({ share: s.share[j]! }));
  chart(kit, root, place, {
    margin: 0,
    marginTop: 8,
    x: scaleOf(picture, j, true),
    y: { zero: true, axis: null },
    marks: outlines(kit, edges, series, 1.25),
  });
  ticks(kit, root, place, picture, j, j);
}

function drawCell(kit: Kit, root: Svg, place: Place, picture: PairsPicture, jx: number, jy: number): void {
  const marks = picture.series.map((s, k) =>
    kit.plot.dot(s.values[jx], { x: s.values[jx], y: s.values[jy], r: 1.5, fill: colour(kit, k), fillOpacity: 0.5, stroke: 'none' }),
  );
  chart(kit, root, place, { margin: 0, x: scaleOf(picture, jx, true), y: scaleOf(picture, jy, true), marks });
  ticks(kit, root, place, picture, jx, jy);
}

/** The range of a column, below the lowest cells and beside the leftmost: two numbers say more than crowded ticks. */
function ticks(kit: Kit, root: Svg, place: Place, picture: PairsPicture, jx: number, jy: number): void {
  const label = (value: number, date: boolean) => (date ? new Date(value).toISOString().slice(0, 10) : String(Number(value.toPrecision(3))));
  const text = { 'font-size': 9, fill: kit.theme.muted };
  const range = (j: number) => [picture.columns[j]!.edges[0]!, picture.columns[j]!.edges.at(-1)!] as const;
  if (jy === picture.columns.length - 1) {
    const date = picture.columns[jx]!.scale === 'date';
    const y = place.y + place.height + 12;
    root.appendChild(element(kit, 'text', { ...text, x: place.x + 1, y }, label(range(jx)[0], date)));
    root.appendChild(element(kit, 'text', { ...text, x: place.x + place.width - 1, y, 'text-anchor': 'end' }, label(range(jx)[1], date)));
  }
  if (jx === 0 && jy !== 0) {
    const date = picture.columns[jy]!.scale === 'date';
    const x = place.x - 5;
    const turn = (y: number, anchor: string) => ({ ...text, transform: `translate(${x} ${y}) rotate(-90)`, 'text-anchor': anchor });
    root.appendChild(element(kit, 'text', turn(place.y + place.height - 1, 'start'), label(range(jy)[0], date)));
    root.appendChild(element(kit, 'text', turn(place.y + 1, 'end'), label(range(jy)[1], date)));
  }
}

function drawCorrelation(kit: Kit, root: Svg, place: Place, picture: PairsPicture, i: number, j: number): void {
  const middle = { x: place.x + place.width / 2, y: place.y + place.height / 2 };
  const lines = picture.series.length;
  root.appendChild(element(kit, 'text', { x: middle.x, y: middle.y - lines * 9 - 7, 'text-anchor': 'middle', 'font-size': 9.5, fill: kit.theme.muted }, 'r'));
  for (const [k, s] of picture.series.entries()) {
    const y = middle.y - (lines - 1) * 9 + k * 20 + 4;
    const text = { x: middle.x, y, 'text-anchor': 'middle', 'font-size': 15, 'font-weight': 600, fill: colour(kit, k) };
    root.appendChild(element(kit, 'text', text, signed(s.correlation[i]![j]!)));
  }
}

export function drawHeatMap(kit: Kit, picture: HeatMapPicture, opaque: boolean): Svg {
  const { root, box } = frame(kit, picture, [], opaque);
  const { theme } = kit;
  const size = picture.names.length;
  const longest = picture.names.reduce((most, name) => Math.max(most, [...name].length), 0);
  const left = Math.min(130, 20 + longest * 6.2);
  const gap = 22;
  const side = Math.min((box.width - left - 14) / picture.matrices.length - gap, box.height - 26 - Math.min(90, longest * 5 + 20));
  const step = side / size;
  const digits = step >= 25;
  for (const [m, matrix] of picture.matrices.entries()) {
    const [x, y] = [left + m * (side + gap), box.y + 26];
    root.appendChild(element(kit, 'text', { x, y: y - 9, 'font-size': 12, 'font-weight': 600, fill: theme.ink }, cut(matrix.name, side, 12)));
    for (const [i, row] of matrix.values.entries()) {
      for (const [j, value] of row.entries()) {
        const strength = Number.isFinite(value) ? Math.min(1, Math.abs(value)) : 0;
        const cell = { x: x + j * step + 0.5, y: y + i * step + 0.5, width: step - 1, height: step - 1, rx: Math.min(2.5, step / 8) };
        root.appendChild(element(kit, 'rect', { ...cell, fill: theme.grid, 'fill-opacity': 0.55 }));
        const filled = element(kit, 'rect', { ...cell, fill: value < 0 ? theme.negative : theme.positive, 'fill-opacity': Number(strength.toFixed(3)) });
        filled.appendChild(element(kit, 'title', {}, `${picture.names[i]} × ${picture.names[j]}: ${signed(value)}`));
        root.appendChild(filled);
        const at = { x: x + (j + 0.5) * step, y: y + (i + 0.5) * step + 3.5, 'text-anchor': 'middle', 'pointer-events': 'none' };
        const text = { ...at, 'font-size': Math.min(11, step / 3), fill: strength > 0.55 ? theme.onStrong : theme.ink };
        if (digits && i !== j) root.appendChild(element(kit, 'text', text, signed(value)));
      }
      const name = picture.names[i]!;
      const label = { 'font-size': Math.min(11, Math.max(7, step * 0.8)), fill: theme.ink };
      if (m === 0) root.appendChild(element(kit, 'text', { ...label, x: x - 6, y: y + (i + 0.5) * step + 3.5, 'text-anchor': 'end' }, cut(name, left - 14)));
      const turned = { ...label, transform: `translate(${x + (i + 0.5) * step + 2} ${y + side + 10}) rotate(-38)`, 'text-anchor': 'end' };
      root.appendChild(element(kit, 'text', turned, cut(name, 100)));
    }
  }
  return root;
}
