// npm run bench: everything in one interleaved run. See `--help` for what can be chosen.

import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compare, machine, tolerance, updated } from './baseline.ts';
import { type Case, kinds, select } from './cases.ts';
import { coldStart } from './cold-start.ts';
import { type Contender, Drivers, sources } from './contenders.ts';
import { type Couple, couplings } from './coupling.ts';
import { kernels, limits } from './limits.ts';
import { type Pace, type Peak, runCase } from './round.ts';
import { shares } from './share.ts';
import type { Row } from './statistics.ts';
import { fullTable, percent, ratioTable } from './table.ts';
import { transports } from './transport.ts';

const help = `npm run bench -- [options]
  --only KINDS      of ${kinds.join(', ')}, cold, share, coupling, transport, kernels, limits   (default: all but the last four)
  --shapes LIST     beginnings of (d, H, L, B or N): "2,64,3 784"
  --threads LIST    1,2      --isa LIST  avx512,avx2   (default: 1, 2 and the best; avx2 too when it is not the best)
  --contenders LIST flowmatch,pytorch,onnxruntime,tensorflow   (default: all that are installed)
  --precision LIST  of ours, e.g. f32,bf16
  --rounds N        5        --seconds S  of one measurement, 0.25      --most S  for all rounds of one contender in one case, 30
  --budget S        no case begins after S seconds
  --peers           installs the peers into a scratch folder (FLOWMATCH_PEERS, or flowmatch-peers in the folder for temporary files)
  --out FILE        JSON lines of every reading          --save NAME  rows and machine into bench/results/NAME.json, as docs/ show it
  --check           compares with bench/baseline.json, with two retries, and exits 1 beyond ${100 * tolerance} %; ours alone
  --write-baseline  stores what was measured for this machine`;
const { values: given } = parseArgs({
  options: {
    ...Object.fromEntries(
      ['only', 'shapes', 'threads', 'isa', 'contenders', 'precision', 'budget', 'out', 'save'].map((k) => [k, { type: 'string' as const }]),
    ),
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.25' },
    most: { type: 'string', default: '30' },
    ...Object.fromEntries(['check', 'write-baseline', 'help'].map((k) => [k, { type: 'boolean' as const, default: false }])),
  },
}) as { values: Record<string, string | boolean | undefined> };
if (given['help']) {
  console.log(help);
  process.exit(0);
}
const root = process.cwd();
const list = (name: string): string[] =>
  String(given[name] ?? '')
    .split(name === 'shapes' ? /\s+/ : /[\s,]+/)
    .filter(Boolean);
const judging = given['check'] === true || given['write-baseline'] === true;
const only = list('only');
const optional = ['coupling', 'transport', 'kernels', 'limits'];
const selected = [...kinds, 'cold', 'share', ...optional];
for (const name of only) if (!selected.includes(name)) throw new Error(`--only ${name}: expected some of ${selected.join(', ')}`);
const asks = (name: string): boolean => (only.length === 0 ? !judging && !optional.includes(name) : only.includes(name));

const require = createRequire(import.meta.url);
const addon = join(root, 'build/Release');
const probe = require(join(addon, 'flowmatch_test.node')) as Couple & {
  peak(isa: string, milliseconds: number, threads: number): number;
  speed(isa: string, kernel: string, rows: number, columns: number, out: number, milliseconds: number): number;
  limits(isa: string, kind: string, bytes: number, milliseconds: number): number;
  batch(d: number, batchRows: number, dataRows: number, milliseconds: number): number;
};
const info = (require(join(addon, 'flowmatch.node')) as { info(): { isa: string; available: readonly string[]; threads: number; compiler: string } }).info();
const best = info.isa;
const peak: Peak = (isa, threads) => probe.peak(isa, 15, threads);
const threads = list('threads').length > 0 ? list('threads').map(Number) : [1, 2].filter((n) => n <= availableParallelism());
const isas = list('isa').length > 0 ? list('isa') : info.available.filter((isa) => isa === best || isa === 'avx2' || isa === 'neon');
const pace: Pace = { rounds: Number(given['rounds']), seconds: Number(given['seconds']), most: Number(given['most']) };
const deadline = given['budget'] === undefined ? Number.POSITIVE_INFINITY : performance.now() + 1000 * Number(given['budget']);

const { found, missing } = sources({ root, isas, best, threads, groups: judging ? ['flowmatch'] : list('contenders') });
const drivers = new Drivers();
const notes: string[] = [...missing];
const rows: Row[] = [];
const out = typeof given['out'] === 'string' ? resolve(given['out']) : null;
if (out) {
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, '');
}
const seen = (record: object): void => {
  if (out) appendFileSync(out, `${JSON.stringify(record)}\n`);
};
const note = (text: string): void => {
  notes.push(text);
  process.stderr.write(`${text}\n`);
};

async function measure(c: Case): Promise<Row[]> {
  const contenders: Contender[] = [];
  for (const source of found) {
    if (c.kind === 'latency' && source.threads > 1) continue; // one row gives one thread its work
    try {
      contenders.push(...(await drivers.contenders(source, c)));
    } catch (error) {
      note(`${source.group}, ${source.threads} threads: ${(error as Error).message}`);
      found.splice(found.indexOf(source), 1);
    }
  }
  const wanted = list('precision');
  const taking = contenders.filter(({ source, precision }) => source.group !== 'flowmatch' || wanted.length === 0 || wanted.includes(precision));
  return runCase(c, taking, drivers, peak, pace, note, seen);
}

/** Rows below the stored baseline after as many as three measurements; the best of them counts. */
async function judge(): Promise<number> {
  const file = join(root, 'bench/baseline.json');
  const baseline = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const here = machine();
  if (given['write-baseline'] === true) {
    writeFileSync(file, `${JSON.stringify(updated(baseline, here, rows), null, 1)}\n`);
    console.log(`\nbench/baseline.json: ${rows.length} rows stored for ${here}`);
    return 0;
  }
  let { known, slower, fresh } = compare(baseline, here, rows);
  if (!known) {
    console.log(`\nno baseline for this machine (${here}): run npm run bench -- --write-baseline`);
    return 0;
  }
  for (let retry = 0; retry < 2 && slower.length > 0; retry++) {
    console.log(`\n${slower.length} rows more than ${percent(tolerance)} below the baseline; measuring them again`);
    const again: Row[] = [];
    for (const c of select([], []).filter(({ id }) => slower.some(({ row }) => row.id === id))) again.push(...(await measure(c)));
    const behind = new Set(slower.map(({ row }) => `${row.id} ${row.contender}`));
    slower = compare(
      baseline,
      here,
      again.filter((row) => behind.has(`${row.id} ${row.contender}`)),
    ).slower as typeof slower;
  }
  for (const { row, stored } of slower)
    console.log(`SLOWER ${row.title}, ${row.contender}: ${percent(row.fraction.median)} of the peak, stored ${percent(stored)}`);
  console.log(`\n${rows.length - fresh.length} rows held against the baseline of ${here}: ${slower.length} slower; ${fresh.length} are not in it`);
  return slower.length > 0 ? 1 : 0;
}

let code = 0;
const extra: Record<string, unknown> = {};
try {
  const chosen = judging && only.length === 0 ? ['train', 'sample'] : kinds.filter(asks);
  for (const c of chosen.length === 0 ? [] : select(chosen, list('shapes'))) {
    if (performance.now() > deadline) {
      note(`${c.title}: left out, the budget is spent`);
      continue;
    }
    const fresh = await measure(c);
    rows.push(...fresh);
    console.log(`\n${fullTable(fresh)}`);
  }
  if (rows.length > 0 && !judging) {
    for (const n of threads) {
      const here = rows.filter((row) => row.threads === n);
      if (here.length > 0) console.log(`\n${n} thread${n > 1 ? 's' : ''}: ours beside the best variant of each peer\n\n${ratioTable(here)}`);
    }
  }
  if (asks('cold')) extra['cold'] = await coldStart(root, pace.rounds, note);
  if (asks('share')) extra['share'] = shares(rows, select(['train'], list('shapes')), best, probe.batch, peak, note);
  if (asks('coupling')) extra['coupling'] = couplings(probe, best, pace.rounds, pace.seconds);
  if (asks('transport')) extra['transport'] = await transports(threads, pace.rounds, pace.seconds);
  if (asks('kernels')) extra['kernels'] = kernels(probe.speed, peak, best, 1000 * pace.seconds);
  if (asks('limits')) extra['limits'] = limits(probe, best, threads, 1000 * pace.seconds);
  if (judging) code = await judge();
  if (notes.length > 0) console.log(`\nNotes\n${notes.map((text) => `- ${text}`).join('\n')}`);
  if (typeof given['save'] === 'string') {
    const versions: Record<string, string> = {};
    for (const source of found) versions[source.group] ??= (await drivers.offer(source)).version;
    const about = {
      machine: machine(),
      cores: cpus().length,
      pinned: availableParallelism(),
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      clock: `${cpus()[0]?.speed ?? 0} MHz nominal`,
      system: `Linux ${release()}, Node ${process.versions.node}, ${info.compiler}`,
      pace,
      versions,
    };
    const file = join(root, 'bench/results', `${given['save']}.json`);
    const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { rows: [] };
    const names = new Set(rows.map((row) => `${row.id} ${row.contender}`));
    const kept = (before.rows as Row[]).filter((row) => !names.has(`${row.id} ${row.contender}`));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      `${JSON.stringify({ ...before, about, ...extra, rows: [...kept, ...rows], notes: [...new Set([...((before.notes as string[] | undefined) ?? []), ...notes])] }, null, 1)}\n`,
    );
    console.log(`\nsaved as bench/results/${given['save']}.json`);
  }
} finally {
  drivers.close();
}
process.exit(code);
