// Draws the pictures of the documents from a model trained here and now: docs/images/*.png (about 20 s). Run after `npm run bundle`.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { adamw, midpoint, mlp, synthetic, train, trajectories, warmupCosine, writePicture } = await import(join(root, 'dist/index.js'));
const images = join(root, 'docs/images');
mkdirSync(images, { recursive: true });

const { x: data } = synthetic('moons', { n: 10_000, seed: 1 });
const steps = 12_000;
const optimiser = adamw({ lr: warmupCosine({ peak: 3e-3, steps }) });
const model = await train({ data, columns: ['x', 'y'], network: mlp({ hidden: [128, 128, 128] }), optimiser, batchSize: 512, steps, seed: 7 });

const n = 260;
const way = await model.sample({ n, solver: midpoint({ steps: 60 }), seed: 1, saveAt: 61 });
const frames = Array.from(way.times, (_, k) => way.saved.subarray(k * 2 * n, (k + 1) * 2 * n));
const picture = trajectories({ times: way.times, frames, most: n, width: 640, height: 500 });
for (const theme of ['light', 'dark']) await writePicture(picture, join(images, `moons-${theme}.png`), { theme, pixelRatio: 1.5 });
