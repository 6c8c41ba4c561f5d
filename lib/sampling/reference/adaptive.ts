// The float64 reference of steps by error control: an embedded pair, the error norm, the controller, the first step, dense output. The native integrator
// (native/solver/adaptive.h) follows the same rules in f32. One row is one call; with one step for a whole batch, the batch is the row.
//   e = RMS_j (h sum_i error_i k_ij / (atol + rtol max(|x_j|, |x1_j|)));  accepted where e <= 1;  p = errorOrder + 1
//   h <- h clip(0.9 e^(-1/p), 0.2, 10), with `pi` after an accepted step h clip(0.9 e^(-0.7/p) before^(0.4/p), 0.2, 10); no growth right after a rejection.
// Sources: Hairer, Norsett, Wanner I, section II.4 (norm, first step); Gustafsson, ACM TOMS 17 (1991) (pi); Shampine, Math. Comp. 46 (1986) (dense output).

import { denseWeights } from '../../solvers/order.ts';
import type { StepControl } from '../../solvers/solver.ts';
import type { AdaptiveTableau } from '../../solvers/tableau.ts';
import { type RowStatus, rowStatus } from '../status.ts';

/** v (d) at x (d), or of a whole batch. */
export type RowField = (x: Float64Array, t: number) => Float64Array;

export interface AdaptiveSolve {
  /** The state at each of the `times` asked for; after a solve that ended early the last one it had. */
  readonly saved: readonly Float64Array[];
  /** Evaluations, the two of the first step included. */
  readonly nfe: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly status: RowStatus;
  /** The time reached. */
  readonly t: number;
  /** The slope there. */
  readonly slope: Float64Array;
}
/** An accepted step, for those who look on. */
export interface AcceptedStep {
  readonly t: number;
  readonly h: number;
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly error: number;
}

const safety = 0.9;
const [least, most] = [0.2, 10];
/** What `pi` takes for an error that is next to nothing. */
const errorFloor = 1e-4;

const clip = (factor: number): number => Math.min(Math.max(factor, least), most);

const norm = (x: ArrayLike<number>, scale: (j: number) => number): number => {
  let sum = 0;
  for (let j = 0; j < x.length; j++) sum += ((x[j] as number) / scale(j)) ** 2;
  return Math.sqrt(sum / x.length);
};

/** Integrates from times[0] to the last of the monotone `times`, which do not influence the steps. `maxSteps` counts rejected steps too. */
export function integrateAdaptive(
  tableau: AdaptiveTableau,
  control: Pick<StepControl, 'rtol' | 'atol' | 'minStep' | 'controller'>,
  maxSteps: number,
  field: RowField,
  start: Float64Array,
  times: ArrayLike<number>,
  look: (step: AcceptedStep) => void = () => undefined,
): AdaptiveSolve {
  const { a, c, error: weights, dense } = tableau;
  const { rtol, atol } = control;
  const stages = c.length;
  const p = tableau.errorOrder + 1;
  const t1 = times[times.length - 1] as number;
  const direction = t1 < (times[0] as number) ? -1 : 1;
  const shortest = Math.max(control.minStep, 10 * Number.EPSILON * Math.max(Math.abs(times[0] as number), Math.abs(t1)));
  const saved: Float64Array[] = [];
  let x: Float64Array = start.slice();
  let [t, nfe, accepted, rejected] = [times[0] as number, 0, 0, 0];
  let status: RowStatus = rowStatus.done;
  const save = (until: number, at: (time: number) => Float64Array): void => {
    while (saved.length < times.length && ((times[saved.length] as number) - until) * direction <= 0) saved.push(at(times[saved.length] as number));
  };
  const evaluate = (point: Float64Array, time: number): Float64Array => {
    nfe++;
    return field(point, time);
  };
  const combine = (row: readonly number[], h: number, k: readonly Float64Array[]): Float64Array =>
    x.map((value, j) => value + h * row.reduce((sum, w, i) => (w === 0 ? sum : sum + w * ((k[i] as Float64Array)[j] as number)), 0));
  const finish = (): AdaptiveSolve => {
    while (saved.length < times.length) saved.push(x.slice());
    return { saved, nfe, accepted, rejected, status, t, slope };
  };

  let slope = evaluate(x, t);
  save(t, () => x.slice());
  if (t === t1) return finish();
  let h = firstStep();
  let before = 1;
  let afterRejection = false;
  while (t !== t1) {
    if (accepted + rejected === maxSteps) {
      status = rowStatus.maxSteps;
      break;
    }
    const last = (t1 - t) * direction <= h * (1 + 1e-6);
    const signed = last ? t1 - t : h * direction;
    const next = last ? t1 : t + signed;
    const k = [slope];
    let x1 = x;
    for (let i = 1; i < stages; i++) {
      x1 = combine(a[i] as readonly number[], signed, k);
      k.push(evaluate(x1, c[i] === 1 ? next : t + (c[i] as number) * signed));
    }
    const sum = x.map((_, j) => signed * weights.reduce((s, w, i) => s + w * ((k[i] as Float64Array)[j] as number), 0) + 0 * (x1[j] as number));
    const error = norm(sum, (j) => atol + rtol * Math.max(Math.abs(x[j] as number), Math.abs(x1[j] as number)));
    if (!(error <= 1)) {
      rejected++;
      afterRejection = true;
      h = Math.abs(signed) * (Number.isFinite(error) ? Math.max(least, safety * error ** (-1 / p)) : least);
      if (h >= shortest) continue;
      status = Number.isFinite(error) ? rowStatus.minStep : rowStatus.nonFinite;
      break;
    }
    accepted++;
    save(next, (time) => (time === next ? x1.slice() : combine(denseWeights(dense, (time - t) / signed), signed, k)));
    look({ t, h: signed, before: x, after: x1, error });
    const integral = control.controller === 'integral';
    const factor = error === 0 ? most : clip(integral ? safety * error ** (-1 / p) : safety * error ** (-0.7 / p) * before ** (0.4 / p));
    h = Math.max(Math.abs(signed) * (afterRejection ? Math.min(1, factor) : factor), shortest);
    before = Math.max(error, errorFloor);
    afterRejection = false;
    [t, x, slope] = [next, x1, k[stages - 1] as Float64Array];
  }
  return finish();

  /** Hairer's: a small Euler step tells the second derivative. Never longer than the interval. */
  function firstStep(): number {
    const interval = Math.abs(t1 - t);
    const scale = (j: number): number => atol + rtol * Math.abs(x[j] as number);
    const [d0, d1] = [norm(x, scale), norm(slope, scale)];
    const h0 = Math.min(d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : (0.01 * d0) / d1, interval);
    const probe = evaluate(
      x.map((value, j) => value + h0 * direction * (slope[j] as number)),
      t + h0 * direction,
    );
    const d2 =
      norm(
        probe.map((v, j) => v - (slope[j] as number)),
        scale,
      ) / h0;
    const most = Math.max(d1, d2);
    const h1 = most <= 1e-15 ? Math.max(1e-6, h0 * 1e-3) : (0.01 / most) ** (1 / p);
    const first = Math.min(100 * h0, h1, interval);
    return first >= shortest ? first : Math.min(interval, shortest); // NaN too: the first step will tell
  }
}
