// loadOnnx(): an ONNX file read, its inputs told apart, and a session for it in a worker thread.

import { argumentError } from '../errors.ts';
import { integer, record } from '../options.ts';
import { OnnxSampler } from './onnx.ts';
import { columnsOf, namesOf } from './onnx-arguments.ts';
import { bindInputs, type InputNames } from './onnx-inputs.ts';

export interface OnnxLoadOptions {
  /** Threads onnxruntime may use for one call, 0 .. 1024; 0 = its own choice, the physical cores. @default 0 */
  readonly threads?: number;
  /** Foreign models: the names of the inputs that are the state, the time and the condition. @default found by their usual names */
  readonly inputs?: InputNames;
  /** Foreign models: the output that is dx/dt. @default the only output */
  readonly output?: string;
  /** Foreign models: names of the columns. */
  readonly columns?: readonly string[];
}

const loadKeys = ['threads', 'inputs', 'output', 'columns'] as const;

/**
 * Loads an ONNX file (a path, or its bytes) into onnxruntime-node, in a worker thread: the event loop stays free.
 * @throws FlowError at once for wrong arguments, naming them. Rejects with ERR_FLOW_ORT_MISSING naming the command that installs it, ERR_FLOW_ONNX, ERR_FLOW_IO, or
 * ERR_FLOW_CONFIG where the file lacks what an option names.
 * @example const onnx = await loadOnnx('moons.onnx'); const { x } = await onnx.sample({ n: 1000, seed: 1 }); onnx.dispose();
 */
export function loadOnnx(source: string | Uint8Array, options: OnnxLoadOptions = {}): Promise<OnnxSampler> {
  const given = record(options, 'options', loadKeys);
  const threads = integer(given.threads ?? 0, 'options.threads', 0, 1024);
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) throw argumentError('ERR_FLOW_TYPE', 'source', 'a file name or a Uint8Array', source);
  const names = given.inputs === undefined ? {} : namesOf(given.inputs);
  if (given.output !== undefined && typeof given.output !== 'string') throw argumentError('ERR_FLOW_TYPE', 'options.output', 'a name', given.output);
  return open(typeof source === 'string' ? source : source.slice(), { threads, names, output: given.output, columns: given.columns });
}

interface Opening {
  readonly threads: number;
  readonly names: InputNames;
  readonly output?: string | undefined;
  readonly columns?: unknown;
}

async function open(own: string | Uint8Array, { threads, names, output, columns: named }: Opening): Promise<OnnxSampler> {
  // Reading ONNX and a worker thread take milliseconds to load, which only programs that run ONNX files pay.
  const [{ customDomains, inspectOnnx, inspectOnnxFile, requireInput }, { findRuntime, OnnxSession }] = await Promise.all([
    import('../onnx/inspect.ts'),
    import('./onnx-session.ts'),
  ]);
  const { bytes, info } = typeof own === 'string' ? await inspectOnnxFile(own) : { bytes: own, info: inspectOnnx(own) };
  const custom = customDomains(info);
  if (custom.length > 0) throw argumentError('ERR_FLOW_ONNX', 'domains', 'operators that every onnxruntime has', custom.join(', '));
  const bound = bindInputs(info, names, output);
  const columns = columnsOf(named, bound.x.width) ?? info.flow?.columns ?? null;
  if (info.flow && info.flow.dimension !== bound.x.width)
    throw argumentError('ERR_FLOW_ONNX', 'metadata.dimension', String(bound.x.width), info.flow.dimension);
  const { guidance = null } = info.flow ?? {};
  const said = guidance?.scale === 0 && guidance.from <= 0 && guidance.to >= 1 ? null : (info.flow?.condition ?? null); // it has no condition input
  if (info.flow && (said ? said.numbers + said.classes.length : 0) !== (bound.condition?.width ?? 0))
    throw argumentError('ERR_FLOW_ONNX', 'metadata.condition', `${bound.condition?.width ?? 0} columns, as the input has`, said);
  const session = await OnnxSession.open(findRuntime(), bound.grid === null ? bytes : requireInput(bytes, bound.grid), threads);
  return new OnnxSampler(info, bound, session, columns);
}
