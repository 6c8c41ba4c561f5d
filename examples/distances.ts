// How far two samples are from each other, by every distance: exact Wasserstein distances (the root and its square by their own names), sliced ones, energy distance,
// maximum mean discrepancy, a classifier; and the rows that transport joins.
import { c2st, energyDistance, mmdSquared, optimalPairs, slicedWasserstein, synthetic, wasserstein1, wasserstein2, wasserstein2Squared } from 'flowmatch';

const n = 1500;
const draw = (seed: number) => synthetic('moons', { n, seed }).x;
const x = draw(1);
const pairs: Record<string, Float32Array> = {
  'another draw of the same law': draw(2),
  'moved by (0.3, 0.4)': x.map((v, i) => v + (i % 2 === 0 ? 0.3 : 0.4)),
  'two circles': synthetic('circles', { n, seed: 3 }).x,
};
for (const [name, y] of Object.entries(pairs)) {
  const [w1, w2, squared] = [await wasserstein1(x, y, 2), await wasserstein2(x, y, 2), await wasserstein2Squared(x, y, 2)];
  const [sliced, energy, mmd] = [slicedWasserstein(x, y, 2, { p: 2 }), energyDistance(x, y, 2, { statistic: 'U' }), mmdSquared(x, y, 2)];
  const { accuracy } = await c2st(x, y, 2);
  console.log(
    `${name}: W1 ${w1.toFixed(3)}, W2 ${w2.toFixed(3)}, W2 squared ${squared.toFixed(3)}, sliced ${sliced.toFixed(3)}, energy ${energy.toFixed(4)}, MMD squared ${mmd.toFixed(4)}, told apart ${accuracy.toFixed(2)}`,
  );
  if (Math.abs(w2 * w2 - squared) > 1e-12 * squared || w1 > w2 + 1e-9 || sliced > w2) throw new Error(name);
  // A shift is its own optimal plan: every distance of transport is its length, 0.5.
  if (name.startsWith('moved') && Math.max(Math.abs(w1 - 0.5), Math.abs(w2 - 0.5)) > 1e-6) throw new Error('a shift costs its length');
  if (name.startsWith('another') && (w2 > 0.5 || accuracy > 0.6 || energy > 0.02)) throw new Error('two draws of one law are told apart');
  if (name.startsWith('two') && (energy < 0.05 || accuracy < 0.7)) throw new Error('circles are taken for moons');
}
const { pairs: joined, meanCost } = await optimalPairs(x, draw(2), 2);
console.log(`row 0 is joined to row ${joined[0]}; the mean squared distance of joined rows is ${meanCost.toFixed(4)}`);
if (new Set(joined).size !== n) throw new Error('rows are joined twice');
