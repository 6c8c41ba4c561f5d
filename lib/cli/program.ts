// The verbs and their flags. Each verb is a chunk of its own that loads when it runs, so that --help and the first line of progress come at once.

import { Command } from 'commander';
import { version } from '../version.ts';
import {
  couplingFlag,
  guidanceFlag,
  integerFlag,
  noiseFlag,
  numberFlag,
  objectiveFlag,
  repeated,
  samplingPrecisionFlag,
  secondsFlag,
  trainingPrecisionFlag,
  widthsFlag,
} from './flags.ts';
import { type Session, withSession } from './session.ts';
import { inFlags } from './words.ts';

type Flags = Record<string, never>;
type Verb = (file: string, flags: never, session: Session) => Promise<void>;

/** The `flowmatch` command. Errors are thrown; help and usage errors come as commander's CommanderError, printed by commander unless `json`. */
export function program(json = false): Command {
  const root = new Command('flowmatch')
    .description('Trains flow-matching models on your data, samples them, exports them to ONNX.')
    .version(version, '-V, --version')
    .helpCommand('help [command]', 'the flags of a command')
    .showHelpAfterError('Run it with --help to see its flags.')
    .configureOutput({ writeErr: (text) => void (json || process.stderr.write(text.replace(/^error: /, 'flowmatch: '))) })
    .exitOverride()
    .addHelpText(
      'after',
      '\nA first run:\n  flowmatch fit people.csv -o people.safetensors\n  flowmatch sample people.safetensors -n 1000 --seed 1 -o rows.csv\n',
    );

  verb(root, 'fit <table>', 'train a model on a table: CSV, JSON (an array of objects) or JSON lines')
    .option('-o, --output <file>', 'the model, .safetensors; not needed with --dry-run')
    .option('--config <file>', 'flags as JSON: {"steps": 20000, "columns": {"zip": "category"}}')
    .option('--steps <n>', 'optimiser steps (default: 5000)', integerFlag('--steps', 1))
    .option('--batch <rows>', 'rows of a batch (default: 512)', integerFlag('--batch', 1, 1 << 20))
    .option('--lr <rate>', 'highest learning rate of the schedule (default: 0.002)', numberFlag('--lr', 0, 10))
    .option('--hidden <widths>', 'widths of the hidden layers (default: 256,256,256)', widthsFlag('--hidden'))
    .option('--coupling <name>', 'independent, or by transport, within each class of a target: ot, sinkhorn, unbalanced, partial', couplingFlag)
    .option(
      '--objective <name>',
      'velocity (default); score-and-flow, to sample stochastically; mean-flow or shortcut, to sample in one step or a few',
      objectiveFlag,
    )
    .option('--ema <decay>', 'decay of the averaged weights, 0 = off (default: 0.999)', numberFlag('--ema', 0, 0.999999))
    .option('--checkpoint <file>', 'save the run here and go on from it when it exists')
    .option('--every <time>', 'time between checkpoints, e.g. 2m (default: 30s)', secondsFlag('--every'))
    .option('--null <text>', 'read this text as a missing cell (may be repeated)', repeated)
    .option('--keep <column>', 'learn a column that would be left out (may be repeated)', repeated)
    .option('--drop <column>', 'leave a column out (may be repeated)', repeated)
    .option('--target <column>', 'make a category the condition, for sample --given "column=value"')
    .option(
      '--drop-condition <share>',
      'show this share of rows without the target, for sample --guidance (0.1 is usual)',
      numberFlag('--drop-condition', 0, 0.99),
    )
    .option('--precision <name>', 'f32 (default) or bf16, faster where the CPU multiplies bfloat16', trainingPrecisionFlag)
    .option('--dry-run', 'only print the schema, the network and what the run would take')
    .hook('preAction', (command) => {
      const { output, dryRun } = command.opts<{ output?: string; dryRun?: boolean }>();
      if (output === undefined && !dryRun)
        command.error("error: required option '-o, --output <file>' not specified", { code: 'commander.missingMandatoryOptionValue' });
    })
    .action(run(async () => (await import('./fit.ts')).fit));

  verb(root, 'sample <model>', 'draw rows from a model')
    .option('-n, --rows <n>', 'how many rows', integerFlag('--rows', 0), 10)
    .option('-o, --output <file>', 'where to; stdout without it')
    .option('--first-row <i>', 'start at this row of the seed', integerFlag('--first-row', 0), 0)
    .option('--solver <name>', 'midpoint (default), euler, heun, ralston, rk4, rk4ThreeEighths; bosh3, dopri5, tsit5, dopri8; eulerMaruyama, stochasticHeun')
    .option('--noise <name>', 'of a stochastic solver: proportional:0.5, fading:0.5 or memoryless', noiseFlag)
    .option('--steps <n>', 'steps of the solver (default: 50 for midpoint, 1 for a model of average velocities)', integerFlag('--steps', 1, 100_000))
    .option('--rtol <x>', 'error per step of dopri5 and its like, relative to the row (default: 1e-5)', numberFlag('--rtol', 0, 1))
    .option('--atol <x>', 'the same, absolute (default: 1e-5)', numberFlag('--atol', 1e-15, 1000))
    .option('--given <column=value>', 'fix the column that was the --target of fit')
    .option('--guidance <w>', 'how strongly to follow --given: 1 plainly, 2:0.1-0.8 for t in [0.1, 0.8] (models of fit --drop-condition)', guidanceFlag(null))
    .option('--precision <name>', 'f32 (default), f32-amx, bf16x3 or bf16, the fastest and least accurate', samplingPrecisionFlag)
    .option('--format <name>', 'csv, jsonl or npy (default: by the name of the output file)')
    .action(run(async () => (await import('./sample.ts')).sample));

  verb(root, 'score <model> <table>', 'tell how likely a model finds each row of a table: its log-density, in nats')
    .option('-o, --output <file>', 'where to; stdout without it')
    .option('--top <n>', 'only the n least likely rows, with their cells, least likely first', integerFlag('--top', 1, 1_000_000))
    .option('--exact', 'the exact divergence, also above 64 encoded columns')
    .option('--probes <n>', 'estimate it by so many random probes a row (default above 64 encoded columns: 8)', integerFlag('--probes', 1, 65_536))
    .option('--solver <name>', 'rk4 (default), midpoint, euler ...; dopri5, tsit5, bosh3 and dopri8 choose their steps for every row')
    .option('--steps <n>', 'steps of the solver (default: 50)', integerFlag('--steps', 1, 100_000))
    .option('--precision <name>', 'f32 (default), f32-amx, bf16x3 or bf16, the fastest and least accurate', samplingPrecisionFlag)
    .option('--null <text>', 'read this text as a missing cell (may be repeated)', repeated)
    .action(run(async () => (await import('./score.ts')).score));

  verb(root, 'report <model> <table>', 'compare generated rows with the real table, as one HTML file')
    .requiredOption('-o, --output <file>', 'the report, .html')
    .option('-n, --rows <n>', 'rows to generate (default: as many as the table has, 1000 to 10000)', integerFlag('--rows', 2))
    .option('--null <text>', 'read this text as a missing cell (may be repeated)', repeated)
    .action(run(async () => (await import('./report.ts')).report));

  verb(root, 'export <model>', 'write the model as ONNX')
    .requiredOption('-o, --output <file>', 'the model, .onnx')
    .option('--graph <kind>', 'sampler (noise to rows, solver inside), velocity, or log-density (rows to their log-density)', 'sampler')
    .option('--solver <name>', 'solver of a sampler graph (default: midpoint, or euler for a model of average velocities)')
    .option('--noise <name>', 'of a stochastic solver: proportional:0.5, fading:0.5 or memoryless', noiseFlag)
    .option('--steps <n>', 'steps of that solver (default: 50 for midpoint)', integerFlag('--steps', 1, 100_000))
    .option('--guidance <w>', 'follow the condition this strongly, e.g. 2 or 2:0.1-0.8; input: the graph takes it', guidanceFlag('input'))
    .option('--opset <n>', 'ONNX operator set (default: the lowest that does, 17)', integerFlag('--opset', 1, 100))
    .option('--check', 'run the file in onnxruntime-node on the same noise and print the largest difference')
    .action(run(async () => (await import('./export.ts')).exportModel));

  verb(root, 'inspect <file>', 'tell what a .safetensors or .onnx file holds, or what is wrong with it').action(
    run(async () => (await import('./inspect.ts')).inspect),
  );

  verb(root, 'plot <model>', 'draw what a model generates')
    .requiredOption('-o, --output <file>', 'the picture: .html, .svg or .png')
    .option('--kind <name>', 'scatter, trajectories, pairs or loss (default: by the columns)')
    .option('-n, --rows <n>', 'rows to draw', integerFlag('--rows', 2, 100_000), 2000)
    .action(run(async () => (await import('./plot.ts')).plotModel));

  verb(root, 'demo [name]', 'train on a synthetic set in seconds and draw it: moons (default), 8gaussians, checkerboard ...')
    .option('-o, --output <folder>', 'where the pictures and the model go', '.')
    .option('--steps <n>', 'optimiser steps', integerFlag('--steps', 1))
    .action(run(async () => (await import('./demo.ts')).demo));
  for (const command of root.commands) common(command);
  return root;
}

function verb(root: Command, usage: string, description: string): Command {
  return root.command(usage).description(description).showHelpAfterError('Run it with --help to see its flags.').allowExcessArguments(false).exitOverride();
}

/** The flags that every verb has; added last, so that the help begins with a verb's own. */
function common(command: Command): void {
  command
    .option('--seed <n>', 'seed of all randomness', integerFlag('--seed', 0), 0)
    .option('--threads <n>', 'threads (default: one per physical core)', integerFlag('--threads', 1, 1024))
    .option('--json', 'progress as JSON lines on stderr, the result as JSON on stdout')
    .option('--quiet', 'say nothing but warnings and errors');
}

/** An action that loads the verb and runs it in a session; arguments beyond the first join the flags as `table`. */
function run(load: () => Promise<unknown>): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.pop() as Command;
    const flags = given.pop() as Flags & { json?: boolean; quiet?: boolean };
    // Whether a flag was typed or is a default decides between it and the settings file of fit.
    const seedGiven = command.getOptionValueSource('seed') === 'cli';
    const [file, table] = given as string[];
    await withSession(flags, async (session) => {
      const act = (await load()) as Verb;
      await act(file as string, { ...flags, seedGiven, ...(table === undefined ? {} : { table }) } as never, session);
    }).catch((error: unknown) => {
      throw inFlags(error, new Map(command.parent?.commands.flatMap(({ options }) => options.map((o) => [o.attributeName(), o.long ?? '']))));
    });
  };
}
