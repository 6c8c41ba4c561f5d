// Measured cells, one JSON line each, kept in the tree: bench/results/tables/<table>.jsonl. A run adds what is missing, so that it may be stopped and taken up again.

import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Cell {
  /** Row of the table: the method. */
  readonly method: string;
  /** Column: the task. */
  readonly task: string;
  readonly seed: number;
  /** Figures by name, e.g. { w2, npe }. */
  readonly figures: Readonly<Record<string, number>>;
  /** Network evaluations per sample. */
  readonly nfe: number;
  /** Seconds of training, of all models that the method needs. Wall clock of one thread beside whatever else ran; of `few` processor time. */
  readonly seconds: number;
  readonly steps: number;
}

export const fileOf = (table: string): string => join('bench/results/tables', `${table}.jsonl`);

export function load(table: string): Cell[] {
  const file = fileOf(table);
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Cell);
}

export function add(table: string, cell: Cell): void {
  mkdirSync(dirname(fileOf(table)), { recursive: true });
  appendFileSync(fileOf(table), `${JSON.stringify(cell)}\n`);
}

/** Mean, deviation (of a sample; 0 for one) and number of a figure over the seeds of a cell; null where nothing was measured. */
export function summary(cells: readonly Cell[], method: string, task: string, figure: string): { mean: number; std: number; count: number } | null {
  const values = cells.filter((cell) => cell.method === method && cell.task === task && figure in cell.figures).map((cell) => cell.figures[figure] as number);
  if (values.length === 0) return null;
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  const squares = values.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { mean, std: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0, count: values.length };
}

/** Runs `work` for each (method, task, seed) that the table does not hold yet. */
export async function fill(
  table: string,
  wanted: readonly { readonly method: string; readonly task: string; readonly seed: number }[],
  work: (method: string, task: string, seed: number) => Promise<Cell>,
): Promise<void> {
  for (const { method, task, seed } of wanted) {
    if (load(table).some((cell) => cell.method === method && cell.task === task && cell.seed === seed)) continue;
    const cell = await work(method, task, seed);
    add(table, cell);
    const figures = Object.entries(cell.figures).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    console.error(`${table} | ${method} | ${task} | seed ${seed} | ${figures.join(', ')} | ${cell.seconds.toFixed(0)} s`);
  }
}
