// A probability path is six scalar functions of t: x_t = alpha x1 + sigma x0 + gamma eps, u_t = dAlpha x1 + dSigma x0 + dGamma eps.
// t = 0 is noise (source), t = 1 is data. Source: Flow Matching Guide and Code, arXiv 2412.06264, section 4.

export interface PathPoint {
  readonly alpha: number;
  readonly sigma: number;
  /** Coefficient of fresh noise (bridges); 0 for affine paths. */
  readonly gamma: number;
  readonly dAlpha: number;
  readonly dSigma: number;
  readonly dGamma: number;
}

export interface Path {
  readonly name: string;
  /** Training times and solver evaluations stay in [tMin, tMax]. */
  readonly tMin: number;
  readonly tMax: number;
  /** Standard deviation of the Gaussian source at t = 0. @default 1 */
  readonly sourceScale?: number;
  at(t: number): PathPoint;
}
