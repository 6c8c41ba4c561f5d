// The optimiser is a record of AdamW's constants (Loshchilov and Hutter, arXiv 1711.05101); a learning-rate schedule is a function of the step.

/** Learning rate at step k = 0, 1, ...; must be finite and >= 0. */
export type Schedule = (step: number) => number;

export interface AdamW {
  readonly name: 'adamw';
  /** A constant, or a schedule. @default 1e-3 */
  readonly lr: number | Schedule;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}
