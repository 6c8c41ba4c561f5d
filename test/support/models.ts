// Small untrained models for tests that need a record, not a good one.

import type { ModelRecord } from '../../lib/model/record.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import { type MlpOptions, mlp } from '../../lib/network/mlp.ts';

/** An untrained record of `dimension` columns; any field can be replaced. */
export function untrained(dimension: number, options: MlpOptions = { hidden: [3] }, fields: Partial<ModelRecord> = {}): ModelRecord {
  const network = mlp(options);
  const condition = fields.condition ?? null;
  return {
    network,
    dimension,
    columns: null,
    condition,
    conditionNormaliser: null,
    normaliser: null,
    path: { name: 'condOT', tMin: 0, tMax: 1, sourceScale: 1, constants: { sigmaMin: 0 } },
    prediction: 'velocity',
    source: 'gaussian',
    table: null,
    training: {},
    parameters: initialiseParameters(lower(network, dimension, condition), 1, network),
    version: '0.1.0',
    ...fields,
  };
}

/** The FlowError that `work` throws or rejects with; fails when it does not. */
export async function caught(work: () => unknown): Promise<Error & { code?: string; path?: string; hint?: string }> {
  try {
    await work();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('expected an error, got none');
}
