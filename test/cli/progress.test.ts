// What is seen of a long run: batches small enough that progress shows, the same rows in any of them, and lines that do not run into each other.

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { openOutput } from '../../lib/cli/output.ts';
import { score } from '../../lib/cli/score.ts';
import { batchRows } from '../../lib/cli/solving.ts';
import { Terminal } from '../../lib/cli/terminal.ts';
import { bosh3, euler, fitTable, type Model, midpoint, rk4, sampleTable, synthetic } from '../../lib/index.ts';
import { scoreTable } from '../../lib/table/score.ts';
import { openTable } from '../../lib/table/source.ts';
import { inFolder, run } from './helpers.ts';

const { x } = synthetic('moons', { n: 300, seed: 1 });
const table = Array.from({ length: 300 }, (_, i) => ({ x: x[2 * i], y: x[2 * i + 1] }));

describe('batches', () => {
  const model = (parameters: number, span?: true) =>
    ({ record: { parameters: new Float32Array(parameters), network: { span }, training: {} } }) as unknown as Model;

  test('hold the work of a moment on each thread, in powers of two from 64 to 16384 rows', () => {
    expect(batchRows(model(142_000), undefined, 1, 1)).toBe(128); // 2e9 / (142,000 x 100) = 141
    expect(batchRows(model(142_000), undefined, 1, 8)).toBe(1024);
    expect(batchRows(model(142_000), undefined, 2, 8)).toBe(512);
    expect(batchRows(model(142_000), midpoint({ steps: 500 }), 1, 8)).toBe(64); // 112
    expect(batchRows(model(142_000), rk4({ steps: 5 }), 1, 1)).toBe(512);
    expect(batchRows(model(142_000), bosh3(), 1, 1)).toBe(128);
    expect(batchRows(model(142_000, true), undefined, 1, 1)).toBe(8192);
    expect(batchRows(model(142_000, true), euler({ steps: 4 }), 1, 1)).toBe(2048);
    expect(batchRows(model(10), undefined, 1, 1)).toBe(16_384);
    expect(batchRows(model(1e8), undefined, 1, 1)).toBe(64);
  });

  test('change no row, and show where a long run is, of sample as of score', async () => {
    const fitted = await fitTable(table, { hidden: [64, 64], steps: 5, validation: 0 });
    const rows = async (size?: number) => {
      const sizes: number[] = [];
      const all: unknown[] = [];
      for await (const batch of sampleTable(fitted, { n: 250, seed: 3, batchRows: size })) {
        sizes.push(batch.rows.length);
        all.push(...batch.rows);
      }
      return { sizes, all };
    };
    const [whole, cut] = [await rows(), await rows(100)];
    expect([whole.sizes, cut.sizes]).toEqual([[250], [100, 100, 50]]);
    expect(cut.all).toEqual(whole.all);
    await fitted.save(inFolder('slow.safetensors'));
    const [long, wanted] = [['--steps', '4000', '--threads', '1', '--json'], 640]; // ten batches or more, of 2e9 multiplications at most
    const seen = async (...args: string[]) => {
      const { stderr } = await run(...args, ...long);
      const lines = stderr.trim().split('\n');
      return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'progress');
    };
    const drawn = await seen('sample', inFolder('slow.safetensors'), '-n', String(wanted), '-o', inFolder('rows.csv'));
    expect(drawn.length).toBeGreaterThan(1);
    expect(drawn[0]).toMatchObject({ total: wanted, rowsPerSecond: expect.any(Number), eta: expect.any(Number) });
    expect(drawn[0].rows).toBeLessThan(wanted);
    const scored = await seen('score', inFolder('slow.safetensors'), inFolder('rows.csv'), '-o', inFolder('scores.csv'));
    expect(scored[0].rows).toBeLessThan(wanted);
    expect(scored[0].eta).toBeGreaterThan(0);
    const scores = readFileSync(inFolder('scores.csv'), 'utf8').trim().split('\n');
    expect(scores.map((line) => JSON.parse(line).row)).toEqual(Array.from({ length: wanted }, (_, i) => i + 1));
    const cutScores: number[] = [];
    const wholeScores: number[] = [];
    for (const [scores, rows] of [
      [cutScores, 100],
      [wholeScores, undefined],
    ] as const) {
      const options = { ...(rows === undefined ? {} : { batchRows: rows }), solver: rk4({ steps: 4 }) };
      for await (const { logDensity } of scoreTable(fitted, await openTable(inFolder('rows.csv')), options, { rows: 0, byColumn: new Map() }))
        scores.push(...logDensity);
    }
    expect(cutScores).toHaveLength(wanted);
    expect(cutScores).toEqual(wholeScores);
  });
});

/** What `work` writes to a terminal, or to pipes. */
async function writtenBy(piped: boolean, work: () => Promise<void>): Promise<string[]> {
  const written: string[] = [];
  const take = (chunk: string | Uint8Array, done?: unknown): boolean => {
    written.push(typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk));
    if (typeof done === 'function') done();
    return true;
  };
  const spies = [process.stderr, process.stdout].map((stream) => vi.spyOn(stream, 'write').mockImplementation(take as never));
  const before = [process.stdout.isTTY, process.stderr.isTTY] as const;
  [process.stdout.isTTY, process.stderr.isTTY] = [!piped, true];
  try {
    await work();
  } finally {
    [process.stdout.isTTY, process.stderr.isTTY] = before;
    for (const spy of spies) spy.mockRestore();
  }
  return written;
}

describe('on a terminal', () => {
  test('rows begin at the start of a line, where the progress line was; piped rows leave it alone', async () => {
    for (const piped of [false, true]) {
      const written = await writtenBy(piped, async () => {
        const terminal = new Terminal({});
        terminal.progress({}, () => 'drawing', true);
        const output = await openOutput(undefined, terminal);
        await output.write(new TextEncoder().encode('a,b\n'));
        await output.write(new TextEncoder().encode('1,2\n'));
      });
      const hidden = piped ? [] : ['\r\x1b[2K'];
      expect(written).toEqual(['\r\x1b[2Kdrawing', ...hidden, 'a,b\n', '1,2\n']);
    }
  });

  test('log-densities have the digits that mean something; in pipes, files and JSON all of them', async () => {
    const fitted = await fitTable(table, { hidden: [8], steps: 5, validation: 0 });
    const [model, rows, file] = [inFolder('digits.safetensors'), inFolder('digits.csv'), inFolder('digits-scores.csv')];
    await fitted.save(model);
    writeFileSync(rows, `x,y\n${table.map(({ x, y }) => `${x},${y}\n`).join('')}`);
    const scored = async (piped: boolean, flags: object = {}, json = false): Promise<string> => {
      const session = { terminal: new Terminal({ json, quiet: true }), signal: new AbortController().signal };
      return (await writtenBy(piped, () => score(model, { table: rows, probes: 2, seed: 1, steps: 4, ...flags }, session)))
        .filter((text) => text.startsWith(json ? '{"row"' : 'row,'))
        .join('');
    };
    const numbers = (text: string) =>
      text
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(',').slice(1));
    const [seen, whole] = [numbers(await scored(false)), numbers(await scored(true))];
    expect(seen).toHaveLength(300);
    expect(seen.flat().every((text) => text.replace(/e.*/, '').replace(/^-?0?\.?0*|\./g, '').length <= 7)).toBe(true);
    expect(seen).toEqual(whole.map((line) => line.map((text) => String(Number(Number(text).toPrecision(7))))));
    expect(whole.flat().some((text) => text.length > 12)).toBe(true);
    await scored(false, { output: file });
    expect(numbers(readFileSync(file, 'utf8'))).toEqual(whole);
    const lines = (await scored(false, {}, true))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ logDensity, standardError }) => [logDensity, standardError].map(String))).toEqual(whole);
  });
});
