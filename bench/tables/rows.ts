// Tables of one row a choice, kept in one JSON file: { ...settings, part: { row: { column: figure } } }. A run adds the rows that are missing, each as it comes, so that it
// may be stopped and taken up again; a row is measured anew once it is taken out of the file.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export type Row = Record<string, number>;

/**
 * Opens the file, or begins it, and returns `fill`, which measures the rows of a part that it lacks and keeps those of the part in the order of `names`, rows of other
 * names behind them.
 * @throws Error where its rows were measured with other settings: figures of different runs do not go into one table.
 */
export function openRows(
  file: string,
  settings: Readonly<Record<string, number>>,
): (part: string, names: readonly string[], measure: (name: string) => Promise<Row>) => Promise<void> {
  const stored: Record<string, unknown> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { ...settings };
  for (const [name, value] of Object.entries(settings))
    if (stored[name] !== value) throw new Error(`${file} holds rows of ${name} = ${stored[name]}, not ${value}: move it away to measure them all again`);
  return async (part, names, measure) => {
    const known = { ...(stored[part] as Record<string, Row> | undefined) };
    const others = Object.fromEntries(Object.entries(known).filter(([name]) => !names.includes(name)));
    for (const name of names) {
      if (name in known) continue;
      known[name] = await measure(name);
      console.error(part, name, JSON.stringify(known[name]));
      stored[part] = { ...Object.fromEntries(names.filter((n) => n in known).map((n) => [n, known[n]])), ...others };
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify(stored, null, 2)}\n`);
    }
  };
}
