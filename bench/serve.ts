// The loop of a driver in Node.js: prepares work, finds how many repetitions fill the asked time, and times them.

import { createInterface } from 'node:readline';
import { type Answer, type Ask, clockName, type Offer, type Prepare } from './messages.ts';

/** `run(k)` does k repetitions of a unit's part; `unit` of them are one unit of the case. */
export interface Work {
  run(k: number): Promise<void> | void;
  readonly unit: number;
  /** Most repetitions of one call. */
  readonly most: number;
  /** Least repetitions: what is timed whole. @default 1 */
  readonly least?: number;
  dispose(): void;
}

function now(threads: number): number {
  if (clockName(threads) === 'wall') return Number(process.hrtime.bigint()) * 1e-9;
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e-6;
}

interface Prepared extends Work {
  readonly threads: number;
  readonly calls: number;
  readonly each: number;
}

async function fill(work: Work, { seconds, threads }: Prepare): Promise<Prepared> {
  const least = work.least ?? 1;
  for (let k = least; ; k = Math.min(work.most, k * 4)) {
    await work.run(k); // the first call of a size is cold
    const start = now(threads);
    await work.run(k);
    const took = Math.max(now(threads) - start, 1e-9);
    if (took < seconds / 8 && k < work.most) continue;
    const wanted = Math.max(least, Math.round((k * seconds) / took));
    const each = Math.min(work.most, wanted);
    return { ...work, threads, each, calls: Math.max(1, Math.round(wanted / each)) };
  }
}

async function timed({ run, calls, each, unit, threads }: Prepared): Promise<number> {
  const start = now(threads);
  for (let i = 0; i < calls; i++) await run(each);
  return ((now(threads) - start) / (calls * each)) * unit;
}

/** Answers the bench until its end of the pipe closes. */
export async function serve(offer: () => Promise<Offer> | Offer, prepare: (request: Prepare) => Promise<Work> | Work): Promise<void> {
  const held = new Map<string, Prepared>();
  const answer = async (ask: Ask): Promise<Answer> => {
    if (ask.do === 'info') return await offer();
    if (ask.do === 'prepare') {
      held.set(ask.key, await fill(await prepare(ask), ask));
      return {};
    }
    const work = held.get(ask.key);
    if (work === undefined) throw new Error(`nothing is prepared as ${ask.key}`);
    if (ask.do === 'measure') return { seconds: await timed(work) };
    held.delete(ask.key);
    work.dispose();
    return {};
  };
  for await (const line of createInterface({ input: process.stdin })) {
    let reply: Answer;
    try {
      reply = await answer(JSON.parse(line) as Ask);
    } catch (error) {
      reply = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`\u0001${JSON.stringify(reply)}\n`); // the mark tells answers from what a library prints
  }
  process.exit(0);
}
