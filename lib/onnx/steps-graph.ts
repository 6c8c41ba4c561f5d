// Graph `sampler` of a network of average velocities: K equal steps written out one after another, no loop,
//   z <- z + s u(z, t_k, s),   x = shift + scale * z
// with the span s as the last column of the condition that the network reads. Inputs noise (N, d), condition; output x (N, d).

import { weightAt } from '../network/guidance.ts';
import { depends } from '../network/ops.ts';
import { emitOp, type Held, type Scope, spread, type Weights } from './emit-program.ts';
import { Graph } from './graph.ts';
import { denormalised } from './sampler-graph.ts';
import { conditionInput, type Frame, guidanceScale, guidedMix, normalised, nullHeld, rowShapeOf, sharedValues } from './velocity-graph.ts';

export interface StepsSpec extends Frame {
  /** K + 1 times, the span apart. */
  readonly grid: ArrayLike<number>;
  readonly span: number;
  /** gaussian: input `noise` is N(0, 1), scaled by sourceScale inside. rows: it holds start rows in data units. */
  readonly source: 'gaussian' | 'rows';
  readonly sourceScale: number;
}

/** The condition row with the span behind it, or the span alone. */
function spanned(graph: Graph, row: Held | undefined, span: number): Held {
  if (row === undefined) return { name: graph.constant('span', { type: 'float', shape: [1, 1], values: [span] }), rows: 'one' };
  const room = graph.constant('bound', { type: 'int64', shape: [4], values: [0, 0, 0, 1] });
  const value = graph.constant('number', { type: 'float', shape: [], values: [span] });
  return { name: graph.op('Pad', [row.name, room, value], 'condition.span'), rows: row.rows };
}

/** The finished graph. */
export function stepsGraph(weights: Weights, spec: StepsSpec): Graph {
  const { program } = weights;
  const { grid, span, source, sourceScale, normaliser, guidance = null } = spec;
  const graph = new Graph();
  const output = graph.name('x');
  const number = (value: number): string => graph.constant('number', { type: 'float', shape: [], values: [value] });
  const noiseDoc = source === 'gaussian' ? 'Standard normal numbers, one row per sample.' : 'Start rows (the source), in data units.';
  const noise = graph.input('noise', 'float', ['rows', program.dimension], noiseDoc);
  const unconditional = guidance?.scale === 0 && guidance.from <= 0 && guidance.to >= 1;
  const condition = unconditional ? nullHeld(graph, guidance) : conditionInput(graph, spec.condition, spec.conditionNormaliser);
  const given = spanned(graph, condition, span);
  const scale = guidance && !unconditional ? guidanceScale(graph, guidance) : '';
  const none = guidance && !unconditional ? spanned(graph, nullHeld(graph, guidance), span) : null;
  const rowShape = rowShapeOf(graph, noise);
  const scaled = sourceScale === 1 ? noise : graph.op('Mul', [noise, number(sourceScale)], 'source');
  const steady = new Map<Held, Map<number, Held>>(); // what depends on a condition row alone, for all steps

  const under = (row: Held, known: ReadonlyMap<number, Held>): Map<number, Held> => {
    const values = new Map<number, Held>([...(steady.get(row) ?? []), ...known, [2, row]]);
    const scope: Scope = { graph, values, rowShape };
    for (const op of program.ops) if (!values.has(op.output)) emitOp(scope, weights, op);
    if (!steady.has(row)) steady.set(row, new Map([...values].filter(([value]) => program.values[value]?.depends === depends.condition)));
    return values;
  };
  const velocity = (values: Map<number, Held>): string => spread({ graph, values, rowShape }, values.get(program.output) as Held);

  let z = source === 'rows' ? normalised(graph, noise, normaliser, 'noise') : scaled;
  for (let k = 0; k + 1 < grid.length; k++) {
    const time = grid[k] as number;
    const at = new Map<number, Held>([
      [0, { name: z, rows: 'x' }],
      [1, { name: graph.constant('t', { type: 'float', shape: [1, 1], values: [time] }), rows: 'one' }],
    ]);
    const plain = under(given, at);
    let u = velocity(plain);
    if (none && guidance && weightAt({ ...guidance, scale: 0 }, time) === 0)
      u = guidedMix(graph, velocity(under(none, sharedValues(program, plain))), u, scale);
    z = graph.op('Add', [z, graph.op('Mul', [u, number(span)], 'move')], 'z');
  }
  if (normaliser) denormalised(graph, z, normaliser, output);
  else graph.opTo(output, 'Identity', [z]);
  graph.output(output, 'float', ['rows', program.dimension], 'Samples in data units, before rounding and category decoding.');
  return graph;
}
