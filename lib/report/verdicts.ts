// The report card: each number with a plain sentence, what a good value is, and where this one stands. A bound is never tighter than chance.

import type { C2stResult } from '../metrics/index.ts';
import { escapeHtml } from '../plot/index.ts';
import type { Measures } from './measures.ts';
import { belowChance } from './told-apart.ts';

const standings = ['good', 'look', 'poor'] as const;
export type Standing = (typeof standings)[number];

export interface Verdict {
  readonly name: string;
  /** The number, short. */
  readonly value: string;
  readonly standing: Standing;
  /** HTML: what it means. */
  readonly meaning: string;
  /** HTML: what a good value is here. */
  readonly good: string;
}

/** Distances at or below this, or below chance, count as equal. */
const closeEnough = 0.05;

export const standingOf = (value: number, chance: number): Standing => {
  const bound = Math.max(closeEnough, chance);
  return value <= bound ? 'good' : value <= 2 * bound ? 'look' : 'poor';
};

/** Three significant digits, plain. */
export const short = (value: number): string =>
  !Number.isFinite(value)
    ? '–'
    : Math.abs(value) >= 1e6 || (Math.abs(value) < 1e-4 && value !== 0)
      ? value.toExponential(2)
      : String(Number(value.toPrecision(3)));
export const count = (value: number): string => value.toLocaleString('en-GB');
const decimals = (value: number): string => value.toFixed(3);

/** Of the columns of the worst standing the one that is farthest off. */
export function worstColumn(columns: Measures['columns']): Measures['columns'][number] | undefined {
  const rank = ({ distance, chance }: Measures['columns'][number]): number => standings.indexOf(standingOf(distance, chance));
  return [...columns].sort((a, b) => rank(b) - rank(a) || b.distance - a.distance)[0];
}

export function verdicts(m: Measures): Verdict[] {
  const list: Verdict[] = [];
  const worst = worstColumn(m.columns);
  if (worst) {
    list.push({
      name: 'Largest column distance',
      value: decimals(worst.distance),
      standing: standingOf(worst.distance, worst.chance),
      meaning: `How far the synthetic column <b>${escapeHtml(worst.name)}</b> is from the real one: the largest gap between their distributions (0 = equal, 1 = apart).`,
      good: `Good: at most ${decimals(Math.max(closeEnough, worst.chance))}. At these row counts chance alone reaches ${decimals(worst.chance)}.`,
    });
  }
  const r = m.correlation.largest;
  if (r) {
    list.push({
      name: 'Largest correlation error',
      value: decimals(r.error),
      standing: standingOf(r.error, r.chance),
      meaning: `Columns that move together must still do so. The worst pair is <b>${escapeHtml(r.a)}</b> and <b>${escapeHtml(r.b)}</b>.`,
      good: `Good: at most ${decimals(Math.max(closeEnough, r.chance))}. At these row counts chance alone reaches ${decimals(r.chance)}.`,
    });
  }
  if (m.c2st) list.push(classifierVerdict(m.c2st));
  const share = m.copies.synthetic / Math.max(1, m.rows.synthetic);
  const usual = m.rows.heldOut > 0 ? m.copies.heldOut / m.rows.heldOut : 0;
  list.push({
    name: 'Exact copies',
    value: count(m.copies.synthetic),
    standing: m.copies.synthetic === 0 || share <= usual ? 'good' : share <= 0.01 || !m.copies.continuous ? 'look' : 'poor',
    meaning: `Synthetic rows that equal a real row in every column, of ${count(m.rows.synthetic)}.`,
    good: m.copies.continuous
      ? `Good: 0${usual > 0 ? `, or no more than real rows among themselves (${count(m.copies.heldOut)} of ${count(m.rows.heldOut)})` : ''}.`
      : 'Without a numeric column equal rows are natural; compare with how often real rows repeat.',
  });
  const near = m.nearest;
  if (near) {
    const ratio = near.ratio;
    const against =
      near.reference === 'hold-out' ? `real rows that were not trained on (${count(m.rows.heldOut)} of them)` : 'each real row and the other real rows';
    list.push({
      name: 'Closest-record ratio',
      value: ratio === null ? 'none' : ratio.toFixed(2),
      standing: ratio === null ? 'look' : ratio >= 0.9 ? 'good' : ratio >= 0.7 ? 'look' : 'poor',
      meaning: `Median distance of a synthetic row to its closest training row, over the same for ${against}. Far below 1: rows were learnt by heart.`,
      good:
        ratio === null
          ? 'Not measurable: half of the real rows have an equal one.'
          : `Good: 0.9 or more (${short(near.synthetic)} against ${short(near.real)}).`,
    });
  }
  if (m.coverage.known > 0) list.push(coverageVerdict(m.coverage));
  return list;
}

function classifierVerdict(c2st: C2stResult): Verdict {
  const { accuracy, standardError: error } = c2st;
  const below = belowChance(c2st);
  return {
    name: 'Told apart (C2ST)',
    value: `${(100 * accuracy).toFixed(1)} %`,
    standing: accuracy <= indistinct ? 'good' : accuracy <= distinct ? 'look' : 'poor',
    meaning: `How often a small network, fitted to tell real from synthetic rows, is right about rows that it has not seen (± ${(100 * error).toFixed(1)}). It sees all columns together, and so what no single column shows.${below && ` ${below}`}`,
    good: `Good: ${100 * indistinct} % or less, 50 % is as good as guessing. Above ${100 * distinct} % the synthetic rows have a mark of their own.`,
  };
}
const [indistinct, distinct] = [0.6, 0.75];

/** A value of which five rows were to be expected is missing by chance in less than 1 % of the cases. */
const surely = 5;

function coverageVerdict({ known, drawn, missing, unseen }: Measures['coverage']): Verdict {
  const names = missing.slice(0, 4).map(({ column, value, expected }) => `${escapeHtml(column)} “${escapeHtml(value)}” (about ${short(expected)} expected)`);
  const lost = missing.length > 0 ? ` Not drawn: ${names.join(', ')}${missing.length > 4 ? ' …' : ''}.` : '';
  return {
    name: 'Category coverage',
    value: `${count(drawn)} of ${count(known)}`,
    standing: unseen > 0 || missing.some(({ expected }) => expected >= surely) ? 'poor' : missing.length > 0 ? 'look' : 'good',
    meaning: `Category values that occur in the synthetic rows.${lost}`,
    good: `Good: all of them, and none that the real table lacks (here ${count(unseen)}). Rare values may need more rows.`,
  };
}
