// exportOnnx(): a model as one ONNX file, written whole or not at all.

import { writeAtomically } from '../checkpoint/atomic.ts';
import { sha256 } from '../checkpoint/sha256.ts';
import { checkEnding } from '../data/endings.ts';
import { argumentError } from '../errors.ts';
import { record } from '../options.ts';
import { checkFile } from './check.ts';
import { Model } from './model.ts';
import { type OnnxOptions, onnxSettings } from './onnx-options.ts';
import type { ModelRecord } from './record.ts';

export interface OnnxExportOptions extends OnnxOptions {
  /** Aborting before the file is in place leaves what was there. */
  readonly signal?: AbortSignal;
}

/**
 * Writes `model` to `file` as ONNX: graph `sampler` (noise -> rows, the solver inside) or `velocity` ((x, t) -> dx/dt), in data units on both sides.
 * @returns the number of bytes written.
 * @throws FlowError at once for wrong arguments, naming them. Rejects with ERR_FLOW_CONFIG, ERR_FLOW_LIMIT or ERR_FLOW_ONNX where they do not go with the model, as an
 * `opset` too low for its network; with ERR_FLOW_IO.
 * @example await exportOnnx(model, 'moons.onnx', { graph: 'sampler', solver: midpoint({ steps: 50 }) });
 */
export function exportOnnx(model: ModelRecord | { readonly record: ModelRecord }, file: string, options: OnnxExportOptions = {}): Promise<number> {
  const { signal, ...rest } = record(options, 'options', ['graph', 'solver', 'steps', 'grid', 'guidance', 'opset', 'signal']);
  checkEnding(checkFile(file), '.onnx');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw argumentError('ERR_FLOW_TYPE', 'options.signal', 'an AbortSignal', signal);
  if (typeof model !== 'object' || model === null || model instanceof Promise) throw argumentError('ERR_FLOW_TYPE', 'model', 'a model', model);
  const checked = model instanceof Model ? model.record : Model.fromRecord('record' in model ? model.record : model).record;
  onnxSettings(rest as OnnxOptions);
  return write(checked, file, rest as OnnxOptions, signal);
}

async function write(model: ModelRecord, file: string, options: OnnxOptions, signal: AbortSignal | undefined): Promise<number> {
  signal?.throwIfAborted();
  const { onnxPieces } = await import('../onnx/export.ts'); // protobuf takes milliseconds to load
  const { graph, head } = onnxPieces(model, options);
  const pieces = [head(await sha256(...graph)), ...graph];
  signal?.throwIfAborted();
  await writeAtomically(file, pieces);
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
