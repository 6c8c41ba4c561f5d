// Stochastic solvers: a tableau and a noise schedule. With the step's noise N = sqrt(h sum_i b_i g^2(t_i)) xi, xi ~ N(0, I),
//   k_i = f(t + c_i h, x + h sum_j a_ij k_j + c_i N),  x <- x + h sum_i b_i k_i + N,  f = u + g^2/2 s,  all c_i in {0, 1}.
// Source: Kloeden and Platen, Numerical Solution of Stochastic Differential Equations, sections 9.1 and 15.1 (g does not depend on x).

import { argumentError } from '../errors.ts';
import { record } from '../options.ts';
import { factoryOf, keepMade, likely, type SolverFactory, type SolverOptions, solverKeys, withTableau } from './define.ts';
import { type NoiseOption, resolveNoise } from './noise.ts';
import type { Solver, Tableau } from './solver.ts';

export interface StochasticOptions extends SolverOptions {
  /** How strongly to stir: proportional(), fading(), memoryless(), one of these names, or g(t). @default proportional({ eta: 1 }) */
  readonly noise?: NoiseOption;
}
export type StochasticFactory = ((options?: StochasticOptions) => Solver) & { readonly tableau: Tableau };

/** A factory of stochastic solvers with the tableau of another factory, whose stages stand at the ends of a step. */
export function stirred(name: string, other: SolverFactory): StochasticFactory {
  const factory = factoryOf(name, () => ({ ...other.tableau, name }));
  const make = (options: StochasticOptions = {}): Solver => {
    const { noise, ...rest } = record(options, name, [...solverKeys, 'noise'], {}, [likely(options, factory.tableau), make]);
    return withNoise(factory(rest as SolverOptions), noise, name);
  };
  return withTableau(make, () => factory.tableau);
}

/** A solver that a factory made, with a noise schedule. @throws FlowError ERR_FLOW_CONFIG for stages inside a step, whose noise is not that of the whole one */
export function withNoise(solver: Solver, noise: unknown, path: string): Solver {
  if (solver.c.some((c) => c !== 0 && c !== 1))
    throw argumentError(
      'ERR_FLOW_CONFIG',
      `${path}.noise`,
      'a tableau whose stages stand at the ends of a step (c = 0 or 1)',
      solver.name,
      'Use stochasticHeun().',
    );
  return keepMade({ ...solver, noise: resolveNoise(noise, `${path}.noise`) });
}
