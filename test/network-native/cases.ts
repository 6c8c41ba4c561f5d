// The networks and shapes of the gradient suite: everything from a number, so that two processes build the same case.

import { Random } from '../../lib/random.ts';
import { type CaseInputs, caseInputs, type NetworkCase, networkCase, networkCases, opCases, randomCase } from '../cases/networks.ts';

/** Named cases, ops on their own, then random networks. */
export const named: readonly NetworkCase[] = [
  ...networkCases,
  ...opCases,
  networkCase('wider than a sum block', { hidden: [160, 300], activation: 'tanh' }, 130),
  networkCase('many classes', { hidden: [40], classEmbedding: 33 }, 3, { numbers: 33, classes: [70, 2] }),
];

export interface Case {
  readonly network: NetworkCase;
  readonly inputs: CaseInputs;
}

/**
 * Layer norm of one or two features is constant up to epsilon / variance: its gradient is what is left when equal numbers cancel, and no f32
 * computation holds 1e-5 of that. Such networks are passed over.
 */
function conditioned({ program }: NetworkCase): boolean {
  return program.ops.every((op) => op.kind !== 'layerNorm' || (program.values[op.input]?.width ?? 0) > 2);
}

function randomConditioned(index: number): NetworkCase {
  for (let seed = index; ; seed += 100_000) {
    const network = randomCase(seed);
    if (conditioned(network)) return network;
  }
}

/** Case `index`: rows run from none over the edges of the kernels' 12-row tiles to several row tiles. */
export function caseAt(index: number): Case {
  const random = new Random(index, 0x726f7773);
  const network = index < named.length ? (named[index] as NetworkCase) : randomConditioned(index);
  const roll = random.below(20);
  const rows = roll === 0 ? 0 : roll < 14 ? 1 + random.below(14) : roll < 19 ? 11 + random.below(40) : 190 + random.below(30);
  return { network, inputs: caseInputs(network, rows, index + 1) };
}
