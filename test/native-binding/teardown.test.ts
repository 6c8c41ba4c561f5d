// An environment that goes while its jobs run: worker.terminate(), process.exit(), uncaught errors, signals. Nothing aborts, nothing hangs.
// FLOWMATCH_CYCLES raises the number of cycles (scripts/rehearse/teardown.sh runs 500).

import { describe, expect, it } from 'vitest';
import { bundled, run } from './child.ts';

const cycles = Number(process.env['FLOWMATCH_CYCLES'] ?? 40);

describe('teardown', () => {
  it(`terminates ${cycles} Workers in the middle of their jobs`, { timeout: 60_000 + cycles * 500 }, async () => {
    const { code, signal, out, err } = await run(await bundled('terminate'), [cycles, 1]);
    expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
    const { milliseconds } = JSON.parse(out) as { milliseconds: number[] };
    expect(milliseconds).toHaveLength(cycles);
    if (cycles > 100) console.log(quantiles('terminate()', milliseconds));
  });

  it.each([
    ['exit', 7, null],
    ['reaction', 7, null],
    ['throw', 1, null],
    ['kill', null, 'SIGTERM'],
  ])('leaves the process by %s', { timeout: 60_000 + cycles * 500 }, async (way, code, signal) => {
    const file = await bundled('exit');
    const count = Math.ceil(cycles / 8);
    for (let i = 0; i < count; i++) {
      const outcome = await run(file, [way, (i * 37) % 60]);
      expect({ code: outcome.code, signal: outcome.signal }, outcome.err).toEqual({ code, signal });
      if (way === 'throw') expect(outcome.err).toContain('on purpose');
      else expect(outcome.err).toBe('');
    }
  });
});

describe('life of a process', () => {
  it('a pending job keeps it alive until the job has settled', async () => {
    const { code, out, err } = await run(await bundled('life'), ['pending']);
    expect({ code, out: out.trim(), err }).toEqual({ code: 0, out: '{"status":"done"}', err: '' });
  });

  it('an idle environment does not', async () => {
    const { code, out, err } = await run(await bundled('life'), ['idle']);
    expect({ code, out: out.trim(), err }).toEqual({ code: 0, out: '{"status":"idle"}', err: '' });
  });

  it('no job starts inside exit; what is synchronous still works', async () => {
    const refused = 'ERR_FLOW_STATE';
    const { out, err } = await run(await bundled('life'), ['exit-handler']);
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({ codes: [refused, refused, refused, refused], still: 'done', state: true });
    expect(JSON.parse((await run(await bundled('life'), ['first-job-at-exit'])).out)).toEqual({ code: refused });
  });
});

function quantiles(name: string, values: number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] as number).toFixed(1);
  return `${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms over ${values.length}`;
}
