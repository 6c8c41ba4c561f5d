// What models are given: names of files, and records, checked as strictly as a file.

import { packModel, unpackModel } from '../checkpoint/model-file.ts';
import { argumentError, FlowError, show } from '../errors.ts';
import { record } from '../options.ts';
import type { ModelRecord } from './record.ts';

/** A file name as every public function takes it. */
export function checkFile(value: unknown, path = 'file'): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw argumentError('ERR_FLOW_TYPE', path, 'a file name', value);
  return value;
}

const recordKeys = [
  'network',
  'dimension',
  'columns',
  'condition',
  'conditionNormaliser',
  'normaliser',
  'path',
  'prediction',
  'samplingPath',
  'score',
  'source',
  'table',
  'training',
  'parameters',
  'version',
] as const satisfies readonly (keyof ModelRecord)[];

/** Through the packing and the strict reading of a model file: one set of checks, and a deep copy; the parameters are copied unless they are `ours` to keep. */
export function checkRecord(value: unknown, ours = false): ModelRecord {
  const given = record(value, 'record', recordKeys) as unknown as ModelRecord;
  if (!(given.parameters instanceof Float32Array)) throw argumentError('ERR_FLOW_TYPE', 'record.parameters', 'a Float32Array', given.parameters);
  try {
    const { metadata, tensors } = packModel(given, 'model', 'parameters', new Map([['parameters', ours ? given.parameters : given.parameters.slice()]]));
    const copies = new Map([...tensors].map(([name, { shape, data }]) => [name, { shape, data: name.startsWith('parameters.') ? data : data.slice() }]));
    return unpackModel({ metadata, tensors: copies, hash: '' }).record;
  } catch (error) {
    if (!(error instanceof FlowError)) throw argumentError('ERR_FLOW_TYPE', 'record', 'a ModelRecord', show(value));
    const path = `record.${(error.path ?? '').replace('header.__metadata__.', '')}`;
    throw new FlowError('ERR_FLOW_CONFIG', `${path}: ${error.message}`, {
      path,
      expected: error.expected,
      received: error.received,
      hint: error.hint,
      cause: error,
    });
  }
}
