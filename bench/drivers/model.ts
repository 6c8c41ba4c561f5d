// The network of a shape as options of mlp(), and an untrained model of it.

import { type MlpOptions, type ModelRecord, mlp, version } from '../../lib/index.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import type { Shape } from '../cases.ts';

export const plain = ({ H, L }: Shape, activation: NonNullable<MlpOptions['activation']> = 'silu'): MlpOptions => ({
  hidden: Array<number>(L).fill(H),
  activation,
  time: 'raw',
  residual: false,
  norm: false,
});

/** Training and nothing beside it. */
export const bare = { normalise: false, validation: 0, ema: 0, clip: 0 } as const;

export function record(shape: Shape): ModelRecord {
  const network = mlp(plain(shape));
  return {
    network,
    dimension: shape.d,
    columns: null,
    condition: null,
    conditionNormaliser: null,
    normaliser: null,
    path: { name: 'condOT', tMin: 0, tMax: 1, sourceScale: 1, constants: { sigmaMin: 0 } },
    prediction: 'velocity',
    source: 'gaussian',
    table: null,
    training: {},
    parameters: initialiseParameters(lower(network, shape.d, null), 1),
    version,
  };
}
