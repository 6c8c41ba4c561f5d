// How the rows of a batch of noise are joined to the rows of a batch of data.

/** Drawn natively: x0 row i belongs to x1 row i. */
export interface IndependentCoupling {
  readonly name: 'independent';
}
/** Solved natively: the permutation of x0 of least total squared distance, or another plan of transport; aware of the condition unless its name says otherwise. */
export interface OptimalCoupling {
  /** `minibatchOT`, `sinkhorn`, `unbalancedOT` or `partialOT` with all that decides it, such as ` of <batch>` and ` ignoring the condition`: as files keep it. */
  readonly name: string;
  readonly optimal: {
    readonly ignoreCondition: boolean;
    /** Rows coupled at once; null: the training batch. */
    readonly batch: number | null;
    /** Absent: the exact permutation. */
    readonly plan?: TransportPlan;
  };
}
/** A number above 0: itself, or that multiple of the mean squared distance between the x0 and x1 rows that are coupled. */
export interface Strength {
  readonly value: number;
  readonly absolute: boolean;
}
/** Which plan joins the rows, where it is not the exact one. */
export type TransportPlan =
  | {
      readonly kind: 'entropic';
      readonly regularisation: Strength;
      /** Price of leaving a marginal; absent: marginals are held. */
      readonly marginal?: Strength;
      readonly permutation: boolean;
      readonly iterations: number;
      readonly tolerance: number;
    }
  | { readonly kind: 'partial'; readonly mass: number };
export type BuiltInCoupling = IndependentCoupling | OptimalCoupling;
/** A user's coupling, the one slow lane: called once per step with the batch; returns for each x1 row the index of its x0 row. */
export interface CustomCoupling {
  readonly name: string;
  /** x0, x1 (B, D) row-major in network coordinates; condition (B, c) or null. Must return B indices in [0, B). */
  pair(x0: Float32Array, x1: Float32Array, condition: Float32Array | null): Int32Array;
}
export type Coupling = BuiltInCoupling | CustomCoupling;
