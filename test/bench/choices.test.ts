// The figures of docs/choosing.md are those that bench/tables/choices.ts stored: every stored row stands in its section, each number rounded as it is printed.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const page = read('docs/choosing.md');
type Table = Record<string, Record<string, number>>;
const stored = JSON.parse(read('bench/results/choices.json')) as Record<string, Table>;

/** The text of the section whose heading begins so. */
function section(heading: string): string {
  const start = page.indexOf(`\n## ${heading}`);
  const end = page.indexOf('\n## ', start + 1);
  return start < 0 ? '' : page.slice(start, end < 0 ? undefined : end);
}
/** Whether what is printed is the value, rounded to the digits that are there: `.95`, `388`, `1.2e-05`. */
function rounds(printed: string, value: number): boolean {
  const parts = /^-?\d*\.?(\d*)(?:e(-?\d+))?$/.exec(printed);
  if (parts === null) return false;
  const unit = 10 ** (Number(parts[2] ?? 0) - (parts[1] as string).length);
  return Math.abs(Number(printed) - value) <= unit / 2 + 1e-12;
}

const headings = { couplings: 'Coupling', paths: 'Path', solvers: 'Solver', tolerances: 'Solver', noisy: 'Solver' } as const;

it('knows every part that is stored', () => {
  expect(Object.keys(stored).filter((key) => !(key in headings))).toEqual(['steps', 'seeds']);
});

describe.each(Object.entries(headings).filter(([part]) => part in stored))('%s', (part, heading) => {
  it.each(Object.entries(stored[part] ?? {}))('%s', (name, values) => {
    const rows = section(heading)
      .split('\n')
      .filter((line) => line.startsWith(`| \`${name}\` |`))
      .map((line) => line.split('|').slice(2, -1));
    const wanted = Object.values(values);
    // A cell may hold several numbers: "0.012 (34)".
    const found = rows.map((cells) => cells.flatMap((cell) => cell.match(/-?\d*\.?\d+(?:e-?\d+)?/g) ?? []));
    const same = found.some((printed) => printed.length === wanted.length && printed.every((number, i) => rounds(number, wanted[i] as number)));
    expect(same, `${name}: stored ${wanted.join(', ')}; printed ${found.map((row) => row.join(', ')).join(' and ')}`).toBe(true);
  });
});
