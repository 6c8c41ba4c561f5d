// Entropic, unbalanced and partial plans against float64 goldens that SciPy made by other methods (scripts/golden/make-plan-goldens.py), against their limits and
// by the frequencies of what is drawn from them.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { OptimalCoupling, TransportPlan } from '../../lib/couplings/coupling.ts';
import { sinkhorn, unbalancedOT } from '../../lib/couplings/entropic.ts';
import { partialOT } from '../../lib/couplings/optimal.ts';
import { synthetic } from '../../lib/data/synthetic.ts';
import { Random } from '../../lib/random.ts';
import { points, word } from '../cases/points.ts';
import { table } from '../native/table.ts';

interface Golden {
  readonly entropic: readonly { rows: number; dimension: number; seed: number; regularisation: number; marginal: number | null; plan: number[] }[];
  readonly partial: readonly [rows: number, dimension: number, seed: number, pairs: number, cost: number][];
}
const golden = JSON.parse(readFileSync(new URL('../golden/plans.json', import.meta.url), 'utf8')) as Golden;

const isas = table.available();
const isa = isas[0] as string;
const planOf = ({ optimal }: OptimalCoupling): TransportPlan => optimal.plan as TransportPlan;
const couple = (coupling: OptimalCoupling, x0: Float32Array, x1: Float32Array, rows: number, seed = 0, labels: Float32Array | null = null, threads = 1) => {
  const pairs = table.couple(isa, x0, x1, rows, x0.length / rows, labels, labels ? 1 : 0, threads, 1, planOf(coupling), seed);
  return { from: pairs.subarray(0, rows), to: pairs.subarray(rows) };
};
const plan = (coupling: OptimalCoupling, x0: Float32Array, x1: Float32Array, rows: number, on = isa) =>
  table.entropicPlan(on, x0, x1, rows, x0.length / rows, planOf(coupling));
const normals = (count: number, seed: number): Float32Array => {
  const random = new Random(seed, 1);
  return Float32Array.from({ length: count }, () => random.normal());
};
const squared = (x0: Float32Array, i: number, x1: Float32Array, j: number, d: number): number => {
  let sum = 0;
  for (let k = 0; k < d; k++) sum += ((x0[i * d + k] as number) - (x1[j * d + k] as number)) ** 2;
  return sum;
};
const costs = (x0: Float32Array, x1: Float32Array, rows: number): Float64Array =>
  Float64Array.from({ length: rows * rows }, (_, at) => squared(x0, Math.floor(at / rows), x1, at % rows, x0.length / rows));
const sum = (values: ArrayLike<number>): number => Array.prototype.reduce.call(values, (a, b) => (a as number) + (b as number), 0) as number;
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => sum(Array.from(a, (v, i) => v * (b[i] as number)));
const l1 = (a: ArrayLike<number>, b: ArrayLike<number>): number => sum(Array.from(a, (v, i) => Math.abs(v - (b[i] as number))));
const marginals = (p: ArrayLike<number>, rows: number): [rows: Float64Array, columns: Float64Array] => {
  const out: [Float64Array, Float64Array] = [new Float64Array(rows), new Float64Array(rows)];
  for (let at = 0; at < rows * rows; at++) {
    (out[0][Math.floor(at / rows)] as number) += p[at] as number;
    (out[1][at % rows] as number) += p[at] as number;
  }
  return out;
};
const isPermutation = (pairs: Int32Array): boolean => new Set(pairs).size === pairs.length && pairs.every((i) => i >= 0 && i < pairs.length);

/** Sinkhorn's iteration in float64 logarithms, turn by turn, to this error of the masses of noise rows, and what a turn of the last ones left of it. */
function plainSinkhorn(c: Float64Array, rows: number, reg: number, rho: number, tolerance: number): { plan: Float64Array; turns: number; rate: number } {
  const [phi, psi] = [new Float64Array(rows), new Float64Array(rows)];
  const logSum = (of: (k: number) => number): number => {
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < rows; k++) most = Math.max(most, of(k));
    let total = 0;
    for (let k = 0; k < rows; k++) total += Math.exp(of(k) - most);
    return most + Math.log(total / rows);
  };
  const entry = (i: number, j: number): number => (phi[i] as number) + (psi[j] as number) - (c[i * rows + j] as number) / reg;
  let [before, rate] = [1, 0];
  for (let turns = 1; ; turns++) {
    for (let j = 0; j < rows; j++) psi[j] = -logSum((i) => entry(i, j) - (psi[j] as number)) / (1 + rho);
    const sums = Float64Array.from({ length: rows }, (_, i) => logSum((j) => entry(i, j) - (phi[i] as number)));
    const wanted = phi.map((p) => Math.exp(-rho * p));
    const off = l1(sums.map((s, i) => Math.exp(s + (phi[i] as number))), wanted) / sum(wanted); // biome-ignore format: short
    rate = off / before;
    before = off;
    if (off < tolerance) {
      const p = Float64Array.from({ length: rows * rows }, (_, at) => Math.exp(entry(Math.floor(at / rows), at % rows)));
      const all = sum(p);
      return { plan: p.map((v) => v / all), turns, rate };
    }
    for (let i = 0; i < rows; i++) phi[i] = -(sums[i] as number) / (1 + rho);
  }
}

/** What Sinkhorn's error shrinks by in a turn, near a balanced plan: its second singular value, squared, of masses 1; found by power iteration. */
function contraction(p: readonly number[], rows: number): number {
  let v = Float64Array.from({ length: rows }, (_, i) => Math.sin(3 * i + 1));
  let size = 0;
  for (let step = 0; step < 300; step++) {
    const mean = sum(v) / rows;
    v = v.map((x) => x - mean);
    const norm = Math.sqrt(dot(v, v));
    v = v.map((x) => x / norm);
    const u = Float64Array.from({ length: rows }, (_, i) => rows * dot(p.slice(i * rows, (i + 1) * rows), v));
    const w = Float64Array.from({ length: rows }, (_, j) => rows * sum(u.map((x, i) => x * (p[i * rows + j] as number))));
    size = dot(v, w);
    v = w;
  }
  return size;
}

describe('entropic plans', () => {
  it.each(isas)('are those of SciPy, balanced and unbalanced (%s)', (on) => {
    for (const { rows, dimension, seed, regularisation, marginal, plan: expected } of golden.entropic) {
      const [x0, x1] = [points('generic', rows, dimension, 2 * seed), points('generic', rows, dimension, 2 * seed + 1)];
      const options = { regularisation, tolerance: 0, iterations: 4000 };
      const found = plan(marginal === null ? sinkhorn(options) : unbalancedOT({ ...options, marginal }), x0, x1, rows, on);
      // f32: each cost / reg is off by (d + 3) roundings, each logarithm of a sum by 20 of numbers below 8; what a turn adds stays for 1 / (1 - contraction) turns.
      const c = costs(x0, x1, rows);
      const most = Math.max(...c) / (regularisation * (sum(c) / c.length));
      const noise = most * (dimension + 3) * 2 ** -24 + 20 * 2 ** -22;
      const turns = marginal === null ? 1 / (1 - contraction(expected, rows)) : 1 + marginal / regularisation;
      expect(l1(found.plan, expected), `${rows} rows, reg ${regularisation}, marginal ${marginal}`).toBeLessThan(4 * noise * turns);
    }
  });

  it('have the marginals of the batch within the tolerance', () => {
    for (const [kind, rows, d] of [
      ['generic', 100, 2],
      ['clusters', 128, 2],
      ['grid', 64, 1],
      ['duplicates', 64, 3],
    ] as const) {
      const [x0, x1] = [points(kind, rows, d, 4), points(kind, rows, d, 5)];
      for (const tolerance of [1e-2, 1e-3, 1e-4]) {
        const found = plan(sinkhorn({ tolerance, iterations: 100_000 }), x0, x1, rows);
        const [row, column] = marginals(found.plan, rows);
        const even = new Float64Array(rows).fill(1 / rows);
        expect(l1(row, even)).toBeLessThan(tolerance + 1e-5); // f32 sums
        expect(l1(column, even)).toBeLessThan(1e-5);
        expect(found.iterations).toBeLessThan(100_000);
        expect(found.error).toBeLessThan(tolerance);
        expect(Math.abs(l1(row, even) - found.error)).toBeLessThan(1e-5); // what is reported is so
      }
    }
  });

  it('take a fifth of the turns of plain iteration where that is slow, and are the same plans', () => {
    const rows = 128;
    const draw = (name: 'moons' | '8gaussians'): Float32Array => synthetic(name, { n: rows, seed: 3, version: 'runner-twodim' }).x;
    const [x0, x1] = [draw('8gaussians'), draw('moons')];
    const c = costs(x0, x1, rows);
    for (const [coupling, reg, rho] of [
      [sinkhorn({ regularisation: { absolute: 2 } }), 2, 0],
      [unbalancedOT({ regularisation: { absolute: 2 }, marginal: { absolute: 200 } }), 2, 0.01],
    ] as const) {
      const plain = plainSinkhorn(c, rows, reg, rho, 1e-3);
      const found = plan(coupling, x0, x1, rows);
      expect(plain.turns).toBeGreaterThan(100);
      expect(found.iterations).toBeLessThan(plain.turns / 5);
      // What either is off from the limit is an error of 1e-3 in the masses, kept for 1 / (1 - contraction) turns at most.
      const limit = plainSinkhorn(c, rows, reg, rho, 1e-9);
      expect(l1(found.plan, limit.plan)).toBeLessThan(1e-3 / (1 - limit.rate));
    }
  });

  it('cost what the exact plan costs as regularisation goes to 0, and are independent as it grows', () => {
    const [rows, d] = [64, 2];
    const [x0, x1] = [points('generic', rows, d, 8), points('generic', rows, d, 9)];
    const c = costs(x0, x1, rows);
    const pairs = table.couple(isa, x0, x1, rows, d, null, 0, 1);
    const best = sum(Array.from(pairs, (i, j) => c[i * rows + j] as number)) / rows;
    for (const regularisation of [0.1, 0.01, 0.002]) {
      const found = dot(plan(sinkhorn({ regularisation, iterations: 50_000, tolerance: 1e-4 }), x0, x1, rows).plan, c);
      // Its entropy is at most ln n away from that of the independent plan; marginals off by 1e-4 move the cost by at most that much of the largest.
      expect(found - best).toBeLessThan(regularisation * (sum(c) / c.length) * Math.log(rows) + 1e-4 * Math.max(...c));
      expect(found - best).toBeGreaterThan(-2e-4 * Math.max(...c));
    }
    const loose = plan(sinkhorn({ regularisation: 1e6 }), x0, x1, rows).plan;
    for (const p of loose) expect(Math.abs(p * rows * rows - 1)).toBeLessThan(4e-5); // costs up to 8 means, potentials up to the same, and f32
  });

  it('are finite and, by relative regularisation, the same at all scales, down to the pairs', () => {
    const [rows, d] = [48, 3];
    const [a, b] = [normals(rows * d, 1), normals(rows * d, 2)];
    for (const coupling of [sinkhorn(), sinkhorn({ rounding: 'permutation' }), unbalancedOT(), partialOT()]) {
      const reference = couple(coupling, a, b, rows, 3);
      for (const power of [-20, 20]) {
        const scaled = couple(coupling, a.map((v) => v * 2 ** power), b.map((v) => v * 2 ** power), rows, 3); // biome-ignore format: short
        expect(scaled).toEqual(reference);
      }
      for (const scale of [0, 1e-30, 1e-22, 1e-6, 1e6, 1e18, 3e38]) {
        const at = (x: Float32Array): Float32Array => x.map((v) => Math.max(-3e38, Math.min(3e38, v * scale)));
        const { from, to } = couple(coupling, at(a), at(b), rows);
        for (const pairs of [from, to]) expect(pairs.every((i) => i >= 0 && i < rows)).toBe(true);
      }
    }
    for (const absolute of [1e-12, 1, 1e12]) {
      const found = plan(sinkhorn({ regularisation: { absolute }, iterations: 200 }), a.map((v) => v * 1e6), b, rows).plan; // biome-ignore format: short
      expect(Math.abs(sum(found) - 1)).toBeLessThan(1e-6);
    }
  });

  it('are even between rows that are all alike', () => {
    const x = new Float32Array(32).fill(2.5);
    for (const p of plan(sinkhorn(), x, x, 32).plan) expect(Math.abs(p * 1024 - 1)).toBeLessThan(1e-6);
    for (const p of plan(unbalancedOT(), x, x, 32).plan) expect(Math.abs(p * 1024 - 1)).toBeLessThan(1e-6);
  });
});

describe('what is drawn', () => {
  it('is drawn from the plan: frequencies within five standard errors', () => {
    const [rows, draws] = [6, 3000];
    const [x0, x1] = [normals(rows, 5), normals(rows, 6)];
    for (const coupling of [sinkhorn({ regularisation: 0.3 }), unbalancedOT({ regularisation: 0.3, marginal: 0.3 })]) {
      const expected = plan(coupling, x0, x1, rows).plan;
      const counts = new Float64Array(rows * rows);
      for (let seed = 1; seed <= draws; seed++) {
        const { from, to } = couple(coupling, x0, x1, rows, seed);
        for (let s = 0; s < rows; s++) (counts[(from[s] as number) * rows + (to[s] as number)] as number)++;
      }
      // Drawn by columns of a fixed share, the variance of a count is below that of independent draws.
      expected.forEach((p, at) => {
        const error = Math.abs((counts[at] as number) / (draws * rows) - p);
        expect(error).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / (draws * rows)) + 1e-4);
      });
    }
  });

  it('trains every row of data once where marginals are held; unbalanced or partial as often as the masses say, rounded', () => {
    const rows = 200;
    const [x0, x1] = [normals(2 * rows, 1), normals(2 * rows, 2)];
    const identity = Int32Array.from({ length: rows }, (_, i) => i);
    for (const rounding of ['sample', 'permutation'] as const) expect(couple(sinkhorn({ rounding }), x0, x1, rows).to).toEqual(identity);
    const coupling = unbalancedOT();
    const [, mass] = marginals(plan(coupling, x0, x1, rows).plan, rows);
    const taken = new Float64Array(rows);
    for (const j of couple(coupling, x0, x1, rows).to) (taken[j] as number)++;
    for (const [j, m] of mass.entries()) expect(Math.abs((taken[j] as number) - m * rows)).toBeLessThan(1 + 1e-6);
  });

  it('does not depend on threads, nor on the ISA where it has fused arithmetic', () => {
    const [rows, d] = [257, 3];
    const [x0, x1] = [normals(rows * d, 3), normals(rows * d, 4)];
    const condition = Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 ? word(3, i) % 2 : (x1[i] as number)));
    for (const coupling of [sinkhorn(), sinkhorn({ rounding: 'permutation' }), unbalancedOT({ iterations: 30 }), partialOT({ mass: 0.7 })])
      for (const y of [null, condition]) {
        const [first, ...others] = isas
          .filter((name) => name !== 'baseline')
          .flatMap((name) =>
            (name === 'reference' ? [1] : [1, 2, 8]).map((threads) => table.couple(name, x0, x1, rows, d, y, y ? 1 : 0, threads, 1, planOf(coupling), 7)),
          );
        for (const other of others) expect(other).toEqual(first);
      }
  });

  it('stays within labels, whose shares are untouched', () => {
    const rows = 240;
    const [x0, x1] = [normals(2 * rows, 1), normals(2 * rows, 2)];
    const labels = Float32Array.from({ length: rows }, (_, i) => (word(9, i) % 5 === 0 ? 1 : word(9, i) % 3 === 0 ? 2 : 0));
    for (let i = 0; i < rows; i++) x1[2 * i] = (x1[2 * i] as number) + 6 * (labels[i] as number);
    for (const coupling of [sinkhorn(), sinkhorn({ rounding: 'permutation' }), unbalancedOT(), partialOT()]) {
      const { from, to } = couple(coupling, x0, x1, rows, 1, labels);
      for (let s = 0; s < rows; s++) {
        expect(labels[from[s] as number]).toBe(labels[s]);
        expect(labels[to[s] as number]).toBe(labels[s]);
      }
      const second = Array.from({ length: rows }, (_, s) => s).filter((s) => labels[s] === 2);
      const mean = sum(second.map((s) => x0[2 * (from[s] as number)] as number)) / second.length;
      expect(Math.abs(mean)).toBeLessThan(0.6); // about 60 normals, some of them twice: 4 standard errors; 0.8 and more without regard to labels
    }
  });

  it('keeps numbers of a condition apart, as C2OT does', () => {
    const rows = 256;
    let [aware, plain] = [0, 0];
    for (let seed = 1; seed <= 8; seed++) {
      const [x0, y, e] = [normals(rows, 3 * seed), normals(rows, 3 * seed + 1), normals(rows, 3 * seed + 2)];
      const x1 = y.map((v, i) => 2 * v + 0.3 * (e[i] as number));
      const correlation = (condition: Float32Array | null): number => {
        const pairs = table.couple(isa, x0, x1, rows, 1, condition, 0, 1, 1, planOf(sinkhorn()), seed);
        return sum(Array.from({ length: rows }, (_, j) => (x0[pairs[j] as number] as number) * (y[j] as number))) / rows;
      };
      aware += correlation(y) / 8;
      plain += correlation(null) / 8;
    }
    expect(plain).toBeGreaterThan(0.8);
    expect(Math.abs(aware)).toBeLessThan(0.3);
  });
});

describe('rounded to a permutation', () => {
  const permuted = (regularisation: number) => sinkhorn({ regularisation, rounding: 'permutation' });

  it('is exact transport as regularisation goes to 0, and any permutation alike as it grows', () => {
    const [rows, draws] = [5, 4000];
    const [x0, x1] = [normals(rows, 1), normals(rows, 2)];
    expect(couple(permuted(1e-6), x0, x1, rows).from).toEqual(table.couple(isa, x0, x1, rows, 1, null, 0, 1));
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= draws; seed++) {
      const { from } = couple(permuted(1e6), x0, x1, rows, seed);
      expect(isPermutation(from)).toBe(true);
      counts.set(from.join(), (counts.get(from.join()) ?? 0) + 1);
    }
    const expected = draws / 120;
    const chi = sum(Array.from(counts.values(), (count) => (count - expected) ** 2 / expected)) + (120 - counts.size) * expected;
    expect(chi).toBeLessThan(119 + 5 * Math.sqrt(2 * 119)); // 119 degrees of freedom, five standard deviations
  });

  it('takes either permutation of two rows as often where both cost the same', () => {
    const draws = 4000;
    const x = new Float32Array(2);
    let drawn = 0;
    for (let seed = 1; seed <= draws; seed++) drawn += couple(permuted(0.1), x, x, 2, seed).from[0] === 0 ? 1 : 0;
    expect(Math.abs(drawn / draws - 1 / 2)).toBeLessThan(5 / (2 * Math.sqrt(draws))); // five standard deviations
  });

  it('spreads as the plan does: the cost of a pair is that of the plan within a twentieth', () => {
    const rows = 256;
    for (const [d, regularisation] of [
      [2, 0.05],
      [2, 0.2],
      [8, 0.1],
    ] as const) {
      // biome-ignore format: three cases
      const [x0, x1] = [normals(d * rows, 1), normals(d * rows, 2)];
      const c = costs(x0, x1, rows);
      const wanted = dot(plan(sinkhorn({ regularisation }), x0, x1, rows).plan, c);
      const found = [1, 2, 3, 4].map(
        (seed) => sum(Array.from(couple(permuted(regularisation), x0, x1, rows, seed).from, (i, j) => c[i * rows + j] as number)) / rows,
      );
      expect(Math.abs(sum(found) / 4 / wanted - 1)).toBeLessThan(0.05); // exact transport costs 60 % and 85 % less, and independent pairs more
    }
  });
});

describe('unbalanced', () => {
  const rows = 64;
  const x0 = normals(2 * rows, 1);
  const x1 = normals(2 * rows, 2);

  it('is balanced as the price of marginals grows', () => {
    const [p, q] = [plan(unbalancedOT({ marginal: 1e6, tolerance: 1e-5 }), x0, x1, rows), plan(sinkhorn({ tolerance: 1e-5 }), x0, x1, rows)];
    expect(l1(p.plan, q.plan)).toBeLessThan(1e-3); // both within 1e-5 of their marginals, and slow turns shrink by a twentieth
    const drawn = couple(unbalancedOT({ marginal: 1e6 }), x0, x1, rows, 4);
    const moved = drawn.to.filter((j, s) => j !== s).length;
    expect(moved).toBe(0);
    expect(drawn.from).toEqual(couple(sinkhorn(), x0, x1, rows, 4).from);
  });

  it('gives an outlier little mass, on either side', () => {
    for (const side of [0, 1]) {
      const [a, b] = [x0.slice(), x1.slice()];
      ([a, b][side] as Float32Array).set([60, 60], 0);
      const mass = marginals(plan(unbalancedOT({ marginal: { absolute: 4 }, regularisation: { absolute: 0.2 } }), a, b, rows).plan, rows)[side] as Float64Array;
      expect(mass[0]).toBeLessThan(1e-6); // the way of 7000 is over both prices, e^-(7000 / 8)
      expect(Math.max(...mass.slice(1))).toBeGreaterThan(1 / rows);
      const held = marginals(plan(sinkhorn(), a, b, rows).plan, rows)[side] as Float64Array;
      expect(Math.abs((held[0] as number) * rows - 1)).toBeLessThan(1e-3 * rows);
    }
  });
});

describe('partial', () => {
  it('joins the pairs of least cost, each as often as the others or once more', () => {
    for (const [rows, d, seed, pairs, cost] of golden.partial) {
      const [x0, x1] = [points('generic', rows, d, 2 * seed), points('generic', rows, d, 2 * seed + 1)];
      const { from, to } = couple(partialOT({ mass: pairs / rows }), x0, x1, rows, seed);
      const partner = new Map(Array.from(to, (j, s) => [j, from[s] as number]));
      for (let s = 0; s < rows; s++) expect(partner.get(to[s] as number)).toBe(from[s]);
      expect(partner.size).toBe(pairs);
      expect(new Set(partner.values()).size).toBe(pairs);
      const found = sum(Array.from(partner, ([j, i]) => squared(x0, i, x1, j, d)));
      expect(Math.abs(found - cost)).toBeLessThan(2 * rows * 4 * d * ((d + 2) * 2 ** -24 + 2 ** -28) + 1e-9);
      const times = Array.from(partner.keys(), (j) => to.filter((k) => k === j).length);
      for (const count of times) expect(Math.abs(count - rows / pairs)).toBeLessThan(1);
    }
  });

  it('takes every pair equally often in the mean', () => {
    const [rows, pairs, draws] = [10, 7, 3000];
    const [x0, x1] = [normals(rows, 1), normals(rows, 2)];
    const counts = new Map<number, number>();
    for (let seed = 1; seed <= draws; seed++) for (const j of couple(partialOT({ mass: 0.7 }), x0, x1, rows, seed).to) counts.set(j, (counts.get(j) ?? 0) + 1);
    expect(counts.size).toBe(pairs);
    for (const count of counts.values()) expect(Math.abs(count / draws - rows / pairs)).toBeLessThan(5 * 0.5 * Math.sqrt(1 / draws));
  });

  it('is exact transport at mass 1, and leaves the far outlier out below', () => {
    const rows = 100;
    const [x0, x1] = [normals(2 * rows, 1), normals(2 * rows, 2)];
    expect(couple(partialOT({ mass: 1 }), x0, x1, rows).from).toEqual(table.couple(isa, x0, x1, rows, 2, null, 0, 1));
    x1.set([1000, -1000], 14);
    x0.set([-500, 0], 62);
    const { from, to } = couple(partialOT({ mass: 0.97 }), x0, x1, rows);
    expect(to.includes(7)).toBe(false);
    expect(from.includes(31)).toBe(false);
  });
});
