// The table of few steps: its bar on made-up cells, on either side, and that `--check` hears of a cell outside; and the summary in docs/choosing.md, number by number.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { outside } from '../../bench/tables/outside.ts';
import { type Task, tasks } from '../../bench/tables/published.ts';
import { fewRatio, fewSummary, fewVerdict, recipeNames, renderFew, writeFewSummary } from '../../bench/tables/render-few.ts';
import { type Cell, load, summary } from '../../bench/tables/store.ts';

const cell = (one: number, many: number, seed = 1, nfe = 100): Cell => ({
  method: nfe === 128 ? 'shortcut' : 'meanFlow',
  task: 'N->moons',
  seed,
  figures: { one, four: one, many, floor: 0.03 },
  nfe,
  seconds: 10,
  steps: 12_000,
});

it('sets the bar at 1.5 times the many steps, of the means over the seeds', () => {
  expect(fewVerdict([], 'meanFlow', 'N->moons')).toBe(null);
  expect(fewVerdict([cell(0.15, 0.1)], 'meanFlow', 'N->moons')).toEqual({ inside: true, bar: '1 step <= 1.5 × 100 steps' });
  expect(fewVerdict([cell(0.151, 0.1)], 'meanFlow', 'N->moons')?.inside).toBe(false);
  expect(fewVerdict([cell(0.1, 0.1, 1, 128)], 'shortcut', 'N->moons')?.bar).toBe('1 step <= 1.5 × 128 steps');
  expect(fewRatio([cell(0.16, 0.1), cell(0.12, 0.1, 2)], 'meanFlow', 'N->moons')).toBeCloseTo(1.4, 12);
});

it('marks a cell outside, in the page and for --check', () => {
  const [good, bad] = [[cell(0.11, 0.1)], [cell(0.2, 0.1)]];
  expect(renderFew(good).at(-1)).toBe(
    '| N → moons | teacher, mean flow | .110 | .110 | .100 | 100 | .030 | 1.100 | 1 | 10 | 1 step <= 1.5 × 100 steps | inside |',
  );
  expect(renderFew(bad).at(-1)).toMatch(/\| \*\*outside\*\* \|$/);
  const table = (few: Cell[]) => (name: string) => (name === 'few' ? few : []);
  expect(outside(table(good))).toEqual([]);
  expect(outside(table(bad))).toEqual(['few: meanFlow on N->moons']);
});

it('sets no bar without a teacher, and shows the ratio', () => {
  const bad = [{ ...cell(0.2, 0.1), method: 'meanFlow+OT' }];
  expect(fewVerdict(bad, 'meanFlow+OT', 'N->moons')).toBe(null);
  expect(renderFew(bad).at(-1)).toBe('| N → moons | transport, mean flow | .200 | .200 | .100 | 100 | .030 | 2.000 | 1 | 10 |  |  |');
  expect(outside((name) => (name === 'few' ? bad : []))).toEqual([]);
  expect(fewSummary(bad)).toContain('| transport, mean flow |  |  |  | .200 (2.00, 1 seed) |  |');
});

it('says in the summary of how many seeds a cell is the mean, and what is outside', () => {
  const page = 'before\n<!-- tables:few -->\nold\n<!-- /tables -->\nafter\n';
  const cells = [cell(0.2, 0.1), { ...cell(0.1, 0.1), task: 'N->scurve' }, { ...cell(0.2, 0.2, 2), task: 'N->scurve' }];
  const written = writeFewSummary(page, cells);
  expect(written).toContain('\n| teacher, mean flow |  |  |  | **.200 (2.00, 1 seed)** | .150 (1.00, 2 seeds) |\n');
  expect(written).toContain('\n| two draws of the data |  |  |  | .030 (1 seed) | .030 (2 seeds) |\n');
  expect([written.startsWith('before\n<!--'), written.endsWith('-->\nafter\n'), written.includes('old')]).toEqual([true, true, false]);
  expect(writeFewSummary(written, cells)).toBe(written);
  expect(() => writeFewSummary('no marks', cells)).toThrow('has no <!-- tables:few -->');
});

it('has the stored cells in docs/choosing.md as they are, with their seeds, those outside in bold; and all that has a bar is inside', () => {
  const cells = load('few');
  expect(cells.length).toBeGreaterThan(0);
  expect(outside((name) => (name === 'few' ? cells : []))).toEqual([]);
  const page = readFileSync('docs/choosing.md', 'utf8');
  const section = page.slice(page.indexOf('\n## One evaluation'), page.indexOf('\n## Solver'));
  const row = (name: string, of: (task: Task) => string): string => `| ${[name, ...tasks.map(of)].join(' | ')} |`;
  const seeds = (count: number): string => `${count} seed${count === 1 ? '' : 's'}`;
  const short = (value: number): string => value.toFixed(3).replace(/^0/, '');
  for (const [recipe, name] of Object.entries(recipeNames)) {
    if (!cells.some(({ method }) => method === recipe)) continue;
    const figure = (task: Task): string => {
      const one = summary(cells, recipe, task, 'one');
      if (one === null) return '';
      const text = `${short(one.mean)} (${(fewRatio(cells, recipe, task) as number).toFixed(2)}, ${seeds(one.count)})`;
      return fewVerdict(cells, recipe, task)?.inside === false ? `**${text}**` : text;
    };
    expect(section).toContain(row(name, figure));
  }
  const floor = (task: Task): string => {
    const two = summary(cells, 'meanFlow', task, 'floor');
    return two === null ? '' : `${short(two.mean)} (${seeds(two.count)})`;
  };
  expect(section).toContain(row('two draws of the data', floor));
});
