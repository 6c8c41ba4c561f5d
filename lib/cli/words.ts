// Errors of the library in the words of the command line: where it speaks of options, they speak of flags.

import { FlowError } from '../errors.ts';
import type { Objective } from '../losses/objective.ts';
import { solvers, stochasticSolvers } from '../solvers/solvers.ts';
import { objectiveName, objectives } from './flags.ts';

const solverNames = Object.keys({ ...solvers, ...stochasticSolvers }).join('|');
/** Options of the library that have another name here. */
const renamed: ReadonlyMap<string, string> = new Map([['batchSize', 'batch']]);
/** Options of tables, whose errors have no other place. */
const tableOptions: ReadonlySet<string> = new Set(['keep', 'drop', 'target', 'given']);
/** `options.guidance`, `options.solver.steps`, `options.network.hidden[0]`, `rk4.rtol` */
const place = new RegExp(`^(?:options\\.(?:solver\\.|network\\.|optimiser\\.)?|(?:${solverNames})\\.)(\\w+)(?:\\[\\d+\\])?$`);
/** `euler({ steps: 4 })`, and a solver by itself */
const withOption = new RegExp(`\\b(${solverNames})\\(\\{ (\\w+): ([^{}]*?) \\}\\)`, 'g');
/** `objective: scoreAndFlow()` and `independent()` */
const named = new RegExp(`\\b(?:objective: )?(independent|${Object.values(objectives).join('|')})\\(\\)`, 'g');
const alone = new RegExp(`\\b(Use )?(${solverNames})\\(\\)`, 'g');

/** An error about an option of the library, in the words of the command line: `options.guidance` is --guidance, `options.solver.steps` --steps, `dropCondition: 0.1` --drop-condition 0.1, and `euler({ steps: 4 })` --solver euler --steps 4. */
export function inFlags(error: unknown, flags: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof FlowError) || error.path === undefined) return error;
  const { code, path, expected, received, hint, message } = error;
  const option = place.exec(path)?.[1] ?? '';
  const flag = path.startsWith('--') ? path : flags.get(tableOptions.has(path) ? path : (renamed.get(option) ?? option));
  if (flag === undefined) return error;
  const words = (text: string): string =>
    text
      .replace(withOption, (whole, solver: string, name: string, value: string) =>
        flags.has('solver') && flags.has(name) ? `--solver ${solver} ${flags.get(name)} ${value}` : whole,
      )
      .replace(alone, (_, use: string | undefined, solver: string) => (use === undefined ? solver : `Use --solver ${solver}`))
      .replace(named, (whole, name: string) => {
        if (name === 'independent') return flags.has('coupling') ? `${flags.get('coupling')} ${name}` : whole;
        return flags.has('objective') ? `${flags.get('objective')} ${objectiveName(name as Objective['name'])}` : whole;
      })
      .replace(/\boptions\.(?:solver\.)?(\w+)/g, (whole, name: string) => flags.get(name) ?? whole)
      .replace(/(?<![-.\w])(\w+): (\d[\d.]*\d|\d)/g, (whole, name: string, value: string) => (flags.has(name) ? `${flags.get(name)} ${value}` : whole));
  const rest = message.startsWith(`${path}:`) ? `${flag}:${words(message.slice(path.length + 1))}` : words(message);
  if (flag === path && rest === message) return error;
  return new FlowError(code, rest, { path: flag, expected: expected && words(expected), received, hint: hint && words(hint), cause: error });
}
