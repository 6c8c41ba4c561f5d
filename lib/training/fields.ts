// Single options of a run, each checked by itself.

import { Dataset } from '../data/dataset.ts';
import { checkEnding } from '../data/endings.ts';
import { argumentError } from '../errors.ts';
import { checkFile } from '../model/check.ts';
import { choice, finite, integer, record } from '../options.ts';
import type { CheckpointOptions } from './options.ts';
import type { Settings } from './settings.ts';

export function flag(value: unknown, path: string, preset = false): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError('ERR_FLOW_TYPE', path, 'true or false', value);
  return value ?? preset;
}

export function checkDrop(value: unknown, condition: unknown): number {
  const path = 'options.dropCondition';
  const drop = finite(value ?? 0, path, 0, 1 - 2 ** -24);
  if (drop > 0 && (condition === undefined || condition === null)) throw argumentError('ERR_FLOW_CONFIG', path, '0, as there is no condition', value);
  return drop;
}

export function callback<T>(value: unknown, path: string): ((value: T) => void) | undefined {
  if (value !== undefined && typeof value !== 'function') throw argumentError('ERR_FLOW_TYPE', path, 'a function', value);
  return value as ((value: T) => void) | undefined;
}

export function checkSource(value: unknown): Settings['source'] {
  if (value === undefined || value === 'gaussian') return null;
  if (typeof value === 'string') choice(value, 'options.source', ['gaussian']);
  if (Array.isArray(value) || ArrayBuffer.isView(value) || value instanceof Dataset) return { rows: value, paired: false, noise: false };
  const given = record(value, 'options.source', ['rows', 'paired', 'noise']);
  if (given.rows === undefined) throw argumentError('ERR_FLOW_TYPE', 'options.source.rows', 'rows of numbers, or a Dataset', given.rows);
  const noise = flag(given.noise, 'options.source.noise');
  const paired = flag(given.paired, 'options.source.paired', noise);
  if (noise && !paired)
    throw argumentError(
      'ERR_FLOW_CONFIG',
      'options.source.paired',
      'true, or nothing, as the rows are noise',
      paired,
      "Noise of no row in particular is 'gaussian'.",
    );
  return { rows: given.rows, paired, noise };
}

export function checkNormalise(value: unknown): boolean | readonly boolean[] {
  if (!Array.isArray(value)) return flag(value, 'options.normalise', true);
  return value.map((mark: unknown, j) => {
    if (typeof mark !== 'boolean') throw argumentError('ERR_FLOW_TYPE', `options.normalise[${j}]`, 'true or false', mark);
    return mark;
  });
}

export function checkCheckpoint(value: unknown): Settings['checkpoint'] {
  if (value === undefined) return null;
  const given = typeof value === 'string' ? { file: value } : record(value, 'options.checkpoint', ['file', 'everySeconds', 'everySteps', 'resume', 'onError']);
  const { everySeconds, everySteps, resume, onError } = given as { [key in keyof CheckpointOptions]?: unknown };
  const seconds = everySeconds ?? (everySteps === undefined ? 30 : undefined);
  return {
    file: checkEnding(checkFile(given.file, 'options.checkpoint.file'), '.safetensors', 'options.checkpoint.file'),
    everySeconds: seconds === undefined ? Number.POSITIVE_INFINITY : finite(seconds, 'options.checkpoint.everySeconds', 0),
    everySteps: everySteps === undefined ? Number.POSITIVE_INFINITY : integer(everySteps, 'options.checkpoint.everySteps', 1),
    resume: flag(resume, 'options.checkpoint.resume', true),
    onError: choice(onError ?? 'continue', 'options.checkpoint.onError', ['continue', 'stop']),
  };
}

/** The table of a model: a deep copy as JSON, which is what a model file can hold. */
export function checkTable(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined;
  }
  if (text === undefined) throw argumentError('ERR_FLOW_TYPE', 'options.table', 'plain JSON data', value);
  return JSON.parse(text);
}
