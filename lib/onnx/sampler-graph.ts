// Graph `sampler`: the whole solve in one call. A Loop over the steps of `grid`, the tableau's stages unrolled in its body:
// (with noise: see solvers/stochastic.ts)
//   k_i = v(z + sum_j (h a_ij) k_j, t + c_i h);   z <- z + sum_i (h b_i) k_i;   x = shift + scale * z
// Step sizes, stage times and coefficients are computed from the float64 grid and rounded once, as the native integrator does. What depends on t alone is
// computed before the loop, one row per stage; what depends on the condition alone, before the loop too. The frame (paths/frame.ts) turns what the network says into
// slopes, v = b x + c net(tau, a x), with a, b, c and tau of every stage computed before the loop as well (frame-rows.ts).

import type { Frame as PathFrame } from '../paths/frame.ts';
import type { Tableau } from '../solvers/solver.ts';
import { emitOp, type Held, type Scope, spread, type Weights } from './emit-program.ts';
import { fittedGrid, stageColumns } from './frame-rows.ts';
import { Graph } from './graph.ts';
import {
  type Affine,
  conditionInput,
  type Frame,
  guidanceScale,
  guidanceWeight,
  guidedMix,
  normalised,
  nullHeld,
  outsideLoop,
  rowShapeOf,
  sharedValues,
} from './velocity-graph.ts';

export interface SamplerSpec extends Frame {
  readonly tableau: Tableau;
  /** Default of the input `grid`: K + 1 monotone times. */
  readonly grid: readonly number[];
  /** Without a default, for runtimes that know no optional inputs. */
  readonly gridRequired: boolean;
  /** gaussian: input `noise` is N(0, 1), scaled by sourceScale inside. rows: it holds start rows in data units. */
  readonly source: 'gaussian' | 'rows';
  /** Of a stochastic solver: rows [a, tau, b, c] of every stage and the noise of every step, for just this grid, which then is no input. */
  readonly stirring?: { readonly rows: Float64Array; readonly noise: Float64Array } | null;
  /** Of the path that is sampled; absent: the network's output is the velocity, on [0, 1]. */
  readonly path?: PathFrame;
}

/** One coefficient h * value of stage `into` (or of the step when it equals the number of stages) on k_from. */
interface Term {
  readonly into: number;
  readonly from: number;
  readonly value: number;
}

/** Non-zero coefficients of the stages that the step needs (a stage that nobody reads is left out). */
export function termsOf({ a, b }: Tableau): Term[] {
  const stages = b.length;
  const rows = [...a.map((row) => [...row]), [...b]];
  const needed = new Set<number>();
  const visit = (into: number): void => {
    rows[into]?.forEach((value, from) => {
      if (value === 0 || needed.has(from)) return;
      needed.add(from);
      visit(from);
    });
  };
  visit(stages);
  return rows.flatMap((row, into) =>
    into === stages || needed.has(into) ? row.flatMap((value, from) => (value === 0 || from >= stages ? [] : [{ into, from, value }])) : [],
  );
}

const ints = (graph: Graph, ...values: number[]): string => graph.constant('bound', { type: 'int64', shape: [values.length], values });
const index = (graph: Graph, value: number): string => graph.constant('index', { type: 'int64', shape: [], values: [value] });

interface Schedule {
  /** int64 scalar K. */
  readonly steps: string;
  /** float (K * s, 1): times at which the network is asked. */
  readonly times: string;
  /** float (K, terms + columns of the frame). */
  readonly coefficients: string;
  /** First of the columns a, b, c of the stages in `coefficients`; null where they are 1, 0, 1. */
  readonly frame: { readonly a: number | null; readonly b: number | null; readonly c: number | null };
  /** float64 (K * s, 1): times of the stages, for what is decided by them. */
  readonly times64: string;
}

/** What a stochastic solver adds: xi of all steps, and constants of each stage and step. */
interface Stir {
  /** float (K, N, d). */
  readonly increments: string;
  /** float (K): standard deviations. */
  readonly noise: string;
  /** float (K * s, 1): drift = b x + c net(tau, a x). */
  readonly a: string;
  readonly tau: string;
  readonly b: string;
  readonly c: string;
}

/** A graph's values outside the loop under the condition that is given, and under none where the graph guides. */
interface Sides {
  readonly given: Scope;
  readonly none: Scope | null;
  /** float (K * s, 1) or a scalar: the weights of the given side. */
  readonly weights: string;
  /** One weight per stage, not one for all. */
  readonly perStage: boolean;
  readonly stir: Stir | null;
}

/** The input `increments` and the constants of a stochastic solve. */
function stirInputs(graph: Graph, dimension: number, steps: number, { rows, noise }: NonNullable<SamplerSpec['stirring']>): Stir {
  const doc = 'Standard normal numbers: what the solver stirs with, one (rows, columns) for each of its steps.';
  const column = (name: string, which: number): string => {
    const values = Array.from({ length: rows.length / 4 }, (_, i) => rows[4 * i + which] as number);
    return graph.constant(`frame.${name}`, { type: 'float', shape: [values.length, 1], values });
  };
  return {
    increments: graph.input('increments', 'float', [steps, 'rows', dimension], doc),
    noise: graph.constant('stir', { type: 'float', shape: [steps], values: Array.from(noise) }),
    a: column('a', 0),
    tau: column('tau', 1),
    b: column('b', 2),
    c: column('c', 3),
  };
}

/** Step sizes, stage times and coefficients from the grid, in float64. */
function schedule(graph: Graph, grid: string, tableau: Tableau, terms: readonly Term[], path?: PathFrame): Schedule {
  const starts = graph.op('Slice', [grid, ints(graph, 0), ints(graph, -1), ints(graph, 0)], 'starts');
  const ends = graph.op('Slice', [grid, ints(graph, 1), ints(graph, 2 ** 53), ints(graph, 0)], 'ends');
  const h = graph.op('Unsqueeze', [graph.op('Sub', [ends, starts], 'h'), ints(graph, 1)], 'hColumn');
  const c = graph.constant('c', { type: 'double', shape: [1, tableau.c.length], values: tableau.c });
  const offsets = graph.op('Mul', [h, c], 'stageOffsets');
  const times64 = graph.op('Add', [graph.op('Unsqueeze', [starts, ints(graph, 1)], 'startColumn'), offsets], 'stageTimes64');
  const column = graph.op('Reshape', [times64, ints(graph, -1, 1)], 'stageTimesColumn');
  const own = path ? stageColumns(graph, path, tableau.b, { starts, ends, h, times: column }) : { tau: column, a: null, b: null, c: null };
  const times = graph.op('Cast', [own.tau], 'stageTimes', { to: { int: 1 } });
  const values = graph.constant('ab', { type: 'double', shape: [1, terms.length], values: terms.map((term) => term.value) });
  const parts = [graph.op('Mul', [h, values], 'hab64')];
  const column0 = (name: string | null): number | null => {
    if (name === null) return null;
    parts.push(name);
    return terms.length + (parts.length - 2) * tableau.b.length;
  };
  const frame = { a: column0(own.a), b: column0(own.b), c: column0(own.c) };
  const joined = parts.length === 1 ? (parts[0] as string) : graph.op('Concat', parts, 'hab64.frame', { axis: { int: 1 } });
  const coefficients = graph.op('Cast', [joined], 'hab', { to: { int: 1 } });
  const count = graph.op('Gather', [graph.op('Shape', [starts], 'startShape'), index(graph, 0)], 'steps', { axis: { int: 0 } });
  return { steps: count, times, coefficients, frame, times64: column };
}

/** z + sum of the terms into stage `into`, added in order. */
function combine(graph: Graph, z: string, into: number, terms: readonly Term[], coefficient: readonly string[], k: readonly string[]): string {
  return terms.reduce((sum, term, i) => {
    if (term.into !== into) return sum;
    const product = graph.op('Mul', [k[term.from] as string, coefficient[i] as string], `stage.${into}.k${term.from}`);
    return graph.op('Add', [sum, product], `stage.${into}.x`);
  }, z);
}

/** The network in one stage: `at` is its row among the values outside the loop. Values that `known` holds are not computed again. */
function evaluated(graph: Graph, outer: Scope, weights: Weights, start: string, at: string, stage: number, known: ReadonlyMap<number, Held>) {
  const { program } = weights;
  const fetch = (value: number): Held | undefined => {
    const found = outer.values.get(value);
    if (found?.rows !== 't') return found;
    return { name: graph.op('Gather', [found.name, at], `stage.${stage}.${program.values[value]?.name ?? value}`, { axis: { int: 0 } }), rows: 'one' };
  };
  const scope: Scope = { graph, values: new Map([...known, [0, { name: start, rows: 'x' }]]), rowShape: outer.rowShape, fetch };
  for (const op of program.ops) {
    if (!outsideLoop(program.values[op.output]?.depends ?? 0) && !scope.values.has(op.output)) emitOp(scope, weights, op);
  }
  return { v: spread(scope, scope.values.get(program.output) ?? (fetch(program.output) as Held)), values: scope.values };
}

/** The loop's body: one step of the tableau. */
function body(sides: Sides, weights: Weights, tableau: Tableau, terms: readonly Term[], plan: Schedule): ReturnType<Graph['finish']> {
  const { program } = weights;
  const { given, none } = sides;
  const stages = tableau.b.length;
  const graph = given.graph.inner();
  const step = graph.input('step', 'int64', []);
  const going = graph.input('going', 'bool', []);
  const z = graph.input('z', 'float', ['rows', program.dimension]);
  const goingOn = graph.op('Identity', [going], 'goingOn');
  const row = graph.op('Gather', [plan.coefficients, step], 'coefficients', { axis: { int: 0 } });
  const coefficient = terms.map((_, i) => graph.op('Gather', [row, index(graph, i)], 'coefficient', { axis: { int: 0 } }));
  const first = graph.op('Mul', [step, ints(graph, stages)], 'firstStage');
  const { stir } = sides;
  const fetch = (table: string, row: string, hint: string): string => graph.op('Gather', [table, row], hint, { axis: { int: 0 } });
  const noise = stir && graph.op('Mul', [fetch(stir.increments, step, 'increment'), fetch(stir.noise, step, 'stir.step')], 'noise.step');
  const k: string[] = [];
  for (let stage = 0; stage < stages; stage++) {
    if (!terms.some((term) => term.from === stage)) {
      k.push('');
      continue;
    }
    const at = graph.op('Add', [first, ints(graph, stage)], `stage.${stage}.row`);
    const moved = combine(graph, z, stage, terms, coefficient, k);
    const state = noise !== null && tableau.c[stage] === 1 ? graph.op('Add', [moved, noise], `stage.${stage}.stirred`) : moved;
    const hint = `stage.${stage}`;
    // The frame's numbers of this stage: of a stochastic solver from its rows, else beside the coefficients of the step.
    const own = (rows: string | undefined, column: number | null): string | null =>
      rows !== undefined
        ? fetch(rows, at, `${hint}.row`)
        : column === null
          ? null
          : graph.op('Gather', [row, index(graph, column + stage)], `${hint}.frame`, { axis: { int: 0 } });
    const [a, b, c] = [own(stir?.a, plan.frame.a), own(stir?.b, plan.frame.b), own(stir?.c, plan.frame.c)];
    const start = a === null ? state : graph.op('Mul', [state, a], `${hint}.ax`);
    const slope = (v: string): string => {
      const said = c === null ? v : graph.op('Mul', [v, c], `${hint}.cnet`);
      return b === null ? said : graph.op('Add', [graph.op('Mul', [state, b], `${hint}.bx`), said], `${hint}.slope`);
    };
    const plain = evaluated(graph, given, weights, start, at, stage, new Map());
    if (none === null) {
      k.push(slope(plain.v));
      continue;
    }
    const bare = evaluated(graph, none, weights, start, at, stage, sharedValues(program, plain.values));
    const w = sides.perStage ? graph.op('Gather', [sides.weights, at], `stage.${stage}.w`, { axis: { int: 0 } }) : sides.weights;
    k.push(slope(guidedMix(graph, bare.v, plain.v, w)));
  }
  const still = combine(graph, z, stages, terms, coefficient, k);
  const next = noise === null ? still : graph.op('Add', [still, noise], 'stirred');
  graph.output(goingOn, 'bool', []);
  graph.output(next, 'float', ['rows', program.dimension]);
  return graph.finish('step');
}

/** x = shift + scale * z, under the name of the output. */
export const denormalised = (graph: Graph, z: string, affine: Affine, output: string): void => {
  const scaled = graph.op('Mul', [z, graph.constant('x.scale', { type: 'float', shape: [affine.scale.length], values: affine.scale })], 'x.scaled');
  graph.opTo(output, 'Add', [scaled, graph.constant('x.shift', { type: 'float', shape: [affine.shift.length], values: affine.shift })]);
};

/** The finished graph: inputs noise (N, d), condition, grid (K + 1, float64, optional); output x (N, d). */
export function samplerGraph(weights: Weights, spec: SamplerSpec): Graph {
  const { program } = weights;
  const { tableau, source, normaliser, path } = spec;
  const sourceScale = path?.startScale ?? 1;
  const graph = new Graph();
  const output = graph.name('x');
  const noiseDoc = source === 'gaussian' ? 'Standard normal numbers, one row per sample.' : 'Start rows (the source), in data units.';
  const noise = graph.input('noise', 'float', ['rows', program.dimension], noiseDoc);
  const { guidance = null } = spec;
  const unconditional = guidance?.scale === 0 && guidance.from <= 0 && guidance.to >= 1;
  const condition = unconditional ? nullHeld(graph, guidance) : conditionInput(graph, spec.condition, spec.conditionNormaliser);
  const scale = guidance && !unconditional ? guidanceScale(graph, guidance) : '';
  const gridDoc = `Monotone times, both ends included${spec.gridRequired ? '.' : `; may be left out: ${spec.grid.length - 1} steps then.`}`;
  const stir = spec.stirring ? stirInputs(graph, program.dimension, spec.grid.length - 1, spec.stirring) : null;
  const times = { type: 'double', shape: [spec.grid.length], values: spec.grid } as const;
  const grid = stir ? graph.constant('grid', times) : graph.input('grid', 'double', ['nodes'], gridDoc);
  if (!stir && !spec.gridRequired) graph.initialiser(grid, times);

  const terms = termsOf(tableau);
  const own = stir === null ? path : undefined; // the rows of a stochastic solver stand for just this grid, which is fitted
  const plan = schedule(graph, own ? fittedGrid(graph, grid, own) : grid, tableau, terms, own);
  const rowShape = rowShapeOf(graph, noise);
  const outside = (row: Held | undefined, known: ReadonlyMap<number, Held>): Scope => {
    const values = new Map<number, Held>([...known, [1, { name: stir?.tau ?? plan.times, rows: 't' }]]);
    if (row) values.set(2, row);
    const scope: Scope = { graph, values, rowShape };
    for (const op of program.ops) if (outsideLoop(program.values[op.output]?.depends ?? 0) && !values.has(op.output)) emitOp(scope, weights, op);
    return scope;
  };
  const given = outside(condition, new Map());
  const none = scale === '' || guidance === null ? null : outside(nullHeld(graph, guidance), sharedValues(program, given.values));
  const perStage = none !== null && guidance !== null && (guidance.from > 0 || guidance.to < 1);
  const stageWeights = perStage && guidance ? guidanceWeight(graph, plan.times64, scale, guidance, 'double') : scale;
  const sides: Sides = { given, none, weights: stageWeights, perStage, stir };

  const scaled = (): string => graph.op('Mul', [noise, graph.constant('number', { type: 'float', shape: [], values: [sourceScale] })], 'source');
  const start = source === 'rows' ? normalised(graph, noise, normaliser, 'noise') : sourceScale === 1 ? noise : scaled();
  const yes = graph.constant('yes', { type: 'bool', shape: [], values: [1] });
  const solved = graph.op('Loop', [plan.steps, yes, start], 'solved', { body: { graph: body(sides, weights, tableau, terms, plan) } });
  if (normaliser) denormalised(graph, solved, normaliser, output);
  else graph.opTo(output, 'Identity', [solved]);
  graph.output(output, 'float', ['rows', program.dimension], 'Samples in data units, before rounding and category decoding.');
  return graph;
}
