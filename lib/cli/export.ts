// `flowmatch export`: model to ONNX; with --check the file runs in onnxruntime-node on the same noise and its rows are compared with the native ones.

import { statSync } from 'node:fs';
import { argumentError, counted } from '../errors.ts';
import { exportOnnx } from '../model/export-onnx.ts';
import type { Model } from '../model/model.ts';
import { graphKinds } from '../model/onnx-options.ts';
import type { Guidance } from '../network/guidance.ts';
import { inspectOnnxFile } from '../onnx/inspect.ts';
import { choice } from '../options.ts';
import { loadOnnx } from '../sampling/onnx-load.ts';
import type { NoiseSchedule } from '../solvers/noise.ts';
import type { Solver } from '../solvers/solver.ts';
import { resolveSolver } from '../solvers/solvers.ts';
import { spanSolver } from '../solvers/spans.ts';
import type { GuidanceFlag } from './flags.ts';
import { loadModel } from './model.ts';
import { checkPlace } from './place.ts';
import type { Session } from './session.ts';
import { solverOf } from './solving.ts';
import { bytes, count } from './terminal.ts';

export interface ExportFlags {
  readonly output: string;
  readonly graph: string;
  readonly solver?: string;
  readonly steps?: number;
  readonly noise?: NoiseSchedule;
  readonly opset?: number;
  readonly guidance?: GuidanceFlag;
  readonly check?: boolean;
  readonly seed: number;
  readonly threads?: number;
}

const checkedRows = 4096;
/** Scale at which a graph that takes its guidance is checked. */
const checkedScale = 2;

export async function exportModel(file: string, flags: ExportFlags, { terminal, signal }: Session): Promise<void> {
  checkPlace(flags.output, { inputs: { model: file }, endings: ['.onnx'], regular: true });
  const graph = choice(flags.graph, '--graph', graphKinds);
  const solving = (['solver', 'noise', 'steps'] as const).find((flag) => flags[flag] !== undefined);
  if (graph === 'velocity' && !flags.check && solving !== undefined) {
    const hint = 'Whoever runs the graph takes the steps; --graph sampler has the solver inside.';
    throw argumentError('ERR_FLOW_CONFIG', `--${solving}`, 'nothing, as a velocity graph holds no solver', flags[solving], hint);
  }
  const model = await loadModel(file);
  try {
    if (flags.check && graph === 'log-density') {
      const hint = 'Leave --check out; OnnxSampler.logDensity runs such a file.';
      throw argumentError('ERR_FLOW_CONFIG', '--check', 'a graph that samples: sampler or velocity', graph, hint);
    }
    const solver = solverOf(flags, model) ?? (model.record.network.span ? spanSolver : resolveSolver)(undefined, '--solver');
    await exportOnnx(model, flags.output, {
      graph,
      ...(graph === 'velocity' ? {} : { solver }),
      ...(flags.guidance === undefined ? {} : { guidance: flags.guidance as Guidance }),
      ...(flags.opset === undefined ? {} : { opset: flags.opset }),
    });
    const { info } = await inspectOnnxFile(flags.output);
    const size = statSync(flags.output).size;
    const what = `wrote ${flags.output}: ${graph} graph${graph !== 'velocity' ? ` with ${solver.name} in ${counted(solver.steps, 'step')}` : ''}, ${bytes(size)}, opset ${info.opset}, IR ${info.irVersion}\nruns in ${info.runtimes}`;
    if (flags.check) terminal.note(what);
    const parity = flags.check ? await compare(model, solver, flags, signal) : null;
    const text = parity
      ? `${count(parity.rows)} rows on the same noise, native against onnxruntime-node: largest difference ${parity.maxDifference.toExponential(2)} of a column's range (column ${parity.column}), 99 % of rows within ${parity.p99.toExponential(2)}`
      : what;
    terminal.result(
      { event: 'done', file: flags.output, graph, bytes: size, opset: info.opset, irVersion: info.irVersion, runtimes: info.runtimes, parity },
      text,
    );
  } finally {
    model.dispose();
  }
}

export interface Parity {
  readonly rows: number;
  /** Largest absolute difference over the rows, relative to the range of its column. */
  readonly maxDifference: number;
  readonly column: string;
  /** 99 % of the rows differ by less than this in every column. */
  readonly p99: number;
}

/** Samples natively and through onnxruntime-node from one noise and compares before rounding and category decoding. */
async function compare(model: Model, solver: Solver, flags: ExportFlags, signal: AbortSignal): Promise<Parity> {
  const { condition, dimension: d, columns, source } = model.record;
  const n = checkedRows;
  const classes = condition?.classes ?? [];
  const numbers = condition?.numbers ?? 0;
  const given = condition ? Array.from({ length: n }, (_, i) => [...Array.from({ length: numbers }, () => 0), ...classes.map((k) => i % k)]) : null;
  const start = source === 'rows' ? Float32Array.from({ length: n * d }, (_, i) => Math.sin(i)) : null;
  const byInput = typeof flags.guidance === 'object' && flags.guidance.scale === 'input';
  const guidance = (byInput ? { ...(flags.guidance as object), scale: checkedScale } : flags.guidance) as Guidance | undefined;
  const whole = guidance === 0;
  const native = await model.sample({
    n,
    seed: flags.seed,
    solver,
    signal,
    ...(guidance === undefined ? {} : { guidance }),
    ...(given ? { condition: given } : {}),
    ...(start ? { source: start } : {}),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
  });
  const onnx = await loadOnnx(flags.output, flags.threads === undefined ? {} : { threads: flags.threads });
  try {
    const other = await onnx.sample({
      n,
      seed: flags.seed,
      signal,
      ...(byInput ? { guidance: checkedScale } : {}),
      ...(given && !whole ? { condition: given } : {}),
      ...(start ? { source: start } : {}),
      ...(flags.graph === 'velocity' ? { solver } : {}),
    });
    return difference(native.x, other.x, n, d, columns);
  } finally {
    onnx.dispose();
  }
}

function difference(a: Float32Array, b: Float32Array, n: number, d: number, columns: readonly string[] | null): Parity {
  const ranges = Array.from({ length: d }, (_, j) => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < n; i++) [low, high] = [Math.min(low, a[i * d + j] as number), Math.max(high, a[i * d + j] as number)];
    return high > low ? high - low : 1;
  });
  let [worst, column] = [0, 0];
  const byRow = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < d; j++) {
      const off = Math.abs((a[i * d + j] as number) - (b[i * d + j] as number)) / (ranges[j] as number);
      if (off > (byRow[i] as number)) byRow[i] = off;
      if (off > worst) [worst, column] = [off, j];
    }
  }
  return { rows: n, maxDifference: worst, column: columns?.[column] ?? `x${column}`, p99: byRow.sort()[Math.ceil(0.99 * n) - 1] as number };
}
