// One training, other paths afterwards: the same flow sampled along another path, and what its velocity says of the score, of the noise and of the data behind a state.
import { condOT, convert, cosine, energyDistance, euler, linearVP, mlp, type Path, polynomial, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 8000, seed: 1 });
const { x: fresh } = synthetic('moons', { n: 2000, seed: 2 });
const model = await train({ data, columns: 2, normalise: false, network: mlp({ hidden: [64, 64, 64] }), steps: 2000, seed: 1 });

// Trained on condOT(). Eight Euler steps fall differently along each path; with many steps all draw the same law.
const distance = async (path: Path, steps: number): Promise<number> => {
  using along = model.withPath(path);
  return energyDistance((await along.sample({ n: 2000, seed: 3, solver: euler({ steps }) })).x, fresh, 2, { statistic: 'U' });
};
for (const path of [condOT(), cosine(), polynomial({ power: 2 }), linearVP()]) {
  const [few, many] = [await distance(path, 8), await distance(path, 100)];
  console.log(`${path.name}: energy distance ${few.toFixed(4)} by 8 steps, ${many.toFixed(4)} by 100`);
  if (many > 0.02) throw new Error(`${path.name} draws another law`);
}
if ((await distance(cosine(), 8)) > 0.5 * (await distance(condOT(), 8))) throw new Error('the cosine path did not help');

// Rows on their way to noise: the score at a state tells the mean of the data behind it (Tweedie), which is nearer to them than the state is.
const t = 0.3;
const { alpha, sigma } = condOT().at(t);
const clean = fresh.subarray(0, 2000);
const noise = synthetic('normal', { n: 1000, seed: 4 }).x;
const noisy = clean.map((x1, i) => alpha * x1 + sigma * noise[i]!);
const { score } = await model.score(noisy, { t });
const as = (to: 'x1' | 'noise' | 'velocity') => convert({ path: condOT(), t, from: 'score', to, x: noisy, value: score });
const off = (x: ArrayLike<number>, from: ArrayLike<number>): number => Math.sqrt(Array.from(x).reduce((sum, v, i) => sum + (v - from[i]!) ** 2, 0) / x.length);
const [x1, x0, u] = [as('x1'), as('noise'), as('velocity')];
const [before, after] = [off(noisy.map((v) => v / alpha), clean), off(x1, clean)]; // biome-ignore format: short
console.log(`distance to the clean rows: ${before.toFixed(3)} of the noisy ones, ${after.toFixed(3)} of the mean behind them`);
if (after > 0.7 * before) throw new Error('the score does not point at the data');
// All forms say the same: the state is made of the two, the velocity is their difference.
const parts = off(noisy, x1.map((v, i) => alpha * v + sigma * x0[i]!)); // biome-ignore format: short
const slope = off(u, x1.map((v, i) => v - x0[i]!)); // biome-ignore format: short
if (parts > 1e-5 || slope > 1e-4) throw new Error('the forms disagree');
