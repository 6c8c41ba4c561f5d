// Steps by error control: every row takes as many as it needs. Tolerances against fixed steps, one step for a whole batch, states at any time, rows that end early.
import { adamw, dopri5, edmGrid, heun, midpoint, mlp, rk4, rowStatus, synthetic, train, tsit5, warmupCosine } from 'flowmatch';

const { x: data } = synthetic('8gaussians', { n: 8000, seed: 1 });
const steps = 2000;
const optimiser = adamw({ lr: warmupCosine({ peak: 3e-3, steps }) });
const model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64] }), optimiser, steps, seed: 1 });

const n = 2000;
const { x: exact } = await model.sample({ n, seed: 2, solver: rk4({ steps: 500 }) });
const off = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v, i) => sum + (v - exact[i]!) ** 2, 0) / x.length);
const solvers = {
  'midpoint, 50 steps': midpoint({ steps: 50 }),
  'heun, 30 steps of EDM': heun({ grid: edmGrid(30) }),
  'dopri5, 1e-3': dopri5({ rtol: 1e-3, atol: 1e-3 }),
  'dopri5, 1e-5': dopri5(),
  'tsit5, 1e-5': tsit5(),
  'dopri5, 1e-5, one step for all': dopri5({ control: 'batch' }),
};
for (const [name, solver] of Object.entries(solvers)) {
  const { x, nfe, nfePerRow } = await model.sample({ n, seed: 2, solver });
  const range = `${Math.min(...nfePerRow)} to ${Math.max(...nfePerRow)}`;
  console.log(`${name}: error ${off(x).toExponential(1)}, ${nfe.toFixed(1)} evaluations a row (${range})`);
}
const own = await model.sample({ n, seed: 2, solver: dopri5() });
if (off(own.x) > 1e-3) throw new Error(`dopri5 is off by ${off(own.x)}`);
const together = await model.sample({ n, seed: 2, solver: dopri5({ control: 'batch' }) });
if (new Set(together.nfePerRow).size !== 1) throw new Error('one step for all is one number of evaluations');

// Any times, without a change of the steps; and the way back.
const { times, saved, nfe } = await model.sample({ n: 5, seed: 2, solver: dopri5(), saveAt: [0.1, 0.2718, 0.9] });
console.log(`states at ${Array.from(times).join(', ')}: ${saved.length / 2} rows, ${nfe} evaluations each`);
const { x: noise } = await model.encode(own.x, { solver: dopri5() });
const again = await model.sample({ source: noise, solver: dopri5() });
console.log(`encoded and drawn again: off by ${Math.max(...again.x.map((v, i) => Math.abs(v - own.x[i]!))).toExponential(1)}`);

// A row that needs more steps than it may try ends early, and says so; the others do not notice.
const few = await model.sample({ n, seed: 2, solver: dopri5({ maxSteps: 8 }) });
const early = few.status.filter((status) => status === rowStatus.maxSteps).length;
console.log(`${early} of ${n} rows did not arrive in 8 steps`);
if (early !== few.unfinished || early === 0) throw new Error('no row ended early');
