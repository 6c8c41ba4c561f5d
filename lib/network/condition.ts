// Rows of the condition as the network reads them: the numbers, then (only where conditions are dropped in training) one column that is 1 in a row without a
// condition, then the class indices. The null row, which stands for "no condition": numbers 0, indicator 1, and of each label the class index K, one past the last.
// A network of average velocities (NetworkSpec.span) has one column more, the last: the span.
// Source of dropping: Ho and Salimans, arXiv 2207.12598.

import type { ConditionSpec, NetworkSpec } from './spec.ts';

/** 1 where the numbers of a condition are followed by the indicator of a missing one, else 0. */
export function indicatorWidth({ numbers, drop }: ConditionSpec): number {
  return numbers > 0 && drop !== undefined ? 1 : 0;
}

/** Columns of a condition row in the network; 0 without a condition. */
export function conditionWidth(condition: ConditionSpec | null): number {
  return condition === null ? 0 : condition.numbers + indicatorWidth(condition) + condition.classes.length;
}

/** Columns of the condition input of a network: those of the condition, and the span. */
export function inputWidth(network: NetworkSpec, condition: ConditionSpec | null): number {
  return conditionWidth(condition) + (network.span === undefined ? 0 : 1);
}

/** Condition rows (rows, width), or none, with the span behind each. */
export function withSpan(rows: Float32Array | null, width: number, span: number): Float32Array {
  if (rows === null || width === 0) return Float32Array.of(span);
  const count = rows.length / width;
  const out = new Float32Array(count * (width + 1)).fill(span);
  for (let i = 0; i < count; i++) out.set(rows.subarray(i * width, (i + 1) * width), i * (width + 1));
  return out;
}

/** (rows, numbers + labels) as the network's rows (rows, conditionWidth): the same array where there is no indicator. */
export function conditionRows(values: Float32Array, spec: ConditionSpec): Float32Array {
  const wide = conditionWidth(spec);
  const narrow = spec.numbers + spec.classes.length;
  if (wide === narrow) return values;
  const rows = values.length / narrow;
  const out = new Float32Array(rows * wide);
  for (let i = 0; i < rows; i++) {
    out.set(values.subarray(i * narrow, i * narrow + spec.numbers), i * wide);
    out.set(values.subarray(i * narrow + spec.numbers, (i + 1) * narrow), i * wide + spec.numbers + 1);
  }
  return out;
}

/** The null row (conditionWidth); only a network trained with dropping knows it. */
export function nullCondition(spec: ConditionSpec): Float32Array {
  const row = new Float32Array(conditionWidth(spec));
  if (indicatorWidth(spec) > 0) row[spec.numbers] = 1;
  row.set(spec.classes, spec.numbers + indicatorWidth(spec));
  return row;
}
