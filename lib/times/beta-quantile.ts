// The quantile function of Beta(a, b): safeguarded Newton steps on the regularised incomplete beta function, which is a continued fraction.
// Source: Abramowitz and Stegun, 26.5.8 (the fraction, evaluated by the modified Lentz method) and 6.1.34 ff. (Stirling's series for log Gamma).

/** log Gamma(x), x > 0: Stirling's series, shifted up to x >= 12, where its error is below 1e-16. */
export function logGamma(x: number): number {
  let [z, shift] = [x, 0];
  for (; z < 12; z++) shift -= Math.log(z);
  const r = 1 / (z * z);
  const series = (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - (r * 691) / 360_360))))) / z;
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}

/** log B(a, b). */
export const logBeta = (a: number, b: number): number => logGamma(a) + logGamma(b) - logGamma(a + b);

/** I_x(a, b) for x below the mean of the law, where the fraction converges fast. */
function lower(a: number, b: number, x: number, norm: number): number {
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - norm) / a;
  let [c, d] = [1, 1 / (1 - ((a + b) * x) / (a + 1))];
  let f = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    f *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    f *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return front * f;
}

/** P(X <= x), X ~ Beta(a, b), x in (0, 1). */
export function betaCdf(a: number, b: number, x: number, norm = logBeta(a, b)): number {
  return x < (a + 1) / (a + b + 2) ? lower(a, b, x, norm) : 1 - lower(b, a, 1 - x, norm);
}

/** x with P(X <= x) = u. The smaller tail is solved for, in log x, so that nothing near 0 or 1 is lost. */
export function betaQuantile(a: number, b: number, u: number): number {
  if (u <= 0 || u >= 1) return u <= 0 ? 0 : 1;
  const norm = logBeta(a, b);
  const half = betaCdf(a, b, 0.5, norm);
  return u <= half ? root(a, b, u, norm) : 1 - root(b, a, 1 - u, norm);
}

/** x <= 1/2 with P(X <= x) = u. */
function root(a: number, b: number, u: number, norm: number): number {
  // P(X <= x) < x^a max(1, (1-x)^(b-1)) / (a B(a, b)): between these bounds lies y = log x.
  let [low, high] = [-750, Math.log(0.5)];
  let y = Math.min(Math.max((Math.log(u * a) + norm) / a, low + 1), high);
  for (let k = 0; k < 100; k++) {
    const x = Math.exp(y);
    const error = betaCdf(a, b, x, norm) - u;
    if (error > 0) high = y;
    else low = y;
    const slope = Math.exp(a * y + (b - 1) * Math.log1p(-x) - norm); // d cdf / dy
    let next = y - error / slope;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (Math.abs(next - y) < 1e-15 * Math.max(1, Math.abs(y))) return Math.exp(next);
    y = next;
  }
  return Math.exp(y);
}
