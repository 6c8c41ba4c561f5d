// How training times are drawn: t = quantile(u) for u ~ U(0, 1). `stratified` takes u_i = (i + U) / B, shuffled: lower gradient variance for free.

export interface TimeLaw {
  readonly name: string;
  readonly stratified: boolean;
  /** Rows are weighted by 1 / density, so that the loss is that of uniform times whatever the law is. @default false */
  readonly importance?: boolean;
  /** Absent = uniform on the path's [tMin, tMax]. Must be non-decreasing from [0, 1] into [0, 1]. */
  quantile?(u: number): number;
  /** The density on (0, 1) that the quantile function belongs to, where it is known: tests compare the two. */
  density?(t: number): number;
}
