// Model: a trained flow, immutable. It owns the record (plain data) and, from the first sampling call on, a native network packed once.

import { isDeepStrictEqual } from 'node:util';
import { following } from '../abort.ts';
import { packModel, readModelFile, saveModel, unpackModel } from '../checkpoint/model-file.ts';
import { preferHash } from '../checkpoint/sha256.ts';
import type { Matrix } from '../data/rows.ts';
import { argumentError, FlowError, show } from '../errors.ts';
import type { Job, NativeNetwork } from '../native/binding.ts';
import { buildNetwork } from '../native/build.ts';
import { loadReport, native } from '../native/load.ts';
import { encodeProgram } from '../network/encode.ts';
import { withHead } from '../network/heads.ts';
import { lower } from '../network/lower.ts';
import { integer, record } from '../options.ts';
import { checkFrame } from '../paths/frame.ts';
import type { Path } from '../paths/path.ts';
import { resolvePath, restorePath, storePath } from '../paths/paths.ts';
import {
  type DensityOptions,
  type DensityResult,
  densityNative,
  densityProgram,
  planDensity,
  planScore,
  type ScoreOptions,
  type ScoreResult,
} from '../sampling/density.ts';
import {
  encodeKeys,
  type IntegrateOptions,
  planEncode,
  planSample,
  type SampleOptions,
  type SampleResult,
  sampleKeys,
  sampleNative,
  sampleNativeSync,
} from '../sampling/native.ts';
import type { ModelRecord } from './record.ts';

export interface BatchOptions extends SampleOptions {
  /** Rows per batch, 1 .. 2^24. @default 65536 */
  readonly batchRows?: number;
}

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

preferHash(() => loadReport().binding?.sha256);

/** Models of no more parameters are packed where they are first sampled: a millisecond. */
const packedAtOnce = 1 << 18;

/** @internal A model of a record whose parameters nobody else holds: they are not copied. */
export let adopt: (fresh: ModelRecord) => Model;

/**
 * A trained flow. Made by train(), Trainer.model(), Model.load() or Model.fromRecord(); never changes.
 * @example const model = await Model.load('moons.safetensors'); const { x } = await model.sample({ n: 1000, seed: 1 });
 */
export class Model {
  /** Everything that the model is, as plain data. Treat it as read-only. */
  readonly record: ModelRecord;
  #network: NativeNetwork | null = null;
  /** Networks of velocity and score together, by the share of the score. */
  readonly #stirred = new Map<number, NativeNetwork>();
  #opening: Promise<NativeNetwork> | null = null;
  #disposed = false;
  #hash: string | null = null;
  readonly #jobs = new Set<Job<unknown>>();
  /** With tangents: 0 for the exact divergence, else for so many estimates at a time. The last two are kept. */
  readonly #traced = new Map<number, Promise<NativeNetwork>>();

  private constructor(checked: ModelRecord) {
    this.record = checked;
  }

  /**
   * Reads a model file, or the model inside a training checkpoint.
   * @throws FlowError ERR_FLOW_IO; ERR_FLOW_CHECKPOINT, ERR_FLOW_CHECKSUM for files that are no models or damaged, naming the section; ERR_FLOW_VERSION.
   */
  static async load(file: string): Promise<Model> {
    const { record, hash } = await readModelFile(checkFile(file));
    const model = new Model(record);
    model.#hash = hash;
    return model;
  }

  /** A model from a record, which is checked as strictly as a file and copied. @throws FlowError naming the field. */
  static fromRecord(value: ModelRecord): Model {
    return new Model(checkRecord(value));
  }

  /** Writes the model to one file, atomically: the old file or the new one is there, whole. @returns the SHA-256 that names the content. */
  async save(file: string): Promise<{ readonly file: string; readonly hash: string }> {
    this.#alive();
    const hash = await saveModel(checkFile(file), this.record);
    this.#hash = hash;
    return { file, hash };
  }

  /**
   * Draws rows (n, d). The same seed gives the same rows for any thread count and split; row i of a seed does not depend on n.
   * @throws FlowError naming the option; ERR_FLOW_NONFINITE naming a row; ERR_FLOW_DISPOSED. Rejects with signal.reason when aborted.
   * @example const { x, nfe } = await model.sample({ n: 10_000, solver: midpoint({ steps: 50 }), seed: 1 });
   */
  sample(options: SampleOptions = {}): Promise<SampleResult> {
    this.#alive();
    const plan = planSample(this.record, options);
    return sampleNative(this.#ready(plan.head), this.record, plan, this.#track);
  }

  /** The same rows on the calling thread, which it blocks: for tiny jobs. */
  sampleSync(options: SampleOptions = {}): SampleResult {
    this.#alive();
    const plan = planSample(this.record, options);
    return sampleNativeSync(this.#open(plan.head), this.record, plan);
  }

  /**
   * The same rows in batches, of which two are in memory at a time: for more rows than memory holds.
   * @example for await (const { x, rows } of model.sampleBatches({ n: 1e8, seed: 1 })) write(x, rows);
   */
  sampleBatches(options: BatchOptions = {}): AsyncGenerator<SampleResult, void, undefined> {
    this.#alive();
    const { batchRows, ...rest } = record(options, 'options', [...sampleKeys, 'batchRows']);
    const each = integer(batchRows ?? 65_536, 'options.batchRows', 1, 2 ** 24);
    const given = rest as SampleOptions;
    const n = integer(given.n ?? 1, 'options.n', 0);
    if (given.source !== undefined)
      throw argumentError('ERR_FLOW_CONFIG', 'options.source', 'drawn noise', given.source, 'Call sample() for each batch of your start rows.');
    const rowsOf = planSample(this.record, { ...given, n: undefined }).n; // every other option is wrong now or never; rows of the condition, else 1
    if (rowsOf !== 1)
      throw argumentError(
        'ERR_FLOW_SHAPE',
        'options.condition',
        '1 row, for all batches',
        `${rowsOf} rows`,
        'Call sample() for each batch of your conditions.',
      );
    const firstRow = given.firstRow ?? 0;
    const batch = (first: number, signal: AbortSignal): Promise<SampleResult> => {
      const promise = this.sample({ ...given, n: Math.min(each, n - first), firstRow: firstRow + first, signal });
      promise.catch(() => undefined); // seen when it is awaited
      return promise;
    };
    return (async function* () {
      const { signal, end } = following(given.signal);
      try {
        let next = n > 0 ? batch(0, signal) : null;
        for (let first = 0; next !== null; first += each) {
          const current: SampleResult = await next;
          next = first + each < n ? batch(first + each, signal) : null;
          yield current;
        }
      } finally {
        end(); // a caller who leaves early does not pay for the batch ahead
      }
    })();
  }

  /**
   * The way back: data rows to the noise they came from. `model.sample({ source: noise })` returns to the rows within the solver's error, on a path that reaches t = 1. Where
   * the path ends before (linearVP, vp), and for x1 predictions, data rows are taken for states at the last time with a slope, and sampling ends with an exact step from there: a row then
   * comes back with up to that step's change, about sigma^2 / 2 of its distance from its neighbours' mean; noise predictions end at alpha / sigma = 1/512.
   * @example const { x: noise } = await model.encode(rows, { solver: 'rk4' });
   */
  encode(rows: Matrix, options: IntegrateOptions = {}): Promise<SampleResult> {
    this.#alive();
    record(options, 'options', encodeKeys);
    const plan = planEncode(this.record, rows, options);
    return sampleNative(this.#ready(plan.head), this.record, plan, this.#track);
  }

  /**
   * The log-density of rows under the flow, in nats and in the units of the data: how likely the model finds each. Normalisation is counted; a column that never
   * changed in training is left out. It is the density of what `sample` draws; for a path that ends before t = 1, of data with the noise left at its tMax.
   * @param rows (rows, dimension) in data units.
   * @throws FlowError naming the option; ERR_FLOW_CONFIG for a model trained from source rows; ERR_FLOW_NONFINITE naming a row. Rejects with signal.reason.
   * @example const { logDensity } = await model.logDensity(rows); const rare = [...logDensity.keys()].sort((a, b) => logDensity[a] - logDensity[b]).slice(0, 10);
   */
  async logDensity(rows: Matrix, options: DensityOptions = {}): Promise<DensityResult> {
    this.#alive();
    const plan = planDensity(this.record, rows, options);
    const network = await this.#openTraced(plan.copies);
    plan.signal?.throwIfAborted();
    this.#alive();
    return await densityNative(network, plan, this.#track);
  }

  /**
   * The score grad log p_t at states x (rows, dimension) of time t, in data units, from the velocity: (alpha v - dAlpha x) / (sigma D) in network coordinates.
   * At t = 1 sigma is 0 and the velocity says nothing of the score: take a t a little below.
   * @throws FlowError ERR_FLOW_RANGE where sigma = 0; ERR_FLOW_CONFIG for bridges and for models trained from source rows, with a coupling other than independent(), or
   * by reflow() and distil(): the velocity tells the score only where the noise was drawn independently of the data.
   * A model of scoreAndFlow() answers with the score that it learned, for any source and coupling, wherever gamma > 0.
   * @example const { score } = await model.score(rows, { t: 0.98 });
   */
  async score(x: Matrix, options: ScoreOptions): Promise<ScoreResult> {
    this.#alive();
    const plan = planScore(this.record, x, options);
    const { x: score, rows, dimension } = await sampleNative(this.#ready(plan.head), this.record, plan, this.#track);
    return { score, rows, dimension };
  }

  /**
   * The same flow sampled along another affine path: other states on the way, the same law at the end, no training. Fixed steps then fall differently, and models that
   * were trained on a diffusion's path can be sampled on straighter ones. The new model holds both paths; it is saved and exported with them, and the weights are shared.
   * @throws FlowError ERR_FLOW_CONFIG for paths with fresh noise (gamma > 0) other than the trained one, and for a path that scales its noise where the model starts from source rows, and for average velocities.
   * @example const { x } = await model.withPath(condOT()).sample({ n: 1000, seed: 1 });
   */
  withPath(path: Path): Model {
    this.#alive();
    const { samplingPath: _, ...trained } = this.record;
    if (trained.network.span !== undefined)
      throw argumentError(
        'ERR_FLOW_CONFIG',
        'model',
        'a model of velocities',
        'one of average velocities',
        'They belong to the path that they were learned on.',
      );
    const known = resolvePath(path, 'path');
    const stored = storePath(known);
    if (isDeepStrictEqual(stored, trained.path)) return adopt(trained);
    checkFrame(restorePath(trained.path), trained.prediction, known, 'path');
    if (trained.source === 'rows' && (known.sourceScale ?? 1) !== 1)
      throw argumentError('ERR_FLOW_CONFIG', 'path', 'a path whose source has scale 1, as the model starts from source rows', known.name);
    return adopt({ ...trained, samplingPath: stored });
  }

  /** What the model is, in a few fields. */
  info(): ModelInfo {
    this.#alive();
    const { dimension, columns, condition, source, path, samplingPath, prediction, network, parameters, training, version } = this.record;
    const words = `${network.kind} ${network.hidden.join('-')} ${network.activation}, time ${network.time.kind}`;
    const step = typeof training['steps'] === 'number' ? training['steps'] : null;
    const memory = parameters.byteLength * (1 + (this.#network === null ? 0 : 1) + this.#stirred.size + this.#traced.size);
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
      memory,
      step,
      hash: this.#hash,
      version,
      training,
    };
  }

  /** Frees native memory at once; running jobs stop and reject with ERR_FLOW_DISPOSED. Idempotent; without it the garbage collector does the same later. */
  dispose(): void {
    this.#disposed = true;
    for (const job of this.#jobs) job.stop();
    this.#network?.dispose();
    this.#network = null;
    for (const network of this.#stirred.values()) network.dispose();
    this.#stirred.clear();
    for (const network of this.#traced.values()) {
      network.then(
        (made) => made.dispose(),
        () => undefined,
      );
    }
    this.#traced.clear();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  static {
    adopt = (fresh) => new Model(checkRecord(fresh, true));
  }

  readonly #track = (job: Job<unknown>): void => {
    this.#jobs.add(job);
    const forget = (): void => {
      this.#jobs.delete(job);
    };
    job.done.then(forget, forget);
  };

  /** The packed network, or a promise of it: packing many parameters is a job. */
  #ready(head = 0): NativeNetwork | Promise<NativeNetwork> {
    if (head !== 0) return this.#open(head);
    if (this.#network !== null || this.record.parameters.length <= packedAtOnce) return this.#open();
    if (this.#opening === null) {
      this.#opening = this.#build();
      this.#opening.catch(() => undefined); // seen where it is awaited
    }
    return this.#opening;
  }

  async #build(): Promise<NativeNetwork> {
    try {
      const { words, constants } = this.#program();
      const network = await buildNetwork(native(), words, constants, withHead(this.record, 0).parameters);
      if (this.#disposed || this.#network !== null) network.dispose(); // too late, or sampleSync() was quicker
      this.#alive();
      this.#network ??= network;
      return this.#network;
    } finally {
      this.#opening = null;
    }
  }

  #program(): { words: Int32Array; constants: Float32Array } {
    return encodeProgram(lower(this.record.network, this.record.dimension, this.record.condition));
  }

  /** `head`: how much of the score joins the velocity (network/heads.ts). */
  #open(head = 0): NativeNetwork {
    if (head !== 0) {
      const known = this.#stirred.get(head);
      if (known !== undefined) return known;
      const { words, constants } = this.#program();
      const made = new (native().Network)(words, constants, withHead(this.record, head).parameters);
      const [oldest] = this.#stirred.keys();
      if (this.#stirred.size >= 2 && oldest !== undefined) this.#stirred.delete(oldest); // its jobs hold it; then it is collected
      this.#stirred.set(head, made);
      return made;
    }
    if (this.#network === null) {
      const { words, constants } = this.#program();
      this.#network = new (native().Network)(words, constants, withHead(this.record, 0).parameters);
    }
    return this.#network;
  }

  #openTraced(copies: number): Promise<NativeNetwork> {
    const known = this.#traced.get(copies);
    if (known !== undefined) return known;
    const { network, dimension, condition, parameters } = withHead(this.record, 0);
    const { words, constants } = encodeProgram(densityProgram(lower(network, dimension, condition), copies));
    const made = buildNetwork(native(), words, constants, parameters);
    const forget = (): void => {
      if (this.#traced.get(copies) === made) this.#traced.delete(copies);
    };
    made.catch(forget);
    const [oldest] = this.#traced.keys();
    if (this.#traced.size >= 2 && oldest !== undefined) this.#traced.delete(oldest); // its jobs hold it; then it is collected
    this.#traced.set(copies, made);
    return made;
  }

  #alive(): void {
    if (this.#disposed) throw new FlowError('ERR_FLOW_DISPOSED', 'model: it was disposed.', { path: 'model', hint: 'Load it again.' });
  }
}

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
function checkRecord(value: unknown, ours = false): ModelRecord {
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
