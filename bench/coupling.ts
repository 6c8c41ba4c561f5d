// Milliseconds of one coupling by transport, as a training step asks for it: costs, plan and draws, on one thread. Cases take turns (A, B, A, B, ...), each reading
// the mean over the same few batches, so that a busy moment of the machine falls on all of them.

import type { TransportPlan } from '../lib/couplings/coupling.ts';
import { sinkhorn, unbalancedOT } from '../lib/couplings/entropic.ts';
import { partialOT } from '../lib/couplings/optimal.ts';
import { Random } from '../lib/random.ts';
import { median, type Spread } from './statistics.ts';
import { markdown } from './table.ts';

export interface CouplingTime {
  readonly plan: string;
  readonly clouds: string;
  readonly d: number;
  readonly rows: number;
  readonly isa: string;
  readonly rounds: number;
  readonly milliseconds: Spread;
}
export interface Couple {
  couple(
    isa: string,
    x0: Float32Array,
    x1: Float32Array,
    rows: number,
    columns: number,
    condition: Float32Array | null,
    labels: number,
    threads: number,
    repeats: number,
    plan: TransportPlan | null,
    seed: number,
  ): Int32Array;
}

const entropic = sinkhorn().optimal.plan as TransportPlan;
/** `numbers`: with a number beside each row as a condition (C2OT). */
const plans: Readonly<Record<string, { readonly plan: TransportPlan | null; readonly numbers?: true; readonly rows: readonly number[] }>> = {
  '`minibatchOT()`': { plan: null, rows: [128, 256, 512, 1024] },
  '`minibatchOT()`, a number as the condition': { plan: null, numbers: true, rows: [128, 256, 512, 1024] },
  '`sinkhorn()`': { plan: entropic, rows: [128, 256, 512, 1024] },
  "`sinkhorn({ rounding: 'permutation' })`": { plan: sinkhorn({ rounding: 'permutation' }).optimal.plan as TransportPlan, rows: [256] },
  '`unbalancedOT()`': { plan: unbalancedOT().optimal.plan as TransportPlan, rows: [256] },
  '`partialOT()`': { plan: partialOT().optimal.plan as TransportPlan, rows: [256] },
};
const batches = 4;

/** Where rows lie: 8 gaussians of deviation .3 on a circle of radius 5, in the first two columns; the others normal. */
const ring = (random: Random, column: number, mode: number): number => {
  const centre = column === 0 ? 5 * Math.cos((mode * Math.PI) / 4) : column === 1 ? 5 * Math.sin((mode * Math.PI) / 4) : 0;
  return centre + (column < 2 ? 0.3 : 1) * random.normal();
};
const clouds: Readonly<
  Record<string, { readonly from: (r: Random, j: number, mode: number) => number; readonly to: (r: Random, j: number, mode: number) => number }>
> = {
  'normal to 8 gaussians': { from: (r) => r.normal(), to: ring },
  '8 gaussians to a normal 20 away': { from: ring, to: (r, j) => r.normal() + (j === 0 ? 20 : 0) },
};
function draw(of: (r: Random, j: number, mode: number) => number, rows: number, d: number, seed: number): Float32Array {
  const random = new Random(seed, 7);
  const x = new Float32Array(rows * d);
  for (let i = 0; i < rows; i++) {
    const mode = Math.floor(8 * random.uniform());
    for (let j = 0; j < d; j++) x[i * d + j] = of(random, j, mode);
  }
  return x;
}

export function couplings(probe: Couple, isa: string, rounds: number, seconds: number): CouplingTime[] {
  const cases = Object.entries(clouds).flatMap(([cloud, { from, to }]) =>
    [2, 64].flatMap((d) =>
      Object.entries(plans).flatMap(([plan, how]) =>
        how.rows.map((rows) => {
          const pairs = Array.from({ length: batches }, (_, b) => [draw(from, rows, d, 2 * b + 1), draw(to, rows, d, 2 * b + 2)] as const);
          const beside = how.numbers ? pairs.map(([, x1]) => Float32Array.from({ length: rows }, (_, i) => x1[i * d] as number)) : null;
          const solve = (repeats: number): number => {
            const begin = performance.now();
            pairs.forEach(([x0, x1], b) => void probe.couple(isa, x0, x1, rows, d, beside?.[b] ?? null, 0, 1, repeats, how.plan, b + 1));
            return (performance.now() - begin) / (repeats * batches);
          };
          const repeats = Math.max(1, Math.round((1000 * seconds) / (batches * Math.max(solve(1), 1e-3))));
          return { label: { plan, clouds: cloud, d, rows, isa }, solve: () => solve(repeats), readings: [] as number[] };
        }),
      ),
    ),
  );
  for (let round = 0; round < rounds; round++) for (const one of cases) one.readings.push(one.solve());
  const found = cases.map(({ label, readings }) => ({
    ...label,
    rounds,
    milliseconds: { median: median(readings), min: Math.min(...readings), max: Math.max(...readings) },
  }));
  console.log(`\n${couplingTable(found)}`);
  return found;
}

/** Each cell: the median, and the least and the most of the rounds. */
export function couplingTable(found: readonly CouplingTime[]): string {
  const key = ({ clouds: cloud, d }: CouplingTime): string => `${cloud}, d = ${d}`;
  const name = ({ plan, rows }: CouplingTime): string => `${rows} rows, ${plan}`;
  const columns = [...new Set(found.map(key))];
  const lines = [...new Set([...found].sort((a, b) => a.rows - b.rows).map(name))];
  const digits = (x: number): string => (x < 9.95 ? x.toFixed(x < 0.995 ? 2 : 1) : x.toFixed(0));
  return markdown(
    ['ms', ...columns],
    lines.map((line) => [
      line,
      ...columns.map((column) => {
        const one = found.find((c) => name(c) === line && key(c) === column);
        if (one === undefined) return '';
        const { median: middle, min, max } = one.milliseconds;
        return `${digits(middle)} (${digits(min)} .. ${digits(max)})`;
      }),
    ]),
  );
}
