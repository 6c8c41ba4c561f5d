// A mixture whose flow is known in closed form on every path from Gaussian noise (x0 and the path's fresh noise integrated out together), as a program of two layers
// and a frame, with V = alpha^2 s^2 + sigma^2 + gamma^2 and g = (dAlpha alpha s^2 + dSigma sigma + dGamma gamma) / V:
//   x1 ~ 1/2 N(m, s^2 I) + 1/2 N(-m, s^2 I):   u = g x + (dAlpha - g alpha) m tanh(alpha m.x / V)
// that is b x + c net(a x) with net(z) = m tanh(m.z), a = alpha / V, b = g, c = dAlpha - g alpha. Along it d log p_t / dt = -div u, for any two times.

import { rk4 } from '../../lib/index.ts';
import type { DensityRequest } from '../../lib/native/binding.ts';
import { checkProgram } from '../../lib/network/check.ts';
import { depends, type Program } from '../../lib/network/ops.ts';
import type { Path } from '../../lib/paths/path.ts';
import { Random } from '../../lib/random.ts';
import { tableauArrays } from '../../lib/solvers/solvers.ts';
import { sampleRequest } from '../native-binding/support.ts';
import { mixtureRows } from './closed-forms.ts';

export const m = [1.1, -0.6, 0.3];
export const s = 0.45;
export const d = m.length;
export const components = [1, -1].map((sign) => ({ weight: 0.5, mean: m.map((value) => sign * value), std: s }));

/** net(z) = m tanh(m.z), a program of two layers. */
export const program: Program = checkProgram({
  version: 1,
  dimension: d,
  conditionWidth: 0,
  values: [
    { name: 'x', width: d, depends: depends.x },
    { name: 't', width: 1, depends: depends.t },
    { name: 'condition', width: 0, depends: depends.condition },
    { name: 'h', width: 1, depends: depends.x },
    { name: 'v', width: d, depends: depends.x },
  ],
  ops: [
    { kind: 'dense', input: 0, weight: 0, bias: -1, activation: 'tanh', output: 3 },
    { kind: 'dense', input: 3, weight: 1, bias: -1, activation: 'identity', output: 4 },
  ],
  parameters: [
    { name: 'a', shape: [1, d], role: 'weight', offset: 0 },
    { name: 'b', shape: [d, 1], role: 'weight', offset: d },
  ],
  parameterCount: 2 * d,
  output: 4,
});

export const variance = (path: Path, t: number): number => {
  const { alpha, sigma, gamma } = path.at(t);
  return (alpha * s) ** 2 + sigma ** 2 + gamma ** 2;
};

/** The field at t: b x + c net(a x). */
export function slope(path: Path, t: number): { a: number; tau: number; b: number; c: number } {
  const { alpha, sigma, gamma, dAlpha, dSigma, dGamma } = path.at(t);
  const v = variance(path, t);
  const g = (dAlpha * alpha * s * s + dSigma * sigma + dGamma * gamma) / v;
  return { a: alpha / v, tau: t, b: g, c: dAlpha - g * alpha };
}

/** log p_t of the mixture at one row, through log cosh without overflow. */
export function logMixture(path: Path, t: number, x: ArrayLike<number>): number {
  const { alpha } = path.at(t);
  const v = variance(path, t);
  const logs = components.map(({ mean }) => -mean.reduce((sum, mu, j) => sum + ((x[j] as number) - alpha * mu) ** 2, 0) / (2 * v));
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, l) => sum + 0.5 * Math.exp(l - most), 0)) - (d / 2) * Math.log(2 * Math.PI * v);
}

const solver = rk4({ steps: 1 });
export const rows = 60;

/** The solve from tMax to tMin: equal steps in 1 - t at a cube, short where sigma changes fastest. */
export function request(path: Path, steps: number): DensityRequest {
  const { tMin, tMax } = path;
  const grid = Float64Array.from({ length: steps + 1 }, (_, k) => (k === steps ? tMin : tMax - (tMax - tMin) * (k / steps) ** 2));
  const stages = solver.b.length;
  const frame = new Float64Array(4 * steps * stages);
  for (let k = 0; k < steps; k++)
    for (let i = 0; i < stages; i++) {
      const t = Math.min(Math.max((grid[k] as number) + (solver.c[i] as number) * ((grid[k + 1] as number) - (grid[k] as number)), tMin), tMax);
      const at = slope(path, t);
      frame.set([at.a, at.tau, at.b, at.c], 4 * (k * stages + i));
    }
  const { alpha, sigma, gamma } = path.at(tMax);
  const random = new Random(4, 2);
  const noise = Math.hypot(sigma, gamma);
  const initial = mixtureRows(components, rows, 3).map((x) => alpha * x + noise * random.normal());
  const scale = path.sourceScale ?? 1;
  const base = sampleRequest(rows, steps, { ...tableauArrays(solver), grid, frame, initial, save: Int32Array.of(steps) });
  return { ...base, sourceScale: scale, probes: 0, columns: null, constant: -d * Math.log(scale * Math.sqrt(2 * Math.PI)) };
}
