// What a Trainer is inside. Nothing runs until run() is called or the loop is iterated; between two progress records of an iteration it stands still at `step`, so
// that model() and save() see exactly that step.

import { type Checkpoint, saveCheckpoint } from '../checkpoint/checkpoint.ts';
import { checkEnding } from '../data/endings.ts';
import { FlowError, type FlowErrorCode } from '../errors.ts';
import { checkFile } from '../model/check.ts';
import { adopt, type Model } from '../model/model.ts';
import { native } from '../native/load.ts';
import { checkOptions } from './check.ts';
import { Gate } from './gate.ts';
import { Keeper } from './keeper.ts';
import type { Progress, Resumed, TrainOptions } from './options.ts';
import { prepareBench } from './prepare.ts';
import { Run } from './run.ts';
import type { Settings } from './settings.ts';
import { checkpointOf, copyWeights, readWeights, recordOf } from './state.ts';
import type { TrainerState } from './trainer.ts';

/** Seconds between progress records. */
const progressSeconds = 0.1;

/** A training run under way: what a Trainer (trainer.ts) is inside. */
export class Training {
  readonly #settings: Settings;
  #run: Run | null = null;
  #state: TrainerState = 'new';
  #stopping = false;
  /** Holds of pause() (under the name of the trainer) and of each save under way. */
  readonly #gate = new Gate();
  /** The latest drive; an older one that stands in a caller's loop must not touch anything any more. */
  #driver: object | null = null;
  /** A drive waits at the gate: it stands, and goes on by itself. */
  #waiting = false;
  /** Settles when the latest drive has ended. */
  #idle: Promise<void> = Promise.resolve();
  /** Keeps the checkpoint file; null without one. */
  readonly #keeper: Keeper | null;
  #news = '';

  constructor(options: TrainOptions) {
    this.#settings = checkOptions(options);
    const { checkpoint } = this.#settings;
    this.#keeper = checkpoint === null ? null : new Keeper(checkpoint);
  }

  /** Optimiser steps done. */
  get step(): number {
    return this.#run?.step ?? 0;
  }
  /** Steps asked for. */
  get steps(): number {
    return this.#settings.steps;
  }
  get state(): TrainerState {
    return this.#state;
  }
  /** The checkpoint that this run goes on from; null before training has started, and when there was none. */
  get resumed(): Resumed | null {
    return this.#keeper?.resumed ?? null;
  }

  async run(): Promise<Model> {
    for await (const _ of this.drive(false));
    const run = this.#still('model');
    const record = recordOf(run, new Float32Array(0));
    const parameters = await this.#unlessDisposed(copyWeights(run));
    return adopt({ ...record, parameters });
  }

  model(): Model {
    const run = this.#still('model');
    return adopt(recordOf(run, readWeights(run)));
  }

  save(file: string): Promise<{ readonly file: string; readonly hash: string; readonly step: number }> {
    checkEnding(checkFile(file), '.safetensors');
    return this.#copy().then(async ({ state, step }) => ({ file, hash: await saveCheckpoint(file, state), step }));
  }

  async pause(): Promise<void> {
    this.#alive();
    this.#gate.hold(this);
    while (this.#state === 'running' && this.#gate.heldBy(this)) await this.#gate.arrival();
  }

  proceed(): void {
    this.#alive();
    this.#gate.release(this);
  }

  async stop(): Promise<void> {
    this.#alive();
    this.#stopping = true;
    this.#run?.stop();
    this.#gate.release(this);
    while (this.#busy) await this.#gate.arrival();
  }

  dispose(): void {
    if (this.#state === 'disposed') return;
    const busy = this.#state === 'running';
    this.#state = 'disposed';
    this.#run?.stop();
    this.#gate.call();
    if (!busy) this.#free();
  }
  /** dispose(), and until nothing is under way. */
  async end(): Promise<void> {
    const busy = this.#busy;
    this.dispose();
    if (busy) await this.#idle;
  }

  /** Whether a drive is at work or will go on by itself; one that stands in a caller's loop is not. */
  get #busy(): boolean {
    return this.#state === 'running' || this.#waiting;
  }

  #free(): void {
    this.#run?.bench.dispose();
    this.#run = null;
  }

  #alive(): void {
    if (this.#state === 'disposed') throw stateError('ERR_FLOW_DISPOSED', 'it was disposed', 'Make a new one.');
  }

  /** A native copy is stopped by dispose(): that is ERR_FLOW_DISPOSED for the caller. */
  async #unlessDisposed<T>(copy: Promise<T>): Promise<T> {
    try {
      return await copy;
    } finally {
      this.#alive();
    }
  }

  /** The run, when nothing is in flight. */
  #still(what: string): Run {
    this.#alive();
    if (this.#state === 'running')
      throw stateError('ERR_FLOW_STATE', `${what}() while steps are under way`, 'Call await trainer.pause() first, or use it in the body of for await.');
    if (this.#run === null) throw stateError('ERR_FLOW_STATE', `${what}() before training has started`, 'Call run(), or iterate the trainer.');
    return this.#run;
  }

  /** A copy of the whole state at a moment when nothing is in flight. */
  async #copy(): Promise<{ state: Checkpoint; step: number }> {
    this.#alive();
    const hold = {};
    this.#gate.hold(hold);
    try {
      while (this.#state === 'running') await this.#gate.arrival();
      const run = this.#still('save');
      const { step } = run;
      return { state: await this.#unlessDisposed(checkpointOf(run)), step };
    } finally {
      this.#gate.release(hold);
    }
  }

  // ------------------------------------------------------------------------------------------------------------ the loop

  /** One run of the loop; with `yields` it hands every record to its caller, and stands meanwhile. */
  async *drive(yields: boolean): AsyncGenerator<Progress, void, undefined> {
    this.#alive();
    if (this.#busy) throw stateError('ERR_FLOW_STATE', `it is ${this.#waiting ? 'paused in a run' : 'running already'}`, 'Await that run, or stop() it.');
    const { signal } = this.#settings;
    const keeper = this.#keeper;
    signal?.throwIfAborted();
    this.#running();
    let settle: () => void = () => undefined;
    this.#idle = new Promise((resolve) => {
      settle = resolve;
    });
    this.#stopping = false;
    const drive = {};
    this.#driver = drive;
    const abort = (): void => {
      this.#run?.stop();
      this.#gate.call();
    };
    signal?.addEventListener('abort', abort);
    let left = true; // until the loop ends by itself: the caller left it
    try {
      const run = await this.#prepare();
      keeper?.begin();
      let shown = Number.NEGATIVE_INFINITY;
      const pending = (): boolean => run.evaluatesAt(run.step); // also after an interruption: a run evaluates at the same steps however it is cut
      while ((run.step < run.settings.steps || pending()) && !run.exhausted && !this.#stopping) {
        if (!pending()) {
          const next = run.step + 1;
          const soon = yields ? shown + 1000 * progressSeconds : Number.POSITIVE_INFINITY;
          const save = keeper?.nextAt ?? Number.POSITIVE_INFINITY;
          const halted = (): boolean => this.#interrupted() || (run.step >= next && performance.now() >= Math.min(soon, save));
          await run.advance(this.#boundary(run), halted, () => {
            if (!yields && !pending() && performance.now() >= shown + 1000 * progressSeconds) shown = this.#report(run);
          });
        }
        this.#alive();
        if (signal?.aborted) break;
        const evaluated = pending();
        if (evaluated) await run.evaluate();
        this.#alive();
        if (signal?.aborted) break;
        const saves = keeper?.due(run) ?? false;
        if (saves) await keeper?.save(run);
        this.#alive();
        if (yields && (evaluated || saves || performance.now() >= shown + 1000 * progressSeconds || run.step === run.settings.steps)) {
          shown = this.#report(run);
          yield* this.#stand(this.#progress(run), drive);
        } else if (evaluated) shown = this.#report(run);
        if (this.#gate.held) await this.#wait();
        this.#alive();
      }
      left = false;
      if (!yields && !signal?.aborted) this.#report(run);
      await keeper?.last(run);
      this.#alive();
      signal?.throwIfAborted();
      this.#state = run.step >= run.settings.steps || run.exhausted ? 'done' : 'standing';
    } catch (error) {
      left = false;
      if (this.#driver === drive && this.#state !== 'disposed') this.#state = this.#run === null ? 'new' : signal?.aborted ? 'standing' : 'failed';
      throw error;
    } finally {
      try {
        if (left && this.#driver === drive && this.#run !== null && keeper !== null) {
          this.#running(); // nobody else may start while the file is written
          await keeper.last(this.#run);
        }
      } finally {
        signal?.removeEventListener('abort', abort);
        if (this.#driver === drive) {
          if ((this.#state as TrainerState) === 'running') this.#state = 'standing'; // the caller left the loop
          if ((this.#state as TrainerState) === 'disposed') this.#free();
          this.#gate.arrive();
        }
        settle();
      }
    }
  }

  /** The next step at which the loop must look around. */
  #boundary(run: Run): number {
    const { steps, evaluateEvery } = run.settings;
    const evaluates = run.bench.validationRows > 0 ? (Math.floor(run.step / evaluateEvery) + 1) * evaluateEvery : steps;
    return Math.min(steps, evaluates, this.#keeper?.boundary(run.step) ?? steps);
  }

  /** Calls onProgress, unless nothing is new since the last time. */
  #report(run: Run): number {
    const news = `${run.step} ${run.validation.length}`;
    if (news !== this.#news) this.#settings.onProgress?.(this.#progress(run));
    this.#news = news;
    return performance.now();
  }

  #interrupted(): boolean {
    return this.#stopping || this.#gate.held || this.#state === 'disposed' || (this.#settings.signal?.aborted ?? false);
  }

  /** Hands a record to the iterating caller; the trainer stands until it comes back. */
  async *#stand(progress: Progress, drive: object): AsyncGenerator<Progress, void, undefined> {
    this.#state = 'standing';
    this.#gate.arrive();
    yield progress;
    this.#alive();
    if (this.#driver !== drive) throw stateError('ERR_FLOW_STATE', 'it was run elsewhere since this loop stood still', 'Iterate it once at a time.');
    this.#running();
  }

  #running(): void {
    this.#alive();
    this.#state = 'running';
  }

  /** Stands at the gate until nobody holds it. */
  async #wait(): Promise<void> {
    this.#state = 'standing';
    this.#waiting = true;
    this.#gate.arrive();
    while (this.#gate.held && (this.#state as TrainerState) !== 'disposed' && !this.#settings.signal?.aborted) await this.#gate.change();
    this.#waiting = false;
    this.#running();
  }

  #progress(run: Run): Progress {
    const { steps } = run.settings;
    const { step, stepsPerSecond, learningRate } = run;
    return Object.freeze({
      step,
      steps,
      loss: run.log.mean(),
      validationLoss: run.validation.at(-1)?.loss ?? null,
      learningRate,
      stepsPerSecond,
      eta: (steps - step) / Math.max(stepsPerSecond, 1e-9),
      checkpointStep: this.#keeper?.step ?? null,
      checkpointError: this.#keeper?.error ?? null,
    });
  }

  // ------------------------------------------------------------------------------------------------------------ preparing

  async #prepare(): Promise<Run> {
    if (this.#run !== null) return this.#run;
    const settings = this.#settings;
    const run = new Run(settings, await prepareBench(settings, native(), await this.#keeper?.look()));
    try {
      this.#alive();
      const resumed = await this.#keeper?.restore(run);
      if (resumed) settings.onResume?.(resumed);
      this.#alive();
    } catch (error) {
      run.bench.dispose();
      throw error;
    }
    this.#run = run;
    return run;
  }
}

function stateError(code: FlowErrorCode, problem: string, hint: string): FlowError {
  return new FlowError(code, `trainer: ${problem}. ${hint}`.trim(), { path: 'trainer', hint });
}

/** @internal What a new Trainer holds. @throws FlowError naming the option that is wrong */
export function openTraining(options: TrainOptions): Training {
  return new Training(options);
}
