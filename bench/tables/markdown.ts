// Numbers and rows of docs/tables.md, as they are printed.

import type { Figure } from './published.ts';

export const number = (value: number): string => value.toFixed(3).replace(/^(-?)0\./, '$1.');
/** Mean and, of several seeds, deviation. */
export const mine = (s: { mean: number; std: number; count: number } | null): string =>
  s === null ? '' : `${number(s.mean)}${s.count > 1 ? ` ± ${number(s.std)}` : ''}`;
/** A published figure; a dash where there is none. */
export const theirs = (figure: Figure | undefined): string =>
  figure === undefined ? '–' : `${number(figure.mean)}${figure.std === undefined ? '' : ` ± ${number(figure.std)}`}`;
export const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
export const head = (cells: readonly string[]): string[] => [line(cells), `|${'---|'.repeat(cells.length)}`];
