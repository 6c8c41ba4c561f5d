// Classes as a condition: one model of eight clusters, sampled cluster by cluster.
import { mlp, synthetic, train } from 'flowmatch';

const { x: data, labels } = synthetic('8gaussians', { n: 8000, seed: 3 });
const network = mlp({ hidden: [128, 128, 128] });
const model = await train({ data, columns: 2, condition: { labels, classes: 8 }, network, steps: 3000, seed: 1 });

// Where each cluster of the data lies, and where its samples land.
const centre = (points: Float32Array, belongs: (row: number) => boolean): [number, number] => {
  let [a, b, n] = [0, 0, 0];
  for (let row = 0; 2 * row < points.length; row++) {
    if (!belongs(row)) continue;
    a += points[2 * row]!;
    b += points[2 * row + 1]!;
    n++;
  }
  return [a / n, b / n];
};
const spread = (points: Float32Array, [a, b]: [number, number]): number => {
  let sum = 0;
  for (let i = 0; i < points.length; i += 2) sum += Math.hypot(points[i]! - a, points[i + 1]! - b);
  return (2 * sum) / points.length;
};
for (let label = 0; label < 8; label++) {
  const { x } = await model.sample({ n: 500, condition: { labels: label }, seed: label });
  const wanted = centre(data, (row) => labels[row] === label);
  const got = centre(x, () => true);
  const off = Math.hypot(got[0] - wanted[0], got[1] - wanted[1]);
  console.log(
    `class ${label}: centre (${got.map((v) => v.toFixed(2)).join(', ')}), off by ${off.toFixed(2)}, mean distance from it ${spread(x, got).toFixed(2)}`,
  );
  // Clusters are about 4 apart; a sample of another class would show at once.
  if (off > 0.3 || spread(x, got) > 1.6) throw new Error(`class ${label} landed elsewhere`);
}

// One label per row gives a mixed batch.
const mixed = await model.sample({ condition: { labels: [0, 4, 0, 4] }, seed: 1 });
console.log(`mixed batch: ${mixed.rows} rows`);
