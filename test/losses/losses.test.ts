// Losses and weights: the float64 oracle against PyTorch's autograd, the native step against the oracle, weights against their formulas at all times and ends.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adaptive, type Loss, mse, pseudoHuber, resolveLoss } from '../../lib/losses/loss.ts';
import { edm, minSNR, resolveWeight, weightTable } from '../../lib/losses/weight.ts';
import type { NativeObjective, TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { condOT } from '../../lib/paths/cond-ot.ts';
import { conversion } from '../../lib/paths/convert.ts';
import { cosine } from '../../lib/paths/cosine.ts';
import { trainedKinds } from '../../lib/paths/frame.ts';
import { linearVP } from '../../lib/paths/linear-vp.ts';
import { polynomial } from '../../lib/paths/polynomial.ts';
import { ve } from '../../lib/paths/ve.ts';
import { vp } from '../../lib/paths/vp.ts';
import { objective } from '../../lib/sampling/reference/objective.ts';
import { trainerRequest } from '../native-binding/support.ts';

interface Golden {
  readonly rows: number;
  readonly columns: number;
  readonly cases: readonly (Loss & { readonly loss: number; readonly gradient: readonly number[] })[];
}
const golden: Golden = JSON.parse(readFileSync(new URL('../golden/losses.json', import.meta.url), 'utf8'));

describe('the oracle', () => {
  it.each(golden.cases.map((one) => [`${one.name} ${one.c} ${one.power}`, one] as const))('%s: loss and gradient are those of autograd', (_, one) => {
    const { rows, columns } = golden;
    const v = Float64Array.from({ length: rows * columns }, (__, i) => 2 * Math.sin(0.7 * i));
    const target = v.map((__, i) => Math.cos(1.3 * i));
    const weights = Float64Array.from({ length: rows }, (__, r) => 0.5 + r / rows);
    const got = objective({ name: one.name, c: one.c, power: one.power }, v, target, weights);
    expect(Math.abs(got.loss / one.loss - 1)).toBeLessThan(1e-13);
    one.gradient.forEach((g, i) => void expect(Math.abs((got.gradient[i] as number) - g)).toBeLessThan(1e-13 * (1 + Math.abs(g))));
  });
});

/** One dense layer v = W x, W = 0.8 I: what it says is known, and so is the gradient of its weights, g^T x. */
function linear(d: number): Pick<TrainerRequest, 'program' | 'constants' | 'parameters'> {
  const program = Int32Array.from([...[0x464d5031, 1, d, 0, 4, 1, 1, 3, 0, d * d], ...[d, 1, 1, 2, 0, 4, d, 1], ...[0, 2, d, d, 0], ...[3, 5, 3, 0, 0, -1, 0]]);
  return { program, constants: new Float32Array(0), parameters: Float32Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 0.8 : 0)) };
}

describe('the native step', () => {
  const losses: Loss[] = [mse(), pseudoHuber({ c: 0.3 }), pseudoHuber({ c: 1e-4 }), adaptive(), adaptive({ power: 0.37, c: 0.5 }), adaptive({ power: 2 })];
  const cases = losses.flatMap((loss) =>
    trainedKinds.flatMap((target) => [null, Float64Array.of(1.7, 1.7)].map((weights) => [loss, target, weights] as const)),
  );
  it.each(cases)('%o %s: loss and gradient are those of the oracle', async (loss, target, weights) => {
    const [d, t] = [3, 0.3];
    const { Trainer, Dataset } = native();
    for (const batch of [5, 300]) {
      const data = new Dataset(d);
      data.append(Float32Array.from({ length: batch * d }, (_, i) => 2 * Math.cos(i * i)));
      const own: NativeObjective = { target, loss: loss.name, c: loss.c, power: loss.power, weights, importance: false };
      const request = trainerRequest({ d, width: 1, depth: 1, batch }, batch, { data, clip: 0, emaDecay: 0 });
      const trainer = new Trainer({ ...request, ...linear(d), times: { stratified: false, tMin: t, tMax: t, quantiles: null }, objective: own });
      const { x0, x1 } = await trainer.draw().done;
      const xt = Float64Array.from(x1, (v, i) => t * v + (1 - t) * (x0[i] as number));
      const wanted = target === 'x1' ? x1 : target === 'noise' ? x0 : x1.map((v, i) => v - (x0[i] as number));
      const want = objective(
        loss,
        xt.map((v) => Math.fround(0.8) * v),
        wanted,
        new Float64Array(batch).fill(weights?.[0] ?? 1),
      );
      const slice = await trainer.run(Float64Array.of(0), 0).done;
      const squares = Array.from({ length: d * d }, (_, k) => {
        let sum = 0;
        for (let r = 0; r < batch; r++) sum += (want.gradient[r * d + Math.floor(k / d)] as number) * (xt[r * d + (k % d)] as number);
        return sum * sum;
      });
      const norm = Math.sqrt(squares.reduce((a, b) => a + b, 0));
      expect(Math.abs((slice.losses[0] as number) / want.loss - 1)).toBeLessThan(3e-6);
      expect(Math.abs((slice.gradientNorms[0] as number) / norm - 1)).toBeLessThan(1e-5);
      trainer.dispose();
    }
  });

  it('reads w(t) and the density at the time of the row, in training and evaluation', async () => {
    // The network says 0.8 x; x1 = 0 and a path that is all noise of 1: q = 0.64 x0^2 d, whatever t. So the mean loss is that of the weights.
    const d = 1;
    const rows = 4096;
    const { Trainer, Dataset } = native();
    const data = new Dataset(d);
    data.append(new Float32Array(rows));
    const still = [0, 0, 0, 0, 0, 0];
    const nodes = Float64Array.from([...[0, 1, 0, 0, 0, 0], ...still, ...[0, 1, 0, 0, 0, 0], ...still]);
    const mean = async (weights: Float64Array | null, quantiles: Float64Array | null, importance: boolean): Promise<[number, number]> => {
      const request = trainerRequest({ d, width: 1, depth: 1, batch: rows }, rows, { data, clip: 0 });
      const trainer = new Trainer({
        ...request,
        ...linear(d),
        path: { kind: 'table', tMin: 0, tMax: 1, nodes },
        times: { stratified: true, tMin: 0, tMax: 1, quantiles },
        objective: { target: 'velocity', loss: 'mse', c: 0, power: 0, weights, importance },
      });
      const { losses } = await trainer.run(new Float64Array(8), 0).done;
      const { loss } = await trainer.evaluate('parameters', 3n, 64).done;
      trainer.dispose();
      return [losses.reduce((a, b) => a + b, 0) / 8 / 0.64, loss / 0.64];
    };
    // Mean of squares of N(0, 1) over 32,768 draws (4096 for evaluation), with weights of second moment below 2: 5 sqrt(2 * 2 / n).
    const near = ([trained, evaluated]: [number, number], want: number): void => {
      expect(Math.abs(trained - want)).toBeLessThan(5 * Math.sqrt(4 / 32_768) * want);
      expect(Math.abs(evaluated - want)).toBeLessThan(5 * Math.sqrt(4 / 4096) * want);
    };
    near(await mean(null, null, false), 1);
    near(await mean(Float64Array.of(0, 1, 2), null, false), 1); // w = 2 t
    const square = Float64Array.from({ length: 1025 }, (_, k) => (k / 1024) ** 2); // t = u^2: density 1 / (2 sqrt t)
    near(await mean(Float64Array.of(0, 1, 2), square, false), 2 / 3); // E[2 u^2]
    near(await mean(Float64Array.of(0, 1, 2), square, true), 1); // as uniform times
    near(await mean(null, square, true), 1);
  });

  it('raises numbers to powers by itself', async () => {
    // adaptive with c = 1e6 and q far below: weight 1e6^-p.
    const { Trainer, Dataset } = native();
    const data = new Dataset(1);
    data.append(Float32Array.of(1));
    for (const power of [0.1, 0.5, 1, 1.37, 2]) {
      const request = trainerRequest({ d: 1, width: 1, depth: 1, batch: 1 }, 1, { data, clip: 0 });
      const times = { stratified: false, tMin: 1, tMax: 1, quantiles: null };
      const trainer = new Trainer({
        ...request,
        ...linear(1),
        times,
        objective: { target: 'x1', loss: 'adaptive', c: 1e6, power, weights: null, importance: false },
      });
      const { losses } = await trainer.run(Float64Array.of(0), 0).done;
      const q = (1 - Math.fround(0.8)) ** 2;
      expect(Math.abs((losses[0] as number) / (q / (q + 1e6) ** power) - 1)).toBeLessThan(1e-6);
      trainer.dispose();
    }
  });
});

describe('weights', () => {
  const paths = [condOT(), condOT({ sigmaMin: 0.1 }), polynomial(), polynomial({ power: 4 }), linearVP(), cosine(), vp(), ve()];

  it('are finite tables for every path and prediction', () => {
    for (const path of paths)
      for (const kind of trainedKinds)
        for (const weight of [minSNR(), edm(), edm({ dataStd: 0.5 })]) {
          const table = weightTable(weight, path, kind) as Float64Array;
          expect(table.every((w) => Number.isFinite(w) && w >= 0)).toBe(true);
        }
  });

  it('weigh the same error alike, whatever it is predicted as', () => {
    for (const path of paths)
      for (const weight of [minSNR({ gamma: 2 }), edm()])
        for (const t of [0.2, 0.5, 0.8]) {
          const point = path.at(t);
          if (point.sigma / point.alpha > 80) continue; // where edm() holds it
          const onData = weight.of(t, point, 'x1');
          for (const kind of ['velocity', 'noise'] as const) {
            const factor = conversion(path, t, kind, 'x1').value;
            expect(weight.of(t, point, kind) / (onData * factor * factor)).toBeCloseTo(1, 10);
          }
        }
  });

  it('have the values of their sources', () => {
    const at = condOT().at(0.75); // SNR = 9
    expect(minSNR({ gamma: 5 }).of(0.75, at, 'x1')).toBe(5);
    expect(minSNR({ gamma: 5 }).of(0.75, at, 'noise')).toBeCloseTo(5 / 9, 14);
    expect(minSNR({ gamma: 50 }).of(0.75, at, 'noise')).toBe(1);
    // On a path of variance 1, v-prediction of diffusion models is (2 / pi) u: min(SNR, gamma) / (SNR + 1).
    const turned = cosine().at(0.3);
    const snr = (turned.alpha / turned.sigma) ** 2;
    expect(minSNR({ gamma: 5 }).of(0.3, turned, 'velocity') * (Math.PI / 2) ** 2).toBeCloseTo(Math.min(snr, 5) / (snr + 1), 12);
    expect(edm({ dataStd: 0.5 }).of(0.5, condOT().at(0.5), 'x1')).toBeCloseTo((1 + 0.25) / 0.25, 12);
    expect(weightTable(minSNR(), condOT(), 'x1')?.at(-1)).toBe(5);
    expect(weightTable(minSNR(), condOT(), 'noise')?.[0]).toBe(1);
    expect(weightTable(minSNR(), polynomial(), 'velocity')?.[0]).toBeLessThan(1e-10);
  });

  it('and losses are resolved and refused by name', () => {
    expect(resolveLoss('pseudoHuber')).toEqual(pseudoHuber());
    expect(resolveLoss(adaptive({ power: 0.5 }))).toEqual(adaptive({ power: 0.5 }));
    expect(resolveWeight({ name: 'minSNR', constants: { gamma: 7 } })?.constants).toEqual({ gamma: 7 });
    expect(
      weightTable(
        resolveWeight((t: number) => 2 * t),
        condOT(),
        'velocity',
      )?.at(-1),
    ).toBe(2);
    expect(() =>
      weightTable(
        resolveWeight((t: number) => 1 / (1 - t)),
        condOT(),
        'velocity',
      ),
    ).toThrow(/weight\(1\): expected a finite number/);
    for (const bad of [
      () => pseudoHuber({ c: 0 }),
      () => adaptive({ power: 3 }),
      () => minSNR({ gamma: 0 }),
      () => resolveLoss('huber'),
      () => resolveLoss(3),
      () => resolveWeight('snr'),
      () => resolveWeight({ name: 'own' }),
    ])
      expect(bad).toThrow(expect.objectContaining({ name: 'FlowError' }));
  });
});
