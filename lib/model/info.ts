// What a model is, in a few fields.

import type { ModelRecord } from './record.ts';

export interface ModelInfo {
  readonly dimension: number;
  readonly columns: readonly string[] | null;
  readonly condition: ModelRecord['condition'];
  readonly source: ModelRecord['source'];
  /** The path it was trained on. */
  readonly path: string;
  /** The path it is sampled along. */
  readonly samplingPath: string;
  readonly prediction: ModelRecord['prediction'];
  /** Widths of the hidden layers and the activation, in words. */
  readonly network: string;
  readonly parameters: number;
  /** Bytes of weights held by this object: the record's, and the packed copy once sampling has begun. */
  readonly memory: number;
  /** Training steps, where known. */
  readonly step: number | null;
  /** SHA-256 that names the content of the file this model came from or was saved to; null before that. */
  readonly hash: string | null;
  /** Library version that wrote the record. */
  readonly version: string;
  /** How it was trained. */
  readonly training: Readonly<Record<string, unknown>>;
}

/** `copies`: how often the weights are held. */
export function infoOf(model: ModelRecord, copies: number, hash: string | null): ModelInfo {
  const { dimension, columns, condition, source, path, samplingPath, prediction, network, parameters, training, version } = model;
  const words = `${network.kind} ${network.hidden.join('-')} ${network.activation}, time ${network.time.kind}`;
  const step = typeof training['steps'] === 'number' ? training['steps'] : null;
  return {
    dimension,
    columns,
    condition,
    source,
    path: path.name,
    samplingPath: (samplingPath ?? path).name,
    prediction,
    network: words,
    parameters: parameters.length,
    memory: parameters.byteLength * copies,
    step,
    hash,
    version,
    training,
  };
}
