// Model: a trained flow, immutable. It owns the record (plain data) and, from the first sampling call on, a native network packed once.

import { isDeepStrictEqual } from 'node:util';
import { readModelFile, saveModel } from '../checkpoint/model-file.ts';
import { preferHash } from '../checkpoint/sha256.ts';
import { checkEnding } from '../data/endings.ts';
import type { Matrix } from '../data/rows.ts';
import { argumentError } from '../errors.ts';
import type { Job } from '../native/binding.ts';
import { loadReport } from '../native/load.ts';
import { record } from '../options.ts';
import { checkFrame } from '../paths/frame.ts';
import type { Path } from '../paths/path.ts';
import { resolvePath, storePath } from '../paths/paths.ts';
import { restorePath } from '../paths/restore.ts';
import { type DensityOptions, type DensityPlan, type DensityResult, densityNative, planDensity } from '../sampling/density.ts';
import { sampleNative, sampleNativeSync } from '../sampling/native.ts';
import { encodeKeys, type IntegrateOptions, type SampleOptions, type SampleResult, samplingElsewhere } from '../sampling/options.ts';
import { planEncode, planSample } from '../sampling/plan.ts';
import { planScore, type ScoreOptions, type ScoreResult } from '../sampling/score.ts';
import { type BatchOptions, batchesOf } from './batches.ts';
import { checkFile, checkRecord } from './check.ts';
import { infoOf, type ModelInfo } from './info.ts';
import { Networks } from './networks.ts';
import type { ModelRecord } from './record.ts';

preferHash(() => loadReport().binding?.sha256);

/** @internal A model of a record whose parameters nobody else holds: they are not copied. */
export let adopt: (fresh: ModelRecord) => Model;

/**
 * A trained flow. Made by train(), Trainer.model(), Model.load() or Model.fromRecord(); never changes. Wrong arguments, and calls after dispose(), are thrown at once;
 * what else fails rejects.
 * @example const model = await Model.load('moons.safetensors'); const { x } = await model.sample({ n: 1000, seed: 1 });
 */
export class Model {
  /** Everything that the model is, as plain data. Treat it as read-only. */
  readonly record: ModelRecord;
  readonly #networks: Networks;
  #hash: string | null = null;
  readonly #jobs = new Set<Job<unknown>>();

  private constructor(checked: ModelRecord) {
    if (typeof checked !== 'object' || checked === null)
      // from JavaScript
      throw argumentError('ERR_FLOW_TYPE', 'Model', 'a model record', checked, 'Models come from train(), Model.load(file) or Model.fromRecord(record).');
    this.record = checked;
    this.#networks = new Networks(checked);
  }

  /**
   * Reads a model file, or the model inside a training checkpoint.
   * @throws FlowError ERR_FLOW_IO; ERR_FLOW_CHECKPOINT, ERR_FLOW_CHECKSUM for files that are no models or damaged, naming the section; ERR_FLOW_VERSION.
   */
  static load(file: string): Promise<Model> {
    return readModelFile(checkFile(file)).then(({ record, hash }) => {
      const model = new Model(record);
      model.#hash = hash;
      return model;
    });
  }

  /** A model from a record, which is checked as strictly as a file and copied. @throws FlowError naming the field. */
  static fromRecord(value: ModelRecord): Model {
    return new Model(checkRecord(value));
  }

  /**
   * Writes the model to one file, atomically: the old file or the new one is there, whole. @returns the SHA-256 that names the content.
   * @throws FlowError at once: ERR_FLOW_TYPE, ERR_FLOW_CONFIG for a name that says another kind of file. Rejects with ERR_FLOW_IO.
   */
  save(file: string): Promise<{ readonly file: string; readonly hash: string }> {
    this.#networks.alive();
    return saveModel(checkEnding(checkFile(file), '.safetensors'), this.record).then((hash) => {
      this.#hash = hash;
      return { file, hash };
    });
  }

  /**
   * Draws rows (n, d). The same seed gives the same rows for any thread count and split; row i of a seed does not depend on n.
   * @throws FlowError naming the option; ERR_FLOW_NONFINITE naming a row; ERR_FLOW_DISPOSED. Rejects with signal.reason when aborted.
   * @example const { x, nfe } = await model.sample({ n: 10_000, solver: midpoint({ steps: 50 }), seed: 1 });
   */
  sample(options: SampleOptions = {}): Promise<SampleResult> {
    this.#networks.alive();
    const plan = planSample(this.record, options);
    return sampleNative(this.#networks.ready(plan.head), this.record, plan, this.#track);
  }

  /** The same rows on the calling thread, which it blocks: for tiny jobs. */
  sampleSync(options: SampleOptions = {}): SampleResult {
    this.#networks.alive();
    const plan = planSample(this.record, options);
    return sampleNativeSync(this.#networks.open(plan.head), this.record, plan, this.#networks.kept);
  }

  /**
   * The same rows in batches, of which two are in memory at a time: for more rows than memory holds.
   * @example for await (const { x, rows } of model.sampleBatches({ n: 1e8, seed: 1 })) write(x, rows);
   */
  sampleBatches(options: BatchOptions = {}): AsyncGenerator<SampleResult, void, undefined> {
    this.#networks.alive();
    return batchesOf(this.record, options, (one) => this.sample(one));
  }

  /**
   * The way back: data rows to the noise they came from. `model.sample({ source: noise })` returns to the rows within the solver's error, on a path that reaches t = 1. Where
   * the path ends before (linearVP, vp), and for x1 predictions, data rows are taken for states at the last time with a slope, and sampling ends with an exact step from there: a row then
   * comes back with up to that step's change, about sigma^2 / 2 of its distance from its neighbours' mean; noise predictions end at alpha / sigma = 1/512.
   * @example const { x: noise } = await model.encode(rows, { solver: 'rk4' });
   */
  encode(rows: Matrix, options: IntegrateOptions = {}): Promise<SampleResult> {
    this.#networks.alive();
    record(options, 'options', encodeKeys, samplingElsewhere);
    const plan = planEncode(this.record, rows, options);
    return sampleNative(this.#networks.ready(plan.head), this.record, plan, this.#track);
  }

  /**
   * The log-density of rows under the flow, in nats and in the units of the data: how likely the model finds each. Normalisation is counted; a column that never
   * changed in training is left out. It is the density of what `sample` draws; for a path that ends before t = 1, of data with the noise left at its tMax.
   * @param rows (rows, dimension) in data units.
   * @throws FlowError naming the option; ERR_FLOW_CONFIG for a model trained from source rows; ERR_FLOW_NONFINITE naming a row. Rejects with signal.reason.
   * @example const { logDensity } = await model.logDensity(rows); const rare = [...logDensity.keys()].sort((a, b) => logDensity[a] - logDensity[b]).slice(0, 10);
   */
  logDensity(rows: Matrix, options: DensityOptions = {}): Promise<DensityResult> {
    this.#networks.alive();
    return this.#density(planDensity(this.record, rows, options));
  }

  async #density(plan: DensityPlan): Promise<DensityResult> {
    const network = await this.#networks.openTraced(plan.copies);
    plan.signal?.throwIfAborted();
    this.#networks.alive();
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
  score(x: Matrix, options: ScoreOptions): Promise<ScoreResult> {
    this.#networks.alive();
    const plan = planScore(this.record, x, options);
    const drawn = sampleNative(this.#networks.ready(plan.head), this.record, plan, this.#track);
    return drawn.then(({ x: score, rows, dimension }) => ({ score, rows, dimension }));
  }

  /**
   * The same flow sampled along another affine path: other states on the way, the same law at the end, no training. Fixed steps then fall differently, and models that
   * were trained on a diffusion's path can be sampled on straighter ones. The new model holds both paths; it is saved and exported with them, and the weights are shared.
   * @throws FlowError ERR_FLOW_CONFIG for paths with fresh noise (gamma > 0) other than the trained one, and for a path that scales its noise where the model starts from source rows, and for average velocities.
   * @example const { x } = await model.withPath(condOT()).sample({ n: 1000, seed: 1 });
   */
  withPath(path: Path): Model {
    this.#networks.alive();
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
    this.#networks.alive();
    return infoOf(this.record, 1 + this.#networks.count, this.#hash);
  }

  /** Frees native memory at once; running jobs stop and reject with ERR_FLOW_DISPOSED. Idempotent; without it the garbage collector does the same later. */
  dispose(): void {
    for (const job of this.#jobs) job.stop();
    this.#networks.dispose();
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
}
