// A stored baseline, and what fell behind it: fractions of the peak for each case and contender of ours, kept apart for each machine, since ratios to the peak
// of another CPU do not carry over.

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import type { Row } from './statistics.ts';

/** machine -> "case | contender" -> fraction of the peak. */
export type Baseline = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Share of a stored fraction that may be lost. */
export const tolerance = 0.1;

/** The CPU by its maker's numbers; its marketing name alone is shared by many. */
export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  try {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const number = (name: string): string => new RegExp(`^${name}\\s*:\\s*(\\d+)`, 'm').exec(text)?.[1] ?? '?';
    return `${model}, family ${number('cpu family')} model ${number('model')} stepping ${number('stepping')}`;
  } catch {
    return model;
  }
}

export const entry = (row: Pick<Row, 'id' | 'contender'>): string => `${row.id} | ${row.contender}`;

export interface Verdict {
  /** False: nothing is stored for this machine, and nothing was judged. */
  readonly known: boolean;
  readonly slower: readonly { readonly row: Row; readonly stored: number }[];
  /** Rows that the baseline of this machine does not name. */
  readonly fresh: readonly Row[];
}

/** Holds rows against the baseline of `here`. */
export function compare(baseline: Baseline, here: string, rows: readonly Row[]): Verdict {
  const stored = baseline[here];
  if (stored === undefined) return { known: false, slower: [], fresh: rows };
  const slower: { row: Row; stored: number }[] = [];
  const fresh: Row[] = [];
  for (const row of rows) {
    const before = stored[entry(row)];
    if (before === undefined) fresh.push(row);
    else if (!(row.fraction.median >= (1 - tolerance) * before)) slower.push({ row, stored: before });
  }
  return { known: true, slower, fresh };
}

/** The baseline with these rows in place of what was stored for them. */
export function updated(baseline: Baseline, here: string, rows: readonly Row[]): Baseline {
  const mine = { ...baseline[here], ...Object.fromEntries(rows.map((row) => [entry(row), Number(row.fraction.median.toFixed(4))])) };
  return { ...baseline, [here]: Object.fromEntries(Object.entries(mine).sort(([a], [b]) => (a < b ? -1 : 1))) };
}
