// Before any test: the browser bundle of the pictures, fresh from its sources (about 0.2 s).

import { buildBrowserAssets } from '../scripts/build-browser-assets.mjs';

export async function setup() {
  await buildBrowserAssets();
}
