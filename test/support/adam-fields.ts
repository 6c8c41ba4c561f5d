// The optimiser of a TrainerRequest that only takes gradients: Adam without decay, clipping and mean weights, rows without replacement. For tests of one step.

export const adamFields = {
  replacement: false,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
  emaDecay: 0,
  emaWarmup: false,
  clip: 0,
} as const;
