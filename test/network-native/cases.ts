// The networks and shapes of the gradient suite: everything from a number, so that two processes build the same case.

import { Random } from '../../lib/random.ts';
import { type CaseInputs, caseInputs, type NetworkCase, networkCase, networkCases, opCase, opCases, randomCase } from '../cases/networks.ts';

/** Named cases, ops on their own, then random networks. */
export const named: readonly NetworkCase[] = [
  ...networkCases,
  ...opCases,
  networkCase('wider than a sum block', { hidden: [160, 300], activation: 'tanh' }, 130),
  opCase(
    'classes computed from x: no gradient comes back through them, nor to the layer that names them',
    4,
    0,
    [
      { kind: 'dense', input: 0, weight: 0, bias: -1, activation: 'silu', output: 3 },
      { kind: 'oneHot', input: 3, column: 1, classes: 4, output: 4 },
      { kind: 'embed', input: 0, column: 2, table: 1, output: 5 },
      { kind: 'dense', input: 5, weight: 2, bias: -1, activation: 'tanh', output: 6 },
      { kind: 'add', a: 4, b: 6, output: 7 },
      { kind: 'add', a: 0, b: 7, output: 8 },
    ],
    [2, 4, 4, 4, 4, 4],
    [
      ['w', 'weight', 2, 4],
      ['e', 'table', 5, 4],
      ['u', 'weight', 4, 4],
    ],
  ),
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
