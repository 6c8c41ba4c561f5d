// The section `Few steps` of docs/tables.md, and its summary in docs/choosing.md: W2 in one step and in four beside that of many, and whether one step is within 1.5 times
// the many.

import { counted } from '../../lib/errors.ts';
import { head, line, mine, number } from './markdown.ts';
import { type Task, tasks } from './published.ts';
import { type Cell, summary } from './store.ts';

/** What a recipe of bench/tables/few.ts is called in the tables. */
export const recipeNames: Readonly<Record<string, string>> = {
  meanFlow: 'teacher, mean flow',
  shortcut: 'teacher, shortcuts',
  reflow: 'teacher, reflow',
  'meanFlow+OT': 'transport, mean flow',
  'shortcut+OT': 'transport, shortcuts',
};

/** W2 in one step over W2 in many, each the mean of its seeds; null where nothing was measured. */
export function fewRatio(cells: readonly Cell[], recipe: string, task: Task): number | null {
  const one = summary(cells, recipe, task, 'one');
  const many = summary(cells, recipe, task, 'many');
  return one === null || many === null ? null : one.mean / many.mean;
}

/** The bar is on recipes with a teacher, which docs/choosing.md advises; null for the others, and where nothing was measured. */
export function fewVerdict(cells: readonly Cell[], recipe: string, task: Task): { readonly inside: boolean; readonly bar: string } | null {
  const ratio = fewRatio(cells, recipe, task);
  const many = cells.find((cell) => cell.method === recipe)?.nfe;
  return ratio === null || recipe.endsWith('+OT') ? null : { inside: ratio <= 1.5, bar: `1 step <= 1.5 × ${many} steps` };
}

export function renderFew(cells: readonly Cell[]): string[] {
  const out = head(['task', 'recipe', '1 step', '4 steps', 'many', 'NFE of many', 'two draws', '1 step / many', 'seeds', 'train, s', 'bar', '']);
  for (const task of tasks)
    for (const [recipe, name] of Object.entries(recipeNames)) {
      const some = cells.filter((cell) => cell.method === recipe && cell.task === task);
      const ratio = fewRatio(cells, recipe, task);
      if (ratio === null) continue;
      const verdict = fewVerdict(cells, recipe, task);
      const figure = (which: string): string => mine(summary(cells, recipe, task, which));
      out.push(
        line([
          task.replace('->', ' → '),
          name,
          figure('one'),
          figure('four'),
          figure('many'),
          String(some[0]?.nfe ?? ''),
          figure('floor'),
          number(ratio),
          String(some.length),
          (some.reduce((sum, cell) => sum + cell.seconds, 0) / some.length).toFixed(0),
          verdict?.bar ?? '',
          verdict === null ? '' : verdict.inside ? 'inside' : '**outside**',
        ]),
      );
    }
  return out;
}

/** One line a recipe: W2 in one step and, in brackets, how many times that in many and of how many seeds both are the means. */
export function fewSummary(cells: readonly Cell[]): string[] {
  const seeds = (count: number): string => counted(count, 'seed');
  const cell = (recipe: string, task: Task): string => {
    const one = summary(cells, recipe, task, 'one');
    if (one === null) return '';
    const text = `${number(one.mean)} (${(fewRatio(cells, recipe, task) as number).toFixed(2)}, ${seeds(one.count)})`;
    return fewVerdict(cells, recipe, task)?.inside === false ? `**${text}**` : text;
  };
  const floor = (task: Task): string => {
    const two = summary(cells, 'meanFlow', task, 'floor');
    return two === null ? '' : `${number(two.mean)} (${seeds(two.count)})`;
  };
  const known = Object.entries(recipeNames).filter(([recipe]) => cells.some(({ method }) => method === recipe));
  return [
    ...head(['one step', ...tasks.map((task) => task.replace('->', ' → ').replace('8gaussians', '8 gaussians'))]),
    ...known.map(([recipe, name]) => line([name, ...tasks.map((task) => cell(recipe, task))])),
    line(['two draws of the data', ...tasks.map(floor)]),
  ];
}

const marks = /(<!-- tables:few -->\n)[\s\S]*?(<!-- \/tables -->)/;
/** docs/choosing.md with the summary between its marks written anew. @throws Error where the marks are missing */
export function writeFewSummary(page: string, cells: readonly Cell[]): string {
  if (!marks.test(page)) throw new Error('docs/choosing.md has no <!-- tables:few --> ... <!-- /tables -->');
  return page.replace(marks, (_, open: string, close: string) => `${open}\n${fewSummary(cells).join('\n')}\n\n${close}`);
}
