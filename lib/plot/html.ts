// One self-contained HTML page: data as inert JSON, Plot inlined, drawn in the reader's browser, no request to anywhere (a content policy forbids it).

import { asset } from './assets.ts';
import { checkPicture } from './options.ts';
import type { Picture } from './picture.ts';
import { fontFamily, themeCss } from './theme.ts';

/** Text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** JSON that stays inside its <script>: no `<`, no line separators that old parsers trip over. */
export function escapeJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The place of one picture in a page; `id` is a name of our own, never the user's. */
export function figureHtml(picture: Picture, id: string): string {
  const label = escapeHtml(picture.title || picture.kind);
  return `<figure data-picture="${id}" aria-label="${label}"></figure>\n<script type="application/json" id="${id}">${escapeJson(picture)}</script>`;
}

const baseCss = `${themeCss}
*{box-sizing:border-box}
body{margin:0;background:var(--background);color:var(--ink);font:15px/1.55 ${fontFamily}}
main{max-width:1040px;margin:0 auto;padding:32px 24px 64px}
figure{margin:0;min-width:0}
figure svg{display:block;overflow:visible}
svg .chart{overflow:visible}
svg text{white-space:pre}`;

/** A page around `body` (trusted HTML), with `css` added to the common style. */
export function pageHtml(title: string, body: string, css = ''): string {
  const script = asset('plot.browser.js').bytes.toString('utf8');
  const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${baseCss}${css}</style>
</head>
<body>
<main>
${body}
<noscript>The pictures on this page are drawn by a script inside it; this browser does not run scripts.</noscript>
</main>
<script>${script}</script>
</body>
</html>
`;
}

/**
 * One picture as a self-contained HTML page that follows the reader's light or dark setting.
 * @throws FlowError ERR_FLOW_PLATFORM when the package is incomplete
 */
export function toHtml(picture: Picture): string {
  checkPicture(picture);
  return pageHtml(picture.title || 'flowmatch', figureHtml(picture, 'picture-1'), 'main{max-width:none}figure{display:grid;justify-items:center}');
}
