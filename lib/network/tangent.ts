// Program -> Program with tangents (forward-mode derivatives): beside every value y that depends on x stands y' = (dy/dx) x', made by one op kind from the
// tangents of the inputs. Zero tangents are never written: neither what depends on t and condition alone, nor the columns they fill in a joined input.
//   divergence   seeds e_1 .. e_d:             tr dv/dx, (rows, 1); d copies, so that the work is 1 + d passes. The last layer gives its diagonal only.
//   estimates    seeds s_1 .. s_m, given:      s_k^T (dv/dx) s_k, (rows, m); Hutchinson's estimate of the trace where E s s^T = I.
//   derivative   seeds x' and t', given:       (dv/dx) x' + (dv/dt) t', (1, rows, d): total derivatives along a flow, x' = v and t' = 1.
//                with `condition` also c':     ... + (dv/dc) c', for networks that are told where the flow goes (training/span.ts).
// Source: forward accumulation, Griewank and Walther, Evaluating Derivatives (2008), chapter 3; the trace estimate: Hutchinson (1989).

import { bends, checkProgram, opInputs } from './check.ts';
import { depends, inputs, type Op, type Program, type Value } from './ops.ts';

/** Columns [first, first + width of `value`) of a tangent whose other columns are zero; `whole` is the full width, written out when an op needs it so. */
interface Tangent {
  readonly value: number;
  readonly first: number;
  readonly whole: () => number;
}

class Builder {
  readonly values: Value[];
  readonly ops: Op[] = [];
  readonly tangents = new Map<number, Tangent>();
  readonly #source: Program;
  readonly #copies: number;

  constructor(source: Program, copies: number) {
    this.#source = source;
    this.#copies = copies;
    this.values = [...source.values];
  }

  seed(of: number, seed: 'basis' | 'given'): number {
    const { name, width } = this.values[of] as Value;
    const output = this.values.push({ name: `${name}.seed`, width, depends: depends.seed, copies: this.#copies }) - 1;
    this.ops.push({ kind: 'seed', seed, output });
    this.#hold(of, output);
    return output;
  }

  trace(seed: number, tangent: number, weight: number, columns: number): number {
    const bits = depends.seed | (this.values[tangent]?.depends ?? 0);
    const output = this.values.push({ name: 'trace', width: columns, depends: bits }) - 1;
    this.ops.push({ kind: 'trace', seed, tangent, weight, output });
    return output;
  }

  /** Appends a primal op, and the tangent of its value. */
  add(op: Op): void {
    this.ops.push(op);
    const from = opInputs(op).map((v) => this.tangents.get(v));
    const given = from.filter((tangent) => tangent !== undefined);
    const [only] = given;
    if (only === undefined || op.kind === 'oneHot' || op.kind === 'embed') return;
    const identity = (op.kind === 'activation' && op.activation === 'identity') || (op.kind === 'add' && given.length === 1);
    if (identity) this.tangents.set(op.output, only);
    else if (op.kind === 'dense') this.#hold(op.output, this.derive(op, [only.value], only.first));
    else if (op.kind === 'concat' && given.length === 1) {
      const at = from.indexOf(only);
      const before = op.inputs.slice(0, at).reduce((sum, v) => sum + (this.values[v] as Value).width, 0);
      let whole = -1;
      this.tangents.set(op.output, {
        value: only.value,
        first: before + only.first,
        whole: () => {
          if (whole < 0) whole = this.#wide(op, from);
          return whole;
        },
      });
    } else this.#hold(op.output, this.#wide(op, from));
  }

  #wide(op: Op, from: readonly (Tangent | undefined)[]): number {
    const all = from.map((tangent) => tangent?.whole() ?? -1);
    return this.derive(op, all, 0);
  }

  #hold(of: number, value: number): void {
    this.tangents.set(of, { value, first: 0, whole: () => value });
  }

  /** The tangent op of `op` along `along`; all -1: zeros. */
  derive(op: Op, along: readonly number[], first: number): number {
    const { name, width } = this.values[op.output] as Value;
    const of = along.filter((v) => v >= 0).map((v) => this.values[v] as Value);
    const places = bends(op) ? opInputs(op).map((v) => this.values[v] as Value) : [];
    const bits = [...of, ...places].reduce((union, v) => union | v.depends, depends.seed as number);
    const output = this.values.push({ name: `${name}.tangent`, width, depends: bits, copies: this.#copies }) - 1;
    this.ops.push({ kind: 'tangent', of: op.output, inputs: along, first, output });
    return output;
  }

  finish(tangent: number): Program {
    return checkProgram({ ...this.#source, values: this.values, ops: this.ops, tangent });
  }
}

/** The trace of dv/dx over a seed: the tangents of all values before the last layer, then its diagonal. */
function traced(program: Program, seed: 'basis' | 'given', copies: number, columns: number): Program {
  const build = new Builder(program, copies);
  const source = build.seed(inputs.x, seed);
  const last = program.ops.find((op) => op.output === program.output) as Op;
  for (const op of program.ops) {
    if (op !== last) {
      build.add(op);
      continue;
    }
    if (op.kind === 'dense' && op.activation === 'identity') {
      build.ops.push(op);
      return rest(build, program, op, build.trace(source, build.tangents.get(op.input)?.whole() ?? -1, op.weight, columns));
    }
    build.add(op);
    return rest(build, program, op, build.trace(source, build.tangents.get(op.output)?.whole() ?? -1, -1, columns));
  }
  throw new TypeError('program.output is not made by an op');
}

/** Ops after the one that makes v reach no output; they stay as they are. */
function rest(build: Builder, program: Program, last: Op, tangent: number): Program {
  build.ops.push(...program.ops.slice(program.ops.indexOf(last) + 1));
  return build.finish(tangent);
}

/** The program of v with its divergence: `tangent` is tr dv/dx (rows, 1), exact. */
export function withDivergence(program: Program): Program {
  return traced(program, 'basis', program.dimension, 1);
}

/** The program of v with `copies` estimates of its divergence: `tangent` is s_k^T (dv/dx) s_k (rows, copies), for seeds (copies, rows, d) of the caller. */
export function withEstimates(program: Program, copies: number): Program {
  return traced(program, 'given', copies, copies);
}

/**
 * The program of v with its derivative along given directions: `tangent` is (dv/dx) x' + (dv/dt) t' (1, rows, d). The seeds are the first two seed ops; with
 * `condition` a third one holds directions c' of the condition, which count in its continuous columns.
 */
export function withDerivative(program: Program, condition = false): Program {
  const build = new Builder(program, 1);
  build.seed(inputs.x, 'given');
  build.seed(inputs.t, 'given');
  if (condition) build.seed(inputs.condition, 'given');
  for (const op of program.ops) build.add(op);
  const last = program.ops.find((op) => op.output === program.output) as Op;
  const zero = (): number =>
    build.derive(
      last,
      opInputs(last).map(() => -1),
      0,
    );
  return build.finish(build.tangents.get(program.output)?.whole() ?? zero());
}

/** The values that the caller fills, in order: the seeds that are given. */
export function givenSeeds(program: Program): number[] {
  return program.ops.flatMap((op) => (op.kind === 'seed' && op.seed === 'given' ? [op.output] : []));
}
