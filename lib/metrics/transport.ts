// Exact optimal transport between two samples: W_p = (min over couplings of E|x - y|^p)^(1/p), Euclidean norm, p = 1 or 2, equal weights.
// Between samples of equal size the optimum is a permutation (Birkhoff). Solved natively, off the JavaScript thread, without a matrix of costs.

import { argumentError, inWords } from '../errors.ts';
import { native } from '../native/load.ts';
import { checkSignal, integer, record } from '../options.ts';
import { rowCount, type Values } from './rows.ts';

export interface TransportOptions {
  /** Threads, 1 .. 1024; 0 = the physical cores. The answer does not depend on them. @default 0 */
  readonly threads?: number;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
export interface OptimalPairs {
  /** (n): row i of x goes to row pairs[i] of y; a permutation. */
  readonly pairs: Int32Array;
  /** Mean of |x_i - y_pairs[i]|^p: W1 for p = 1, the square of W2 for p = 2. */
  readonly meanCost: number;
}

/** Points that one exact solve takes. */
export const mostMatchedPoints = 65_536;

/**
 * The pairing of the rows of x (n, columns) with the rows of y (n, columns) of least mean |x_i - y_j|^p; n = 1 .. 65536. Optimal up to 2^-44 of
 * the p-th power of the diagonal of the box around all points (each cost is rounded so). Memory: about 4 KB per point; time: seconds for 10,000.
 * @param options.p 1 or 2. @default 2
 * @throws FlowError at once: ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE for what is no sample; ERR_FLOW_LIMIT above 65536 points; ERR_FLOW_PLATFORM without the addon.
 */
export function optimalPairs(x: Values, y: Values, columns: number, options: TransportOptions & { readonly p?: 1 | 2 } = {}): Promise<OptimalPairs> {
  const given = record(options, 'options', ['p', 'threads', 'signal']);
  const power = given.p === undefined ? 2 : (integer(given.p, 'options.p', 1, 2) as 1 | 2);
  const [n, m] = [rowCount(x, columns, 'x'), rowCount(y, columns, 'y')];
  if (n !== m)
    throw argumentError('ERR_FLOW_SHAPE', 'y', `${n} rows, as many as x has`, m, 'The distances take samples of unequal size; a pairing needs equal ones.');
  return solve(x, y, columns, power, given);
}

/**
 * W1, the 1-Wasserstein distance E|x - y| under the best coupling, between the rows of x (n, columns) and y (m, columns), in their unit. Exact (see optimalPairs).
 * Unequal sizes are made equal by repeating rows, where the least common multiple of n and m is at most 65536.
 * @throws FlowError as optimalPairs, and ERR_FLOW_LIMIT where that multiple is larger.
 * @example const distance = await wasserstein1(samples, fresh, 2);
 */
export function wasserstein1(x: Values, y: Values, columns: number, options: TransportOptions = {}): Promise<number> {
  return between(x, y, columns, 1, options);
}

/** W2, the 2-Wasserstein distance: the square root of wasserstein2Squared(), in the unit of the rows. */
export function wasserstein2(x: Values, y: Values, columns: number, options: TransportOptions = {}): Promise<number> {
  return between(x, y, columns, 2, options).then(Math.sqrt);
}

/** W2 squared, min E|x - y|^2, in the squared unit of the rows. Some tables report this, others its root: wasserstein2(). Sizes as in wasserstein1(). */
export function wasserstein2Squared(x: Values, y: Values, columns: number, options: TransportOptions = {}): Promise<number> {
  return between(x, y, columns, 2, options);
}

function between(x: Values, y: Values, columns: number, power: 1 | 2, options: TransportOptions): Promise<number> {
  const given = record(options, 'options', ['threads', 'signal']);
  const [n, m] = [rowCount(x, columns, 'x'), rowCount(y, columns, 'y')];
  let [a, b] = [n, m];
  while (b > 0) [a, b] = [b, a % b];
  const rows = (n / a) * m;
  if (rows > mostMatchedPoints) {
    const hint = `Take samples of equal size${n === m ? '' : ', or of sizes that divide one another'}.`;
    throw argumentError('ERR_FLOW_LIMIT', 'y', `sizes whose least common multiple is at most ${mostMatchedPoints}`, inWords(`${n} and ${m} rows`), hint);
  }
  return solve(repeat(x, rows / n), repeat(y, rows / m), columns, power, given).then(({ meanCost }) => meanCost);
}

const repeat = (x: Values, times: number): Float64Array => {
  const all = new Float64Array(x.length * times);
  for (let i = 0; i < times; i++) all.set(x, i * x.length);
  return all;
};

/** On the line the optimum for every p >= 1 joins equal ranks. */
function sorted(x: Values, y: Values, power: 1 | 2): OptimalPairs {
  const order = (v: Values): Int32Array => Int32Array.from(v.keys()).sort((i, j) => (v[i] as number) - (v[j] as number) || i - j);
  const [from, to] = [order(x), order(y)];
  const pairs = new Int32Array(x.length);
  let sum = 0;
  for (const [rank, i] of from.entries()) {
    const j = to[rank] as number;
    pairs[i] = j;
    sum += Math.abs((x[i] as number) - (y[j] as number)) ** power;
  }
  return { pairs, meanCost: sum / x.length };
}

function solve(x: Values, y: Values, columns: number, power: 1 | 2, given: { threads?: unknown; signal?: unknown }): Promise<OptimalPairs> {
  const threads = integer(given.threads ?? 0, 'options.threads', 0, 1024);
  const signal = checkSignal(given.signal);
  if (x.length / columns > mostMatchedPoints) throw argumentError('ERR_FLOW_LIMIT', 'x', `at most ${mostMatchedPoints} rows`, x.length / columns);
  return match(x, y, columns, power, threads, signal);
}

async function match(x: Values, y: Values, columns: number, power: 1 | 2, threads: number, signal: AbortSignal | undefined): Promise<OptimalPairs> {
  signal?.throwIfAborted();
  if (columns === 1) return sorted(x, y, power);
  const job = native().matchPoints(Float64Array.from(x), Float64Array.from(y), columns, power, threads);
  const stop = (): void => job.stop();
  signal?.addEventListener('abort', stop);
  try {
    const { partner, mean } = await job.done;
    signal?.throwIfAborted();
    return { pairs: partner, meanCost: mean };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
