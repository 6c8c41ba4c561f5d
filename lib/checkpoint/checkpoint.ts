// Training checkpoints: a model file with the optimiser's sections, the state of the trainer as JSON and its logs. Model.load reads them too.

import type { ModelRecord } from '../model/record.ts';
import { removeStale } from './atomic.ts';
import { type FileSystem, systemFiles } from './files.ts';
import { damaged, type ModelFile, packModel, readModelFile, type Section } from './model-file.ts';
import { type Tensor, writeContainer } from './safetensors.ts';

export interface Checkpoint {
  readonly record: ModelRecord;
  /** The section that is the model. */
  readonly weights: Section;
  readonly sections: ReadonlyMap<Section, Float32Array>;
  /** Counters, options, hashes of the data: JSON. */
  readonly trainer: unknown;
  /** Named `log.*`. */
  readonly logs: ReadonlyMap<string, Float64Array>;
}

/** Writes a checkpoint atomically. @returns the SHA-256 that names the content: equal states have equal files. */
export async function saveCheckpoint(file: string, state: Checkpoint, fs: FileSystem = systemFiles): Promise<string> {
  const { metadata, tensors } = packModel(state.record, 'training', state.weights, state.sections);
  metadata.set('trainer', JSON.stringify(state.trainer));
  for (const [name, data] of state.logs) tensors.set(name, { shape: [data.length], data } satisfies Tensor);
  return writeContainer(file, metadata, tensors, fs);
}

/** Reads a checkpoint; a model file that holds no training state is refused by name. */
export async function readCheckpoint(file: string, fs: FileSystem = systemFiles): Promise<ModelFile> {
  const found = await readModelFile(file, fs);
  if (found.kind !== 'training') {
    throw damaged(file, 'is a finished model, not a training checkpoint', 'Give the checkpoint a file of its own; it would replace this one.');
  }
  return found;
}

/** Removes what killed processes left beside the file. */
export async function tidy(file: string, fs: FileSystem = systemFiles): Promise<void> {
  await removeStale(file, fs);
}
