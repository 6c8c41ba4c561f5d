// exportOnnx(): a model as one ONNX file, written whole or not at all.

import { writeAtomically } from '../checkpoint/atomic.ts';
import { sha256 } from '../checkpoint/sha256.ts';
import { argumentError } from '../errors.ts';
import type { OnnxOptions } from '../onnx/export.ts';
import { record } from '../options.ts';
import { Model } from './model.ts';
import type { ModelRecord } from './record.ts';

export interface OnnxExportOptions extends OnnxOptions {
  /** Aborting before the file is in place leaves what was there. */
  readonly signal?: AbortSignal;
}

/**
 * Writes `model` to `file` as ONNX: graph `sampler` (noise -> rows, the solver inside) or `velocity` ((x, t) -> dx/dt), in data units on both sides.
 * @returns the number of bytes written.
 * @throws FlowError ERR_FLOW_ONNX when `opset` is too low for the network, ERR_FLOW_CONFIG, ERR_FLOW_LIMIT, ERR_FLOW_IO.
 * @example await exportOnnx(model, 'moons.onnx', { graph: 'sampler', solver: midpoint({ steps: 50 }) });
 */
export async function exportOnnx(model: ModelRecord | { readonly record: ModelRecord }, file: string, options: OnnxExportOptions = {}): Promise<number> {
  const { signal, ...rest } = record(options, 'options', ['graph', 'solver', 'steps', 'grid', 'guidance', 'opset', 'signal']);
  if (typeof file !== 'string' || file === '') throw argumentError('ERR_FLOW_TYPE', 'file', 'a file name', file);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw argumentError('ERR_FLOW_TYPE', 'options.signal', 'an AbortSignal', signal);
  if (typeof model !== 'object' || model === null || model instanceof Promise) throw argumentError('ERR_FLOW_TYPE', 'model', 'a model', model);
  signal?.throwIfAborted();
  const checked = model instanceof Model ? model.record : Model.fromRecord('record' in model ? model.record : model).record;
  const { onnxPieces } = await import('../onnx/export.ts'); // protobuf takes milliseconds to load
  const { graph, head } = onnxPieces(checked, rest as OnnxOptions);
  const pieces = [head(await sha256(...graph)), ...graph];
  signal?.throwIfAborted();
  await writeAtomically(file, pieces);
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
