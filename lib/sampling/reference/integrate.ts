// The float64 reference integrator: explicit Runge-Kutta steps x <- x + h sum_i b_i k_i, k_i = v(x + h sum_j a_ij k_j, t + c_i h), over any monotone grid.
// Drives any field: a closed form, the float64 oracle, or a foreign model (asynchronous). Rows are independent; a grid that falls runs backwards.

import { FlowError } from '../../errors.ts';
import type { Frame, FrameRow } from '../../paths/frame.ts';
import type { Tableau } from '../../solvers/solver.ts';

/** v (rows, d) at the points x (rows, d), all rows at one time t. */
export type Field = (x: Float64Array, t: number) => Float64Array;
export type AsyncField = (x: Float64Array, t: number) => Float64Array | Promise<Float64Array>;

export interface Integration {
  /** States at the saved grid indices, in order, each (rows, d). */
  readonly saved: readonly Float64Array[];
  /** Field evaluations per row. */
  readonly nfe: number;
}

/** Noise of a stochastic solve: step k adds stir[k] * normals(k), and c_i times of it to the input of stage i (solvers/stochastic.ts). */
export interface ReferenceNoise {
  readonly stir: ArrayLike<number>;
  normals(step: number): ArrayLike<number>;
}

/** One Runge-Kutta step as a list of stages, so that the synchronous and asynchronous drivers share the arithmetic. */
function* step(
  tableau: Pick<Tableau, 'a' | 'b' | 'c'>,
  x: Float64Array,
  t: number,
  h: number,
  noise: Float64Array | null,
): Generator<{ x: Float64Array; t: number }, Float64Array, Float64Array> {
  const slopes: Float64Array[] = [];
  const advance = (weights: readonly number[], share: number): Float64Array => {
    const y = noise === null || share === 0 ? x.slice() : x.map((v, i) => v + share * (noise[i] as number));
    weights.forEach((w, j) => {
      const k = slopes[j] as Float64Array;
      if (w !== 0) for (let i = 0; i < y.length; i++) y[i] = (y[i] as number) + h * w * (k[i] as number);
    });
    return y;
  };
  for (let i = 0; i < tableau.b.length; i++) {
    const stage = advance(tableau.a[i] as readonly number[], tableau.c[i] as number);
    const slope = yield { x: stage, t: t + (tableau.c[i] as number) * h };
    if (slope.length !== x.length) {
      const fields = { path: 'field', expected: `${x.length} values`, received: String(slope.length) };
      throw new FlowError('ERR_FLOW_SHAPE', `field: expected ${x.length} values, one per element of x, got ${slope.length}.`, fields);
    }
    slopes.push(slope);
  }
  return advance(tableau.b, 1);
}

function* solve(
  tableau: Pick<Tableau, 'a' | 'b' | 'c'>,
  start: Float64Array,
  grid: ArrayLike<number>,
  save: readonly number[],
  noise: ReferenceNoise | null = null,
): Generator<{ x: Float64Array; t: number }, Integration, Float64Array> {
  let x: Float64Array = start.slice();
  const saved: Float64Array[] = [];
  for (let k = 0; k < grid.length; k++) {
    if (k > 0) {
      const before = grid[k - 1] as number;
      const stir = noise?.stir[k - 1] ?? 0;
      const stirred = noise && stir !== 0 ? Float64Array.from(noise.normals(k - 1), (z) => stir * z) : null;
      x = yield* step(tableau, x, before, (grid[k] as number) - before, stirred);
    }
    for (const index of save) if (index === k) saved.push(x.slice());
  }
  return { saved, nfe: (grid.length - 1) * tableau.b.length };
}

/** Integrates from grid[0] to grid[K]. `save` holds grid indices, ascending; by default the last. */
export function integrate(
  tableau: Pick<Tableau, 'a' | 'b' | 'c'>,
  field: Field,
  start: Float64Array,
  grid: ArrayLike<number>,
  save: readonly number[] = [grid.length - 1],
  noise: ReferenceNoise | null = null,
): Integration {
  const run = solve(tableau, start, grid, save, noise);
  let next = run.next();
  while (!next.done) next = run.next(field(next.value.x, next.value.t));
  return next.value;
}

/** b x + c net(tau, a x) for a whole matrix. */
export function framed(net: Field, { a, tau, b, c }: FrameRow, x: Float64Array): Float64Array {
  const value = net(
    x.map((v) => a * v),
    tau,
  );
  return x.map((v, i) => b * v + c * (value[i] as number));
}

/** The same through a frame: slopes of its path from a network, exact steps where the frame takes them. */
export function integrateFramed(
  tableau: Pick<Tableau, 'a' | 'b' | 'c'>,
  frame: Pick<Frame, 'slope' | 'step' | 'exact'>,
  net: Field,
  start: Float64Array,
  grid: ArrayLike<number>,
): Float64Array {
  let x: Float64Array = start.slice();
  for (let k = 0; k + 1 < grid.length; k++) {
    const [t, next] = [grid[k] as number, grid[k + 1] as number];
    if (next > t && frame.exact(next)) x = framed(net, frame.step(t, next), x);
    else x = integrate(tableau, (at, time) => framed(net, frame.slope(time), at), x, [t, next]).saved[0] as Float64Array;
  }
  return x;
}

/** The same for a field that answers later; `signal` is read before every evaluation and rejects with its reason. */
export async function integrateAsync(
  tableau: Pick<Tableau, 'a' | 'b' | 'c'>,
  field: AsyncField,
  start: Float64Array,
  grid: ArrayLike<number>,
  options: { readonly save?: readonly number[]; readonly signal?: AbortSignal | undefined } = {},
): Promise<Integration> {
  const run = solve(tableau, start, grid, options.save ?? [grid.length - 1]);
  let next = run.next();
  while (!next.done) {
    options.signal?.throwIfAborted();
    next = run.next(await field(next.value.x, next.value.t));
  }
  return next.value;
}
