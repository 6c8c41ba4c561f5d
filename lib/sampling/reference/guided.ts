// Guidance in float64: v = (1 - w) v_null + w v_given (network/guidance.ts), the oracle of the native core and of guided graphs.

import { type GuidanceSetting, weightAt } from '../../network/guidance.ts';
import type { Field } from './integrate.ts';

/** Of any two fields; a field whose weight is 0 is not called. */
export function guidedField(given: Field, none: Field, guidance: GuidanceSetting): Field {
  return (x, t) => {
    const w = weightAt(guidance, t);
    if (w === 1) return given(x, t);
    const u = none(x, t);
    if (w === 0) return u;
    const v = given(x, t);
    return u.map((value, i) => (1 - w) * value + w * (v[i] as number));
  };
}
