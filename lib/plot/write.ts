// A picture to a file: the ending says the format.

import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { argumentError, FlowError } from '../errors.ts';
import { record } from '../options.ts';
import { toHtml } from './html.ts';
import { checkPicture } from './options.ts';
import type { Picture } from './picture.ts';
import { type PngOptions, toPng, toSvg } from './render.ts';

/** The picture as bytes or text of the format that `file` ends in: .html, .svg or .png. */
function content(picture: Picture, file: string, options: PngOptions): string | Promise<string | Uint8Array> {
  checkPicture(picture);
  if (typeof file !== 'string' || file === '' || file.includes('\0')) throw argumentError('ERR_FLOW_TYPE', 'file', 'a file name', file);
  const { theme } = record(options, 'options', ['theme', 'pixelRatio']);
  const ending = extname(file).toLowerCase();
  if (ending === '.html' || ending === '.htm') return toHtml(picture);
  if (ending === '.svg') return toSvg(picture, theme === undefined ? {} : { theme: theme as 'light' | 'dark' });
  if (ending === '.png') return toPng(picture, options);
  throw argumentError('ERR_FLOW_CONFIG', 'file', 'a name that ends in .html, .svg or .png', file);
}

/**
 * Writes the picture as HTML, SVG or PNG; the file appears whole or not at all.
 * @throws FlowError ERR_FLOW_CONFIG at once (unknown ending). Rejects with ERR_FLOW_PLATFORM (missing package, the hint is the command), ERR_FLOW_IO
 * @example await writePicture(scatter({ series: [{ name: 'model', rows: x, dimension: 2 }] }), 'moons.svg')
 */
export function writePicture(picture: Picture, file: string, options: PngOptions = {}): Promise<void> {
  return writeLater(file, content(picture, file, options));
}

async function writeLater(file: string, content: string | Promise<string | Uint8Array>): Promise<void> {
  await writeWhole(file, await content);
}

/** Write beside, then rename. @throws FlowError ERR_FLOW_IO */
export async function writeWhole(file: string, bytes: string | Uint8Array): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  try {
    const old = await stat(file).catch(() => null);
    if (old !== null && !old.isFile()) return await writeFile(file, bytes); // a device or a pipe, which a rename would replace
    await writeFile(beside, bytes);
    await rename(beside, file);
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {});
    const code = (cause as NodeJS.ErrnoException | null)?.code ?? 'unknown error'; // the message of the system would name the file beside
    const hint = 'Check that the folder exists and can be written.';
    throw new FlowError('ERR_FLOW_IO', `${file}: ${code} while writing. ${hint}`, { path: file, received: code, hint, cause });
  }
}
