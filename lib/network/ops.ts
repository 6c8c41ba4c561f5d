// The network as a Program: a flat list of ops over numbered values and named slices of one flat parameter vector.
// Native forward/backward, the float64 oracle, the ONNX emitter and the model file all read this list and nothing else.

export const activations = ['identity', 'silu', 'gelu', 'selu', 'elu', 'relu', 'tanh'] as const;
/** Pointwise nonlinearity; the index in `activations` is its code in native programs. gelu is the exact (erf) form. */
export type Activation = (typeof activations)[number];

/** What a value depends on, as a bit set. Condition-only values are computed once per solve, t-only ones once per stage. Seeds are fixed per row. */
export const depends = { x: 1, t: 2, condition: 4, seed: 8 } as const;

/** A matrix (rows, width) produced once in the program. Values 0, 1, 2 are the inputs x (rows, d), t (rows, 1), condition (rows, c; c may be 0). */
export interface Value {
  readonly name: string;
  readonly width: number;
  /** Bit set of `depends`. */
  readonly depends: number;
  /** Of a tangent: directions carried per row; the value is (copies, rows, width) then. */
  readonly copies?: number;
}
export const inputs = { x: 0, t: 1, condition: 2 } as const;

export type ParameterRole = 'weight' | 'bias' | 'scale' | 'shift' | 'table';
/** A named slice of the flat parameter vector, row-major; a weight is [out, in] as in PyTorch. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: ParameterRole;
  /** First element in the flat vector. */
  readonly offset: number;
}

export type Op =
  /** out = [t if raw, cos(omega_j t) ..., sin(omega_j t) ...]; omega in radians per unit of t, frozen. */
  | { readonly kind: 'time'; readonly raw: boolean; readonly omega: readonly number[]; readonly output: number }
  | { readonly kind: 'concat'; readonly inputs: readonly number[]; readonly output: number }
  /** out = activation(in W^T + b); `weight` and `bias` index Program.parameters. */
  | { readonly kind: 'dense'; readonly input: number; readonly weight: number; readonly bias: number; readonly activation: Activation; readonly output: number }
  | { readonly kind: 'activation'; readonly input: number; readonly activation: Activation; readonly output: number }
  /** Over the features of a row, biased variance: (x - mean) / sqrt(var + epsilon) * scale + shift. */
  | { readonly kind: 'layerNorm'; readonly input: number; readonly scale: number; readonly shift: number; readonly epsilon: number; readonly output: number }
  | { readonly kind: 'add'; readonly a: number; readonly b: number; readonly output: number }
  /** Columns [first, first + count) of a value. */
  | { readonly kind: 'slice'; readonly input: number; readonly first: number; readonly count: number; readonly output: number }
  /** Class index in `column` of the input -> indicator row; an index >= classes gives zeros (the null class). */
  | { readonly kind: 'oneHot'; readonly input: number; readonly column: number; readonly classes: number; readonly output: number }
  /** Class index in `column` -> that row of `table` (classes + 1 rows, the last one is the null class). */
  | { readonly kind: 'embed'; readonly input: number; readonly column: number; readonly table: number; readonly output: number }
  /** Directions, made by network/tangent.ts. `basis`: copy k is the unit vector of column k. `given`: (copies, rows, width) from the caller. */
  | { readonly kind: 'seed'; readonly seed: 'basis' | 'given'; readonly output: number }
  /**
   * The derivative of the op that made value `of`, along the tangents of its inputs in their order (-1 = zero). The tangent of a dense op's input may be
   * narrower than the input: it holds columns [first, first + width), the others being zero. `first` is 0 for every other op.
   */
  | { readonly kind: 'tangent'; readonly of: number; readonly inputs: readonly number[]; readonly first: number; readonly output: number }
  /**
   * <seed_k, y_k> with y_k = tangent_k, or tangent_k W^T where `weight` names the last layer's. Over a basis: summed, one column. Over given seeds: a column
   * for each copy. `tangent` -1 = zero.
   */
  | { readonly kind: 'trace'; readonly seed: number; readonly tangent: number; readonly weight: number; readonly output: number };

export interface Program {
  readonly version: 1;
  /** d: columns of x and of the output. */
  readonly dimension: number;
  /** c: columns of the condition input, 0 when unconditional. */
  readonly conditionWidth: number;
  readonly values: readonly Value[];
  readonly ops: readonly Op[];
  readonly parameters: readonly Parameter[];
  /** Total length of the flat parameter vector. */
  readonly parameterCount: number;
  /** Matrices of d columns that the output joins, when not one: velocity and score. */
  readonly heads?: 2;
  /** The value that holds v (rows, d). */
  readonly output: number;
  /** The value that network/tangent.ts was asked for: a trace, or a tangent of the output. */
  readonly tangent?: number;
}
