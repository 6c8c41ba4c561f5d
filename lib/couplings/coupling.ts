// How the rows of a batch of noise are joined to the rows of a batch of data.

/** Drawn natively: x0 row i belongs to x1 row i. */
export interface IndependentCoupling {
  readonly name: 'independent';
}
/** Solved natively: the permutation of x0 of least total squared distance, aware of the condition unless its name says otherwise. */
export interface OptimalCoupling {
  /** `minibatchOT`, then ` of <batch>` and ` ignoring the condition` where it is so: the whole description, as files keep it. */
  readonly name: string;
  readonly optimal: {
    readonly ignoreCondition: boolean;
    /** Rows coupled at once; null: the training batch. */
    readonly batch: number | null;
  };
}
export type BuiltInCoupling = IndependentCoupling | OptimalCoupling;
/** A user's coupling, the one slow lane: called once per step with the batch; returns for each x1 row the index of its x0 row. */
export interface CustomCoupling {
  readonly name: string;
  /** x0, x1 (B, D) row-major in network coordinates; condition (B, c) or null. Must return B indices in [0, B). */
  pair(x0: Float32Array, x1: Float32Array, condition: Float32Array | null): Int32Array;
}
export type Coupling = BuiltInCoupling | CustomCoupling;
