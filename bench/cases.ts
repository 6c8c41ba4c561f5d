// The shapes that speed is measured on: velocity MLP u(t, x), input [x (d), t], L hidden layers of width H, SiLU, linear output d.
// Flop convention: train step 6 B P, evaluation 2 N P, P = (d + 1) H + (L - 1) H^2 + H d; a divergence beside it 2 N (L - 1) H^2 for each tangent. A fraction is
// always of the f32 fma peak measured beside it.

export interface Shape {
  readonly d: number;
  readonly H: number;
  readonly L: number;
  /** Rows of a training batch. */
  readonly B: number;
  /** Rows that are sampled at once. */
  readonly N: number;
}

/**
 * `train+`: with clipping and EMA. `latency`: one row through 100 Euler steps, from JavaScript. `density`: log-densities, RK4 in 20 steps; exact up to 16 columns, one probe
 * above. `adaptive`: samples by dopri5 to 1e-5 (relative and absolute) of a flow from noise to 8 gaussians; how many evaluations that takes is part of what is measured, and
 * fractions of the peak count 40 a row, about what step sizes common to all rows ask for. `toy`: a whole training run.
 */
export const kinds = ['train', 'train+', 'sample', 'latency', 'adaptive', 'density', 'toy'] as const;
export type Kind = (typeof kinds)[number];

export interface Case {
  readonly id: string;
  readonly kind: Kind;
  readonly shape: Shape;
  readonly title: string;
  /** B or N. */
  readonly rows: number;
  /** Of one unit: a train step, 100 Euler steps of N rows, the log-densities of N rows, a whole run. */
  readonly flop: number;
}

export const eulerSteps = 100;
export const densitySteps = 20;
/** Tangents of a log-density: as many as columns, or one probe. */
export const tangents = ({ d }: Shape): number => (d <= 16 ? d : 1);
export const toySteps = 20_000;
/** Of `adaptive`: the tolerance, the evaluations a row that its fraction counts, and the training before it (batches of 256). */
export const adaptive = { tolerance: 1e-5, evaluations: 40, trainingSteps: 2000 };

const shape = (d: number, H: number, L: number, B: number, N: number): Shape => ({ d, H, L, B, N });
/** Fixed cost and nothing else. */
const tiny = shape(2, 8, 3, 8, 8);
export const shapes: readonly Shape[] = [
  tiny,
  shape(2, 64, 3, 256, 4096),
  shape(2, 256, 3, 256, 4096),
  shape(2, 256, 3, 4096, 16_384),
  shape(16, 256, 4, 1024, 4096),
  shape(64, 512, 4, 1024, 1024),
  shape(784, 1024, 4, 256, 256),
  shape(256, 1024, 6, 1024, 256),
];
const scored = [shape(2, 64, 3, 256, 1024), shape(2, 256, 3, 256, 1024), shape(16, 256, 4, 1024, 1024), shape(64, 512, 4, 1024, 1024)];
const planar = [shape(2, 64, 3, 256, 4096), shape(2, 256, 3, 256, 4096)];
const oneRow = [shape(2, 64, 3, 256, 1), shape(2, 256, 3, 256, 1), shape(784, 1024, 4, 256, 1)];

export const weights = ({ d, H, L }: Shape): number => (d + 1) * H + (L - 1) * H * H + H * d;

function caseOf(kind: Kind, s: Shape): Case {
  const P = weights(s);
  const training = kind === 'train' || kind === 'train+' || kind === 'toy';
  const rows = training ? s.B : s.N;
  const derived = tangents(s) * (s.L - 1) * s.H * s.H;
  const evaluations = kind === 'adaptive' ? adaptive.evaluations : eulerSteps;
  const sampling = kind === 'density' ? 4 * densitySteps * 2 * s.N * (P + derived) : evaluations * 2 * s.N * P;
  const flop = training ? 6 * s.B * P * (kind === 'toy' ? toySteps : 1) : sampling;
  const title = `${kind} (${s.d}, ${s.H}, ${s.L}) ${training ? 'B' : 'N'} = ${rows}`;
  return { id: `${kind}-${s.d}-${s.H}-${s.L}-${rows}`, kind, shape: s, title, rows, flop };
}

export const cases: readonly Case[] = [
  ...shapes.map((s) => caseOf('train', s)),
  ...shapes.filter((s) => s !== tiny).map((s) => caseOf('train+', s)),
  ...shapes.map((s) => caseOf('sample', s)),
  ...oneRow.map((s) => caseOf('latency', s)),
  ...planar.map((s) => caseOf('adaptive', s)),
  ...scored.map((s) => caseOf('density', s)),
  caseOf('toy', shapes[1] as Shape),
];

/** Cases of these kinds whose shape begins as asked, e.g. `2,64,3` or `784`; the fourth number is B or N, whichever the case counts. Empty lists ask for everything. */
export function select(wantedKinds: readonly string[], wantedShapes: readonly string[]): readonly Case[] {
  const begins = ({ d, H, L }: Shape, rows: number, text: string): boolean => `${[d, H, L, rows].join()},`.startsWith(`${text},`);
  const fits = (c: Case): boolean => wantedShapes.some((text) => begins(c.shape, c.rows, text));
  return cases.filter((c) => (wantedKinds.length === 0 || wantedKinds.includes(c.kind)) && (wantedShapes.length === 0 || fits(c)));
}
