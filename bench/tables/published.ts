// The published figures that the tables are held against, mean and deviation over seeds, as printed in the papers.

export interface Figure {
  readonly mean: number;
  readonly std?: number;
}

/** Source -> target of the planar tasks. The papers print moons-8gaussians under either name; both directions are run. */
export const tasks = ['N->8gaussians', '8gaussians->moons', 'moons->8gaussians', 'N->moons', 'N->scurve'] as const;
export type Task = (typeof tasks)[number];

type Cells = Readonly<Record<string, Partial<Record<Task, Figure>>>>;
const row = (eight: Figure | null, pair: Figure | null, moons: Figure, curve: Figure): Partial<Record<Task, Figure>> => ({
  ...(eight && { 'N->8gaussians': eight }),
  ...(pair && { '8gaussians->moons': pair, 'moons->8gaussians': pair }),
  'N->moons': moons,
  'N->scurve': curve,
});
const f = (mean: number, std: number): Figure => ({ mean, std });

/** Table 2 of arXiv 2307.03672: 2-Wasserstein distance (rooted), 5 seeds. */
export const t1W2: Cells = {
  '[SF]2M-Exact': row(f(0.275, 0.058), f(0.726, 0.137), f(0.124, 0.023), f(0.128, 0.005)),
  '[SF]2M-I': row(f(0.393, 0.054), f(1.482, 0.151), f(0.185, 0.028), f(0.201, 0.062)),
  'OT-CFM': row(f(0.303, 0.043), f(0.601, 0.027), f(0.13, 0.016), f(0.144, 0.028)),
  // biome-ignore lint/suspicious/noApproximativeNumericConstant: a deviation, not a logarithm
  'SB-CFM': row(f(2.314, 2.112), null, f(0.434, 0.594), f(0.341, 0.468)),
  RF: row(f(0.421, 0.071), f(1.525, 0.33), f(0.283, 0.045), f(0.345, 0.079)),
  'I-CFM': row(f(0.373, 0.103), f(1.557, 0.407), f(0.178, 0.014), f(0.242, 0.141)),
  FM: row(f(0.343, 0.058), null, f(0.209, 0.055), f(0.198, 0.037)),
};

/** The same table: normalised path energy. */
export const t1Energy: Cells = {
  '[SF]2M-Exact': row(f(0.016, 0.012), f(0.045, 0.031), f(0.053, 0.038), f(0.034, 0.024)),
  '[SF]2M-I': row(f(0.16, 0.019), f(2.577, 0.323), f(0.855, 0.13), f(0.845, 0.106)),
  'OT-CFM': row(f(0.031, 0.027), f(0.015, 0.01), f(0.083, 0.009), f(0.027, 0.012)),
  'SB-CFM': row(f(1, 0), null, f(0.995, 0), f(0.745, 0.039)),
  RF: row(f(0.044, 0.031), f(0.203, 0.09), f(0.13, 0.078), f(0.099, 0.066)),
  'I-CFM': row(f(0.202, 0.055), f(2.68, 0.292), f(0.891, 0.12), f(0.856, 0.031)),
  FM: row(f(0.19, 0.054), null, f(0.762, 0.099), f(0.743, 0.116)),
};

/** Table 2 of arXiv 2303.16852, a second source of the same cells: W2, 5 seeds, 20 Euler steps. */
export const t1b: Cells = {
  'OT-CFM': row({ mean: 0.253 }, f(0.716, 0.187), { mean: 0.111 }, { mean: 0.102 }),
  RF: row({ mean: 0.267 }, f(1.522, 0.304), { mean: 0.129 }, { mean: 0.126 }),
  FM: { 'N->moons': f(0.212, 0.025) },
};

/** Path energy over W2^2 of the exact I-CFM field over the empirical target, less one: what an ideal network reaches (worked out for these generators). */
export const idealEnergy: Partial<Record<Task, number>> = { 'N->8gaussians': 0.249, 'N->moons': 0.973, 'N->scurve': 0.99 };

/** Figure 1 of arXiv 2503.10636, 8gaussians -> moons: squared W2, 10 seeds, by one Euler step and adaptively. */
export const t3: Readonly<Record<string, { readonly euler1: Figure; readonly adaptive: Figure }>> = {
  'FM, no condition': { euler1: f(6.232, 0.186), adaptive: f(0.12, 0.045) },
  'OT, no condition': { euler1: f(0.072, 0.025), adaptive: f(0.05, 0.04) },
  'FM, class': { euler1: f(2.573, 0.112), adaptive: f(0.059, 0.029) },
  'OT, class': { euler1: f(0.483, 0.059), adaptive: f(0.462, 0.025) },
  'C2OT, class': { euler1: f(0.048, 0.01), adaptive: f(0.018, 0.006) },
  'FM, x': { euler1: f(0.732, 0.052), adaptive: f(0.028, 0.01) },
  'OT, x': { euler1: f(8.276, 6.51), adaptive: f(2.143, 1.993) },
  'C2OT, x': { euler1: f(0.077, 0.024), adaptive: f(0.013, 0.003) },
};
