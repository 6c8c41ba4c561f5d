// NetworkSpec: the network in users' words, plain JSON; `lower()` turns it into a Program.

import type { Activation } from './ops.ts';

/** How t enters. `fourier`: cos/sin(k pi t), k = 1..frequencies. `random`: cos/sin(2 pi f t), f ~ N(0, scale^2) frozen from `seed`. `sinusoid`: dim features on 1000 t, then Linear-SiLU-Linear. */
export type TimeSpec =
  | { readonly kind: 'raw' }
  | { readonly kind: 'fourier'; readonly frequencies: number }
  | { readonly kind: 'random'; readonly dim: number; readonly scale: number; readonly seed: number }
  | { readonly kind: 'sinusoid'; readonly dim: number; readonly maxPeriod: number };

export interface MlpSpec {
  readonly kind: 'mlp';
  readonly hidden: readonly number[];
  readonly activation: Exclude<Activation, 'identity'>;
  readonly time: TimeSpec;
  /** Adds the input of each hidden layer but the first to its output wherever the widths agree. */
  readonly residual: boolean;
  /** Layer norm before each hidden layer but the first. */
  readonly norm: boolean;
  /** Zero-initialised output layer: the untrained velocity is 0. */
  readonly zeroOutput: boolean;
  /** Width of the learned embedding of each class column of the condition; 0 = one-hot. */
  readonly classEmbedding: number;
  /**
   * The network says the average velocity over the next `span` of time, the last column of its condition input: x(t + span) = x(t) + span net(x, t, span).
   * true: any span; a power of two n: 1, 1/2, ..., 1/n, each from its multiples alone. Set by the objectives that train such networks; absent = the velocity.
   */
  readonly span?: true | number;
}
export type NetworkSpec = MlpSpec;

/** What a condition row holds, in this order: `numbers` continuous columns, then one class index per entry of `classes` (the class count). */
export interface ConditionSpec {
  readonly numbers: number;
  readonly classes: readonly number[];
  /** How often training replaced the condition by the null row, in (0, 1); absent = never: then the network knows no null row. */
  readonly drop?: number;
}
