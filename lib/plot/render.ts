// SVG and PNG in Node: Plot draws into linkedom's document, resvg paints. The three are optional peers, loaded on first use.

import { FlowError } from '../errors.ts';
import { choice, finite, record } from '../options.ts';
import { asset } from './assets.ts';
import { draw } from './draw/draw.ts';
import type { PlotLibrary, SvgDocument } from './draw/kit.ts';
import { checkPicture } from './options.ts';
import type { Picture } from './picture.ts';
import { dark, light } from './theme.ts';

export interface SvgOptions {
  /** @default 'light' */
  readonly theme?: 'light' | 'dark';
}
export interface PngOptions extends SvgOptions {
  /** Device pixels per CSS pixel, 0.25 to 8. @default 2 */
  readonly pixelRatio?: number;
}

/** How a package is imported; tests put a failing one here. */
export type Importer = (name: string) => Promise<unknown>;
const importPeer: Importer = (name) => {
  if (name === '@observablehq/plot') return import('@observablehq/plot');
  if (name === 'linkedom') return import('linkedom');
  return import('@resvg/resvg-js');
};

/** @internal */
export async function peer(name: string, all: readonly string[], load: Importer): Promise<unknown> {
  try {
    return await load(name);
  } catch (cause) {
    const hint = `Run \`npm install ${all.join(' ')}\`; HTML needs none of them.`;
    const message = `${name}: expected the package to be installed, got ${cause instanceof Error ? cause.message.split('\n')[0] : 'an error'}. ${hint}`;
    throw new FlowError('ERR_FLOW_PLATFORM', message, { path: name, expected: 'the package to be installed', hint, cause });
  }
}

const forSvg = ['@observablehq/plot', 'linkedom'] as const;
const forPng = [...forSvg, '@resvg/resvg-js'] as const;

/**
 * The picture as an SVG file.
 * @throws FlowError ERR_FLOW_CONFIG at once. Rejects with ERR_FLOW_PLATFORM when @observablehq/plot or linkedom is not installed (the hint is the command)
 */
export function toSvg(picture: Picture, options: SvgOptions = {}, load: Importer = importPeer): Promise<string> {
  checkPicture(picture);
  const o = record(options, 'options', ['theme']);
  return svgText(picture, choice(o.theme ?? 'light', 'options.theme', ['light', 'dark'] as const), forSvg, load);
}

/**
 * The picture as a PNG file. Text is set in the font that comes with the library; letters it lacks fall back to the system's fonts.
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_RANGE at once. Rejects with ERR_FLOW_PLATFORM when a package is not installed (the hint is the command)
 */
export function toPng(picture: Picture, options: PngOptions = {}, load: Importer = importPeer): Promise<Uint8Array> {
  checkPicture(picture);
  const o = record(options, 'options', ['theme', 'pixelRatio']);
  const theme = choice(o.theme ?? 'light', 'options.theme', ['light', 'dark'] as const);
  const ratio = o.pixelRatio === undefined ? 2 : finite(o.pixelRatio, 'options.pixelRatio', 0.25, 8);
  return paint(picture, theme, ratio, load);
}

async function paint(picture: Picture, theme: 'light' | 'dark', ratio: number, load: Importer): Promise<Uint8Array> {
  const { Resvg } = (await peer('@resvg/resvg-js', forPng, load)) as typeof import('@resvg/resvg-js');
  const svg = await svgText(picture, theme, forPng, load);
  const painter = new Resvg(svg, {
    fitTo: { mode: 'width', value: Math.max(1, Math.round(picture.width * ratio)) },
    font: {
      fontFiles: [asset('inter-Regular.otf').path, asset('inter-SemiBold.otf').path],
      loadSystemFonts: foreign(svg),
      defaultFontFamily: 'Inter',
      sansSerifFamily: 'Inter',
    },
  });
  return new Uint8Array(painter.render().asPng());
}

/** Whether the text has letters that our font (Latin, Greek, some signs) lacks: only then are the system's fonts read, so PNGs are the same everywhere. */
const foreign = (svg: string): boolean =>
  /[^\t\n\r -~\u00a0-\u00ff\u0152\u0153\u0160\u0161\u017d\u017e\u0394\u03a3\u03b1-\u03c9\u2010-\u2026\u20ac\u2190-\u2193\u2212\u2248\u2264\u2265]/u.test(svg);

async function svgText(picture: Picture, name: 'light' | 'dark', all: readonly string[], load: Importer): Promise<string> {
  const plot = (await peer('@observablehq/plot', all, load)) as unknown as PlotLibrary;
  const { parseHTML } = (await peer('linkedom', all, load)) as { parseHTML(html: string): { document: unknown } };
  const document = parseHTML('<!doctype html><html><body></body></html>').document as SvgDocument;
  const root = draw({ document, plot, theme: name === 'dark' ? dark : light }, picture, true);
  return `${serialise(root as unknown as Node)}\n`;
}

interface Node {
  readonly nodeType: number;
  readonly localName?: string;
  readonly textContent: string | null;
  readonly attributes?: Iterable<{ readonly name: string; readonly value: string }>;
  readonly childNodes?: Iterable<Node>;
}

/** XML, written here: HTML serialisers leave `<` in attributes and characters that XML forbids. */
function serialise(node: Node): string {
  if (node.nodeType === 3) return escapeXml(node.textContent ?? '');
  if (node.nodeType !== 1) return '';
  const attributes = [...(node.attributes ?? [])].map(({ name, value }) => ` ${name}="${escapeXml(value)}"`).sort();
  const content = [...(node.childNodes ?? [])].map(serialise).join('');
  return content ? `<${node.localName}${attributes.join('')}>${content}</${node.localName}>` : `<${node.localName}${attributes.join('')}/>`;
}

/** Escapes markup; characters that XML 1.0 forbids even escaped (controls, lone surrogates) become the replacement character. */
function escapeXml(text: string): string {
  const legal = Array.from(text, (letter) => {
    const code = letter.codePointAt(0)!;
    const control = code < 32 && code !== 9 && code !== 10 && code !== 13;
    return control || (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff ? '\ufffd' : letter;
  });
  return legal.join('').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
