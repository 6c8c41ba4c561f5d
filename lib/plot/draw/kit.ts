// What a drawing needs from its surroundings, in Node (linkedom) and in a browser alike: a document, the marks of Observable Plot, a theme. Nothing here imports Node.

import type { Theme } from '../theme.ts';

/** The part of an SVG element that drawing uses. */
export interface Svg {
  setAttribute(name: string, value: string): void;
  getAttribute(name: string): string | null;
  appendChild(child: Svg): Svg;
  querySelectorAll(selector: string): Iterable<Svg>;
  remove(): void;
  textContent: string | null;
  readonly tagName: string;
}
export interface SvgDocument {
  createElementNS(namespace: string, name: string): unknown;
}

type Mark = (data: unknown, options?: Record<string, unknown>) => unknown;
type Axis = (options: Record<string, unknown>) => unknown;
/** The functions of @observablehq/plot that pictures use. */
export interface PlotLibrary {
  plot(options: Record<string, unknown>): unknown;
  dot: Mark;
  line: Mark;
  link: Mark;
  areaY: Mark;
  barX: Mark;
  cell: Mark;
  text: Mark;
  ruleX: Mark;
  ruleY: Mark;
  axisX: Axis;
  axisY: Axis;
  axisFy: Axis;
  gridX: Axis;
  gridY: Axis;
}

export interface Kit {
  readonly document: SvgDocument;
  readonly plot: PlotLibrary;
  readonly theme: Theme;
}

const namespace = 'http://www.w3.org/2000/svg';

/** An SVG element with attributes and text. */
export function element(kit: Kit, name: string, attributes: Readonly<Record<string, string | number>>, text?: string): Svg {
  const made = kit.document.createElementNS(namespace, name) as Svg;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Where a chart stands in the picture. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One chart by Plot, set in its box: Plot's own style sheet goes, size and place are ours. */
export function chart(kit: Kit, parent: Svg, box: Box, options: Record<string, unknown>): void {
  const made = kit.plot.plot({ document: kit.document, width: box.width, height: box.height, style: { fontSize: '11px' }, ...options }) as Svg;
  // Some options make Plot wrap the drawing into a <figure>: the drawing is the svg inside.
  const svg = made.tagName.toLowerCase() === 'svg' ? made : ([...made.querySelectorAll('svg')].at(-1) as Svg);
  for (const style of [...svg.querySelectorAll('style')]) style.remove();
  const place = { x: box.x, y: box.y, width: box.width, height: box.height, viewBox: `0 0 ${box.width} ${box.height}`, fill: kit.theme.muted };
  for (const [key, value] of Object.entries({ ...place, color: kit.theme.muted, class: 'chart', 'font-family': 'inherit', 'font-size': 11 }))
    svg.setAttribute(key, String(value));
  parent.appendChild(svg);
}

/** `text` cut to about `width` pixels at `size` pixels a line. */
export function cut(text: string, width: number, size = 11): string {
  const most = Math.max(3, Math.floor(width / (size * 0.56)));
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join('')}\u2026` : text;
}

/** Colour of series i; they repeat after the sixth. */
export const colour = (kit: Kit, i: number): string => kit.theme.series[i % kit.theme.series.length]!;
