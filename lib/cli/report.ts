// `flowmatch report`: generated rows against the real table, as one self-contained HTML page.

import { Model } from '../model/model.ts';
import { writeWhole } from '../plot/index.ts';
import { lossHistory } from '../report/history.ts';
import { measure } from '../report/measures.ts';
import { reportPage } from '../report/page.ts';
import type { Value } from '../table/codec.ts';
import { mostRealRows } from '../table/prepare.ts';
import { readRealRows } from '../table/read.ts';
import { sampleTable, tableCodec } from '../table/sample.ts';
import { openTable } from '../table/source.ts';
import type { Session } from './session.ts';
import { bytes, count } from './terminal.ts';

export interface ReportFlags {
  readonly table: string;
  readonly output: string;
  readonly rows?: number;
  readonly null?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
}

export async function report(file: string, flags: ReportFlags, { terminal, signal }: Session): Promise<void> {
  terminal.progress({ event: 'start', file }, () => `reading ${flags.table} ...`, true);
  const model = await Model.load(file);
  try {
    const codec = tableCodec(model);
    const real = await readRealRows(await openTable(flags.table), codec, { nulls: flags.null ?? [], most: mostRealRows, signal });
    const synthetic: (readonly Value[])[] = [];
    const n = flags.rows ?? real.rows.length;
    terminal.progress({ event: 'sample', rows: n }, () => `drawing ${count(n)} rows ...`, true);
    for await (const batch of sampleTable(model, { n, seed: flags.seed, threads: flags.threads, signal })) synthetic.push(...batch.rows);
    const measures = measure(codec, real.rows, synthetic);
    const { hash, step, network } = model.info();
    const facts: [string, string][] = [
      ['model', file],
      ['table', flags.table],
      ['seed', String(flags.seed)],
      ['network', network],
      ['steps', step === null ? 'unknown' : count(step)],
      ['sha', hash?.slice(0, 12) ?? 'unknown'],
    ];
    const history = lossHistory(model.record.training);
    const html = reportPage({
      title: `${flags.table}: real and synthetic`,
      facts,
      codec,
      real: real.rows,
      synthetic,
      measures,
      history,
      leftOut: real.missing,
    });
    await writeWhole(flags.output, html);
    const worst = measures.columns.reduce((a, b) => (a.distance >= b.distance ? a : b));
    const largest = measures.correlation.largest;
    const text = [
      `wrote ${flags.output} (${bytes(Buffer.byteLength(html))}): ${count(synthetic.length)} generated rows against ${count(real.rows.length)} real ones`,
      `  largest distance of a column ${worst.distance.toFixed(3)} (${worst.name}, ${worst.measure})`,
      ...(largest ? [`  largest correlation error ${largest.error.toFixed(3)} (${largest.a} with ${largest.b})`] : []),
      `  rows equal to a real one: ${count(measures.copies.synthetic)}`,
    ].join('\n');
    terminal.endProgress();
    terminal.result({ event: 'done', file: flags.output, rows: synthetic.length, measures }, text);
  } finally {
    model.dispose();
  }
}
