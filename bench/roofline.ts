// The least time that a case can take on this machine, from its measured limits: what binds it, and how much of that is reached.
//   bound = max(flops / fma peak, weights streamed per tile / bandwidth where they lie) + activations / their rate + parameters / the optimiser's rate
// One core, f32. Activations and optimiser are added and not overlapped: both keep the same ports busy as the products.

import { type Case, eulerSteps, weights } from './cases.ts';
import type { Limits } from './limits.ts';
import type { Row } from './statistics.ts';
import { markdown, percent, time } from './table.ts';

export interface Bound {
  readonly compute: number;
  readonly weights: number;
  readonly activations: number;
  readonly optimiser: number;
  readonly bound: number;
  /** Where the weights lie: the smallest footprint of the table of limits that holds them. */
  readonly footprint: number;
}
/** Rows that go through a layer together before the next ones: the weights are read once for each such tile. */
const tileRows = 132;

/** Bandwidth of reading at the smallest measured footprint that holds `bytes`. */
export function readRate({ bandwidth }: Limits, bytes: number): readonly [footprint: number, rate: number] {
  const line = bandwidth.find(([footprint]) => footprint >= bytes) ?? bandwidth.at(-1);
  if (line === undefined) throw new Error('no bandwidth was measured');
  return [line[0], line[1]];
}

/** Seconds of one unit of the case on one core. */
export function boundOf({ kind, shape, rows, flop }: Case, limits: Limits): Bound {
  const P = weights(shape);
  const training = kind === 'train' || kind === 'train+';
  const { elements } = limits;
  const rate = (name: string): number => elements[name] ?? Number.NaN;
  const [footprint, read] = readRate(limits, 4 * P);
  const tiles = Math.ceil(rows / tileRows);
  // Training reads the weights forward, their transposes backward, and the gradient; sampling once for each step.
  const passes = training ? 3 : eulerSteps;
  const evaluations = training ? 1 : eulerSteps;
  const compute = (flop / (limits.peak['1'] ?? Number.NaN)) * 1e-9;
  const streamed = ((4 * P * tiles * passes) / read) * 1e-9;
  const activations = ((rows * shape.L * shape.H * evaluations) / rate('silu')) * 1e-9;
  const inCache = 16 * P <= limits.secondLevel; // parameter, gradient and two moments
  const optimiser = training ? (P / rate(inCache ? 'adam, in L2' : 'adam, from memory')) * 1e-9 : 0;
  return { compute, weights: streamed, activations, optimiser, bound: Math.max(compute, streamed) + activations + optimiser, footprint };
}

export function rooflineTable(cases: readonly Case[], rows: readonly Row[], limits: Limits): string {
  const lines: string[][] = [];
  for (const c of cases) {
    if (c.kind === 'toy' || c.kind === 'density' || c.kind === 'adaptive') continue;
    const row = rows.find(({ id, group, threads, precision, contender }) => {
      return id === c.id && group === 'flowmatch' && threads === 1 && precision === 'f32' && contender.includes(limits.isa);
    });
    if (row === undefined) continue;
    const b = boundOf(c, limits);
    const possible = b.compute / b.bound;
    const binds =
      b.weights > b.compute ? 'weights' : b.activations + b.optimiser > b.compute ? (b.optimiser > b.activations ? 'optimiser' : 'activations') : 'fma';
    lines.push([
      c.title,
      ...[b.compute, b.weights, b.activations, b.optimiser].map((seconds) => (seconds > 0 ? time(seconds) : '')),
      `${time(b.bound)}, ${percent(possible)}`,
      binds,
      percent(row.fraction.median),
      percent(row.fraction.median / possible),
    ]);
  }
  return markdown(['case', 'products', 'weights', 'activations', 'optimiser', 'bound, % of peak', 'bound by', 'measured', 'of the bound'], lines);
}
