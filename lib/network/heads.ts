// A network of two heads, velocity v and score s, as the network of one head v + kappa s: the last layer is linear, so its rows are added. What samples, scores and
// exports then sees a network like any other.

import { lower } from './lower.ts';
import type { Parameter } from './ops.ts';
import type { ConditionSpec, NetworkSpec } from './spec.ts';

/** What is read of a model (model/record.ts). */
interface Headed {
  readonly network: NetworkSpec;
  readonly dimension: number;
  readonly condition: ConditionSpec | null;
  readonly parameters: Float32Array;
  readonly score?: { readonly sigma: number; readonly varies?: true };
}

const made = new WeakMap<object, Map<number, object>>();

/** In place of kappa: s alone. */
export const scoreAlone = Number.POSITIVE_INFINITY;

/** The model that says v + kappa s, or the model itself where it has one head. Made once for each kappa while the model lives. */
export function withHead<R extends Headed>(model: R, kappa: number): R {
  if (model.score === undefined) return model;
  const known = made.get(model) ?? new Map<number, object>();
  made.set(model, known);
  const found = known.get(kappa);
  if (found !== undefined) return found as R;
  const { dimension: d, parameters } = model;
  const [weight, bias] = lower(model.network, d, model.condition, 2).parameters.slice(-2) as [Parameter, Parameter];
  const inputs = weight.shape[1] as number;
  const folded = new Float32Array(weight.offset + d * (inputs + 1));
  folded.set(parameters.subarray(0, weight.offset));
  const fold = (from: number, to: number, count: number): void => {
    for (let i = 0; i < count; i++) {
      const [v, s] = [parameters[from + i] as number, parameters[from + count + i] as number];
      folded[to + i] = kappa === scoreAlone ? s : v + kappa * s;
    }
  };
  fold(weight.offset, weight.offset, d * inputs);
  fold(bias.offset, weight.offset + d * inputs, d);
  const { score: _, ...rest } = model;
  const one = Object.freeze({ ...rest, parameters: folded }) as unknown as R;
  known.set(kappa, one);
  return one;
}
