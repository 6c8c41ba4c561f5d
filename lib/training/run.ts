// A run: the native trainer with its counters and logs. Steps go to the core in slices of about 50 ms, two of them queued, so that a busy event loop does not
// starve training. Where slices begin and end never changes a result: a slice is a number of steps with their learning rates, and nothing else.

import { checkPairs } from '../couplings/couplings.ts';
import { FlowError } from '../errors.ts';
import type { Job, SliceResult } from '../native/binding.ts';
import { learningRates } from '../optimisers/adamw.ts';
import { LossLog, RateHash } from './log.ts';
import { Marginals } from './marginals.ts';
import type { Bench } from './prepare.ts';
import type { Settings } from './settings.ts';

/** Wanted length of a slice, in seconds; the number of steps follows the measured speed. */
const sliceSeconds = 0.05;
const longestSlice = 4096;
/** Mean losses this many times the first one are divergence, though every number may still be finite: such weights never come back to a better fit than none. */
const explosion = 1e6;
/** Stream of the fixed times and noise of evaluations. */
const evaluationSalt = 0x6576616cn;

interface Slice {
  readonly job: Job<SliceResult>;
  readonly rates: Float64Array;
}

/** The best weights so far, kept by early stopping. */
export interface Best {
  readonly step: number;
  readonly loss: number;
  readonly weights: Float32Array;
}

export class Run {
  readonly settings: Settings;
  readonly bench: Bench;
  readonly log = new LossLog();
  readonly rates = new RateHash();
  readonly marginals: Marginals;
  /** Loss over the held-out rows at each evaluated step. */
  readonly validation: { step: number; loss: number }[] = [];
  best: Best | null = null;
  /** Evaluations since the best one. */
  stale = 0;
  /** Optimiser steps done and logged. */
  step = 0;
  /** Smoothed speed; 0 before the first slice. */
  stepsPerSecond = 0;
  #queue: Slice[] = [];
  #job: Job<unknown> | null = null;
  #issued = 0;

  constructor(settings: Settings, bench: Bench) {
    this.settings = settings;
    this.bench = bench;
    this.marginals = new Marginals(settings.coupling);
  }

  /** Draws of (t, noise) per held-out row: about 4096 in all, so that few rows still give a steady number. */
  get evaluationDraws(): number {
    return Math.min(64, Math.max(1, Math.ceil(4096 / Math.max(1, this.bench.validationRows))));
  }

  get learningRate(): number {
    const { lr } = this.settings.optimiser;
    return typeof lr === 'number' ? lr : lr(Math.max(0, this.step - 1));
  }

  /** Steps until `target` or until `halted()`, calling `between` after each slice; returns with nothing in flight. @throws ERR_FLOW_DIVERGED; the steps before it count. */
  async advance(target: number, halted: () => boolean, between: () => void = () => undefined): Promise<void> {
    if ('pair' in this.settings.coupling) return this.#advancePaired(target, halted, between);
    this.#issued = this.step;
    let began = performance.now();
    let failure: unknown;
    for (;;) {
      while (failure === undefined && this.#queue.length < 2 && this.#issued < target && !halted()) {
        try {
          this.#issue(target);
        } catch (error) {
          failure = error;
        }
      }
      const slice = this.#queue[0];
      if (slice === undefined) break;
      try {
        const { steps, losses, status, discardedLoss, unsettled, worstMarginal } = await slice.job.done;
        this.marginals.add(unsettled, worstMarginal);
        const exploded = this.#account(losses, slice.rates, steps);
        const now = performance.now();
        this.#measure(steps, (now - began) / 1000);
        began = now;
        if (status === 'nonfinite') failure ??= this.#diverged(discardedLoss);
        else if (exploded !== null) {
          failure ??= exploded;
          this.stop();
        } else if (failure === undefined && steps > 0) between();
        if (steps < slice.rates.length) this.stop(); // what is queued behind has the rates of later steps
      } catch (error) {
        failure ??= error;
        this.stop();
      }
      this.#queue.shift();
    }
    if (failure !== undefined) throw failure;
  }

  #issue(target: number): void {
    const wanted = this.stepsPerSecond === 0 ? 1 : Math.round(this.stepsPerSecond * sliceSeconds);
    const count = Math.max(1, Math.min(wanted, longestSlice, target - this.#issued));
    const rates = learningRates(this.settings.optimiser, this.#issued, count);
    const job = this.bench.native.run(rates, 0);
    job.done.catch(() => undefined); // seen where it is awaited
    this.#queue.push({ job, rates });
    this.#issued += count;
  }

  /** The slow lane: draw a batch, ask the user's coupling, step with its indices. */
  async #advancePaired(target: number, halted: () => boolean, between: () => void): Promise<void> {
    const { coupling, optimiser, batchSize } = this.settings;
    const { native } = this.bench;
    if (!('pair' in coupling)) return;
    while (this.step < target && !halted()) {
      const began = performance.now();
      const { x0, x1, condition } = await native.draw().done;
      if (halted()) return;
      const pairs = checkPairs(coupling.pair(x0, x1, condition), batchSize, 'options.coupling.pair(...)');
      const rates = learningRates(optimiser, this.step, 1);
      const job = native.runPaired(pairs, rates[0] as number);
      this.#job = job;
      const { steps, losses, status, discardedLoss } = await job.done.finally(() => {
        this.#job = null;
      });
      const exploded = this.#account(losses, rates, steps);
      this.#measure(steps, (performance.now() - began) / 1000);
      if (status === 'nonfinite') throw this.#diverged(discardedLoss);
      if (exploded !== null) throw exploded;
      if (steps > 0) between();
    }
  }

  /** Logs the steps of a slice. @returns the error of the first step whose loss, and the mean of the last ones, is an explosion; a function of the losses alone. */
  #account(losses: Float64Array, rates: Float64Array, steps: number): FlowError | null {
    let exploded: FlowError | null = null;
    for (let k = 0; k < steps; k++) {
      const loss = losses[k] as number;
      this.log.add(loss);
      const limit = explosion * (this.log.values[0] as number);
      if (exploded === null && limit > 0 && loss > limit && this.log.mean() > limit) exploded = this.#exploded(this.step + k + 1, loss, rates[k] as number);
    }
    this.rates.add(rates, steps);
    this.step += steps;
    return exploded;
  }

  #measure(steps: number, seconds: number): void {
    if (steps === 0) return;
    const speed = steps / Math.max(seconds, 1e-6);
    // The first slices are short and cold: never more than four times the last estimate.
    this.stepsPerSecond = this.stepsPerSecond === 0 ? speed : Math.min(0.7 * this.stepsPerSecond + 0.3 * speed, 4 * this.stepsPerSecond);
  }

  /** The held-out loss with the weights that are the model. Updates the best weights when early stopping is on. */
  async evaluate(): Promise<void> {
    const { native } = this.bench;
    const { ema, seed, patience } = this.settings;
    const which = ema > 0 ? 'ema' : 'parameters';
    const job = native.evaluate(which, BigInt.asUintN(64, seed ^ (evaluationSalt << 32n)), this.evaluationDraws);
    this.#job = job;
    const { loss, status } = await job.done.finally(() => {
      this.#job = null;
    });
    if (status === 'stopped') return;
    if (status === 'nonfinite') throw this.#diverged(loss, 'held-out loss');
    this.validation.push({ step: this.step, loss });
    if (patience === 0) return;
    if (this.best === null || loss < this.best.loss) {
      const { step } = this;
      this.best = { step, loss, weights: await native.copy(which).done };
      this.stale = 0;
    } else this.stale++;
  }

  /** Whether step `step` is one where the held-out rows are evaluated; the last step always is. */
  evaluatesAt(step: number): boolean {
    return (
      this.bench.validationRows > 0 &&
      step > 0 &&
      (step % this.settings.evaluateEvery === 0 || step === this.settings.steps) &&
      this.validation.at(-1)?.step !== step
    );
  }

  get exhausted(): boolean {
    return this.settings.patience > 0 && this.stale >= this.settings.patience;
  }

  /** Asks everything in flight to end at once. */
  stop(): void {
    for (const { job } of this.#queue) job.stop();
    this.#job?.stop();
  }

  #diverged(loss: number | null, name = 'loss'): FlowError {
    const path = `step ${this.step + 1}`;
    const hint = this.#calmer(this.learningRate);
    const received = Number.isFinite(loss) ? `gradient is not finite (${name} ${(loss as number).toPrecision(3)})` : `${name} is ${loss ?? 'not finite'}`;
    const message = `${path}: ${received}. Weights of step ${this.step} kept. ${hint}`;
    return new FlowError('ERR_FLOW_DIVERGED', message, { path, expected: 'a finite loss and gradient', received, hint });
  }

  #exploded(step: number, loss: number, lr: number): FlowError {
    const [path, received, first] = [`step ${step}`, loss.toPrecision(2), (this.log.values[0] as number).toPrecision(2)];
    const hint = this.#calmer(lr);
    const message = `${path}: the loss is ${received}, it began at ${first}. ${hint}`;
    return new FlowError('ERR_FLOW_DIVERGED', message, { path, expected: `a loss below ${explosion} times the first one`, received, hint });
  }

  /** What to try after a divergence. */
  #calmer(lr: number): string {
    const hints = [
      lr > 1e-3 ? 'lr <= 1e-3' : 'a lower lr',
      this.settings.clip === 0 || this.settings.clip > 1 ? 'clip: 1' : '',
      this.settings.normalise === false ? 'normalise: true' : '',
    ];
    return `Try ${hints.filter(Boolean).join(' or ')}.`;
  }
}
