// Named and versioned toy distributions. Row i is a function of (name, version, seed, i), but for the moons whose arcs are spaced by n as in their sources.
// Versions: `runner`, `runner-twodim` and `torchcfm` are the three definitions behind the published tables of conditional flow matching; `v1` is ours.

import { choice, integer, record } from '../options.ts';
import { checkerboard, circles, gaussians, moons, noisyCurve, pinwheel, type Rows, sCurve, spirals, standard, swissRoll } from './shapes.ts';
import { type SyntheticName, syntheticNames } from './synthetic-names.ts';

export interface Synthetic {
  /** (n, 2) row-major. */
  readonly x: Float32Array;
  readonly columns: 2;
  /** Component, arc or arm of each row (n). */
  readonly labels: Int32Array;
}

/** Every generator by name, every name by version; the first version is the default. */
const generators = {
  normal: { v1: standard },
  '8gaussians': {
    runner: gaussians(5, 1, 1),
    'runner-twodim': gaussians(4, 0.5, 3),
    // Covariance sqrt(0.1) I, hence this standard deviation.
    torchcfm: gaussians(5, 0.1 ** 0.25, 1),
  },
  moons: {
    // scikit-learn's moons with noise 0.05, doubled, shifted left by one.
    runner: moons({ noise: 0.05, kind: 'normal', place: (x, y) => [2 * x - 1, 2 * y - 1] }),
    'runner-twodim': moons({ noise: 0.1, kind: 'normal', place: (x, y) => [x, y], standardise: 7 }),
    torchcfm: moons({ noise: 0.2, kind: 'diagonal', place: (x, y) => [3 * x - 1, 3 * y - 1] }),
  },
  scurve: { runner: noisyCurve(0.05, 1.5, sCurve) },
  checkerboard: { v1: checkerboard },
  swissroll: { v1: noisyCurve(1, 0.2, swissRoll) },
  circles: { v1: circles },
  pinwheel: { v1: pinwheel(5, 0.3, 0.1, 0.25) },
  spirals: { v1: spirals },
} satisfies Record<SyntheticName, Record<string, Rows>>;

/**
 * The versions of a name; the first is the default.
 * @throws FlowError ERR_FLOW_CONFIG (unknown name)
 * @example syntheticVersions('moons'); // ['runner', 'runner-twodim', 'torchcfm']
 */
export function syntheticVersions(name: SyntheticName): readonly string[] {
  return Object.keys(generators[choice(name, 'syntheticVersions.name', syntheticNames)]);
}

/**
 * `n` rows of a two-dimensional toy distribution.
 * @param options.n Rows, 1 .. 1e8. @param options.seed @default 0
 * @param options.version One of syntheticVersions(name). @default the first of them
 * @throws FlowError ERR_FLOW_CONFIG (unknown name or version), ERR_FLOW_RANGE
 * @example const { x } = synthetic('moons', { n: 10_000, seed: 1 });
 */
export function synthetic(name: SyntheticName, options: { readonly n: number; readonly seed?: number | bigint; readonly version?: string }): Synthetic {
  const known = choice(name, 'synthetic.name', syntheticNames);
  const given = record(options, 'synthetic', ['n', 'seed', 'version']);
  const n = integer(given.n, 'synthetic.n', 1, 1e8);
  const seed = typeof given.seed === 'bigint' ? given.seed : integer(given.seed ?? 0, 'synthetic.seed', 0);
  const versions: Record<string, Rows> = generators[known];
  const version = choice(given.version ?? (Object.keys(versions)[0] as string), 'synthetic.version', Object.keys(versions));
  const { x, labels } = (versions[version] as Rows)(n, seed);
  return { x: Float32Array.from(x), columns: 2, labels };
}
