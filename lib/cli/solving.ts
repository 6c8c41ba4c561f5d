// The flags that say how a flow is integrated, and what a solver could not do, in their words.

import { argumentError, FlowError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { distilledSteps } from '../model/record.ts';
import type { NoiseSchedule } from '../solvers/noise.ts';
import type { Solver } from '../solvers/solver.ts';
import { solverByName, stochasticSolvers } from '../solvers/solvers.ts';

export interface SolverFlags {
  readonly solver?: string;
  readonly steps?: number;
  readonly rtol?: number;
  readonly atol?: number;
  readonly noise?: NoiseSchedule;
}

/** The solver that the flags name, or undefined for the model's default. A tolerance alone means dopri5, noise alone stochasticHeun, steps alone the default's. */
export function solverOf({ solver, ...flags }: SolverFlags, model: Model): Solver | undefined {
  const { steps, rtol, atol, noise } = flags;
  const options = Object.fromEntries(Object.entries({ steps, rtol, atol, noise }).filter(([, value]) => value !== undefined));
  if (solver === undefined && Object.keys(options).length === 0) return undefined;
  checkFor(model, flags);
  if (noise !== undefined && solver !== undefined && !Object.hasOwn(stochasticSolvers, solver)) {
    const hint = 'Leave --solver out for stochasticHeun.';
    throw argumentError('ERR_FLOW_CONFIG', '--noise', `a stochastic solver beside it: ${Object.keys(stochasticSolvers).join(' or ')}`, solver, hint);
  }
  const preset =
    noise !== undefined
      ? 'stochasticHeun'
      : rtol !== undefined || atol !== undefined
        ? 'dopri5'
        : model.record.network.span || distilledSteps(model.record) !== null
          ? 'euler'
          : 'midpoint';
  return solverByName(solver ?? preset, options, '--solver');
}

/** Multiplications and additions of a batch on one thread: a tenth of a second to a few, so that progress shows and a stop is heard. */
const batchWork = 2e9;
/** Fewer rows would leave tiles of the core half empty; more would take longer to decode than anyone waits. */
const [leastRows, mostRows] = [64, 16_384];

/** Rows of a batch by the work of a row, which is so many times the network's: a power of two. It depends on what is asked for and the threads, never on the time it takes; rows that step by themselves do not depend on it. */
export function batchRows({ record: { network, parameters }, record }: Model, solver: Solver | undefined, times: number, threads: number): number {
  const evaluations = solver?.adaptive ? 100 : solver ? solver.steps * solver.b.length : network.span === undefined ? (distilledSteps(record) ?? 100) : 1;
  const rows = (batchWork * threads) / (parameters.length * evaluations * times);
  return Math.min(mostRows, Math.max(leastRows, 2 ** Math.floor(Math.log2(rows))));
}

/** Flags that no solver of the model can follow. */
function checkFor({ record }: Model, flags: Omit<SolverFlags, 'solver'>): void {
  const wrong = (['noise', 'rtol', 'atol'] as const).find((name) => flags[name] !== undefined);
  if (wrong === undefined) return;
  const value = wrong === 'noise' ? flags.noise?.name : flags[wrong];
  if (record.network.span !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', `--${wrong}`, 'nothing, as the model says average velocities', value, 'It takes --steps alone.');
  if (record.score !== undefined && wrong === 'noise') {
    const hint = 'Leave it out: --solver stochasticHeun uses the noise that the score was learned for.';
    throw argumentError('ERR_FLOW_CONFIG', '--noise', 'nothing, as the model learned its score', value, hint);
  }
}

/** A row that needed more steps than allowed, with the flags that help; other errors pass as they are. */
export function solverError(error: unknown): unknown {
  if (!(error instanceof FlowError) || error.code !== 'ERR_FLOW_SOLVER') return error;
  const hint = 'Raise --rtol or --atol, or take fixed steps: --solver rk4 --steps 100.';
  const { code, path, expected, received } = error;
  return new FlowError(code, `${path}: its steps became too many or too short for the tolerances. ${hint}`, { path, expected, received, hint, cause: error });
}
