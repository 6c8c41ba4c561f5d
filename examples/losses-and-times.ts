// What the network predicts, how its errors are counted and weighed, and at which times it is trained: the same two moons by several recipes, none of which moves the optimum
// but all of which say where the effort goes.
import {
  adamw,
  energyDistance,
  logitNormal,
  minSNR,
  mlp,
  pseudoHuber,
  stratified,
  synthetic,
  type TrainOptions,
  train,
  uShaped,
  warmupCosine,
} from 'flowmatch';

const { x: data } = synthetic('moons', { n: 8000, seed: 1 });
const { x: fresh } = synthetic('moons', { n: 3000, seed: 2 });
const steps = 2500;
const recipes: Record<string, Partial<TrainOptions>> = {
  'the velocity, squared error, uniform times': {},
  'the velocity, evenly spread times': { time: 'stratified' },
  'the data, min-SNR': { prediction: 'x1', weight: minSNR({ gamma: 5 }) },
  'the noise': { prediction: 'noise' },
  'the velocity, pseudo-Huber': { loss: pseudoHuber({ c: 0.1 }) },
  'times in the middle': { time: logitNormal() },
  'times in the middle, weighted back to uniform': { time: stratified(logitNormal({ importance: true })) },
  'times at the ends': { time: uShaped({ steepness: 4 }) },
  'a weight of your own': { weight: (t) => 0.5 + t },
};
for (const [name, recipe] of Object.entries(recipes)) {
  const optimiser = adamw({ lr: warmupCosine({ peak: 3e-3, steps }) });
  const model = await train({ data, columns: 2, network: mlp({ hidden: [48, 48] }), optimiser, steps, seed: 1, ...recipe });
  const distance = energyDistance((await model.sample({ n: 3000, seed: 3 })).x, fresh, 2, { statistic: 'U' });
  console.log(`${name}: energy distance ${distance.toFixed(4)}`);
  if (distance > 0.05) throw new Error(`${name}: did not learn the moons`);
}
