// Solves that a model keeps ready on the native side: who asks for one row again and again with the same solver pays for reading, checking and laying out the solve
// once (docs/decisions/0003-engine.md has figures). A solve is kept from the second call that is like the one before it, so that solvers
// made for one call leave nothing behind.

import type { NativeNetwork, NativeSolve } from '../native/binding.ts';
import type { Solver } from '../solvers/solver.ts';
import type { Alike, SolveKey } from './plan.ts';

/** Rows that a kept solve takes (native/solver/kept_solve.h). */
export const fewRows = 16;
/** Solves that a model keeps; the one made first gives way. */
const most = 4;

export interface KeptSolve {
  readonly key: SolveKey;
  readonly solve: NativeSolve;
  /** Network evaluations per row. */
  readonly nfe: number;
}

export class KeptSolves {
  readonly #kept = new Map<Solver, KeptSolve>();
  /** What was last asked of a solver, where that is not kept. */
  readonly #asked = new WeakMap<Solver, SolveKey>();

  /** The solve for such calls, or null where it is not kept yet. */
  find({ key, solve }: Alike, network: NativeNetwork): KeptSolve | null {
    const { solver } = key;
    const found = this.#kept.get(solver);
    if (found !== undefined && equal(found.key, key)) return found;
    const asked = this.#asked.get(solver);
    if (asked === undefined || !equal(asked, key)) {
      this.#asked.set(solver, key);
      return null;
    }
    const prepared = network.prepare(solve());
    const made = { key, solve: prepared, nfe: prepared.nfe };
    this.#drop(found === undefined && this.#kept.size >= most ? this.#kept.keys().next().value : solver);
    this.#kept.set(solver, made);
    return made;
  }

  #drop(solver: Solver | undefined): void {
    if (solver === undefined) return;
    this.#kept.get(solver)?.solve.dispose();
    this.#kept.delete(solver);
  }

  dispose(): void {
    for (const solver of [...this.#kept.keys()]) this.#drop(solver);
  }
}

function equal(a: SolveKey, b: SolveKey): boolean {
  if (a.precision !== b.precision) return false;
  if (a.guidance === null || b.guidance === null) return a.guidance === b.guidance;
  return a.guidance.scale === b.guidance.scale && a.guidance.from === b.guidance.from && a.guidance.to === b.guidance.to;
}
