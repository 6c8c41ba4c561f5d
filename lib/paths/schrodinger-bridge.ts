// The Schroedinger-bridge path: a Brownian bridge of diffusion sigma(t) between x0 and x1. With F(t) = integral from 0 to t of sigma^2 and F1 = F(1),
//   x_t = x0 + (x1 - x0) F / F1 + gamma eps,  gamma^2 = F - F^2 / F1,  gamma' = sigma^2 (F1 - 2 F) / (2 F1 gamma);
// for a constant sigma F / F1 = t and gamma = sigma sqrt(t (1 - t)). With pairs from the entropic plan of regularisation 2 F1 it is the bridge from source to data.
// Source: Tong et al., arXiv 2307.03672, section 3.

import { finite, record } from '../options.ts';
import { type AffinePath, affinePath } from './affine.ts';
import { type Diffusion, least, most, runningVariance } from './diffusion.ts';
import type { PathPoint } from './path.ts';
import { type TablePath, tablePath } from './table.ts';
import { fittingTable } from './tabulate.ts';

/** Where gamma' is still bounded. */
const [tMin, tMax] = [0.001, 0.999];

/**
 * Straight lines with the noise of a Brownian bridge around them, on [0.001, 0.999], beyond which gamma' has no bound.
 * @param options.sigma Diffusion, in the coordinates of the network (columns z-scored, where they are), in [1e-3, 100]: one number, or sigma(t) as a smooth function of t in
 * [0, 1], or as values at equidistant times from 0 to 1 (a monotone cubic between). sigma(t) is sampled once, and kept as a table. @default 1
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE, ERR_FLOW_NONFINITE, ERR_FLOW_SHAPE
 * @example train({ data, source: rows, coupling: 'minibatchOT', path: schrodingerBridge({ sigma: 1 }), objective: 'scoreAndFlow' })
 * @example train({ data, source: rows, path: schrodingerBridge({ sigma: (t) => 1.5 - t }), objective: 'scoreAndFlow' }) // more noise near the source
 */
export function schrodingerBridge(options?: { readonly sigma?: number }): AffinePath;
export function schrodingerBridge(options: { readonly sigma?: Diffusion }): AffinePath | TablePath;
export function schrodingerBridge(options: { readonly sigma?: Diffusion } = {}): AffinePath | TablePath {
  const { sigma } = record(options, 'schrodingerBridge', ['sigma'], {}, ['sigma', schrodingerBridge]);
  return bridgeOf(sigma, 'schrodingerBridge.sigma');
}

/** The bridge of a diffusion given under `where`. */
export function bridgeOf(sigma: unknown, where: string): AffinePath | TablePath {
  return typeof sigma === 'function' || (typeof sigma === 'object' && sigma !== null)
    ? varying(sigma, where)
    : constant(finite(sigma ?? 1, where, least, most));
}

function constant(sigma: number): AffinePath {
  return affinePath({
    name: 'schrodingerBridge',
    tMin,
    tMax,
    constants: { sigma },
    at: (t) => {
      const root = Math.sqrt(t * (1 - t));
      return [t, 1 - t, 1, -1, sigma * root, (sigma * (1 - 2 * t)) / (2 * root)];
    },
    timeOf: (rho) => 1 / (1 / rho + 1),
  });
}

function varying(sigma: unknown, where: string): TablePath {
  const variance = runningVariance(sigma, where);
  const F1 = variance.total;
  const sample = (t: number): number[] => {
    const [F, rate] = [variance.until(t), variance.sigma(t) ** 2];
    const [alpha, dAlpha, gamma] = [F / F1, rate / F1, Math.sqrt((F * (F1 - F)) / F1)];
    return [alpha, 1 - alpha, gamma, dAlpha, -dAlpha, (rate * (F1 - 2 * F)) / (2 * F1 * gamma)];
  };
  return tablePath('schrodingerBridge', tMin, tMax, 1, fittingTable(sample, tMin, tMax, where));
}

/** What a path with alpha + sigma = 1 and gamma^2 = F1 alpha (1 - alpha) is the bridge of: sigma(t)^2 = F1 dAlpha. */
export interface BridgeDiffusion {
  /** sqrt(F1): the root mean square of sigma(t). */
  readonly sigma: number;
  /** Whether sigma(t) is not the same at all t. */
  readonly varies: boolean;
}

/** The diffusion that a path is the bridge of; null where it is none, or where its diffusion vanishes somewhere. */
export function diffusionOf(path: {
  readonly tMin: number;
  readonly tMax: number;
  at(t: number): PathPoint;
  readonly constants?: unknown;
  readonly table?: Float64Array;
}): BridgeDiffusion | null {
  const probes = Array.from({ length: 65 }, (_, k) => path.at(path.tMin + ((path.tMax - path.tMin) * k) / 64));
  const inner = probes.slice(1, -1).map(({ alpha, gamma }) => gamma ** 2 / (alpha * (1 - alpha)));
  const F1 = inner[31] as number;
  const fits = inner.every((f) => Math.abs(f / F1 - 1) < 1e-6) && probes.every(({ alpha, sigma }) => Math.abs(alpha + sigma - 1) < 1e-9);
  const rates =
    path.table === undefined
      ? probes.map(({ dAlpha }) => dAlpha)
      : Array.from({ length: path.table.length / 12 }, (_, k) => path.table?.[12 * k + 3] as number);
  if (!fits || !(F1 > 0) || rates.some((rate) => !(rate >= 1e-9))) return null;
  const stated = (path.constants as { readonly sigma?: number } | undefined)?.sigma;
  return { sigma: stated ?? Math.sqrt(F1), varies: rates.some((rate) => Math.abs(rate - 1) > 1e-9) };
}
