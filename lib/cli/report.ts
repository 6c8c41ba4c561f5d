// `flowmatch report`: generated rows against the real table, as one self-contained HTML page.

import { FlowError } from '../errors.ts';
import { worstColumn, writeReport } from '../report/index.ts';
import { openTable } from '../table/source.ts';
import { loadModel } from './model.ts';
import { checkPlace } from './place.ts';
import type { Session } from './session.ts';
import { bytes, c2stText, count } from './terminal.ts';

export interface ReportFlags {
  readonly table: string;
  readonly output: string;
  readonly rows?: number;
  readonly null?: readonly string[];
  readonly seed: number;
  readonly threads?: number;
}

export async function report(file: string, flags: ReportFlags, { terminal, signal }: Session): Promise<void> {
  checkPlace(flags.output, { inputs: { model: file, table: flags.table }, endings: ['.html', '.htm'] });
  terminal.progress({ event: 'start', file }, () => `reading ${flags.table} ...`, true);
  const model = await loadModel(file);
  try {
    if (model.record.table === null) {
      const hint = 'A report needs a model of a table: flowmatch fit TABLE -o MODEL.';
      throw new FlowError('ERR_FLOW_CONFIG', `${file}: was trained on rows without a table, so it has no columns to compare. ${hint}`, {
        path: file,
        expected: 'a table model',
        hint,
      });
    }
    const made = await writeReport(model, await openTable(flags.table), flags.output, {
      title: `${flags.table}: real and synthetic`,
      facts: [['model', file]],
      nulls: flags.null ?? [],
      seed: flags.seed,
      signal,
      onDraw: (n) => terminal.progress({ event: 'sample', rows: n }, () => `drawing ${count(n)} rows ...`, true),
      ...(flags.rows === undefined ? {} : { n: flags.rows }),
      ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    });
    const { html, measures } = made;
    const { rows } = measures;
    const worst = worstColumn(measures.columns);
    const largest = measures.correlation.largest;
    const text = [
      `wrote ${flags.output} (${bytes(Buffer.byteLength(html))}): ${count(rows.synthetic)} generated rows against ${count(rows.real)} real ones`,
      ...(worst ? [`  largest distance of a column ${worst.distance.toFixed(3)} (${worst.name}, ${worst.measure})`] : []),
      ...(largest ? [`  largest correlation error ${largest.error.toFixed(3)} (${largest.a} with ${largest.b})`] : []),
      ...(measures.c2st ? [`  ${c2stText(measures.c2st)}`] : []),
      `  rows equal to a real one: ${count(measures.copies.synthetic)}`,
    ].join('\n');
    terminal.endProgress();
    terminal.result({ event: 'done', file: flags.output, rows: rows.synthetic, measures }, text);
  } finally {
    model.dispose();
  }
}
