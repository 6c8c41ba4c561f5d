// ModelRecord -> the bytes of one ONNX file: graph `velocity` (x, t -> dx/dt) or `sampler` (noise -> rows), data coordinates on both sides.

import { argumentError, FlowError } from '../errors.ts';
import { defaultOpset, type GraphKind, type OnnxOptions, onnxSettings } from '../model/onnx-options.ts';
import { distilledSteps, type ModelRecord } from '../model/record.ts';
import { nullCondition } from '../network/condition.ts';
import { checkGuidance } from '../network/guidance.ts';
import { withHead } from '../network/heads.ts';
import { lower } from '../network/lower.ts';
import { ownFields } from '../options.ts';
import { type Frame, frameOf, stageRows, throughFrame } from '../paths/frame.ts';
import { mix } from '../paths/mix.ts';
import { stirRows } from '../paths/stirring.ts';
import { fitGrid } from '../solvers/grid.ts';
import type { Solver } from '../solvers/solver.ts';
import { euler, requireFixed, resolveSolver, rk4 } from '../solvers/solvers.ts';
import { spanOf, spanSolver } from '../solvers/spans.ts';
import { type DensitySpec, densityGraph } from './density-graph.ts';
import type { Weights } from './emit-program.ts';
import { type Graph, joinPieces, modelPieces } from './graph.ts';
import { type FlowMetadata, timeConvention, writeMetadata } from './metadata.ts';
import type { ModelPieces } from './pieces.ts';
import { samplerGraph } from './sampler-graph.ts';
import { stepsGraph } from './steps-graph.ts';
import { type GuidanceSpec, velocityGraph } from './velocity-graph.ts';

/** protobuf's limit on one message, 2 GiB, less room for everything that is not weights. */
const parameterLimit = 2 ** 29 - 2 ** 20;

/** Most steps that are written out one after another. */
const unrolledLimit = 128;
/** Most evaluations of the default grid: what depends on t alone is kept for each of them. */
const evaluationLimit = 100_000;

/**
 * The bytes of an ONNX file: IR 8 (7 below opset 15), no external data, official operators only; the same record and options give the same bytes.
 * @throws FlowError ERR_FLOW_ONNX when `opset` is too low for the network, ERR_FLOW_LIMIT when the weights do not fit one file.
 */
export function onnxBytes(record: ModelRecord, options: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  return joinPieces(onnxPieces(record, options));
}

/** The same file in pieces, its weights being views of the record: nothing of the size of the model is copied or hashed here. */
export function onnxPieces(model: ModelRecord, options: OnnxOptions = {}): ModelPieces {
  const { kind, gridRequired, opset } = onnxSettings(options);
  const chosen = kind === 'sampler' ? solverOf(options, model) : null;
  const stirred = chosen?.noise ? stirRows(model, chosen, stirTimes(model, chosen)) : null;
  const record = withHead(model, stirred?.head ?? 0);
  const program = lower(record.network, record.dimension, record.condition);
  if (record.parameters.length !== program.parameterCount)
    throw argumentError('ERR_FLOW_SHAPE', 'model.parameters', `${program.parameterCount} values`, record.parameters);
  if (program.parameterCount > parameterLimit)
    throw argumentError('ERR_FLOW_LIMIT', 'model.parameters', `at most ${parameterLimit} for one ONNX file`, program.parameterCount);
  const weights: Weights = { program, parameters: record.parameters, names: new Map() };
  const { normaliser, conditionNormaliser, source } = record;
  const path = frameOf(record);
  const guidance = guidanceSpec(options.guidance, record);
  let graph: Graph;
  let solver: (Solver & { readonly grid: readonly number[] }) | null = null;
  if (record.network.span !== undefined) {
    if (kind !== 'sampler')
      throw argumentError(
        'ERR_FLOW_CONFIG',
        'options.graph',
        "'sampler', as the model says average velocities",
        kind,
        'Its steps are part of what it learned.',
      );
    if (gridRequired) throw argumentError('ERR_FLOW_CONFIG', 'options.grid', 'no grid input, as the steps of average velocities are written out', 'required');
    const chosen = spanSolver(options.solver, 'options.solver');
    const given = withSteps(chosen, options);
    const { grid } = fitGrid(given);
    if (grid.length - 1 > unrolledLimit)
      throw argumentError('ERR_FLOW_LIMIT', 'options.solver.steps', `at most ${unrolledLimit} steps of average velocities`, grid.length - 1);
    solver = { ...given, grid: Array.from(grid) };
    const span = spanOf(grid, record.network.span, 'options.solver');
    graph = stepsGraph(weights, {
      normaliser,
      conditionNormaliser,
      condition: record.condition,
      guidance,
      grid,
      span,
      source,
      sourceScale: record.path.sourceScale,
    });
  } else if (kind === 'velocity') graph = velocityGraph(weights, { normaliser, conditionNormaliser, condition: record.condition, guidance }, path);
  else if (kind === 'log-density') {
    const made = densitySpec(record, options);
    solver = made.solver;
    graph = densityGraph(weights, made.spec);
  } else {
    const given = chosen as Solver;
    requireFixed(given, 'options.solver', 'as an ONNX graph takes the same steps for all rows');
    const fit = fitGrid(given, { tMin: path.from, tMax: path.top });
    const grid = Array.from(stirred ? throughFrame(path, fit) : fit.grid);
    if (!stirred && fit.closes && path.closes) grid[grid.length - 1] = 1; // the graph moves it into the frame, and takes the exact step
    if ((grid.length - 1) * given.b.length > evaluationLimit)
      throw argumentError('ERR_FLOW_LIMIT', 'options.solver.steps', `at most ${evaluationLimit} evaluations`, (grid.length - 1) * given.b.length);
    if (given.noise && gridRequired)
      throw argumentError('ERR_FLOW_CONFIG', 'options.grid', 'no grid input, as a stochastic solver is made for its own times', 'required');
    solver = { ...given, grid };
    graph = samplerGraph(weights, {
      normaliser,
      conditionNormaliser,
      condition: record.condition,
      guidance,
      tableau: solver,
      grid: solver.grid,
      gridRequired,
      stirring: stirred,
      source,
      path,
    });
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
  return modelPieces(graph.finish(kind, doc, true), {
    opset,
    irVersion: opset < 15 ? 7 : 8,
    producerVersion: record.version,
    doc,
    metadata: writeMetadata(record, kind, solver, sampledPath(path, kind), guidance),
  });
}

/** The times of a stochastic solver, as the native core steps through them. */
function stirTimes(model: ModelRecord, solver: Solver): ArrayLike<number> {
  const frame = frameOf(model);
  return throughFrame(frame, fitGrid(solver, { tMin: frame.from, tMax: frame.top }));
}

/** The solver of a sampler graph. */
function solverOf(options: OnnxOptions, record: ModelRecord): Solver {
  const distilled = distilledSteps(record);
  return withSteps(resolveSolver(options.solver ?? (distilled === null ? undefined : euler({ steps: distilled })), 'options.solver'), options);
}

/** The solver in `options.steps` steps; one that was made with other steps, or with a grid, leaves it open which are meant. */
function withSteps(chosen: Solver, { solver, steps }: OnnxOptions): Solver {
  if (steps === undefined) return chosen;
  if (typeof solver === 'object' && !chosen.adaptive && (chosen.grid !== undefined || chosen.steps !== steps)) {
    const own = chosen.grid === undefined ? `steps: ${chosen.steps}` : 'grid';
    const expected = `no other steps than those of options.solver, ${chosen.name}({ ${own} })`;
    throw argumentError('ERR_FLOW_CONFIG', 'options.steps', expected, steps, 'Leave one of them out.');
  }
  return resolveSolver({ ...chosen, grid: undefined, adaptive: undefined, steps }, 'options.solver');
}

/** What a caller must know of the path: times, scale of the noise, and how a velocity at the last time closes it. A sampler graph holds that step. */
function sampledPath({ path, from, to, top, closes, startScale }: Frame, kind: GraphKind): FlowMetadata['path'] {
  const last = kind === 'sampler' ? top : to;
  const point = path.at(to);
  const end = path.at(path.tMax);
  const [A, S] = closes || path.tMax < 1 ? [1, 0] : [end.alpha, end.sigma];
  const { x, value } = point.gamma === 0 ? mix('velocity', point, A, S) : { x: 1, value: 1 - to };
  return { name: path.name, tMin: from, tMax: last, sourceScale: startScale, ...(last < 1 ? { closing: { x, v: value } } : {}) };
}

/** What a log-density graph is made from. */
function densitySpec(record: ModelRecord, options: OnnxOptions): { spec: DensitySpec; solver: Solver & { readonly grid: readonly number[] } } {
  const { normaliser, conditionNormaliser, condition, source, dimension } = record;
  if (source === 'rows') throw argumentError('ERR_FLOW_CONFIG', 'model.source', 'a Gaussian source', 'source rows', 'The density of its source is not known.');
  if (options.guidance !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'options.guidance', 'nothing: a log-density graph is not guided', options.guidance);
  if (options.grid === 'required') throw argumentError('ERR_FLOW_CONFIG', 'options.grid', 'nothing: a log-density graph holds its times', options.grid);
  if (normaliser?.scale.some((scale) => scale === 0))
    throw argumentError('ERR_FLOW_ONNX', 'model', 'columns that all vary', 'a constant column', 'Drop it and train again, or use model.logDensity.');
  const chosen = resolveSolver(options.solver ?? rk4({ steps: 50 }), 'options.solver');
  const given = withSteps(chosen, options);
  requireFixed(given, 'options.solver', 'as an ONNX graph takes the same steps for all rows');
  if (given.noise) throw argumentError('ERR_FLOW_CONFIG', 'options.solver', 'a solver without noise', given.name, 'A density belongs to the flow itself.');
  const frame = frameOf(record);
  const { grid } = fitGrid(given, { tMin: frame.from, tMax: frame.to, reverse: true });
  if ((grid.length - 1) * given.b.length > evaluationLimit)
    throw argumentError('ERR_FLOW_LIMIT', 'options.solver.steps', `at most ${evaluationLimit} evaluations`, (grid.length - 1) * given.b.length);
  const { alpha } = frame.path.at(frame.to);
  const logs = normaliser?.scale.reduce((sum, scale) => sum + Math.log(Math.abs(scale)), 0) ?? 0;
  const constant = dimension * (Math.log(alpha) - Math.log(frame.startScale) - 0.5 * Math.log(2 * Math.PI)) - logs;
  const spec = {
    normaliser,
    conditionNormaliser,
    condition,
    tableau: given,
    grid,
    rows: stageRows(frame, given, grid),
    alpha,
    startScale: frame.startScale,
    constant,
  };
  return { spec, solver: { ...given, grid: Array.from(grid) } };
}

/** The `guidance` option: the scale may come from outside the graph. */
function guidanceSpec(value: unknown, { condition }: ModelRecord): GuidanceSpec | null {
  const given = typeof value === 'object' && value !== null ? ownFields(value, 'options.guidance') : value; // each property is read once
  const input = given === 'input' || Object(given).scale === 'input';
  const read = !input ? given : given === 'input' ? 2 : { ...(given as object), scale: 2 };
  const setting = checkGuidance(read, 'options.guidance', condition);
  return setting && condition && { ...setting, scale: input ? 'input' : setting.scale, none: nullCondition(condition) };
}
