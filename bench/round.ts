// One case: every contender prepares, then they take turns (A, B, A, B, ...), the fma peak measured before and after each turn.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Case } from './cases.ts';
import type { Contender, Drivers } from './contenders.ts';
import { type Reading, type Row, rowOf } from './statistics.ts';

export interface Pace {
  readonly rounds: number;
  /** Wanted length of one measurement. */
  readonly seconds: number;
  /** No contender takes more time for all its rounds than this; a slow one gets fewer rounds, at least one. */
  readonly most: number;
}
/** Before each turn of several threads: those of the contender before may still wait for work at full speed (OpenMP's do for 200 ms). */
const restMilliseconds = 400;
/** GFLOP/s now, of one core or several at once. */
export type Peak = (isa: string, threads: number) => number;
export type Note = (text: string) => void;
export type Seen = (record: object) => void;

export async function runCase(c: Case, contenders: readonly Contender[], drivers: Drivers, peak: Peak, pace: Pace, note: Note, seen: Seen): Promise<Row[]> {
  const readings = new Map<Contender, Reading[]>();
  const spent = new Map<Contender, number>();
  const key = ({ label }: Contender): string => `${c.id} ${label}`;
  for (const contender of contenders) {
    const { source, variant } = contender;
    try {
      await drivers
        .driver(source)
        .ask({ do: 'prepare', key: key(contender), kind: c.kind, shape: c.shape, variant, threads: source.threads, seconds: pace.seconds });
      readings.set(contender, []);
    } catch (error) {
      note(`${c.title}: ${contender.label}: ${(error as Error).message}`);
    }
  }
  for (let round = 0; round < pace.rounds; round++) {
    for (const [contender, list] of readings) {
      const { source } = contender;
      const used = spent.get(contender) ?? 0;
      if (round > 0 && used + used / round > pace.most) continue;
      if (source.threads > 1) await sleep(restMilliseconds);
      const begin = performance.now();
      const before = peak(source.isa, source.threads);
      const seconds = await drivers.driver(source).measure(key(contender));
      const top = Math.max(before, peak(source.isa, source.threads));
      spent.set(contender, used + (performance.now() - begin) / 1000);
      list.push({ seconds, peak: top });
      seen({ case: c.id, contender: contender.label, round, seconds, peak: top, fraction: ((c.flop / seconds) * 1e-9) / top });
    }
  }
  const rows: Row[] = [];
  for (const [contender, list] of readings) {
    const { source, label, precision } = contender;
    await drivers.driver(source).ask({ do: 'release', key: key(contender) });
    if (list.length < pace.rounds) note(`${c.title}: ${label}: ${list.length} of ${pace.rounds} rounds, as one takes long`);
    rows.push(rowOf({ id: c.id, title: c.title, contender: label, group: source.group, threads: source.threads, precision }, c.flop, list));
  }
  return rows;
}
