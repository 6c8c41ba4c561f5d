// What a file is to be, by the ending of its name.

import { extname } from 'node:path';
import { argumentError, type FlowError } from '../errors.ts';

/** Endings that say what a file is: those that this library reads or writes, and text. */
const known: ReadonlySet<string> = new Set('.safetensors .onnx .csv .tsv .json .jsonl .ndjson .npy .txt .html .htm .svg .png'.split(' '));
/** What writes files of another kind than was asked for. */
const writers: Readonly<Record<string, string>> = { '.safetensors': 'model.save() writes model files.', '.onnx': 'exportOnnx() writes ONNX files.' };

/** The error about a name that has none of the `endings`. */
export function wrongEnding(path: string, endings: readonly string[], file: string, hint = 'Rename it.'): FlowError {
  const all = endings.length > 1 ? `${endings.slice(0, -1).join(', ')} or ${endings.at(-1)}` : endings[0];
  return argumentError('ERR_FLOW_CONFIG', path, `a name that ends in ${all}`, file, hint);
}

/** A name to write a file of one kind to: it may end in anything but what says another kind. @throws FlowError ERR_FLOW_CONFIG */
export function checkEnding(file: string, own: '.safetensors' | '.onnx', path = 'file'): string {
  const ending = extname(file).toLowerCase();
  if (ending !== own && known.has(ending)) throw wrongEnding(path, [own], file, writers[ending]);
  return file;
}
