// Trainer: training under the caller's hand. Nothing runs until run() is called or the trainer is iterated; between two progress records of an iteration the trainer
// stands still at `step`, so that model() and save() see exactly that step. train() is run() without the handle.

import { readCheckpoint } from '../checkpoint/checkpoint.ts';
import { checkFile } from '../model/check.ts';
import type { Model } from '../model/model.ts';
import type { Progress, Resumed, TrainOptions } from './options.ts';
import { givenOptions, resumedOptions } from './resume.ts';
import { openTraining, type Training } from './training.ts';

export type TrainerState = 'new' | 'running' | 'standing' | 'done' | 'failed' | 'disposed';

/**
 * Trains step by step under your hand: iterate it for progress, or call run().
 * @example const trainer = new Trainer({ data, steps: 4000, seed: 1 }); for await (const p of trainer) console.log(p.step, p.loss); const model = trainer.model();
 * @throws FlowError naming the option that is wrong; the data itself is read, and checked, when training starts.
 */
export class Trainer implements AsyncIterable<Progress>, AsyncDisposable {
  readonly #training: Training;

  constructor(options: TrainOptions) {
    this.#training = openTraining(options);
  }

  /**
   * Continues a run from its checkpoint. Options that the file holds may be left out; those that shaped the past steps must agree with it.
   * The checkpoint is kept up to date unless `checkpoint` says otherwise.
   * @throws FlowError at once for what is no file name or no options. Rejects with ERR_FLOW_IO, ERR_FLOW_CHECKPOINT, ERR_FLOW_CHECKSUM, ERR_FLOW_VERSION, ERR_FLOW_CONFIG for
   * an option that a file cannot hold, and the errors of options, which are read beside those of the file.
   * @example const trainer = await Trainer.resume('run.safetensors', { data }); const model = await trainer.run();
   */
  static resume(file: string, options: TrainOptions): Promise<Trainer> {
    checkFile(file);
    const given = givenOptions(options);
    return readCheckpoint(file).then((found) => new Trainer(resumedOptions(file, found, given)));
  }

  /** Optimiser steps done. */
  get step(): number {
    return this.#training.step;
  }
  /** Steps asked for. */
  get steps(): number {
    return this.#training.steps;
  }
  get state(): TrainerState {
    return this.#training.state;
  }
  /** The checkpoint that this run goes on from; null before training has started, and when there was none. */
  get resumed(): Resumed | null {
    return this.#training.resumed;
  }

  /** Trains to the end and returns the model. After stop() or a pause it goes on from there. @throws as train(). */
  run(): Promise<Model> {
    return this.#training.run();
  }

  /** Trains while you iterate; leaving the loop stops training, and iterating again goes on. */
  [Symbol.asyncIterator](): AsyncGenerator<Progress, void, undefined> {
    return this.#training.drive(true);
  }

  /**
   * The model at the current step: the best weights with early stopping, else the running mean, else the parameters. An own copy.
   * @throws FlowError ERR_FLOW_STATE while steps are under way (pause() first) or before the first, ERR_FLOW_DISPOSED.
   */
  model(): Model {
    return this.#training.model();
  }

  /**
   * Writes a checkpoint: Trainer.resume() continues from it, Model.load() reads the model in it. Pauses training for as long as copying takes.
   * @throws FlowError at once: ERR_FLOW_TYPE, ERR_FLOW_CONFIG for a name that says another kind of file. Rejects with ERR_FLOW_STATE, ERR_FLOW_DISPOSED, ERR_FLOW_IO.
   */
  save(file: string): Promise<{ readonly file: string; readonly hash: string; readonly step: number }> {
    return this.#training.save(file);
  }

  /** Resolves when training stands still; `proceed()` lets it go on (and resolves this as well, when it comes first). */
  pause(): Promise<void> {
    return this.#training.pause();
  }

  /** Ends a pause. */
  proceed(): void {
    this.#training.proceed();
  }

  /**
   * Ends the run in progress early, as if its steps were done: run() resolves with the model so far, a loop over the trainer ends at its next turn.
   * Also ends a pause. Resolves when no step is under way.
   */
  stop(): Promise<void> {
    return this.#training.stop();
  }

  /** Frees native memory; a run in progress rejects with ERR_FLOW_DISPOSED. Models made before stay valid. Idempotent. */
  dispose(): void {
    this.#training.dispose();
  }
  [Symbol.dispose](): void {
    this.dispose();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#training.end();
  }
}
