// The options of fitTable() that a caller leaves out; apart from it, so that reading them loads nothing.

/** Chosen by measurement on two real tables: docs/decisions/tables.md. */
export const tableDefaults = {
  hidden: [256, 256, 256],
  steps: 5000,
  batchSize: 512,
  lr: 2e-3,
  ema: 0.999,
  validation: 0.1,
} as const;
