// ModelRecord -> the bytes of one ONNX file: graph `velocity` (x, t -> dx/dt) or `sampler` (noise -> rows), data coordinates on both sides.

import { argumentError, FlowError } from '../errors.ts';
import type { ModelRecord } from '../model/record.ts';
import { lower } from '../network/lower.ts';
import { choice, finite, integer } from '../options.ts';
import type { Solver } from '../solvers/solver.ts';
import type { Weights } from './emit-program.ts';
import { type Graph, modelBytes } from './graph.ts';
import { timeConvention, writeMetadata } from './metadata.ts';
import { samplerGraph } from './sampler-graph.ts';
import { velocityGraph } from './velocity-graph.ts';

export const graphKinds = ['velocity', 'sampler'] as const;
export type GraphKind = (typeof graphKinds)[number];

export interface OnnxOptions {
  /** `velocity`: inputs x, t, condition; output v. `sampler`: inputs noise, grid (optional), condition; output x. @default 'sampler' */
  readonly graph?: GraphKind;
  /** The solver inside a sampler graph; its steps or grid are the default of the input `grid`. Required for `sampler`. */
  readonly solver?: Solver;
  /** ONNX operator set, from the lowest that has every operator used (13; 17 with layer norm) to 26. @default 17 */
  readonly opset?: number;
}

const highestOpset = 26;
const defaultOpset = 17;
/** protobuf's limit on one message, 2 GiB, less room for everything that is not weights. */
const parameterLimit = 2 ** 29 - 2 ** 20;

/** K + 1 times of a solver over [tMin, tMax], checked: finite, monotone, at least two. */
export function exportGrid(solver: Solver, tMin: number, tMax: number): number[] {
  const path = 'options.solver.grid';
  if (solver.grid === undefined) {
    const steps = integer(solver.steps, 'options.solver.steps', 1, 100_000);
    return Array.from({ length: steps + 1 }, (_, k) => (k === steps ? tMax : tMin + ((tMax - tMin) * k) / steps));
  }
  const grid = Array.from(solver.grid, (t, i) => finite(t, `${path}[${i}]`));
  if (grid.length < 2) throw argumentError('ERR_FLOW_SOLVER', path, 'at least two times', solver.grid);
  const sign = Math.sign((grid[1] as number) - (grid[0] as number));
  const at = grid.findIndex((t, i) => i > 0 && Math.sign(t - (grid[i - 1] as number)) !== sign);
  if (sign === 0 || at > 0)
    throw argumentError('ERR_FLOW_SOLVER', `${path}[${Math.max(at, 1)}]`, 'strictly increasing or strictly decreasing times', grid[Math.max(at, 1)]);
  return grid;
}

/**
 * The bytes of an ONNX file: IR 8 (7 below opset 15), no external data, official operators only; the same record and options give the same bytes.
 * @throws FlowError ERR_FLOW_ONNX when `opset` is too low for the network, ERR_FLOW_LIMIT when the weights do not fit one file.
 */
export function onnxBytes(record: ModelRecord, options: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const kind = choice(options.graph ?? 'sampler', 'options.graph', graphKinds);
  const opset = integer(options.opset ?? defaultOpset, 'options.opset', 1, highestOpset);
  const program = lower(record.network, record.dimension, record.condition);
  if (record.parameters.length !== program.parameterCount)
    throw argumentError('ERR_FLOW_SHAPE', 'model.parameters', `${program.parameterCount} values`, record.parameters);
  if (program.parameterCount > parameterLimit)
    throw argumentError('ERR_FLOW_LIMIT', 'model.parameters', `at most ${parameterLimit} for one ONNX file`, program.parameterCount);
  const weights: Weights = { program, parameters: record.parameters, names: new Map() };
  const { normaliser, conditionNormaliser, source, path } = record;
  let graph: Graph;
  let solver: (Solver & { readonly grid: readonly number[] }) | null = null;
  if (kind === 'velocity') graph = velocityGraph(weights, { normaliser, conditionNormaliser });
  else {
    if (!options.solver) throw argumentError('ERR_FLOW_CONFIG', 'options.solver', 'a solver such as midpoint({ steps: 50 })', options.solver);
    solver = { ...options.solver, grid: exportGrid(options.solver, path.tMin, path.tMax) };
    graph = samplerGraph(weights, { normaliser, conditionNormaliser, tableau: solver, grid: solver.grid, source, sourceScale: path.sourceScale });
  }
  if (opset < graph.opset)
    throw new FlowError(
      'ERR_FLOW_ONNX',
      `options.opset: expected at least ${graph.opset} for the operators of this network, got ${opset}. Leave it out for ${defaultOpset}.`,
      {
        path: 'options.opset',
        expected: `at least ${graph.opset}`,
        received: String(opset),
        hint: `Leave it out for ${defaultOpset}.`,
      },
    );
  const doc = `Flow-matching ${kind} (${record.dimension} columns${program.conditionWidth ? `, ${program.conditionWidth} condition columns` : ''}). ${timeConvention}.`;
  return modelBytes(graph.finish(kind, doc, true), {
    opset,
    irVersion: opset < 15 ? 7 : 8,
    producerVersion: record.version,
    doc,
    metadata: writeMetadata(record, kind, solver),
  });
}
