// defineSolver(): a tableau that proves itself (check-tableau.ts) and becomes a factory of solvers: fixed steps, or steps by error control where it has an estimate.

import { argumentError, callIt } from '../errors.ts';
import { deepFreeze } from '../freeze.ts';
import { choice, finite, integer, ownFields, record } from '../options.ts';
import { checkTableau } from './check-tableau.ts';
import { checkGrid } from './grid.ts';
import type { Solver, StepControl, Tableau } from './solver.ts';
import { withNoise } from './stochastic.ts';
import { fixedTableau } from './tableau.ts';

export interface FixedOptions {
  /** Equal steps on [0, 1]: an integer in [1, 1e6]. @default about 100 network evaluations per row; with an error estimate: adaptive */
  readonly steps?: number;
  /** Where to step instead: at least two strictly monotone times in [0, 1]; descending = from data to noise. */
  readonly grid?: readonly number[] | Float64Array;
}
export interface AdaptiveOptions {
  /** Error allowed per step relative to the state, in [0, 1]. In f32 nothing is gained below 1e-6. @default 1e-5 */
  readonly rtol?: number;
  /** Error allowed per step, absolute, in network coordinates, in [1e-15, 1000]. @default 1e-5 */
  readonly atol?: number;
  /** Steps that a row may try, rejected ones included, 1 .. 1e6; a row that needs more ends early, with a status. @default 1000 */
  readonly maxSteps?: number;
  /** A row whose next step would be shorter ends early, with a status; in [0, 1]. @default 0: ten units in the last place of its time */
  readonly minStep?: number;
  /** `pi` follows the last two errors, `integral` the last. @default 'pi' */
  readonly controller?: 'pi' | 'integral';
  /** `row`: own steps for every row; `batch`: one step for all rows of a call, by their mean error, as other libraries do. @default 'row' */
  readonly control?: 'row' | 'batch';
}
/** Fixed steps by `steps` or `grid`; error control by the others, for tableaus with an error estimate. */
export interface SolverOptions extends FixedOptions, AdaptiveOptions {}
export type SolverFactory = ((options?: SolverOptions) => Solver) & { readonly tableau: Tableau };

const fixedKeys = ['steps', 'grid'] as const;
const adaptiveKeys = ['rtol', 'atol', 'maxSteps', 'minStep', 'controller', 'control'] as const;
/** Everything that a factory of solvers can be told. */
export const solverKeys = [...fixedKeys, ...adaptiveKeys] as const;

/** Solvers that a factory made: they are frozen and need no second check. */
const made = new WeakSet<object>();
/** @internal A solver that a factory makes. */
export function keepMade(solver: Solver): Solver {
  made.add(Object.freeze(solver));
  return solver;
}

/**
 * A solver from its Butcher tableau, checked up to order 8; with `error` it is adaptive unless steps or a grid are given.
 * @throws FlowError ERR_FLOW_CONFIG naming the coefficient or the order condition that fails.
 * @example const heun3 = defineSolver({ name: 'heun3', order: 3, a: [[], [1 / 3], [0, 2 / 3]], b: [1 / 4, 0, 3 / 4], c: [0, 1 / 3, 2 / 3] });
 */
export function defineSolver(tableau: Tableau): SolverFactory {
  const checked = checkTableau(tableau);
  return factoryOf(checked.name, () => checked);
}

/** @internal A factory with the property `tableau`, frozen. */
export function withTableau<F extends object>(make: F, tableauOf: () => Tableau): F & { readonly tableau: Tableau } {
  Object.defineProperty(make, 'tableau', { get: tableauOf, enumerable: true });
  return Object.freeze(make) as F & { readonly tableau: Tableau };
}

/** @internal A factory of a tableau that tests have checked, so that loading the library proves nothing again; it is made when it is first asked for. */
export function factoryOf(name: string, tableauOf: () => Tableau): SolverFactory {
  let known: { readonly tableau: Tableau; readonly fixed: Tableau } | undefined;
  const both = () => {
    if (known === undefined) {
      const tableau = deepFreeze(tableauOf());
      known = { tableau, fixed: fixedTableau(tableau) };
    }
    return known;
  };
  const make = (options: SolverOptions = {}): Solver => {
    const { tableau, fixed } = both();
    const given = record(options, name, solverKeys, {}, [likely(options, tableau), make]);
    const steering = adaptiveKeys.find((key) => given[key] !== undefined);
    const stepping = fixedKeys.find((key) => given[key] !== undefined);
    if (steering && !tableau.error)
      throw argumentError('ERR_FLOW_CONFIG', `${name}.${steering}`, 'steps or a grid (this tableau estimates no error)', given[steering], 'Use dopri5().');
    if (steering && stepping)
      throw argumentError('ERR_FLOW_CONFIG', `${name}.${stepping}`, `no ${stepping} beside ${steering}`, given[stepping], 'Steps are fixed or adaptive.');
    if (tableau.error && !stepping) {
      const steps = integer(given.maxSteps ?? 1000, `${name}.maxSteps`, 1, 1_000_000);
      return keepMade({ ...tableau, steps, adaptive: Object.freeze(stepControl(given, name)) });
    }
    if (given.grid === undefined) {
      const preset = Math.max(1, Math.round(100 / fixed.b.length));
      return keepMade({ ...fixed, steps: integer(given.steps ?? preset, `${name}.steps`, 1, 1_000_000) });
    }
    const grid = checkGrid(given.grid, `${name}.grid`);
    if (given.steps !== undefined && given.steps !== grid.length - 1) {
      throw argumentError(
        'ERR_FLOW_CONFIG',
        `${name}.steps`,
        `${grid.length - 1}, the steps of the grid`,
        given.steps,
        'Leave `steps` out when a grid is given.',
      );
    }
    return keepMade({ ...fixed, steps: grid.length - 1, grid });
  };
  return withTableau(make, () => both().tableau);
}

/** What a bare number means: a tolerance, where it is one, or steps. */
export const likely = (value: unknown, tableau: Tableau): 'rtol' | 'steps' => (tableau.error && typeof value === 'number' && value < 1 ? 'rtol' : 'steps');

function stepControl(given: { readonly [key in (typeof adaptiveKeys)[number]]?: unknown }, name: string): StepControl {
  return {
    rtol: finite(given.rtol ?? 1e-5, `${name}.rtol`, 0, 1),
    atol: finite(given.atol ?? 1e-5, `${name}.atol`, 1e-15, 1000),
    minStep: finite(given.minStep ?? 0, `${name}.minStep`, 0, 1),
    controller: choice(given.controller ?? 'pi', `${name}.controller`, ['pi', 'integral']),
    control: choice(given.control ?? 'row', `${name}.control`, ['row', 'batch']),
  };
}

/** What to do instead of passing a user's own factory, or what is no solver at all. */
const notMade = (value: unknown): string =>
  typeof value === 'function' && 'tableau' in value ? 'Call it, with { steps: 20 } say.' : 'A factory makes it; defineSolver() makes one of a tableau.';

/** A solver from anywhere (a factory's result, an object literal with `steps`, `grid` or `adaptive`), checked as strictly as a new one. */
export function checkSolver(value: unknown, path = 'solver'): Solver {
  if (typeof value === 'object' && value !== null && made.has(value)) return value as Solver;
  if (typeof value !== 'object' || value === null || !('a' in value || 'b' in value))
    throw argumentError('ERR_FLOW_TYPE', path, 'a solver such as midpoint({ steps: 50 })', value, callIt(value, 'solver') ?? notMade(value));
  const { steps, grid, adaptive, noise, ...tableau } = ownFields(value, path);
  const checked = checkTableau(tableau, path);
  const factory = factoryOf(checked.name, () => checked);
  if (adaptive === undefined) {
    const solver = factory((grid === undefined ? { steps } : { grid }) as SolverOptions);
    return noise === undefined ? solver : withNoise(solver, noise, path);
  }
  if (noise !== undefined) throw argumentError('ERR_FLOW_CONFIG', `${path}.noise`, 'no noise beside error control', noise);
  const { maxSteps, ...control } = record(adaptive, `${path}.adaptive`, adaptiveKeys);
  if (maxSteps !== undefined) throw argumentError('ERR_FLOW_CONFIG', `${path}.adaptive.maxSteps`, `it as ${path}.steps`, maxSteps);
  return factory({ ...control, maxSteps: steps } as SolverOptions);
}
