// The section `Few steps` of docs/tables.md: W2 in one step and in four beside that of many, and whether one step is within 1.5 times the many.

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

export function fewVerdict(cells: readonly Cell[], recipe: string, task: Task): { readonly inside: boolean; readonly bar: string } | null {
  const ratio = fewRatio(cells, recipe, task);
  const many = cells.find((cell) => cell.method === recipe)?.nfe;
  return ratio === null ? null : { inside: ratio <= 1.5, bar: `1 step <= 1.5 × ${many} steps` };
}

export function renderFew(cells: readonly Cell[]): string[] {
  const out = head(['task', 'recipe', '1 step', '4 steps', 'many', 'NFE of many', 'two draws', '1 step / many', 'seeds', 'train, s', 'bar', '']);
  for (const task of tasks)
    for (const [recipe, name] of Object.entries(recipeNames)) {
      const some = cells.filter((cell) => cell.method === recipe && cell.task === task);
      const verdict = fewVerdict(cells, recipe, task);
      if (verdict === null) continue;
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
          number(fewRatio(cells, recipe, task) as number),
          String(some.length),
          (some.reduce((sum, cell) => sum + cell.seconds, 0) / some.length).toFixed(0),
          verdict.bar,
          verdict.inside ? 'inside' : '**outside**',
        ]),
      );
    }
  return out;
}
