// The checkpoint file of a run: when it is due, writing it, and going on from what it holds.

import { ioError } from '../checkpoint/atomic.ts';
import { readCheckpoint, saveCheckpoint, tidy } from '../checkpoint/checkpoint.ts';
import { systemFiles } from '../checkpoint/files.ts';
import { readModelFile } from '../checkpoint/model-file.ts';
import { FlowError } from '../errors.ts';
import type { Resumed } from './options.ts';
import type { Run } from './run.ts';
import type { Settings } from './settings.ts';
import { checkpointOf, restoreRun } from './state.ts';

export class Keeper {
  readonly #options: NonNullable<Settings['checkpoint']>;
  /** When the file was last written or tried, or the drive began. */
  #at = 0;
  /** When the file that a run begins with was written, in ms since 1970; null where there is none. */
  #written: number | null = null;
  /** Step of the last checkpoint written or read. */
  step: number | null = null;
  /** Why the last attempt to save failed. */
  error: FlowError | null = null;
  resumed: Resumed | null = null;

  constructor(options: NonNullable<Settings['checkpoint']>) {
    this.#options = options;
  }

  /** Intervals are counted from here. */
  begin(): void {
    this.#at = performance.now();
  }
  /** The moment from which a save is due by the clock. */
  get nextAt(): number {
    return this.#at + 1000 * this.#options.everySeconds;
  }
  /** The first step after `step` at which a save is due by count. */
  boundary(step: number): number {
    const { everySteps } = this.#options;
    return Number.isFinite(everySteps) ? (Math.floor(step / everySteps) + 1) * everySteps : Number.POSITIVE_INFINITY;
  }
  /** Whether a checkpoint should be written now. */
  due({ step }: Run): boolean {
    const { everySteps } = this.#options;
    const counted = Number.isFinite(everySteps) && step % everySteps === 0;
    return step > 0 && this.step !== step && (counted || performance.now() >= this.nextAt);
  }

  /** Looks for the file, once for each attempt to begin. @returns whether there is one to resume from. @throws FlowError ERR_FLOW_IO */
  async look(): Promise<boolean> {
    const { file, resume } = this.#options;
    await tidy(file);
    try {
      const { mtimeMs } = (await systemFiles.stat(file)) as { mtimeMs?: number };
      this.#written = mtimeMs ?? Date.now();
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw await ioError(error, `reading ${file}`, file);
      this.#written = null;
    }
    return resume && this.#written !== null;
  }

  /** Puts the run where the file stands that look() found. @returns what it resumed from, null where there is no file or it starts over. */
  async restore(run: Run): Promise<Resumed | null> {
    const { file, resume } = this.#options;
    const written = this.#written;
    if (written === null) return null;
    // Also when starting over: what would be replaced must be a checkpoint, not some other file.
    const found = resume ? await readCheckpoint(file) : await readModelFile(file);
    if (!resume) return null;
    restoreRun(run, file, found);
    this.step = run.step;
    this.resumed = Object.freeze({ file, step: run.step, hash: found.hash, age: Math.max(0, (Date.now() - written) / 1000) });
    return this.resumed;
  }

  /** Training stands while the file is written (milliseconds in half a minute): a crash then never costs more than one interval. The event loop is free meanwhile. */
  async save(run: Run): Promise<void> {
    const { file, onError } = this.#options;
    const { step } = run;
    try {
      await saveCheckpoint(file, await checkpointOf(run));
      this.step = step;
      this.error = null;
    } catch (error) {
      if (!(error instanceof FlowError) || onError === 'stop') throw error;
      const last = this.step === null ? '' : ` Last good: step ${this.step}.`;
      if (this.error === null) process.emitWarning(`${error.message}${last} Training goes on and tries again.`, { code: error.code });
      this.error = error;
    }
    this.#at = performance.now();
  }

  /** The checkpoint at the end of a run, also of one that was aborted or stopped. */
  async last(run: Run): Promise<void> {
    if (this.step !== run.step || this.error !== null) await this.save(run);
  }
}
