// Are these samples any good? A network is fitted to tell them from fresh data; a likelihood is held against the best possible one.
import { c2st, midpoint, mlp, synthetic, syntheticDensity, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 10_000, seed: 1 });
const { x: fresh } = synthetic('moons', { n: 2000, seed: 2 });
const model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64, 64] }), steps: 3000, seed: 1 });

// 0.5: nothing to tell them by. One midpoint step is told at once.
const good = await c2st(fresh, (await model.sample({ n: 2000, seed: 3 })).x, 2);
const poor = await c2st(fresh, (await model.sample({ n: 2000, seed: 3, solver: midpoint({ steps: 1 }) })).x, 2);
console.log(`told apart: 50 steps ${good.accuracy.toFixed(3)} +- ${good.standardError.toFixed(3)}, one step ${poor.accuracy.toFixed(3)}`);
if (good.accuracy > 0.6 || poor.accuracy < 0.7) throw new Error('the test does not tell good samples from poor ones');

// Nats: -ln density of fresh rows under the model, and under the law they were drawn from. No model can be better on average.
const law = syntheticDensity('moons')!;
const surprise = (logDensity: Float64Array): number => -logDensity.reduce((sum, v) => sum + v, 0) / logDensity.length;
const [nll, floor] = [surprise((await model.logDensity(fresh.subarray(0, 1000))).logDensity), surprise(law.logDensity(fresh.subarray(0, 1000)))];
console.log(`negative log-likelihood ${nll.toFixed(3)} nats, the law itself ${floor.toFixed(3)}; its entropy is ${law.entropy.toFixed(3)}`);
if (nll < floor - 0.05 || nll > floor + 0.5) throw new Error('the likelihood is out of range');
