// Files that pictures need beside the code: the browser bundle and the font. In the package they lie in dist/assets; in a checkout
// scripts/build-browser-assets.mjs puts them below node_modules/.cache (the tests do so before they start).

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FlowError } from '../errors.ts';

const places = ['./assets/', '../assets/', '../../node_modules/.cache/flowmatch/assets/'];
const found = new Map<string, { path: string; bytes: Buffer }>();

/** Path and bytes of one asset, read once. @throws FlowError ERR_FLOW_PLATFORM when the package is incomplete */
export function asset(name: 'plot.browser.js' | 'inter-Regular.otf' | 'inter-SemiBold.otf'): { readonly path: string; readonly bytes: Buffer } {
  const known = found.get(name);
  if (known) return known;
  for (const place of places) {
    try {
      const path = fileURLToPath(new URL(place + name, import.meta.url));
      const entry = { path, bytes: readFileSync(path) };
      found.set(name, entry);
      return entry;
    } catch {
      // the next place
    }
  }
  const hint = 'Reinstall flowmatch; in a checkout run `node scripts/build-browser-assets.mjs`.';
  throw new FlowError('ERR_FLOW_PLATFORM', `assets/${name}: expected beside the library, not found. ${hint}`, { path: `assets/${name}`, hint });
}
