// The quantile function of N(0, 1): Acklam's rational approximation (relative error 1.2e-9), far below the spacing of the table it fills.

const a = [-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239];
const b = [-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1];
const c = [-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
const d = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1];

const horner = (coefficients: readonly number[], x: number): number => coefficients.reduce((sum, k) => sum * x + k, 0);

/** z with P(Z <= z) = u, for u in (0, 1). */
export function normalQuantile(u: number): number {
  const tail = Math.min(u, 1 - u);
  if (tail >= 0.02425) {
    const q = u - 0.5;
    return (q * horner(a, q * q)) / horner(b, q * q);
  }
  const q = Math.sqrt(-2 * Math.log(tail));
  const z = horner(c, q) / horner(d, q);
  return u < 0.5 ? z : -z;
}
