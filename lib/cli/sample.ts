// `flowmatch sample`: rows of a model to stdout or a file, in constant memory. Table models give their columns, others x0, x1, ... by name.

import { extname } from 'node:path';
import { argumentError, FlowError } from '../errors.ts';
import { Model } from '../model/model.ts';
import { info } from '../native/info.ts';
import type { Guidance } from '../network/guidance.ts';
import { choice } from '../options.ts';
import type { SamplingPrecision } from '../precision.ts';
import type { Codec, TableCodec } from '../table/codec.ts';
import { sampleTable, tableCodec } from '../table/sample.ts';
import { type RowFormat, rowFormats, rowWriter } from '../table/write.ts';
import { loadModel } from './model.ts';
import { openOutput } from './output.ts';
import { checkPlace } from './place.ts';
import type { Session } from './session.ts';
import { batchRows, type SolverFlags, solverError, solverOf } from './solving.ts';
import { bytes, count, duration } from './terminal.ts';

export interface SampleFlags extends SolverFlags {
  readonly rows: number;
  readonly output?: string;
  readonly firstRow: number;
  readonly seed: number;
  readonly threads?: number;
  readonly precision?: SamplingPrecision;
  readonly given?: string;
  readonly guidance?: Guidance;
  readonly format?: string;
}

export async function sample(file: string, flags: SampleFlags, { terminal, signal }: Session): Promise<void> {
  const started = performance.now();
  const { rows: n, output } = flags;
  const toFile = output !== undefined && output !== '-';
  if (toFile) checkPlace(output, { inputs: { model: file } });
  terminal.progress({ event: 'start', rows: n }, () => `drawing ${count(n)} rows ...`, true);
  const model = withCodec(await loadModel(file));
  const codec = tableCodec(model);
  const solver = solverOf(flags, model);
  const writer = rowWriter(formatOf(flags.format, toFile ? output : undefined, terminal.json), codec);
  const given = flags.given === undefined ? undefined : givenValue(flags.given, codec);
  const out = await openOutput(output, terminal);
  let [done, written, evaluations] = [0, 0, 0];
  const put = async (chunk: Uint8Array) => {
    await out.write(chunk);
    written += chunk.length;
  };
  try {
    if (n === 0) await put(writer.head(n));
    for await (const batch of sampleTable(model, {
      n,
      seed: flags.seed,
      firstRow: flags.firstRow,
      solver,
      given,
      guidance: flags.guidance,
      precision: flags.precision,
      batchRows: batchRows(model, solver, flags.guidance === undefined ? 1 : 2, flags.threads ?? info().threads),
      threads: flags.threads,
      signal,
    })) {
      if (done === 0) await put(writer.head(n)); // not earlier: an error leaves stdout empty
      await put(writer.rows(batch.rows));
      done += batch.rows.length;
      evaluations += batch.nfe * batch.rows.length;
      if (!out.open) break;
      const seconds = (performance.now() - started) / 1000;
      const rate = done / seconds;
      terminal.progress(
        { event: 'progress', rows: done, total: n, rowsPerSecond: rate, eta: (n - done) / rate },
        () => `${count(done)} of ${count(n)} rows  ${count(rate)} rows/s  ETA ${duration((n - done) / rate)}`,
      );
    }
    signal.throwIfAborted();
    await out.finish();
  } catch (error) {
    throw solverError(error);
  } finally {
    await out.discard();
    model.dispose();
  }
  terminal.endProgress();
  const seconds = (performance.now() - started) / 1000;
  const nfe = done === 0 ? 0 : Number((evaluations / done).toFixed(2));
  if (toFile)
    terminal.result(
      { event: 'done', rows: done, file: output, bytes: written, seconds, nfe },
      `wrote ${count(done)} rows to ${output} (${bytes(written)}) in ${seconds.toFixed(1)} s, ${nfe} network evaluations a row`,
    );
}

/** The format that --format names, or else the ending of the file; on stdout CSV, or JSON lines with --json. */
function formatOf(format: string | undefined, file: string | undefined, json: boolean): RowFormat {
  if (format !== undefined) return choice(format, '--format', rowFormats);
  if (file === undefined) return json ? 'jsonl' : 'csv';
  const ending = extname(file).slice(1).toLowerCase();
  if (ending === '' || ending === 'csv') return 'csv';
  if (ending === 'jsonl' || ending === 'ndjson') return 'jsonl';
  if (ending === 'npy') return 'npy';
  throw argumentError('ERR_FLOW_CONFIG', '--output', 'a name that ends in .csv, .jsonl or .npy', file, 'Rename it, or say --format csv, jsonl or npy.');
}

/** The value behind `column=value`; the column must be the model's target. */
function givenValue(text: string, codec: Codec): string {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0)).trim();
  const { target } = codec;
  if (target && name === target.name) {
    const value = text.slice(at + 1);
    codec.classOf(value); // throws for a value that was never seen, before anything is written
    return value;
  }
  const columns = codec.record.columns.map((column) => column.name);
  const unknown = name === '' || columns.includes(name) ? '' : `There is no column ${JSON.stringify(name)} among ${columns.join(', ')}. `;
  if (!target) {
    const column = columns.includes(name) ? JSON.stringify(name) : 'COLUMN';
    const hint = `${unknown}To give a column, fit it with --target ${column}.`;
    throw argumentError('ERR_FLOW_CONFIG', '--given', 'nothing, as this model has no condition', text, hint);
  }
  const hint = `${unknown}This model takes --given ${JSON.stringify(`${target.name}=${target.values[0]}`)}.`;
  const expected = at > 0 ? `a value of ${JSON.stringify(target.name)}, the condition of this model` : 'column=value';
  throw argumentError('ERR_FLOW_CONFIG', '--given', expected, text, hint);
}

/** A model of a plain matrix gets a codec of plain numbers, so that one writer serves both. */
export function withCodec(model: Model): Model {
  const { table, dimension, columns, condition } = model.record;
  if (table !== null) return model;
  if (condition !== null || model.record.source !== 'gaussian') {
    throw new FlowError('ERR_FLOW_CONFIG', 'this model needs conditions or start rows, which the command line cannot give. Use model.sample() in a program.', {
      path: 'model',
    });
  }
  const codec: TableCodec = {
    version: 1,
    width: dimension,
    leftOut: [],
    columns: Array.from({ length: dimension }, (_, first) => ({
      name: columns?.[first] ?? `x${first}`,
      kind: 'number',
      encoding: 'value',
      first,
      width: 1,
      min: -1e30,
      max: 1e30,
      transform: 'none',
      scale: 1,
      offset: 0,
      grid: null,
      format: null,
    })),
  };
  return Model.fromRecord({ ...model.record, table: codec });
}
