// Log-densities to a tolerance: every row takes as many steps as its own path needs. What it costs beside fixed steps, rows that end early and say so, and one
// solve whose integral of the divergence is left out of the error.
import { dopri5, mlp, rk4, rowStatus, synthetic, syntheticDensity, train } from 'flowmatch';

const { x: data } = synthetic('8gaussians', { n: 8000, seed: 1 });
const model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64] }), coupling: 'minibatchOT', steps: 2000, seed: 1 });

const n = 500;
const { x: rows } = synthetic('8gaussians', { n, seed: 2 });
const { logDensity: exact } = await model.logDensity(rows, { solver: rk4({ steps: 400 }) });
const off = (values: ArrayLike<number>): number => Array.from(values).reduce((most, value, i) => Math.max(most, Math.abs(value - exact[i]!)), 0);
const solvers = {
  'rk4, 25 steps': rk4({ steps: 25 }),
  'dopri5, 1e-3': dopri5({ rtol: 1e-3, atol: 1e-3 }),
  'dopri5, 1e-5': dopri5({ rtol: 1e-5, atol: 1e-5 }),
};
for (const [name, solver] of Object.entries(solvers)) {
  const { logDensity, nfe, nfePerRow } = await model.logDensity(rows, { solver });
  const range = `${Math.min(...nfePerRow)} to ${Math.max(...nfePerRow)}`;
  console.log(`${name}: off by at most ${off(logDensity).toExponential(1)} nats, ${nfe.toFixed(1)} evaluations a row (${range})`);
}
const tight = await model.logDensity(rows, { solver: dopri5({ rtol: 1e-5, atol: 1e-5 }) });
if (off(tight.logDensity) > 1e-2) throw new Error(`dopri5 is off by ${off(tight.logDensity)} nats`);
if (new Set(tight.nfePerRow).size < 2) throw new Error('every row took the same steps');

// The mean over fresh rows beside that of the density they come from: the difference is what the model has not learned.
const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
const truth = syntheticDensity('8gaussians')!.logDensity(rows);
console.log(`mean log-density of fresh rows: ${mean(tight.logDensity).toFixed(3)} nats, ${mean(truth).toFixed(3)} under the truth`);

// The state alone decides the steps: cheaper, and the integral is as good as it happens to be.
const state = await model.logDensity(rows, { solver: dopri5({ rtol: 1e-5, atol: 1e-5 }), traceWeight: 0 });
console.log(
  `by the state alone: ${state.nfe.toFixed(1)} evaluations a row instead of ${tight.nfe.toFixed(1)}, off by ${off(state.logDensity).toExponential(1)} nats`,
);

// A row that may not try enough steps has no density, rather than a wrong one; the others do not notice.
const few = await model.logDensity(rows, { solver: dopri5({ rtol: 1e-5, atol: 1e-5, maxSteps: 12 }) });
const early = few.status.filter((status) => status === rowStatus.maxSteps).length;
console.log(`${early} of ${n} rows did not arrive in 12 steps`);
if (early !== few.unfinished) throw new Error('the count of unfinished rows is another');
for (const [i, status] of few.status.entries())
  if (status === rowStatus.maxSteps ? !Number.isNaN(few.logDensity[i]) : few.logDensity[i] !== tight.logDensity[i])
    throw new Error(`row ${i} is not as it should be`);
