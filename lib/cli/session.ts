// One run of one verb: its terminal, and a signal that Ctrl-C (SIGINT) and SIGTERM abort. A second Ctrl-C leaves at once.

import { Interrupted } from './exit.ts';
import { Terminal, type TerminalOptions } from './terminal.ts';

export interface Session {
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** Runs `work` with signals in place; an interrupted run rejects with Interrupted whatever the work made of the abort. */
export async function withSession(options: TerminalOptions, work: (session: Session) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const terminal = new Terminal(options);
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    terminal.endProgress();
    terminal.note('stopping ... (Ctrl-C again to leave at once)');
    controller.abort(new Interrupted());
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await work({ terminal, signal: controller.signal });
    if (controller.signal.aborted) throw controller.signal.reason;
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    terminal.endProgress();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}
