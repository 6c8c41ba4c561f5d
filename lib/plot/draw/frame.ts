// The frame of a picture: the root svg, title, subtitle and legend; the charts get the box below.

import { fontFamily } from '../theme.ts';
import { type Box, colour, cut, element, type Kit, type Svg } from './kit.ts';

export interface Entry {
  readonly name: string;
  readonly colour: string;
  readonly shape: 'dot' | 'line' | 'area';
}

/** Legend entries of series in their colours. */
export const legendOf = (kit: Kit, series: readonly { readonly name: string }[], shape: Entry['shape']): Entry[] =>
  series.map((one, i) => ({ name: one.name, colour: colour(kit, i), shape }));

interface Heading {
  readonly title: string;
  readonly subtitle: string;
  readonly width: number;
  readonly height: number;
}

/** The root svg with its heading, and the box left for charts. */
export function frame(kit: Kit, picture: Heading, legend: readonly Entry[], opaque: boolean): { readonly root: Svg; readonly box: Box } {
  const { width, height } = picture;
  const { theme } = kit;
  const root = element(kit, 'svg', {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': fontFamily,
    'font-size': 11,
    fill: theme.ink,
  });
  if (picture.title) root.appendChild(element(kit, 'title', {}, picture.title));
  if (opaque) root.appendChild(element(kit, 'rect', { width, height, fill: theme.background }));
  let y = 14;
  if (picture.title) {
    y += 14;
    root.appendChild(element(kit, 'text', { x: 16, y, 'font-size': 15, 'font-weight': 600, fill: theme.ink }, cut(picture.title, width - 32, 15)));
    y += 8;
  }
  if (picture.subtitle) {
    y += 11;
    root.appendChild(element(kit, 'text', { x: 16, y, 'font-size': 12, fill: theme.muted }, cut(picture.subtitle, width - 32, 12)));
    y += 8;
  }
  if (legend.length > 0) {
    y += 12;
    let x = 16;
    for (const entry of legend) {
      const name = cut(entry.name, width / 2, 12);
      swatch(kit, root, entry, x, y);
      root.appendChild(element(kit, 'text', { x: x + 20, y, 'font-size': 12, fill: theme.ink }, name));
      x += 38 + [...name].length * 6.6;
    }
    y += 8;
  }
  return { root, box: { x: 0, y, width, height: height - y } };
}

function swatch(kit: Kit, root: Svg, entry: Entry, x: number, y: number): void {
  const middle = y - 4;
  if (entry.shape === 'dot') root.appendChild(element(kit, 'circle', { cx: x + 7, cy: middle, r: 4.5, fill: entry.colour }));
  if (entry.shape === 'line') root.appendChild(element(kit, 'rect', { x, y: middle - 1.25, width: 14, height: 2.5, rx: 1.25, fill: entry.colour }));
  if (entry.shape === 'area')
    root.appendChild(
      element(kit, 'rect', {
        x: x + 0.75,
        y: middle - 5,
        width: 12.5,
        height: 10,
        rx: 2,
        fill: entry.colour,
        'fill-opacity': 0.3,
        stroke: entry.colour,
        'stroke-width': 1.5,
      }),
    );
}
