// Stochastic sampling: the same trained flow followed with noise and a drift that corrects for it. Every row takes another way, the distribution stays.
import { eulerMaruyama, heun, mlp, proportional, stochasticHeun, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 8000, seed: 1 });
const model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64, 64] }), steps: 3000, seed: 1 });

const source = Float32Array.from({ length: 6000 }, (_, i) => (i % 2 === 0 ? 0.3 : -0.2)); // the same start for all rows
const spread = (x: Float32Array): number => {
  const n = x.length / 2;
  const mean = [0, 1].map((c) => x.reduce((sum, v, i) => sum + (i % 2 === c ? v : 0), 0) / n);
  return Math.sqrt(x.reduce((sum, v, i) => sum + (v - mean[i % 2]!) ** 2, 0) / n);
};
const solvers = {
  'the flow': heun({ steps: 40 }),
  'a little noise': stochasticHeun({ steps: 60, noise: proportional({ eta: 0.2 }) }),
  'memoryless noise': eulerMaruyama({ steps: 300, noise: 'memoryless' }),
};
const whole = spread(data);
for (const [name, solver] of Object.entries(solvers)) {
  const one = await model.sample({ source, seed: 2, solver });
  const many = await model.sample({ n: 3000, seed: 2, solver });
  console.log(
    `${name}: spread ${spread(one.x).toFixed(2)} from one start, ${spread(many.x).toFixed(2)} from all (data ${whole.toFixed(2)}), ${one.nfe} evaluations`,
  );
  if (Math.abs(spread(many.x) / whole - 1) > 0.06) throw new Error(`${name} draws another distribution`);
  // The flow carries one start to one end; memoryless noise forgets where it started.
  if (name === 'the flow' ? spread(one.x) > 1e-3 : name === 'memoryless noise' && spread(one.x) < 0.85 * whole) throw new Error(name);
}
