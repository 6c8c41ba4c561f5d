// The share of random numbers and of the build of x_t in a training step: the rows of a batch alone, against the whole step, both on one core and both set
// against the fma peak beside them, so that a change of clock between the two does not count.

import type { Case } from './cases.ts';
import type { Peak } from './round.ts';
import type { Row } from './statistics.ts';
import { markdown, percent, time } from './table.ts';

export interface Share {
  readonly id: string;
  readonly title: string;
  readonly batchSeconds: number;
  readonly share: number;
}
type Batch = (d: number, batchRows: number, dataRows: number, milliseconds: number) => number;

export function shares(rows: readonly Row[], cases: readonly Case[], isa: string, batch: Batch, peak: Peak, note: (text: string) => void): Share[] {
  const found: Share[] = [];
  for (const { id, title, kind, shape } of cases) {
    if (kind !== 'train') continue;
    const row = rows.find((r) => r.id === id && r.group === 'flowmatch' && r.precision === 'f32' && r.threads === 1 && r.contender.includes(isa));
    if (row === undefined) {
      note(`${title}: no share of random numbers, as its step was not measured in this run`);
      continue;
    }
    const before = peak(isa, 1);
    const seconds = batch(shape.d, shape.B, shape.d >= 512 ? 4096 : 10_000, 50);
    const beside = Math.max(before, peak(isa, 1));
    found.push({ id, title, batchSeconds: seconds, share: (seconds * beside) / (row.seconds.median * row.peak.median) });
  }
  if (found.length > 0) {
    const lines = found.map(({ title, batchSeconds, share }) => [title, time(batchSeconds), percent(share)]);
    console.log(`\n${markdown(['rows of a batch alone: random numbers, gather, x_t, u_t', 'time', 'of an f32 step on one core'], lines)}`);
  }
  return found;
}
