// Models for parity tests: the networks of test/cases with normalisers, conditions in data units and a scaled source. A function of the index alone.

import type { ModelRecord, Normaliser } from '../../lib/model/record.ts';
import type { MlpSpec } from '../../lib/network/spec.ts';
import { Random } from '../../lib/random.ts';
import { caseInputs, type NetworkCase, randomCase } from '../cases/networks.ts';

export interface ModelCase {
  readonly name: string;
  readonly model: ModelRecord;
  readonly network: NetworkCase;
}

function normaliser(random: Random, columns: number): Normaliser {
  const shift = Float32Array.from({ length: columns }, () => 3 * random.normal());
  const scale = Float32Array.from({ length: columns }, () => Math.exp(random.normal()));
  return { shift, scale };
}

/** A record around the network of a case; two in three have a normaliser, one in four a source scale of 1.5. */
export function modelOf(network: NetworkCase, index: number): ModelCase {
  const random = new Random(index, 0x6f6e6e78);
  const { condition, dimension } = network;
  const { parameters } = caseInputs(network, 1, index);
  const model: ModelRecord = {
    network: network.spec as MlpSpec,
    dimension,
    columns: index % 2 ? Array.from({ length: dimension }, (_, i) => `column ${i}`) : null,
    condition,
    conditionNormaliser: condition && condition.numbers > 0 && index % 3 ? normaliser(random, condition.numbers) : null,
    normaliser: index % 3 ? normaliser(random, dimension) : null,
    path: { name: 'condOT', tMin: 0, tMax: 1, sourceScale: index % 4 ? 1 : 1.5, constants: { sigmaMin: 0 } },
    prediction: 'velocity',
    source: 'gaussian',
    table: null,
    training: {},
    parameters,
    version: '0.1.0',
  };
  return { name: network.name, model, network };
}

export const randomModel = (index: number): ModelCase => modelOf(randomCase(index), index);

/** Points of one call, in data units, and the same in network coordinates as f32 arithmetic makes them. */
export interface Points {
  readonly rows: number;
  readonly x: Float32Array;
  readonly t: Float32Array;
  readonly condition: Float32Array | null;
  readonly z: Float32Array;
  readonly networkCondition: Float32Array | null;
}

const toData = (z: Float32Array, width: number, n: Normaliser | null): Float32Array =>
  n === null ? z : z.map((v, i) => (n.shift[i % width] ?? 0) + (n.scale[i % width] ?? 1) * v);
export const toNetwork = (x: Float32Array, width: number, n: Normaliser | null): Float32Array =>
  n === null ? x : x.map((v, i) => Math.fround(v - (n.shift[i % width] ?? 0)) / (n.scale[i % width] ?? 1));

/** `time`: one time for all rows, or 'rows' for one each. */
export function pointsOf({ model, network }: ModelCase, rows: number, time: number | 'rows', seed: number): Points {
  const inputs = caseInputs(network, rows, seed);
  const width = network.program.conditionWidth;
  const t = time === 'rows' ? inputs.t : new Float32Array(rows).fill(time);
  // the normaliser of the condition has one entry for each continuous column; class indices pass through
  const pad = (n: Normaliser | null): Normaliser | null =>
    n && {
      shift: Float32Array.from({ length: width }, (_, i) => n.shift[i] ?? 0),
      scale: Float32Array.from({ length: width }, (_, i) => n.scale[i] ?? 1),
    };
  const conditionNormaliser = pad(model.conditionNormaliser);
  const x = toData(inputs.x, model.dimension, model.normaliser);
  const condition = inputs.condition && toData(inputs.condition, width, conditionNormaliser);
  return {
    rows,
    x,
    t,
    condition,
    z: toNetwork(x, model.dimension, model.normaliser),
    networkCondition: condition && toNetwork(condition, width, conditionNormaliser),
  };
}
