// What runs in the reader's browser: each <figure data-picture="id"> is drawn from the JSON in <script id="id">. Bundled with Plot into one file by
// scripts/build-browser-assets.mjs and inlined into the page.

import type { Picture } from '../picture.ts';
import { page } from '../theme.ts';
import { draw } from './draw.ts';
import type { Svg, SvgDocument } from './kit.ts';
import { marks } from './marks.ts';

interface Figure extends Svg {
  readonly dataset: { readonly picture?: string };
}
interface Page extends SvgDocument {
  querySelectorAll(selector: string): Iterable<Figure>;
  getElementById(id: string): { readonly textContent: string | null } | null;
}

const document = (globalThis as unknown as { document: Page }).document;
for (const figure of document.querySelectorAll('figure[data-picture]')) {
  const source = document.getElementById(figure.dataset.picture ?? '');
  try {
    const picture = JSON.parse(source?.textContent ?? '') as Picture;
    const svg = draw({ document, plot: marks, theme: page }, picture, false);
    svg.setAttribute('style', `max-width:${picture.width}px;width:100%;height:auto`);
    figure.appendChild(svg);
  } catch (error) {
    figure.textContent = `This picture could not be drawn: ${String(error)}`;
  }
}
