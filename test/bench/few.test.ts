// The table of few steps: its bar on made-up cells, on either side, and that `--check` hears of a cell outside; and the summary in docs/choosing.md, number by number.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { outside } from '../../bench/tables/outside.ts';
import { type Task, tasks } from '../../bench/tables/published.ts';
import { fewRatio, fewVerdict, recipeNames, renderFew } from '../../bench/tables/render-few.ts';
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

it('has the stored cells in docs/choosing.md as they are, those outside in bold, and the advised recipe inside', () => {
  const cells = load('few');
  expect(cells.length).toBeGreaterThan(0);
  expect(outside((name) => (name === 'few' ? cells : [])).filter((which) => which.startsWith('few: meanFlow on'))).toEqual([]);
  const page = readFileSync('docs/choosing.md', 'utf8');
  const section = page.slice(page.indexOf('\n## One evaluation'), page.indexOf('\n## Solver'));
  const row = (name: string, of: (task: Task) => string): string => `| ${[name, ...tasks.map(of)].join(' | ')} |`;
  const short = (value: number): string => value.toFixed(3).replace(/^0/, '');
  for (const [recipe, name] of Object.entries(recipeNames)) {
    if (!cells.some(({ method }) => method === recipe)) continue;
    const figure = (task: Task): string => {
      const one = summary(cells, recipe, task, 'one');
      if (one === null) return '';
      const text = `${short(one.mean)} (${(fewRatio(cells, recipe, task) as number).toFixed(2)})`;
      return fewVerdict(cells, recipe, task)?.inside ? text : `**${text}**`;
    };
    expect(section).toContain(row(name, figure));
  }
  const floor = (task: Task): string => {
    const two = summary(cells, 'meanFlow', task, 'floor');
    return two === null ? '' : short(two.mean);
  };
  expect(section).toContain(row('two draws of the data', floor));
});
