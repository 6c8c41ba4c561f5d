// The explicit solvers. Source of the tableaus: Hairer, Norsett, Wanner I, section II.1; ralston: A. Ralston, Math. Comp. 16 (1962); embedded pairs: pairs.ts.

import { argumentError, inWords, nameFactories } from '../errors.ts';
import { choice } from '../options.ts';
import { checkSolver, factoryOf, type SolverFactory } from './define.ts';
import { bosh3Tableau, dopri5Tableau, dopri8Tableau, tsit5Tableau } from './pairs.ts';
import type { Solver } from './solver.ts';
import { type StochasticFactory, type StochasticOptions, stirred } from './stochastic.ts';

/** Euler, order 1, one evaluation per step. */
export const euler: SolverFactory = factoryOf('euler', () => ({ name: 'euler', order: 1, a: [[]], b: [1], c: [0] }));
/** Explicit midpoint, order 2, two evaluations per step. */
export const midpoint: SolverFactory = factoryOf('midpoint', () => ({ name: 'midpoint', order: 2, a: [[], [1 / 2]], b: [0, 1], c: [0, 1 / 2] }));
/** Heun (explicit trapezium), order 2, two evaluations per step; the last one stands at the end of the step. */
export const heun: SolverFactory = factoryOf('heun', () => ({ name: 'heun', order: 2, a: [[], [1]], b: [1 / 2, 1 / 2], c: [0, 1] }));
/** Ralston, order 2 with the least truncation error bound, two evaluations per step. */
export const ralston: SolverFactory = factoryOf('ralston', () => ({ name: 'ralston', order: 2, a: [[], [2 / 3]], b: [1 / 4, 3 / 4], c: [0, 2 / 3] }));
/** The classic Runge-Kutta method, order 4, four evaluations per step. */
export const rk4: SolverFactory = factoryOf('rk4', () => ({
  name: 'rk4',
  order: 4,
  a: [[], [1 / 2], [0, 1 / 2], [0, 0, 1]],
  b: [1 / 6, 1 / 3, 1 / 3, 1 / 6],
  c: [0, 1 / 2, 1 / 2, 1],
}));
/** Kutta's 3/8 rule, order 4, four evaluations per step; torchdiffeq's `rk4`. */
export const rk4ThreeEighths: SolverFactory = factoryOf('rk4ThreeEighths', () => ({
  name: 'rk4ThreeEighths',
  order: 4,
  a: [[], [1 / 3], [-1 / 3, 1], [1, -1, 1]],
  b: [1 / 8, 3 / 8, 3 / 8, 1 / 8],
  c: [0, 1 / 3, 2 / 3, 1],
}));

/** Bogacki-Shampine 3(2): three evaluations per accepted step; adaptive unless `steps` or `grid` is given. */
export const bosh3: SolverFactory = factoryOf('bosh3', bosh3Tableau);
/** Dormand-Prince 5(4), classic: six evaluations per accepted step; adaptive unless `steps` or `grid` is given. */
export const dopri5: SolverFactory = factoryOf('dopri5', dopri5Tableau);
/** Tsitouras 5(4): six evaluations per accepted step, a smaller error than dopri5's; adaptive unless `steps` or `grid` is given. */
export const tsit5: SolverFactory = factoryOf('tsit5', tsit5Tableau);
/** Prince-Dormand 8(7) (RK8(7)13M): thirteen evaluations per accepted step, for high accuracy; adaptive unless `steps` or `grid` is given. */
export const dopri8: SolverFactory = factoryOf('dopri8', dopri8Tableau);

/** The built-in solvers by name. */
export const solvers = Object.freeze({ euler, midpoint, heun, ralston, rk4, rk4ThreeEighths, bosh3, dopri5, tsit5, dopri8 });
export type SolverName = keyof typeof solvers | keyof typeof stochasticSolvers;

/** Euler-Maruyama: Euler with noise, weak order 1, one evaluation per step. @example eulerMaruyama({ steps: 200, noise: 'memoryless' }) */
export const eulerMaruyama: StochasticFactory = stirred('eulerMaruyama', euler);
/** Heun with noise: weak order 2, two evaluations per step. @example stochasticHeun({ steps: 50, noise: proportional({ eta: 0.5 }) }) */
export const stochasticHeun: StochasticFactory = stirred('stochasticHeun', heun);
/** The built-in stochastic solvers by name. */
export const stochasticSolvers = Object.freeze({ eulerMaruyama, stochasticHeun });
nameFactories('solver', { ...solvers, ...stochasticSolvers });

/** A built-in solver by its name, as the command line and stored settings give it. */
export function solverByName(name: unknown, options: StochasticOptions = {}, path = 'solver'): Solver {
  const all = { ...solvers, ...stochasticSolvers };
  return all[choice(name, path, Object.keys(all) as SolverName[])](options);
}

/** The value of a `solver` option where only the flow itself can be followed. @throws FlowError ERR_FLOW_CONFIG for a stochastic solver */
export function resolveFlowSolver(value: unknown, path: string, why: string): Solver {
  const solver = resolveSolver(value, path);
  if (solver.noise !== undefined) throw argumentError('ERR_FLOW_CONFIG', path, 'a solver without noise', solver.name, why);
  return solver;
}

/** Solvers that are asked for without being made, each made once: what is kept for a solver (sampling/steps.ts, sampling/kept.ts) is then found again. */
let unnamed: Solver | undefined;
const named = new Map<string, Solver>();
const equal = new Map<number, Solver>(); // euler by its steps
function once<K>(known: { get(key: K): Solver | undefined; set(key: K, solver: Solver): unknown }, key: K, make: () => Solver): Solver {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

/** euler({ steps }), the same object each time. */
export const equalEuler = (steps: number): Solver => once(equal, steps, () => euler({ steps }));

/** The value of a `solver` option: a name or a solver. Undefined means midpoint({ steps: 50 }). */
export function resolveSolver(value: unknown, path = 'solver'): Solver {
  if (value === undefined) {
    unnamed ??= midpoint({ steps: 50 });
    return unnamed;
  }
  if (typeof value === 'string') return once(named, value, () => solverByName(value, {}, path));
  return checkSolver(value, path);
}

/** Throws where a solver must have fixed steps: `why` ends the sentence "expected fixed steps, ...". */
export function requireFixed(solver: Solver, path: string, why: string): Solver {
  if (!solver.adaptive) return solver;
  const { name } = solver;
  const builtIn = Object.hasOwn(solvers, name) && solvers[name as keyof typeof solvers].tableau.a === solver.a;
  const hint = builtIn ? `Write ${name}({ steps: 20 }).` : 'Give its factory { steps: 20 }.'; // a name of the user's may be no name in code
  throw argumentError('ERR_FLOW_CONFIG', path, `fixed steps, ${why}`, inWords(`${name} with error control`), hint);
}

/** The tableau as flat arrays: a (s, s) row-major with its lower triangle filled, b (s), c (s). */
export function tableauArrays(solver: Pick<Solver, 'a' | 'b' | 'c'>): { a: Float64Array; b: Float64Array; c: Float64Array } {
  const stages = solver.b.length;
  const a = new Float64Array(stages * stages);
  solver.a.forEach((row, i) => {
    a.set(row, i * stages);
  });
  return { a, b: Float64Array.from(solver.b), c: Float64Array.from(solver.c) };
}
