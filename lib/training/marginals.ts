// What entropic plans came short of: steps whose iteration ended at its limit, and how far the marginals were off. A function of the steps done, so that a resumed
// run counts as one that was never cut. The first of a run warns.

import type { Coupling } from '../couplings/coupling.ts';

type Record = { readonly marginals: { readonly unsettled: number; readonly worst: number } } | Readonly<{ [key: string]: never }>;

export class Marginals {
  readonly #plan: { readonly name: string; readonly iterations: number; readonly tolerance: number } | null;
  #unsettled = 0;
  #worst = 0;
  #told = false;

  constructor(coupling: Coupling) {
    const plan = 'optimal' in coupling ? coupling.optimal.plan : undefined;
    const turns = plan?.kind === 'entropic' && !plan.permutation;
    this.#plan = turns ? { name: coupling.name.split(' ')[0] as string, iterations: plan.iterations, tolerance: plan.tolerance } : null;
  }

  /** A slice of steps: how many of them were unsettled, and the largest error of any, settled or not. */
  add(unsettled: number, worst: number): void {
    this.#unsettled += unsettled;
    this.#worst = Math.max(this.#worst, worst);
    if (unsettled === 0 || this.#told || this.#plan === null) return;
    this.#told = true;
    const { name, iterations, tolerance } = this.#plan;
    const text =
      `${name}(): a plan stopped after ${iterations} iterations with marginals off by ${worst.toPrecision(2)}, wanted ${tolerance}. ` +
      'Training goes on and counts such steps in training.marginals. Raise iterations, regularisation or tolerance.';
    process.emitWarning(text, { code: 'FLOW_COUPLING_UNSETTLED' });
  }

  /** For records: nothing where plans are not iterated. */
  get record(): Record {
    return this.#plan === null ? {} : { marginals: { unsettled: this.#unsettled, worst: this.#worst } };
  }

  /** From a checkpoint. @returns whether it is one of this run's kind. */
  restore(stored: unknown): boolean {
    if (stored === undefined) return true; // no such plan, or a file of before they were counted
    if (this.#plan === null || stored === null || typeof stored !== 'object') return false;
    const { unsettled, worst } = stored as { unsettled?: unknown; worst?: unknown };
    if (!Number.isSafeInteger(unsettled) || (unsettled as number) < 0 || !Number.isFinite(worst) || (worst as number) < 0) return false;
    [this.#unsettled, this.#worst] = [unsettled as number, worst as number];
    this.#told = this.#unsettled > 0;
    return true;
  }
}
