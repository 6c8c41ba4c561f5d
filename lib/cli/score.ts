// `flowmatch score`: the log-density of each row of a table under a model, to stdout or a file; or only the least likely rows, with their cells.
// CSV with the columns row, logDensity, standardError (the latter where the divergence is estimated); JSON lines with --json. A row that a solver with error control
// gave up has no log-density: an empty cell, null. A person on a terminal sees the digits that mean something; files and pipes hold every number in full.

import { argumentError } from '../errors.ts';
import { info } from '../native/info.ts';
import type { SamplingPrecision } from '../precision.ts';
import { densitySolver, exactColumns } from '../sampling/density.ts';
import { solverByName } from '../solvers/solvers.ts';
import type { Cell } from '../table/cells.ts';
import type { MissingCount } from '../table/encode.ts';
import { scoreTable } from '../table/score.ts';
import { openTable } from '../table/source.ts';
import { csvField } from '../table/write.ts';
import { loadModel } from './model.ts';
import { openOutput } from './output.ts';
import { checkPlace } from './place.ts';
import { withCodec } from './sample.ts';
import type { Session } from './session.ts';
import { batchRows } from './solving.ts';
import { count, duration } from './terminal.ts';

export interface ScoreFlags {
  readonly table: string;
  readonly output?: string;
  readonly top?: number;
  readonly exact?: boolean;
  readonly probes?: number;
  readonly solver?: string;
  readonly steps?: number;
  readonly precision?: SamplingPrecision;
  readonly null?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
}

/** Significant digits of numbers that were computed in f32. */
const digits = 7;

interface Scored {
  readonly row: number;
  readonly logDensity: number;
  readonly standardError: number;
  readonly cells: readonly Cell[];
}

export async function score(file: string, flags: ScoreFlags, { terminal, signal }: Session): Promise<void> {
  if (flags.exact && flags.probes !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', '--probes', 'either --exact or --probes', flags.probes, 'An exact divergence has no probes.');
  if (flags.output !== undefined && flags.output !== '-') checkPlace(flags.output, { inputs: { model: file, table: flags.table } });
  const started = performance.now();
  terminal.progress({ event: 'start', file }, () => `scoring ${flags.table} ...`, true);
  const model = withCodec(await loadModel(file));
  if (model.record.network.span !== undefined) {
    model.dispose();
    const hint = 'Fit one without --objective mean-flow or shortcut to score rows.';
    throw argumentError('ERR_FLOW_CONFIG', 'model', 'a model of velocities', 'one of average velocities', hint);
  }
  const out = await openOutput(flags.output, terminal);
  try {
    const source = await openTable(flags.table);
    const missing: MissingCount = { rows: 0, byColumn: new Map() };
    const { solver, steps, top, probes, precision, threads, seed } = flags;
    const chosen = solver === undefined && steps === undefined ? undefined : solverByName(solver ?? 'rk4', steps === undefined ? {} : { steps }, '--solver');
    const { dimension } = model.record;
    const exact = flags.exact || (probes === undefined && dimension <= exactColumns);
    const options = {
      seed,
      nulls: flags.null ?? [],
      signal,
      ...(flags.exact ? { method: 'exact' as const } : {}),
      ...(probes === undefined ? {} : { method: 'hutchinson' as const, probes }),
      ...(chosen === undefined ? {} : { solver: chosen }),
      ...(exact ? { batchRows: batchRows(model, chosen ?? densitySolver, dimension + 1, threads ?? info().threads) } : {}),
      ...(precision === undefined ? {} : { precision }),
      ...(threads === undefined ? {} : { threads }),
    };
    let least: Scored[] = [];
    let [done, unfinished, sum, headed] = [0, 0, 0, false];
    const shown =
      process.stdout.isTTY && (flags.output === undefined || flags.output === '-') ? (v: number) => Number(v.toPrecision(digits)) : (v: number) => v;
    const write = async (rows: readonly Scored[]): Promise<void> => {
      const estimated = rows.some((one) => one.standardError !== 0);
      const header = [...(top === undefined ? [] : source.header.map(String))];
      const lines = rows.map((one) => (terminal.json ? jsonLine(one, estimated, header) : csvLine(one, estimated, header, shown)));
      const names = ['row', 'logDensity', ...(estimated ? ['standardError'] : []), ...header];
      if (!headed && !terminal.json) lines.unshift(`${names.map(csvField).join(',')}\n`);
      headed = true;
      await out.write(new TextEncoder().encode(lines.join('')));
    };
    for await (const batch of scoreTable(model, source, options, missing)) {
      const scored = batch.numbers.map((row, i) => ({
        row,
        logDensity: batch.logDensity[i] as number,
        standardError: batch.standardError[i] as number,
        cells: batch.cells[i] as readonly Cell[],
      }));
      const whole = scored.filter(({ logDensity }) => !Number.isNaN(logDensity)); // the others ended early, with error control
      for (const { logDensity } of whole) sum += logDensity;
      done += scored.length;
      unfinished += scored.length - whole.length;
      if (top === undefined) await write(scored);
      else least = [...least, ...whole].sort((a, b) => a.logDensity - b.logDensity || a.row - b.row).slice(0, top);
      if (!out.open) break;
      const { bytesRead } = batch;
      const rate = (1000 * done) / (performance.now() - started);
      const eta = source.bytes === null ? null : (done / rate) * (source.bytes / bytesRead - 1);
      terminal.progress(
        { event: 'progress', rows: done, rowsPerSecond: rate, eta },
        () => `${count(done)} rows scored  ${count(rate)} rows/s${eta === null ? '' : `  ETA ${duration(eta)}`}`,
      );
    }
    signal.throwIfAborted();
    if (top !== undefined || done === 0) await write(least);
    await out.finish();
    terminal.endProgress();
    const seconds = (performance.now() - started) / 1000;
    const mean = sum / (done - unfinished);
    const left = missing.rows === 0 ? '' : `; ${count(missing.rows)} with a missing cell left out`;
    const early = unfinished === 0 ? '' : `; ${count(unfinished)} needed more steps than allowed and have none`;
    const event = { event: 'scored', rows: done, missing: missing.rows, unfinished, meanLogDensity: done === unfinished ? null : mean, seconds };
    terminal.progress(event, () => `${count(done)} rows, mean log-density ${mean.toFixed(3)} nats${left}${early} (${seconds.toFixed(1)} s)`, true);
  } finally {
    await out.discard();
    model.dispose();
  }
}

function csvLine({ row, logDensity, standardError, cells }: Scored, estimated: boolean, header: readonly string[], shown: (v: number) => number): string {
  const numbers = [Number.isNaN(logDensity) ? '' : shown(logDensity), ...(estimated ? [shown(standardError)] : [])];
  return `${[row, ...numbers, ...header.map((_, i) => cells[i] ?? '')].map((value) => csvField(value)).join(',')}\n`;
}

const jsonLine = ({ row, logDensity, standardError, cells }: Scored, estimated: boolean, header: readonly string[]): string => {
  const values = header.length === 0 ? {} : { cells: Object.fromEntries(header.map((name, i) => [name, cells[i] ?? null])) };
  return `${JSON.stringify({ row, logDensity, ...(estimated ? { standardError } : {}), ...values })}\n`;
};
