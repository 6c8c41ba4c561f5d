// `flowmatch fit`: table to model. Prints the schema, progress and a report card; with --checkpoint an interrupted run goes on where it stopped.

import { statSync } from 'node:fs';
import { argumentError, FlowError } from '../errors.ts';
import { tableDefaults } from '../table/defaults.ts';
import { type ReportCard, reportCard, type TableTrainOptions, tableNetwork, tableProgram, trainTable } from '../table/fit.ts';
import { type PreparedTable, type PrepareOptions, prepareTable } from '../table/prepare.ts';
import type { ColumnSchema } from '../table/schema.ts';
import { openTable } from '../table/source.ts';
import { type FitSettings, readConfig } from './config.ts';
import { estimate } from './estimate.ts';
import { Interrupted } from './exit.ts';
import { checkPlace, samePlace } from './place.ts';
import { resumeError } from './resume.ts';
import type { Session } from './session.ts';
import { bytes, c2stText, count, duration, type Terminal, tabulate } from './terminal.ts';

export interface FitFlags extends FitSettings {
  /** Needed unless dryRun. */
  readonly output?: string;
  readonly config?: string;
  readonly dryRun?: boolean;
  /** Whether --seed was typed, and is not its default. */
  readonly seedGiven?: boolean;
}

export async function fit(file: string, flags: FitFlags, { terminal, signal }: Session): Promise<void> {
  const started = performance.now();
  terminal.progress({ event: 'start', file }, () => `reading ${file} ...`, true);
  const settings: FitSettings = flags.config === undefined ? flags : merge(readConfig(flags.config), flags);
  if (settings.every !== undefined && settings.checkpoint === undefined) {
    throw new FlowError('ERR_FLOW_CONFIG', '--every: needs --checkpoint FILE.', { path: '--every', expected: '--checkpoint FILE' });
  }
  const { output } = flags;
  if (output !== undefined) checkPlace(output, { inputs: { table: file, 'settings file': flags.config }, endings: ['.safetensors'], regular: true });
  if (settings.checkpoint !== undefined) {
    checkPlace(settings.checkpoint, { inputs: { table: file, 'settings file': flags.config }, regular: true, flag: '--checkpoint' });
    if (output !== undefined && samePlace(output, settings.checkpoint)) {
      const hint = 'The model would overwrite the run that it came from; name two files.';
      throw argumentError('ERR_FLOW_CONFIG', '--checkpoint', 'another file than --output', settings.checkpoint, hint);
    }
  }
  if (settings.dropCondition && settings.target === undefined) {
    const hint = 'Say --target COLUMN: there is no condition to drop without one.';
    throw argumentError('ERR_FLOW_CONFIG', '--drop-condition', '--target COLUMN beside it', settings.dropCondition, hint);
  }
  const source = await openTable(file);
  const prepared = await prepareTable(source, { ...prepareOptions(settings, terminal), signal });
  try {
    describe(prepared, file, terminal);
    const options: TableTrainOptions = {
      hidden: settings.hidden,
      steps: settings.steps,
      batchSize: settings.batch,
      lr: settings.lr,
      coupling: settings.coupling,
      objective: settings.objective,
      dropCondition: settings.dropCondition,
      ema: settings.ema,
      validation: settings.validation,
      seed: settings.seed,
      threads: settings.threads,
      precision: settings.precision,
    };
    if (flags.dryRun || output === undefined) {
      await dryRun(prepared, options, terminal, signal);
      return;
    }
    await train(prepared, options, settings, output, { terminal, signal }, started);
  } finally {
    prepared.data.dispose();
  }
}

/** Flags given on the command line win over the file; the default of --seed is no choice. */
function merge(config: FitSettings, flags: FitFlags): FitSettings {
  const given = Object.fromEntries(Object.entries(flags).filter(([key, value]) => value !== undefined && (key !== 'seed' || flags.seedGiven)));
  return { ...config, ...given };
}

function prepareOptions(settings: FitSettings, terminal: Terminal): PrepareOptions {
  return {
    nulls: settings.null ?? [],
    keep: settings.keep ?? [],
    drop: settings.drop ?? [],
    columns: settings.columns ?? {},
    target: settings.target,
    onProgress: ({ pass, rows, bytesRead, bytes: size }) => {
      const share = size ? ` (${Math.min(100, Math.round((100 * bytesRead) / size))} %)` : '';
      terminal.progress({ event: 'read', pass, rows }, () => `${pass === 1 ? 'reading' : 'encoding'} ${count(rows)} rows${share}`);
    },
  };
}

/** The schema as a table, then what is left out and why. */
function describe({ schema, codec, rows, missing }: PreparedTable, file: string, terminal: Terminal): void {
  terminal.endProgress();
  const line = (column: ColumnSchema) => {
    const { kind, scan, values } = column;
    const range =
      column.kind === 'left out'
        ? ''
        : values.length > 0
          ? `${values.slice(0, 5).join(', ')}${values.length > 5 ? `, ... (${values.length})` : ''}`
          : kind === 'date'
            ? `dates, ${column.format}`
            : `${scan.value.min} .. ${scan.value.max}`;
    const note = column.name === codec.target?.name ? 'the target: given, not generated' : column.note;
    return [`  ${column.name}`, kind, column.missing > 0 ? `${count(column.missing)} missing` : '', [range, note].filter(Boolean).join('; ')];
  };
  const head = `${file}: ${count(schema.rows)} rows, ${schema.columns.length} columns`;
  const columns = schema.columns.map(({ name, kind, missing: n, note, values, format }) => ({
    name,
    kind,
    missing: n,
    note,
    values: values.length || null,
    format,
  }));
  terminal.event(
    { event: 'schema', rows: schema.rows, rowsUsed: rows, rowsLeftOut: missing.rows, networkColumns: codec.width, columns },
    `${head}\n${tabulate(schema.columns.map(line))}`,
  );
  if (missing.rows > 0) {
    const by = [...missing.byColumn].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${name} ${count(n)}`);
    const text = `${count(missing.rows)} of ${count(schema.rows)} rows have a missing cell and are left out (${by.slice(0, 6).join(', ')})`;
    if (missing.rows > 0.2 * schema.rows) terminal.warn(`${text}. Use --drop COLUMN to keep the rows instead.`);
    else terminal.note(text);
  }
  if (schema.columns.length > 0 && schema.columns.every(({ name }) => name.trim() !== '' && Number.isFinite(Number(name))))
    terminal.warn(
      `the columns are called ${schema.columns
        .slice(0, 3)
        .map(({ name }) => name)
        .join(', ')}${schema.columns.length > 3 ? ', ...' : ''}: is the first line of ${file} a row? Put a line of names above it.`,
    );
  if (rows < 50) terminal.warn(`only ${rows} rows: a model of so few rows mostly repeats them.`);
}

async function dryRun(prepared: PreparedTable, options: TableTrainOptions, terminal: Terminal, signal: AbortSignal): Promise<void> {
  terminal.progress({ event: 'measure' }, () => 'measuring the speed for a second ...', true);
  const guess = await estimate(prepared, options, signal);
  const network = tableNetwork(options);
  const lines = [
    ['network', `${network.kind} ${network.hidden.join('-')} ${network.activation}, ${count(guess.parameters)} parameters`],
    ['training', `${count(guess.steps)} steps of ${count(guess.batchSize)} rows`],
    ['memory', `about ${bytes(guess.memory)}`],
    ['time', `about ${duration(guess.seconds)} (${count(guess.stepsPerSecond)} steps/s measured here)`],
  ];
  terminal.endProgress();
  terminal.result({ event: 'dry-run', ...guess }, `${tabulate(lines)}\nnothing was written (--dry-run)`);
}

async function train(
  prepared: PreparedTable,
  options: TableTrainOptions,
  settings: FitSettings,
  output: string,
  session: Session,
  started: number,
): Promise<void> {
  const { terminal, signal } = session;
  const network = tableNetwork(options);
  const program = tableProgram(prepared.codec, options);
  terminal.note(`training ${network.hidden.join('-')} (${count(program.parameterCount)} parameters) for ${count(options.steps ?? tableDefaults.steps)} steps`);
  let lastStep = 0;
  let failed: string | null = null;
  const trained = trainTable(prepared, {
    ...options,
    signal,
    ...(settings.checkpoint === undefined
      ? {}
      : { checkpoint: { file: settings.checkpoint, ...(settings.every === undefined ? {} : { everySeconds: settings.every }) } }),
    onResume: ({ step, age, hash }) => {
      const text = `resumed at step ${count(step)} (checkpoint ${duration(age)} old, sha ${hash.slice(0, 8)})`;
      terminal.event({ event: 'resumed', step, age, hash }, text);
    },
    onProgress: (p) => {
      lastStep = p.step;
      const { step, steps, loss, validationLoss, stepsPerSecond, eta } = p;
      if (p.checkpointError && p.checkpointError.message !== failed) terminal.warn(p.checkpointError.message);
      failed = p.checkpointError?.message ?? null;
      const held = validationLoss === null ? '' : `  held-out ${validationLoss.toFixed(4)}`;
      terminal.progress(
        { event: 'progress', step, steps, loss, validationLoss, stepsPerSecond, eta },
        () => {
          const share = String(Math.floor((100 * step) / steps)).padStart(3);
          return `${share} %  step ${count(step)} of ${count(steps)}  ${count(stepsPerSecond)} steps/s  loss ${loss.toFixed(4)}${held}  ETA ${duration(eta)}`;
        },
        step === steps,
      );
    },
  });
  const model = await trained.catch(async (error: unknown): Promise<never> => {
    terminal.endProgress();
    if (!signal.aborted) throw await resumeError(error, settings);
    const saved =
      settings.checkpoint === undefined
        ? 'nothing was saved (use --checkpoint FILE to be able to go on)'
        : `saved ${settings.checkpoint}; the same command goes on from there`;
    terminal.warn(`interrupted at step ${count(lastStep)}: ${saved}`);
    throw new Interrupted();
  });
  terminal.endProgress();
  const { hash } = await model.save(output);
  const size = statSync(output).size;
  terminal.note(`wrote ${output} (${bytes(size)}, sha ${hash.slice(0, 8)})`);
  const card = await reportCard(model, prepared, { threads: options.threads, signal });
  model.dispose();
  const seconds = (performance.now() - started) / 1000;
  terminal.result(
    { event: 'done', file: output, hash, bytes: size, seconds, card },
    `${cardText(card)}\ndone in ${duration(seconds)}. Next: npx flowmatch sample ${output} -n 5`,
  );
}

/** The report card for people. */
export function cardText(card: ReportCard): string {
  const rows = card.columns.map((column) => [`  ${column.name}`, column.kind, column.measure, column.distance.toFixed(3)]);
  const lines = [
    `report card: ${count(card.rows.synthetic)} generated rows against ${count(card.rows.real)} real ones (0 = equal, 1 = disjoint)`,
    tabulate(rows),
  ];
  const c = card.correlation;
  if (c) lines.push(`  largest correlation error ${c.error.toFixed(3)} (${c.a} with ${c.b}: real ${c.real.toFixed(3)}, generated ${c.synthetic.toFixed(3)})`);
  const numeric = card.columns.some((column) => column.measure === 'KS');
  lines.push(`  rows equal to a real one: ${count(card.exactCopies)}${numeric ? '' : ' (categories only, so some are expected)'}`);
  if (card.c2st) lines.push(`  ${c2stText(card.c2st)}`);
  return lines.join('\n');
}
