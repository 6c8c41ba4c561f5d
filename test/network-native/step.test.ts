// A whole training step against its parts: with all times at 1/2, beta1 = 0 and no clipping, the first moment after a step is the gradient of the batch that
// draw() shows. Both schemes (tiles for small networks, layers for large ones), with batches of one tile, several blocks, and more than one chunk of rows.

import { expect, it } from 'vitest';
import { native } from '../../lib/native/load.ts';
import { encoded, rates, trainer } from '../native-binding/support.ts';

function distance(got: Float32Array, expected: Float32Array): number {
  let [difference, size] = [0, 0];
  expected.forEach((e, i) => {
    difference += ((got[i] as number) - e) ** 2;
    size += e * e;
  });
  return Math.sqrt(difference / size);
}

it.each([
  ['tiles, one row', 16, 1],
  ['tiles, one block', 16, 131],
  ['tiles, 16 blocks with a short last one', 16, 2053],
  ['layers, one chunk', 540, 100],
  ['layers, a second chunk of 3 rows', 540, 2051],
] as const)('a step of %s has the gradient of its batch', async (_, width, batch) => {
  const shape = { d: 3, width, depth: 2, batch };
  const t = trainer(shape, 500, { times: { stratified: false, tMin: 0.5, tMax: 0.5, quantiles: null }, beta1: 0, clip: 0, threads: 3, replacement: true });
  const { x0, x1 } = await t.draw().done;
  const { losses, gradientNorms } = await t.run(rates(1), 0).done;

  const { words, constants, parameters } = encoded(shape);
  const { Network } = native();
  const network = new Network(words, constants, parameters);
  const xt = x1.map((v, i) => 0.5 * v + 0.5 * (x0[i] as number));
  const times = new Float32Array(batch).fill(0.5);
  const error = network.evaluateSync(xt, times, null).map((v, i) => v - ((x1[i] as number) - (x0[i] as number)));
  const loss = error.reduce((sum, e) => sum + e * e, 0) / error.length;
  const { parameters: expected } = network.gradientSync(
    xt,
    times,
    null,
    error.map((e) => (2 * e) / error.length),
  );
  expect(Math.abs((losses[0] as number) / loss - 1)).toBeLessThan(1e-6);
  // Two orders of one f32 sum, in blocks of 128.
  const gradient = t.state('firstMoment');
  expect(distance(gradient, expected)).toBeLessThan(1e-5);
  expect(Math.abs((gradientNorms[0] as number) / Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)) - 1)).toBeLessThan(1e-6);
});
