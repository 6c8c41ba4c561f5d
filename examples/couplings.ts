// How noise and data are joined decides how straight the flow is: independent pairs, exact minibatch transport, the entropic plan; and what a coupling does with rubbish.
import {
  adamw,
  type Coupling,
  euler,
  independent,
  minibatchOT,
  mlp,
  partialOT,
  pathEnergy,
  sinkhorn,
  straightness,
  synthetic,
  train,
  unbalancedOT,
} from 'flowmatch';

const { x: data } = synthetic('8gaussians', { n: 4000, seed: 1 });
const learn = (rows: Float32Array, coupling: Coupling) =>
  train({
    data: rows,
    columns: 2,
    coupling,
    network: mlp({ hidden: [64, 64] }),
    optimiser: adamw({ lr: 3e-3 }),
    steps: 1200,
    batchSize: 128,
    ema: 0.99,
    seed: 1,
  });

const bent: number[] = [];
for (const coupling of [
  independent(),
  sinkhorn({ regularisation: 0.2 }),
  sinkhorn({ regularisation: 0.05 }),
  sinkhorn({ rounding: 'permutation' }),
  minibatchOT(),
]) {
  const model = await learn(data, coupling);
  const { saved, times } = await model.sample({ n: 1000, solver: euler({ steps: 40 }), saveAt: 41, seed: 2 });
  const share = straightness(saved, times, 2) / pathEnergy(saved, times, 2);
  bent.push(share);
  console.log(`${coupling.name}: ${(100 * share).toFixed(1)} % of the path energy goes into bends`);
}
if (!(bent[0]! > 3 * bent.at(-1)! && bent[0]! > bent[2]!)) throw new Error('transport did not straighten the flow');

// One row in fifty is far away. Exact transport has to take it; the others may leave it out.
const spoilt = data.map((v, i) => (i % 100 < 2 ? 60 : v));
for (const coupling of [minibatchOT(), unbalancedOT({ marginal: 0.5 }), partialOT({ mass: 0.95 })]) {
  const { x } = await (await learn(spoilt, coupling)).sample({ n: 2000, seed: 3 });
  const far = x.filter((v, i) => i % 2 === 0 && v > 25).length / 2000;
  console.log(`${coupling.name}: ${(100 * far).toFixed(1)} % of the samples are rubbish`);
  if (coupling.name.startsWith('minibatchOT') ? far < 0.005 : far > 0.005) throw new Error(coupling.name);
}
