// Exit codes and the last words: 0 fine, 1 failure (diverged, missing runtime, memory), 2 usage, 3 data, 4 I/O, 130 interrupted.

import { FlowError, type FlowErrorCode } from '../errors.ts';

const usage: readonly FlowErrorCode[] = ['ERR_FLOW_CONFIG', 'ERR_FLOW_RANGE', 'ERR_FLOW_TYPE'];
const data: readonly FlowErrorCode[] = [
  'ERR_FLOW_CSV_CELL',
  'ERR_FLOW_CSV_SHAPE',
  'ERR_FLOW_SHAPE',
  'ERR_FLOW_NONFINITE',
  'ERR_FLOW_CHECKPOINT',
  'ERR_FLOW_VERSION',
  'ERR_FLOW_CHECKSUM',
  'ERR_FLOW_LIMIT',
  'ERR_FLOW_ONNX',
];

/** The reason of an interrupt: exit code 130. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'AbortError';
  }
}

export function exitCode(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  if (!(error instanceof FlowError)) return 1;
  if (error.code === 'ERR_FLOW_IO') return 4;
  return usage.includes(error.code) ? 2 : data.includes(error.code) ? 3 : 1;
}

/** One line for people: the code, what is wrong and what to do. */
export function errorText(error: unknown): string {
  if (error instanceof Interrupted) return 'interrupted';
  if (error instanceof FlowError) return `${error.code} ${error.message}`;
  return error instanceof Error ? `unexpected ${error.stack ?? error.message}` : String(error);
}

/** The same for programs (`--json`). */
export function errorRecord(error: unknown): Record<string, unknown> {
  if (!(error instanceof FlowError)) return { event: 'error', code: error instanceof Interrupted ? 'ABORT_ERR' : null, message: errorText(error) };
  const { code, message, path, expected, received, hint } = error;
  return { event: 'error', code, message, path, expected, received, hint };
}

/** A mistake in the command line itself, for programs; commander's words. */
export function usageRecord(text: string): Record<string, unknown> {
  return { event: 'error', code: 'ERR_FLOW_CONFIG', message: text.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '), path: 'command line' };
}
