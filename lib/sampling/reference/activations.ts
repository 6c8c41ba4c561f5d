// The nonlinearities in float64: value for real and for complex arguments, and the derivative written by hand for the reverse mode.
// silu z/(1+e^-z); gelu z Phi(z) with the exact erf; selu: Klambauer et al., arXiv 1706.02515; elu with alpha = 1.

import type { Activation } from '../../network/ops.ts';
import { type Complex, divide, erf, exp, multiply, realErf, tanh } from './complex.ts';

export const seluAlpha = 1.6732632423543772;
export const seluScale = 1.0507009873554805;

interface Rule {
  real(x: number): number;
  complex(z: Complex): Complex;
  derivative(x: number): number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const phi = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

/** positive scale x for x > 0, scale alpha (e^x - 1) otherwise. */
function exponential(scale: number, alpha: number): Rule {
  return {
    real: (x) => (x > 0 ? scale * x : scale * alpha * Math.expm1(x)),
    complex: (z) => {
      if (z[0] > 0) return [scale * z[0], scale * z[1]];
      const [re, im] = exp(z);
      return [scale * alpha * (re - 1), scale * alpha * im];
    },
    derivative: (x) => (x > 0 ? scale : scale * alpha * Math.exp(x)),
  };
}

export const rules: Readonly<Record<Activation, Rule>> = {
  identity: { real: (x) => x, complex: (z) => z, derivative: () => 1 },
  silu: {
    real: (x) => x * sigmoid(x),
    complex: (z) => {
      // Below -700 exp(-z) overflows; the value there is 0 to every digit.
      if (z[0] < -700) return [0, 0];
      const [re, im] = exp([-z[0], -z[1]]);
      return divide(z, [1 + re, im]);
    },
    derivative: (x) => sigmoid(x) * (1 + x * sigmoid(-x)),
  },
  gelu: {
    real: (x) => 0.5 * x * (1 + realErf(x * Math.SQRT1_2)),
    complex: (z) => {
      const [re, im] = erf([z[0] * Math.SQRT1_2, z[1] * Math.SQRT1_2]);
      return multiply([0.5 * z[0], 0.5 * z[1]], [1 + re, im]);
    },
    derivative: (x) => 0.5 * (1 + realErf(x * Math.SQRT1_2)) + x * phi(x),
  },
  selu: exponential(seluScale, seluAlpha),
  elu: exponential(1, 1),
  relu: { real: (x) => Math.max(x, 0), complex: (z) => (z[0] > 0 ? z : [0, 0]), derivative: (x) => (x > 0 ? 1 : 0) },
  tanh: { real: Math.tanh, complex: tanh, derivative: (x) => 1 - Math.tanh(x) ** 2 },
};
