// Solves that a model keeps ready on the native side: who asks for one row again and again with the same solver pays for reading, checking and laying out the solve
// once (docs/decisions/0003-engine.md has figures). A solve is kept from the second call that asks the same of a solver, so that solvers made for one call leave
// nothing behind.

import type { NativeNetwork, NativeSolve, SolveRequest } from '../native/binding.ts';
import type { Solver } from '../solvers/solver.ts';
import type { Alike, SolveKey } from './plan.ts';

/** Rows that a kept solve takes (native/solver/kept_solve.h). */
export const fewRows = 16;
/** Solves that a model keeps; the one not asked for the longest gives way. */
const most = 4;

export interface KeptSolve {
  readonly key: SolveKey;
  readonly solve: NativeSolve;
  /** Network evaluations per row. */
  readonly nfe: number;
}

export class KeptSolves {
  /** In the order in which they were last asked for. */
  readonly #kept: KeptSolve[] = [];
  /** What was asked of a solver once and is not kept. */
  readonly #asked = new WeakMap<Solver, SolveKey[]>();

  /** The solve for such calls, or null where it is not kept yet. */
  find({ key, solve }: Alike, network: NativeNetwork): KeptSolve | null {
    const at = this.#kept.findIndex((one) => equal(one.key, key));
    const found = at < 0 ? this.#make(key, solve, network) : (this.#kept.splice(at, 1)[0] as KeptSolve);
    if (found !== null) this.#kept.push(found);
    return found;
  }

  #make(key: SolveKey, solve: () => SolveRequest, network: NativeNetwork): KeptSolve | null {
    const asked = this.#asked.get(key.solver) ?? [];
    const before = asked.filter((one) => !equal(one, key));
    if (before.length === asked.length) {
      this.#asked.set(key.solver, [...before.slice(1 - most), key]);
      return null;
    }
    this.#asked.set(key.solver, before);
    const prepared = network.prepare(solve());
    if (this.#kept.length >= most) this.#kept.shift()?.solve.dispose();
    return { key, solve: prepared, nfe: prepared.nfe };
  }

  dispose(): void {
    for (const { solve } of this.#kept.splice(0)) solve.dispose();
  }
}

function equal(a: SolveKey, b: SolveKey): boolean {
  if (a.solver !== b.solver || a.precision !== b.precision) return false;
  if (a.guidance === null || b.guidance === null) return a.guidance === b.guidance;
  return a.guidance.scale === b.guidance.scale && a.guidance.from === b.guidance.from && a.guidance.to === b.guidance.to;
}
