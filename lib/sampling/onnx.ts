// An ONNX file as a sampler with the manners of a native one. onnxruntime runs in a worker thread; the noise is that of the native sampler, so
// that the same seed gives the same rows within float error. Sampler graphs hold their solver; velocity graphs, ours or foreign (x, t) -> v, are integrated
// in the worker, state in float64.

import type { SamplingCondition } from '../data/condition.ts';
import type { Matrix } from '../data/rows.ts';
import type { OnnxInfo } from '../onnx/inspect.ts';
import type { DensityResult } from './density.ts';
import { logDensityOnnx, type OnnxParts, sampleOnnx, velocityOnnx } from './onnx-calls.ts';
import type { Binding } from './onnx-inputs.ts';
import type { OnnxSession } from './onnx-session.ts';
import type { SampleOptions, SampleResult } from './options.ts';

/** The options of a native sampler, but for those that a file cannot follow (saveAt, precision, threads). */
export interface OnnxSampleOptions extends Omit<SampleOptions, 'saveAt' | 'precision' | 'threads' | 'guidance'> {
  /** Scale of the guidance, for files exported with guidance: 'input'. @default 1 there: the plain condition */
  readonly guidance?: number;
  /** Other times than the file's or the solver's: at least two, monotone, in [0, 1]. */
  readonly grid?: readonly number[] | Float64Array;
}

/** A model in onnxruntime. Immutable; any number of calls may run at once. Wrong arguments are thrown at once; what else fails rejects. */
export class OnnxSampler {
  /** What the file is. */
  readonly info: OnnxInfo;
  /** Names of the d columns, when known. */
  readonly columns: readonly string[] | null;
  /** d: numbers per row. */
  readonly dimension: number;
  readonly #parts: OnnxParts;

  /** @internal Use loadOnnx. */
  constructor(info: OnnxInfo, bound: Binding, session: OnnxSession, columns: readonly string[] | null) {
    this.info = info;
    this.columns = columns;
    this.dimension = bound.x.width;
    this.#parts = { info, bound, session, columns, dimension: this.dimension };
  }

  /**
   * Draws n rows (n, d) in data units, before rounding and category decoding. The rows of a seed are those of the native sampler within float error.
   * @throws FlowError naming the option; ERR_FLOW_NONFINITE naming a row; ERR_FLOW_DISPOSED. Rejects with signal.reason when aborted.
   * @example const { x, nfe } = await onnx.sample({ n: 10_000, seed: 1 });
   */
  sample(options: OnnxSampleOptions = {}): Promise<SampleResult> {
    return sampleOnnx(this.#parts, options);
  }

  /**
   * dx/dt (rows, d) at x (rows, d) and t (one number, or one for each row), in data units. Velocity graphs only.
   * @throws FlowError ERR_FLOW_CONFIG for sampler graphs, ERR_FLOW_SHAPE.
   */
  velocity(
    x: Float32Array,
    t: number | Float32Array,
    condition?: SamplingCondition,
    options: { readonly signal?: AbortSignal; readonly guidance?: number } = {},
  ): Promise<Float32Array> {
    return velocityOnnx(this.#parts, x, t, condition, options);
  }

  /**
   * The log-density of rows (rows, dimension) in nats and data units, as model.logDensity with the solver in the file. Log-density graphs only.
   * @throws FlowError ERR_FLOW_CONFIG for other graphs, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE naming a row. Rejects with signal.reason when aborted.
   * @example const { logDensity } = await (await loadOnnx('density.onnx')).logDensity(rows);
   */
  logDensity(rows: Matrix, options: { readonly condition?: SamplingCondition; readonly signal?: AbortSignal } = {}): Promise<DensityResult> {
    return logDensityOnnx(this.#parts, rows, options);
  }

  /** Frees the session and its thread; waiting calls reject with ERR_FLOW_DISPOSED. Idempotent. */
  dispose(): void {
    this.#parts.session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
