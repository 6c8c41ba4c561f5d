// What exact minibatch transport adds to training: whole runs of I-CFM and OT-CFM in turns (A, B, A, B, ...), so that a busy moment of the machine falls on both;
// the ratio of each pair of neighbours, and of those the median. Rows: normal noise to 8 gaussians in the first two columns, further columns normal.

import { adamw, independent, minibatchOT, mlp, synthetic, train } from '../lib/index.ts';
import { Random } from '../lib/random.ts';
import { weights } from './cases.ts';
import { bare, plain } from './drivers/model.ts';
import { type Spread, spread } from './statistics.ts';
import { markdown } from './table.ts';

export interface TransportTime {
  /** d, H, L, B */
  readonly shape: readonly [number, number, number, number];
  readonly threads: number;
  readonly rounds: number;
  /** Of a step, milliseconds. */
  readonly independent: Spread;
  readonly optimal: Spread;
  readonly ratio: Spread;
}

const shapes: readonly TransportTime['shape'][] = [
  [2, 64, 3, 256],
  [2, 128, 3, 256],
  [2, 256, 3, 256],
  [2, 256, 3, 512],
  [16, 256, 4, 256],
  [64, 512, 4, 256],
];
const rows = 10_000;

function data(d: number): Float32Array {
  const { x } = synthetic('8gaussians', { n: rows, seed: 1 });
  const random = new Random(1, 7);
  return Float32Array.from({ length: rows * d }, (_, i) => (i % d < 2 ? (x[2 * Math.floor(i / d) + (i % d)] as number) : random.normal()));
}

async function measure(shape: TransportTime['shape'], threads: number, rounds: number, seconds: number): Promise<TransportTime> {
  const [d, H, L, B] = shape;
  const x = data(d);
  const step = async (optimal: boolean, steps: number): Promise<number> => {
    const begin = performance.now();
    await train({
      data: x,
      columns: d,
      ...bare,
      batchSize: B,
      network: mlp(plain({ d, H, L, B, N: B }, 'silu')),
      optimiser: adamw({ lr: 1e-3 }),
      coupling: optimal ? minibatchOT() : independent(),
      steps,
      threads,
      seed: 1,
    });
    return (performance.now() - begin) / steps;
  };
  await step(true, 20);
  const steps = Math.max(60, Math.round((1000 * seconds) / (await step(false, Math.max(20, Math.round(1e9 / (6 * B * weights({ d, H, L, B, N: B }))))))));
  const independents: number[] = [];
  const optimals: number[] = [];
  for (let round = 0; round < rounds; round++) {
    independents.push(await step(false, steps));
    optimals.push(await step(true, steps));
  }
  const ratios = optimals.map((ms, i) => ms / (independents[i] as number));
  return { shape, threads, rounds, independent: spread(independents), optimal: spread(optimals), ratio: spread(ratios) };
}

export async function transports(threads: readonly number[], rounds: number, seconds: number): Promise<TransportTime[]> {
  const found: TransportTime[] = [];
  for (const shape of shapes) for (const n of threads) found.push(await measure(shape, n, rounds, seconds));
  console.log(`\n${transportTable(found)}`);
  return found;
}

export const transportTable = (found: readonly TransportTime[]): string =>
  markdown(
    ['(d, H, L, batch)', 'threads', 'a step of independent rows, ms', 'with `minibatchOT()`, ms', 'times', 'least .. most'],
    found.map(({ shape, threads, independent: without, optimal, ratio }) => [
      `(${shape.join(', ')})`,
      `${threads}`,
      without.median.toFixed(2),
      optimal.median.toFixed(2),
      ratio.median.toFixed(2),
      `${ratio.min.toFixed(2)} .. ${ratio.max.toFixed(2)}`,
    ]),
  );
