// Learning-rate schedules: functions of the step k = 0, 1, ... After `steps` each stays at its last value.

import { nameFactories } from '../errors.ts';
import { finite, integer, record } from '../options.ts';
import type { Schedule } from './optimiser.ts';

/** The same rate at every step. */
export function constant(lr: number): Schedule {
  const rate = finite(lr, 'constant.lr', 0, 1000);
  return () => rate;
}

/**
 * Rises linearly to `peak` over `warmup` steps (peak (k + 1) / warmup), then falls as half a cosine to `floor` at step `steps` (Loshchilov and Hutter, arXiv 1608.03983).
 * @param options.peak Highest rate. @param options.steps Length of the whole schedule, >= 1.
 * @param options.warmup Steps of the rise, in [0, steps]. @default 0
 * @param options.floor Final rate, in [0, peak]. @default 0
 */
export function warmupCosine(options: { readonly peak: number; readonly warmup?: number; readonly steps: number; readonly floor?: number }): Schedule {
  const given = record(options, 'warmupCosine', ['peak', 'warmup', 'steps', 'floor']);
  const peak = finite(given.peak, 'warmupCosine.peak', 0, 1000);
  const steps = integer(given.steps, 'warmupCosine.steps', 1);
  const warmup = integer(given.warmup ?? 0, 'warmupCosine.warmup', 0, steps);
  const floor = finite(given.floor ?? 0, 'warmupCosine.floor', 0, peak);
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const progress = Math.min((step - warmup) / Math.max(steps - warmup, 1), 1);
    return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
  };
}

/**
 * Rises linearly over `warmup` steps, then falls linearly from `peak` to `floor` at step `steps`.
 * @param options.peak Highest rate. @param options.steps Length of the whole schedule, >= 1.
 * @param options.warmup Steps of the rise, in [0, steps]. @default 0
 * @param options.floor Final rate, in [0, peak]. @default 0
 */
export function linear(options: { readonly peak: number; readonly warmup?: number; readonly steps: number; readonly floor?: number }): Schedule {
  const given = record(options, 'linear', ['peak', 'warmup', 'steps', 'floor']);
  const peak = finite(given.peak, 'linear.peak', 0, 1000);
  const steps = integer(given.steps, 'linear.steps', 1);
  const warmup = integer(given.warmup ?? 0, 'linear.warmup', 0, steps);
  const floor = finite(given.floor ?? 0, 'linear.floor', 0, peak);
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    return peak + (floor - peak) * Math.min((step - warmup) / Math.max(steps - warmup, 1), 1);
  };
}

nameFactories(
  'rate',
  { constant, warmupCosine, linear },
  { constant: 'constant(1e-3)', warmupCosine: 'warmupCosine({ peak: 1e-3, steps })', linear: 'linear({ peak: 1e-3, steps })' },
);
