// Two moons: train on rows, sample new ones, save the model, draw the way from noise to data.
import { adamw, euler, Model, midpoint, mlp, synthetic, train, trajectories, warmupCosine, writePicture } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 10_000, seed: 1 });
const steps = 8000;
const optimiser = adamw({ lr: warmupCosine({ peak: 3e-3, steps }) });
const model = await train({ data, columns: ['x', 'y'], network: mlp({ hidden: [64, 64, 64] }), optimiser, steps, seed: 7 });
const { x, nfe } = await model.sample({ n: 5000, solver: midpoint({ steps: 50 }), seed: 1 });

await model.save('moons.safetensors');
const again = await (await Model.load('moons.safetensors')).sample({ n: 5000, solver: midpoint({ steps: 50 }), seed: 1 });

// HTML needs nothing installed; .svg and .png work as well, with three optional packages.
const way = await model.sample({ n: 300, solver: euler({ steps: 60 }), seed: 2, saveAt: 31 });
const frames = Array.from(way.times, (_, k) => way.saved.subarray(k * 600, (k + 1) * 600));
await writePicture(trajectories({ title: 'From noise to two moons', times: way.times, frames }), 'moons.html');

// Is it right? Samples lie as near to the data as data of another seed do, and both moons are there.
const { x: fresh } = synthetic('moons', { n: 5000, seed: 2 });
const far = (points: Float32Array) => share(points, (a, b) => nearest(a, b) > 0.25);
const upper = share(x, (_, b) => b > 0);
console.log(`5000 samples with ${nfe} evaluations each; off the moons: ${percent(far(x))} (data: ${percent(far(fresh))}); upper moon: ${percent(upper)}`);
if (far(x) > far(fresh) + 0.02) throw new Error('too many samples off the moons');
if (Math.abs(upper - share(fresh, (_, b) => b > 0)) > 0.03) throw new Error('one moon is too heavy');
if (!x.every((value, i) => value === again.x[i])) throw new Error('the loaded model samples other rows');

function nearest(a: number, b: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 2000; i += 2) least = Math.min(least, Math.hypot(data[i]! - a, data[i + 1]! - b));
  return least;
}
function share(points: Float32Array, is: (a: number, b: number) => boolean): number {
  let count = 0;
  for (let i = 0; i < points.length; i += 2) if (is(points[i]!, points[i + 1]!)) count++;
  return (2 * count) / points.length;
}
function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
