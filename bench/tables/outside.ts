// Every cell that is outside its band, by table: what `npm run bench:tables -- --check` fails for.

import { t3, tasks } from './published.ts';
import { nllVerdict, t1Verdict, t3Verdict } from './render.ts';
import { fewVerdict, recipeNames } from './render-few.ts';
import type { Cell } from './store.ts';

/** `table: row on column` of each cell outside; `load` gives a table's cells. */
export function outside(load: (table: string) => readonly Cell[]): string[] {
  const [one, three, few, nll] = ['t1', 't3', 'few', 'nll'].map(load) as [Cell[], Cell[], Cell[], Cell[]];
  return [
    ...[...new Set(one.map((cell) => cell.method))].flatMap((m) =>
      tasks.filter((task) => t1Verdict(one, m, task)?.inside === false).map((task) => `t1: ${m} on ${task}`),
    ),
    ...Object.keys(t3)
      .filter((column) => t3Verdict(three, column)?.inside === false)
      .map((column) => `t3: ${column}`),
    ...Object.keys(recipeNames).flatMap((m) => tasks.filter((task) => fewVerdict(few, m, task)?.inside === false).map((task) => `few: ${m} on ${task}`)),
    ...[...new Set(nll.map((cell) => cell.task))].filter((task) => nllVerdict(nll, task)?.inside === false).map((task) => `nll: ${task}`),
  ];
}
