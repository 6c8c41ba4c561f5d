// Documents from bench/results/*.json: the text between `<!-- bench:NAME -->` and `<!-- /bench -->` is written by this file and by nothing else.

import { counted } from '../lib/errors.ts';
import { cases, kinds } from './cases.ts';
import { type ColdStart, coldTable } from './cold-start.ts';
import { type CouplingTime, couplingTable } from './coupling.ts';
import { type Limits, limitsTables } from './limits.ts';
import { rooflineTable } from './roofline.ts';
import type { Share } from './share.ts';
import type { Row } from './statistics.ts';
import { fullTable, markdown, percent, ratioTable, time } from './table.ts';
import { type TransportTime, transportTable } from './transport.ts';

export interface Results {
  readonly about: {
    readonly machine: string;
    /** Cores of the machine, and those that the run was given. Runs before these were told apart have the latter as `cores`, alone. */
    readonly cores: number;
    readonly pinned?: number;
    readonly memory: string;
    readonly system: string;
    readonly pace: { readonly rounds: number; readonly seconds: number };
    readonly versions: Readonly<Record<string, string>>;
  };
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
  readonly cold?: readonly ColdStart[];
  readonly share?: readonly Share[];
  readonly limits?: Limits;
  readonly coupling?: readonly CouplingTime[];
  readonly transport?: readonly TransportTime[];
}

const absent = '(not measured in this run)';
const ordered = (rows: readonly Row[]): Row[] => {
  const place = new Map(cases.map(({ id }, i) => [id, i]));
  return [...rows].sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0));
};
const threadsOf = (rows: readonly Row[]): number[] => [...new Set(rows.map((row) => row.threads))].sort((a, b) => a - b);

/** `2 cores`, or `pinned to 1 of 2 cores` */
export const coresText = ({ cores, pinned = cores }: Pick<Results['about'], 'cores' | 'pinned'>): string =>
  pinned < cores ? `pinned to ${pinned} of ${counted(cores, 'core')}` : counted(cores, 'core');

function about({ about: a, rows }: Results): string {
  const noisy = rows.filter((row) => row.noisy).length;
  const fewest = Math.min(...rows.map((row) => row.rounds));
  const lines = [
    ['machine', `${a.machine}; ${coresText(a)}, ${a.memory}`],
    ['system', a.system],
    ...Object.entries(a.versions).map(([name, version]) => [name, version]),
    ['run', `${a.pace.rounds} rounds (at least ${fewest}), ${a.pace.seconds} s each; ${rows.length} rows, ${noisy} of them noisy`],
  ];
  return markdown(['', ''], lines);
}

/** One table for each thread count of the rows of a kind: ours beside the best of each peer. */
function beside(kind: string, { rows }: Results): string {
  const here = ordered(rows.filter(({ id }) => id.startsWith(`${kind}-`)));
  if (here.length === 0) return absent;
  return threadsOf(here)
    .map((n) => `${n} thread${n > 1 ? 's' : ''}\n\n${ratioTable(here.filter((row) => row.threads === n))}`)
    .join('\n\n');
}

const sections: Readonly<Record<string, (results: Results) => string>> = {
  about,
  ...Object.fromEntries(kinds.map((kind) => [kind, (results: Results) => beside(kind, results)])),
  limits: ({ limits }) => (limits ? limitsTables(limits) : absent),
  roofline: ({ limits, rows }) => (limits ? rooflineTable(cases, rows, limits) : absent),
  cold: ({ cold }) => (cold ? coldTable(cold) : absent),
  share: ({ share }) =>
    share
      ? markdown(
          ['case', 'rows of a batch', 'of an f32 step on one core'],
          share.map((s) => [s.title, time(s.batchSeconds), percent(s.share)]),
        )
      : absent,
  coupling: ({ coupling, about: a }) => (coupling ? `${a.machine}, ${coupling[0]?.isa}; ${coupling[0]?.rounds} rounds\n\n${couplingTable(coupling)}` : absent),
  transport: ({ transport, about: a }) => (transport ? `${a.machine}; ${transport[0]?.rounds} rounds\n\n${transportTable(transport)}` : absent),
  all: ({ rows }) => fullTable(ordered(rows)),
  notes: ({ notes }) => [...new Set(notes ?? [])].map((note) => `- ${note}`).join('\n') || '- none',
};

/** The document with every marked part written anew. @throws Error naming a part that is unknown or not closed. */
export function render(document: string, results: Results, file = 'docs/performance.md'): string {
  const opened = [...document.matchAll(/<!-- bench:([\w+]+) -->/g)].length;
  let written = 0;
  const text = document.replace(/<!-- bench:([\w+]+) -->\n[\s\S]*?<!-- \/bench -->/g, (_, name: string) => {
    const section = sections[name];
    if (section === undefined) throw new Error(`${file}: no part is called ${name}; there are ${Object.keys(sections).join(', ')}`);
    written++;
    return `<!-- bench:${name} -->\n\n${section(results)}\n\n<!-- /bench -->`;
  });
  if (written !== opened) throw new Error(`${file}: ${opened} parts are opened and ${written} closed`);
  return text;
}
