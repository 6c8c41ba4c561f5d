// How the solve of a row ended.

/** `done`: at its last time; the others end early, with the last accepted state as the result. */
export const rowStatus = Object.freeze({
  done: 0,
  /** More than maxSteps steps were needed. */
  maxSteps: 1,
  /** The error asked for a step below minStep. */
  minStep: 2,
  /** The velocity is not finite, however short the step. */
  nonFinite: 3,
} as const);
export type RowStatus = (typeof rowStatus)[keyof typeof rowStatus];
