// Densities of the synthetic sets that have one worth writing down: p(x) = sum_k w_k N(x; c_k, std^2 I) of points, or of nodes along curves (Simpson's rule), and
// the flat checkerboard. Their entropies -E ln p, in nats, are what the negative log-likelihood of a model of them cannot fall below on fresh rows.
// The entropies were integrated on grids, which test/data/densities.test.ts repeats. Arcs of moons count as drawn uniformly, which is their limit for many rows.

import { argumentError } from '../errors.ts';
import { choice, record } from '../options.ts';
import { moonArc, sCurve, swissRoll } from './shapes.ts';
import { syntheticVersions } from './synthetic.ts';
import { type SyntheticName, syntheticNames } from './synthetic-names.ts';

export interface SyntheticDensity {
  /** -E ln p in nats. */
  readonly entropy: number;
  /**
   * ln p of each row of x (n, 2): (n), in nats; -Infinity where the density is 0, or too small for a number.
   * @throws FlowError ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE
   */
  logDensity(x: Float32Array | Float64Array): Float64Array;
}

type LogDensity = (x: number, y: number) => number;
type Curve = (u: number) => readonly [number, number];

/** Normals of one width around points (x, y, weight); the weights sum to one. */
function mixture(points: readonly (readonly [number, number, number])[], std: number): LogDensity {
  const nodes = Float64Array.from(points.flat());
  const rate = -0.5 / std ** 2;
  const constant = -Math.log(2 * Math.PI * std ** 2);
  return (x, y) => {
    let nearest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < nodes.length; k += 3) nearest = Math.min(nearest, (x - (nodes[k] as number)) ** 2 + (y - (nodes[k + 1] as number)) ** 2);
    if (nearest === Number.POSITIVE_INFINITY) return Number.NEGATIVE_INFINITY;
    let sum = 0;
    for (let k = 0; k < nodes.length; k += 3)
      sum += (nodes[k + 2] as number) * Math.exp(rate * ((x - (nodes[k] as number)) ** 2 + (y - (nodes[k + 1] as number)) ** 2 - nearest));
    return rate * nearest + Math.log(sum) + constant;
  };
}

/** Intervals of Simpson's rule along a curve: nodes are then closer than an eighth of any width below. */
const intervals = 512;

/** Curves that are equally likely, with u ~ U(0, 1) on each, blurred by N(0, std^2 I). */
function blurred(curves: readonly Curve[], std: number): LogDensity {
  const nodes = curves.flatMap((curve) =>
    Array.from({ length: intervals + 1 }, (_, i) => {
      const weight = i === 0 || i === intervals ? 1 : i % 2 === 1 ? 4 : 2;
      return [...curve(i / intervals), weight / (3 * intervals * curves.length)] as [number, number, number];
    }),
  );
  return mixture(nodes, std);
}

const gaussians = (radius: number, std: number, scale: number): LogDensity =>
  mixture(
    Array.from({ length: 8 }, (_, k) => [scale * radius * Math.cos((k * Math.PI) / 4), scale * radius * Math.sin((k * Math.PI) / 4), 1 / 8] as const),
    scale * std,
  );

const placed = (curve: Curve, scale: number, shift = 0): Curve => {
  return (u) => {
    const [x, y] = curve(u);
    return [scale * x + shift, scale * y + shift];
  };
};
const moons = (noise: number, scale: number, shift: number): LogDensity =>
  blurred(
    [0, 1].map((label) => placed((u) => moonArc(label, Math.PI * u), scale, shift)),
    noise * scale,
  );
const circle = (radius: number): Curve => {
  return (u) => [radius * Math.cos(2 * Math.PI * u), radius * Math.sin(2 * Math.PI * u)];
};

// The moons of `runner-twodim` are standardised as one list of numbers: mean 3/8, mean square (1 + (5/4 - 2/pi) / 2) / 2 + .1^2.
const spread = Math.sqrt((1 + (1.25 - 2 / Math.PI) / 2) / 2 + 0.01 - 0.375 ** 2);

const checkerboardArea = 8 / 0.45 ** 2;
const checkerboard: LogDensity = (x, y) => {
  const [a, b] = [x * 0.45, y * 0.45];
  return Math.abs(a) < 2 && Math.abs(b) < 2 && (Math.floor(a) + Math.floor(b)) % 2 === 0 ? -Math.log(checkerboardArea) : Number.NEGATIVE_INFINITY;
};

interface Law {
  readonly entropy: number;
  readonly at: () => LogDensity;
}
const laws: Partial<Record<SyntheticName, Readonly<Record<string, Law>>>> = {
  normal: { v1: { entropy: Math.log(2 * Math.PI * Math.E), at: () => mixture([[0, 0, 1]], 1) } },
  '8gaussians': {
    runner: { entropy: 4.770726, at: () => gaussians(5, 1, 1) },
    'runner-twodim': { entropy: 5.72195, at: () => gaussians(4, 0.5, 3) },
    torchcfm: { entropy: 3.76409, at: () => gaussians(5, 0.1 ** 0.25, 1) },
  },
  moons: {
    runner: { entropy: 1.675528, at: () => moons(0.05, 2, -1) },
    'runner-twodim': { entropy: 5.548114, at: () => moons(0.1, 7 / spread, (-7 * 0.375) / spread) },
  },
  scurve: { runner: { entropy: 1.486448, at: () => blurred([placed(sCurve, 1.5)], 0.075) } },
  checkerboard: { v1: { entropy: Math.log(checkerboardArea), at: () => checkerboard } },
  swissroll: { v1: { entropy: 2.669646, at: () => blurred([placed(swissRoll, 0.2)], 0.2) } },
  circles: { v1: { entropy: 3.268136, at: () => blurred([circle(3), circle(1.5)], 0.24) } },
};

/**
 * The density of a synthetic set and its entropy: the best negative log-likelihood that a model of it can have on fresh rows.
 * Known of normal, 8gaussians, moons (`runner`, `runner-twodim`), scurve, checkerboard, swissroll and circles; null for the others.
 * @param options.version One of syntheticVersions(name). @default the first of them
 * @throws FlowError ERR_FLOW_CONFIG (unknown name or version); ERR_FLOW_TYPE for options that are none
 * @example const floor = syntheticDensity('checkerboard')?.entropy; // 3.676 nats
 */
export function syntheticDensity(name: SyntheticName, options: { readonly version?: string } = {}): SyntheticDensity | null {
  const known = choice(name, 'syntheticDensity.name', syntheticNames);
  const given = record(options, 'syntheticDensity', ['version']);
  const versions = syntheticVersions(known);
  const law = laws[known]?.[choice(given.version ?? versions[0], 'syntheticDensity.version', versions)];
  if (law === undefined) return null;
  let at: LogDensity | undefined;
  return Object.freeze({
    entropy: law.entropy,
    logDensity: (x: Float32Array | Float64Array) => {
      if (!(x instanceof Float32Array || x instanceof Float64Array)) throw argumentError('ERR_FLOW_TYPE', 'x', 'a Float32Array or Float64Array', x);
      if (x.length % 2 !== 0) throw argumentError('ERR_FLOW_SHAPE', 'x', 'rows of 2 columns', x);
      const bad = x.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw argumentError('ERR_FLOW_NONFINITE', `x, row ${bad >> 1}, column ${bad % 2}`, 'a finite number', x[bad]);
      at ??= law.at();
      const ln = at;
      return Float64Array.from({ length: x.length / 2 }, (_, i) => ln(x[2 * i] as number, x[2 * i + 1] as number));
    },
  });
}
