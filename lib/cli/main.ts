#!/usr/bin/env node
// Entry of the command line: runs the verb, turns its error into one line and an exit code.

import { CommanderError } from 'commander';
import { errorRecord, errorText, exitCode, usageRecord } from './exit.ts';
import { program } from './program.ts';

/** Runs the command line given without `node` and the script. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const command = program(args.includes('--json'));
    if (args.length === 0) {
      command.outputHelp();
      return 0;
    }
    await command.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (args.includes('--json')) process.stderr.write(`${JSON.stringify(usageRecord(error.message))}\n`);
      return 2;
    }
    const line = args.includes('--json') ? JSON.stringify(errorRecord(error)) : `flowmatch: ${errorText(error)}`;
    process.stderr.write(`${line}\n`);
    return exitCode(error);
  }
}

// A reader of stderr that has gone is no reason to crash.
process.stderr.on('error', () => undefined);
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
