// npm run bench:tables -- [t1 | t3 | few | nll | render] [--seeds N] [--steps 20000] [--only OT-CFM] [--task N->moons] [--full] [--check]
//   t1, t3, few, nll   measure what the stored cells lack, then render; without a name all but few. --seeds is 5 (few: 1) where it is not given; a cell of few trains for
//   about 40 s on one core and then takes four exact W2. t3 leaves the long cells (continuous conditions) out without --full; --steps is for t1 and t3; --only takes methods of t1,
//   columns of t3, recipes of few (meanFlow, shortcut, reflow, meanFlow+OT, shortcut+OT)
//   render   write docs/tables.md, and the summary of few in docs/choosing.md, from what is stored; --check fails when a cell is outside its band, --verify (writes nothing) when a page is another

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as few from './few.ts';
import * as nll from './nll.ts';
import { outside } from './outside.ts';
import { type Task, t3 as t3Published, tasks } from './published.ts';
import { render } from './render.ts';
import { writeFewSummary } from './render-few.ts';
import { fill, load, summary } from './store.ts';
import * as t1 from './t1.ts';
import * as t3 from './t3.ts';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    seeds: { type: 'string' },
    steps: { type: 'string', default: '20000' },
    only: { type: 'string' },
    task: { type: 'string' },
    full: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    verify: { type: 'boolean', default: false },
  },
});
const steps = Number(values.steps);
const upTo = (usual: number): number[] => Array.from({ length: Number(values.seeds ?? usual) }, (_, i) => i + 1);
const seeds = upTo(5);
const chosen = (name: string, filter: string | undefined): boolean => filter === undefined || filter === name || filter.split(',').includes(name);
const run = positionals.length === 0 ? ['t1', 't3', 'nll'] : positionals;

if (run.includes('t1')) {
  for (const seed of seeds) {
    const columns = tasks.filter((task) => chosen(task, values.task));
    await fill(
      't1',
      columns.map((task) => ({ method: 'reference', task, seed })),
      (_, task, s) => t1.reference(task as Task, s),
    );
    const wanted = Object.keys(t1.methods)
      .filter((method) => chosen(method, values.only))
      .flatMap((method) => columns.map((task) => ({ method, task, seed })))
      .filter(({ method, task }) => !t1.methods[method]?.gaussian || task.startsWith('N->'));
    await fill('t1', wanted, (method, task, s) => t1.cell(method, task as Task, s, steps, summary(load('t1'), 'reference', task, 'w2Squared')?.mean as number));
  }
}
if (run.includes('t3')) {
  const columns = Object.keys(t3Published).filter((column) => chosen(column, values.only) && (values.full || !column.endsWith(', x')));
  const task = '8gaussians->moons';
  for (const seed of seeds) {
    await fill('t3', [{ method: 'reference', task, seed }], (_, __, s) => t3.floor(s));
    await fill(
      't3',
      columns.map((method) => ({ method, task, seed })),
      (method, _, s) => t3.cell(method, s, steps),
    );
  }
}
if (run.includes('few')) {
  const wanted = Object.keys(few.recipes)
    .filter((recipe) => chosen(recipe, values.only))
    .flatMap((method) => tasks.filter((task) => chosen(task, values.task)).map((task) => ({ method, task })));
  for (const seed of upTo(1))
    await fill(
      'few',
      wanted.map((which) => ({ ...which, seed })),
      (method, task, s) => few.cell(method, task as Task, s),
    );
}
if (run.includes('nll')) {
  const columns = nll.nllTasks.filter((task) => chosen(task, values.task));
  for (const seed of seeds)
    await fill(
      'nll',
      columns.map((task) => ({ method: 'flow', task, seed })),
      (_, task, s) => nll.cell(task as nll.NllTask, s),
    );
}
const pages = { 'docs/tables.md': render, 'docs/choosing.md': (page: string) => writeFewSummary(page, load('few')) };
let same = true;
for (const [file, write] of Object.entries(pages)) {
  const page = readFileSync(file, 'utf8');
  const written = write(page);
  if (written === page) continue;
  same = false;
  if (values.verify) console.error(`${file} is not what the stored cells give: run \`npm run bench:tables -- render\`.`);
  else writeFileSync(file, written);
}
if (values.verify) process.exit(same ? 0 : 1);

const beyond = outside(load);
console.log(beyond.length === 0 ? 'every cell that has a bar is inside it' : `outside: ${beyond.join('; ')}`);
process.exit(values.check && beyond.length > 0 ? 1 : 0);
