// Velocity fields that are known in closed form, for any path (alpha, sigma, gamma) from independent Gaussian noise: the oracles of trained models. With
// n^2 = sigma^2 + gamma^2 and n n' = dSigma sigma + dGamma gamma (x0 and eps together are one Gaussian, integrated out):
//   x1 ~ N(m, S), S = R diag(s^2) R^T in the plane:  u = dAlpha m + (dAlpha alpha S + n n' I) (alpha^2 S + n^2 I)^-1 (x - alpha m)
//   flow map in the eigenbasis:                      x_t = alpha m + sqrt((alpha^2 s^2 + n^2) / (alpha_0^2 s^2 + n_0^2)) (x_0 - alpha_0 m)
//   mixture sum_k pi_k N(m_k, s_k^2 I):              u = sum_k r_k u_k,  r_k proportional to pi_k N(x; alpha m_k, (alpha^2 s_k^2 + n^2) I)

import type { Path, PathPoint } from '../../lib/paths/path.ts';
import { Random } from '../../lib/random.ts';
import type { Field } from '../../lib/sampling/reference/integrate.ts';

/** N(mean, S) in the plane: standard deviations along the axes of a rotation by `angle`. */
export interface PlaneNormal {
  readonly mean: readonly [number, number];
  readonly std: readonly [number, number];
  readonly angle: number;
}

/** alpha, dAlpha, n^2 and n n' of a point: all that a Gaussian source leaves of it. */
function merged({ alpha, sigma, gamma, dAlpha, dSigma, dGamma }: PathPoint): { alpha: number; dAlpha: number; noise: number; rate: number } {
  return { alpha, dAlpha, noise: sigma * sigma + gamma * gamma, rate: dSigma * sigma + dGamma * gamma };
}

/** (x, y) in the eigenbasis, and back with -angle. */
function rotate(x: number, y: number, angle: number): [number, number] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c * x + s * y, -s * x + c * y];
}

/** The covariance S as [Sxx, Sxy, Syy]. */
export function covariance({ std: [a, b], angle }: PlaneNormal): [number, number, number] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [c * c * a * a + s * s * b * b, c * s * (a * a - b * b), s * s * a * a + c * c * b * b];
}

export function gaussianField(normal: PlaneNormal, path: Path): Field {
  const { mean, std, angle } = normal;
  return (x, t) => {
    const { alpha, dAlpha, noise, rate } = merged(path.at(t));
    const v = new Float64Array(x.length);
    for (let r = 0; r < x.length; r += 2) {
      const z = rotate((x[r] as number) - alpha * mean[0], (x[r + 1] as number) - alpha * mean[1], angle);
      const gain = std.map((s) => (dAlpha * alpha * s * s + rate) / (alpha * alpha * s * s + noise)) as [number, number];
      const [vx, vy] = rotate(gain[0] * z[0], gain[1] * z[1], -angle);
      v[r] = dAlpha * mean[0] + vx;
      v[r + 1] = dAlpha * mean[1] + vy;
    }
    return v;
  };
}

/** Where the flow takes the states x0 (rows, 2) of tMin at time t. */
export function gaussianMap(normal: PlaneNormal, path: Path, x0: ArrayLike<number>, t: number): Float64Array {
  const { mean, std, angle } = normal;
  const { alpha, noise } = merged(path.at(t));
  const start = merged(path.at(path.tMin));
  const out = new Float64Array(x0.length);
  for (let r = 0; r < x0.length; r += 2) {
    const z = rotate((x0[r] as number) - start.alpha * mean[0], (x0[r + 1] as number) - start.alpha * mean[1], angle);
    const gain = std.map((s) => Math.sqrt((alpha * alpha * s * s + noise) / (start.alpha * start.alpha * s * s + start.noise))) as [number, number];
    const [x, y] = rotate(gain[0] * z[0], gain[1] * z[1], -angle);
    out[r] = alpha * mean[0] + x;
    out[r + 1] = alpha * mean[1] + y;
  }
  return out;
}

/** Rows of N(mean, S). */
export function normalRows(normal: PlaneNormal, n: number, seed: number): Float32Array {
  const random = new Random(seed, 0x6e6f726d);
  const x = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const [a, b] = rotate(normal.std[0] * random.normal(), normal.std[1] * random.normal(), -normal.angle);
    x.set([normal.mean[0] + a, normal.mean[1] + b], 2 * i);
  }
  return x;
}

export interface Component {
  readonly weight: number;
  readonly mean: readonly number[];
  readonly std: number;
}

/** Field of a mixture of isotropic normals in any dimension. */
export function mixtureField(components: readonly Component[], path: Path): Field {
  const d = (components[0] as Component).mean.length;
  return (x, t) => {
    const { alpha, dAlpha, noise, rate } = merged(path.at(t));
    const v = new Float64Array(x.length);
    for (let r = 0; r < x.length; r += d) {
      const logs = components.map(({ weight, mean, std }) => {
        const variance = alpha * alpha * std * std + noise;
        const square = mean.reduce((sum, m, c) => sum + ((x[r + c] as number) - alpha * m) ** 2, 0);
        return Math.log(weight) - square / (2 * variance) - (d / 2) * Math.log(variance);
      });
      const most = Math.max(...logs);
      const total = logs.reduce((sum, l) => sum + Math.exp(l - most), 0);
      components.forEach(({ mean, std }, k) => {
        const share = Math.exp((logs[k] as number) - most) / total;
        const gain = (dAlpha * alpha * std * std + rate) / (alpha * alpha * std * std + noise);
        mean.forEach((m, c) => {
          v[r + c] = (v[r + c] as number) + share * (dAlpha * m + gain * ((x[r + c] as number) - alpha * m));
        });
      });
    }
    return v;
  };
}

/** grad log p_t of a mixture of isotropic normals: sum_k r_k (alpha m_k - x) / (alpha^2 s_k^2 + n^2). */
export function mixtureScore(components: readonly Component[], path: Path): Field {
  const d = (components[0] as Component).mean.length;
  return (x, t) => {
    const { alpha, noise } = merged(path.at(t));
    const score = new Float64Array(x.length);
    for (let r = 0; r < x.length; r += d) {
      const parts = components.map(({ weight, mean, std }) => {
        const variance = alpha * alpha * std * std + noise;
        const pull = mean.map((m, c) => (alpha * m - (x[r + c] as number)) / variance);
        const log = Math.log(weight) - (d / 2) * Math.log(variance) - (variance * pull.reduce((sum, p) => sum + p * p, 0)) / 2;
        return { pull, log };
      });
      const most = Math.max(...parts.map(({ log }) => log));
      const total = parts.reduce((sum, { log }) => sum + Math.exp(log - most), 0);
      for (const { pull, log } of parts)
        pull.forEach((p, c) => {
          score[r + c] = (score[r + c] as number) + (Math.exp(log - most) / total) * p;
        });
    }
    return score;
  };
}

/** Rows of a mixture. */
export function mixtureRows(components: readonly Component[], n: number, seed: number): Float32Array {
  const random = new Random(seed, 0x6d697874);
  const d = (components[0] as Component).mean.length;
  const x = new Float32Array(n * d);
  for (let i = 0; i < n; i++) {
    const u = random.uniform();
    let k = 0;
    for (let below = (components[0] as Component).weight; u > below && k + 1 < components.length; below += (components[k] as Component).weight) k++;
    const component = components[k] as Component;
    component.mean.forEach((m, c) => {
      x[i * d + c] = m + component.std * random.normal();
    });
  }
  return x;
}
