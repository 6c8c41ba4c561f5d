// Graph `log-density`: rows in data units -> their log-density in nats, exact divergence. A Loop over the steps of a fixed grid from data back to the source:
//   k_i = b z_i + c net(tau_i, a z_i),   div_i = b d + c a tr J;   z <- z + sum_i (h b_i) k_i;   l <- l + sum_i (h b_i) div_i
//   log p = constant - |z|^2 / (2 startScale^2) + l
// The divergence comes from the program with tangents (network/tangent.ts); l and the last line are in double precision, as in the native core.

import type { Op } from '../network/ops.ts';
import { withDivergence } from '../network/tangent.ts';
import type { Tableau } from '../solvers/solver.ts';
import { emitOp, type Held, parameter, type Scope, spread, type Weights } from './emit-program.ts';
import { transposeWeights } from './emit-tangent.ts';
import { Graph } from './graph.ts';
import { termsOf } from './sampler-graph.ts';
import { conditionInput, type Frame, normalised, outsideLoop, rowShapeOf } from './velocity-graph.ts';

export interface DensitySpec extends Omit<Frame, 'guidance'> {
  readonly tableau: Tableau;
  /** K + 1 times that fall from data to noise. */
  readonly grid: Float64Array;
  /** (K * s, 4) rows [a, tau, b, c] of the frame (paths/frame.ts); null = slope = net(t, z). */
  readonly rows: Float64Array | null;
  /** Data rows are multiplied by this once they are normalised: alpha at the first time. */
  readonly alpha: number;
  /** Standard deviation of the source. */
  readonly startScale: number;
  /** Added to every row. */
  readonly constant: number;
}

const ints = (graph: Graph, ...values: number[]): string => graph.constant('bound', { type: 'int64', shape: [values.length], values });
const index = (graph: Graph, value: number): string => graph.constant('index', { type: 'int64', shape: [], values: [value] });
const double = (graph: Graph, value: number): string => graph.constant('number64', { type: 'double', shape: [], values: [value] });
const isTangent = (op: Op): boolean => op.kind === 'seed' || op.kind === 'tangent' || op.kind === 'trace';

/** Constants of every stage, one row each. */
interface Tables {
  readonly coefficients: string;
  readonly weights: string;
  readonly frame: { readonly a: string; readonly b: string; readonly c: string; readonly gain: string; readonly drift: string } | null;
}

function tables(graph: Graph, spec: DensitySpec, dimension: number, terms: ReturnType<typeof termsOf>): Tables {
  const { grid, tableau, rows } = spec;
  const steps = grid.length - 1;
  const stages = tableau.b.length;
  const h = (k: number): number => (grid[k + 1] as number) - (grid[k] as number);
  const float = (name: string, width: number, values: readonly number[]): string =>
    graph.constant(name, { type: 'float', shape: [values.length / width, width], values: Float32Array.from(values) });
  const wide = (name: string, values: readonly number[]): string => graph.constant(name, { type: 'double', shape: [values.length, 1], values });
  const each = <T>(make: (k: number, i: number) => T): T[] => Array.from({ length: steps * stages }, (_, at) => make(Math.floor(at / stages), at % stages));
  const column = (j: number): number[] => each((k, i) => rows?.[4 * (k * stages + i) + j] as number);
  const coefficients = float('hab', terms.length, Array.from({ length: steps }, (_, k) => terms.map((term) => h(k) * term.value)).flat());
  const weights = wide(
    'hb',
    each((k, i) => h(k) * (tableau.b[i] as number)),
  );
  if (rows === null) return { coefficients, weights, frame: null };
  const [a, b, c] = [column(0), column(2), column(3)];
  return {
    coefficients,
    weights,
    frame: {
      a: float('frame.a', 1, a),
      b: float('frame.b', 1, b),
      c: float('frame.c', 1, c),
      gain: wide(
        'frame.ca',
        a.map((value, i) => value * (c[i] as number)),
      ),
      drift: wide(
        'frame.bd',
        b.map((value) => value * dimension),
      ),
    },
  };
}

/** The finished graph: inputs x (N, d), condition; output logDensity (N, 1). `plain` holds the program of v. */
export function densityGraph(plain: Weights, spec: DensitySpec): Graph {
  const program = withDivergence(plain.program);
  const { tableau, grid } = spec;
  const { dimension } = program;
  const graph = new Graph();
  const output = graph.name('logDensity');
  const rows = graph.input('x', 'float', ['rows', dimension], 'Rows in data units, encoded as the model was trained.');
  const condition = conditionInput(graph, spec.condition, spec.conditionNormaliser);
  const terms = termsOf(tableau);
  const table = tables(graph, spec, dimension, terms);
  const stages = tableau.b.length;
  const steps = grid.length - 1;
  const times = Array.from({ length: steps * stages }, (_, at) => {
    const [from, to] = [grid[Math.floor(at / stages)] as number, grid[Math.floor(at / stages) + 1] as number];
    return spec.rows?.[4 * at + 1] ?? from + (tableau.c[at % stages] as number) * (to - from);
  });
  const weights: Weights = { ...plain, program, transposed: transposeWeights(graph, { ...plain, program }, (p) => parameter(graph, plain, p)) };

  const values = new Map<number, Held>([
    [1, { name: graph.constant('times', { type: 'float', shape: [times.length, 1], values: Float32Array.from(times) }), rows: 't' }],
  ]);
  if (condition) values.set(2, condition);
  const outer: Scope = { graph, values, rowShape: rowShapeOf(graph, rows) };
  for (const op of program.ops) if (outsideLoop(program.values[op.output]?.depends ?? 0)) emitOp(outer, weights, op);

  const z = normalised(graph, rows, spec.normaliser, 'x');
  const start = spec.alpha === 1 ? z : graph.op('Mul', [z, graph.constant('number', { type: 'float', shape: [], values: [spec.alpha] })], 'start');
  const none = graph.op(
    'Cast',
    [
      graph.op(
        'Slice',
        [graph.op('Mul', [z, graph.constant('number', { type: 'float', shape: [], values: [0] })], 'zeros'), ints(graph, 0), ints(graph, 1), ints(graph, 1)],
        'zero',
      ),
    ],
    'none',
    { to: { int: 11 } },
  );
  const yes = graph.constant('yes', { type: 'bool', shape: [], values: [1] });
  const count = graph.constant('steps', { type: 'int64', shape: [], values: [steps] });
  const end = graph.loop([count, yes, start, none], ['source', 'change'], { graph: body(outer, weights, spec, terms, table) });

  const wide = graph.op('Cast', [end[0] as string], 'source64', { to: { int: 11 } });
  const square = graph.op('ReduceSum', [graph.op('Mul', [wide, wide], 'squares'), ints(graph, 1)], 'square', { keepdims: { int: 1 } });
  const base = graph.op('Mul', [square, double(graph, -1 / (2 * spec.startScale ** 2))], 'base');
  const sum = graph.op('Add', [graph.op('Add', [base, double(graph, spec.constant)], 'base.whole'), end[1] as string], 'logDensity64');
  graph.opTo(output, 'Cast', [sum], { to: { int: 1 } });
  graph.output(output, 'float', ['rows', 1], 'Log-density of each row, in nats, in the units of the data.');
  return graph;
}

/** One step: the state beside the integral of the divergence. */
function body(outer: Scope, weights: Weights, spec: DensitySpec, terms: ReturnType<typeof termsOf>, table: Tables): ReturnType<Graph['finish']> {
  const { program } = weights;
  const { tableau } = spec;
  const stages = tableau.b.length;
  const graph = outer.graph.inner();
  const step = graph.input('step', 'int64', []);
  const going = graph.input('going', 'bool', []);
  const z = graph.input('z', 'float', ['rows', program.dimension]);
  let change = graph.input('l', 'double', ['rows', 1]);
  const goingOn = graph.op('Identity', [going], 'goingOn');
  const row = graph.op('Gather', [table.coefficients, step], 'coefficients', { axis: { int: 0 } });
  const coefficient = terms.map((_, i) => graph.op('Gather', [row, index(graph, i)], 'coefficient', { axis: { int: 0 } }));
  const first = graph.op('Mul', [step, ints(graph, stages)], 'firstStage');
  const k: string[] = [];
  const combined = (into: number): string =>
    terms.reduce((sum, term, i) => {
      if (term.into !== into) return sum;
      return graph.op('Add', [sum, graph.op('Mul', [k[term.from] as string, coefficient[i] as string], `stage.${into}.k${term.from}`)], `stage.${into}.x`);
    }, z);
  for (let stage = 0; stage < stages; stage++) {
    if (!terms.some((term) => term.from === stage)) {
      k.push('');
      continue;
    }
    const at = graph.op('Add', [first, ints(graph, stage)], `stage.${stage}.row`);
    const of = (name: string): string => graph.op('Gather', [name, at], `stage.${stage}.${name}`, { axis: { int: 0 } });
    const fetch = (value: number): Held | undefined => {
      const found = outer.values.get(value);
      return found?.rows === 't' ? { name: of(found.name), rows: 'one' } : found;
    };
    const state = combined(stage);
    const { frame } = table;
    const seen = frame ? graph.op('Mul', [state, of(frame.a)], `stage.${stage}.seen`) : state;
    const scope: Scope = { graph, values: new Map([[0, { name: seen, rows: 'x' }]]), rowShape: outer.rowShape, fetch };
    const counts = tableau.b[stage] !== 0; // a stage that the step does not count needs no divergence
    for (const op of program.ops) {
      if (!outsideLoop(program.values[op.output]?.depends ?? 0) && (counts || !isTangent(op))) emitOp(scope, weights, op);
    }
    const v = spread(scope, scope.values.get(program.output) ?? (fetch(program.output) as Held));
    k.push(
      frame
        ? graph.op(
            'Add',
            [graph.op('Mul', [state, of(frame.b)], `stage.${stage}.bx`), graph.op('Mul', [v, of(frame.c)], `stage.${stage}.cv`)],
            `stage.${stage}.k`,
          )
        : v,
    );
    if (!counts) continue;
    const trace = graph.op('Cast', [(scope.values.get(program.tangent as number) as Held).name], `stage.${stage}.trace`, { to: { int: 11 } });
    const divergence = frame ? graph.op('Add', [graph.op('Mul', [trace, of(frame.gain)], `stage.${stage}.ca`), of(frame.drift)], `stage.${stage}.div`) : trace;
    change = graph.op('Add', [change, graph.op('Mul', [divergence, of(table.weights)], `stage.${stage}.hb`)], `stage.${stage}.l`);
  }
  const next = combined(stages);
  graph.output(goingOn, 'bool', []);
  graph.output(next, 'float', ['rows', program.dimension]);
  graph.output(change, 'double', ['rows', 1]);
  return graph.finish('step');
}
