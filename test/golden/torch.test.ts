// Ten AdamW steps against PyTorch: same weights, same batches; losses and weights agree to 1e-5 relative. To make the goldens anew:
//   FLOWMATCH_WRITE_GOLDEN=1 npx vitest run test/golden/torch.test.ts     writes torch-inputs.json (weights and batches as the native trainer draws them)
//   python3 scripts/golden/make-torch-goldens.py                          reads it, writes torch-goldens.json

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { conditionWidth } from '../../lib/network/condition.ts';
import { lower } from '../../lib/network/lower.ts';
import { evaluate } from '../../lib/sampling/reference/evaluate.ts';
import { gradient } from '../../lib/sampling/reference/gradient.ts';
import { prepare, specOf, steps, type TorchCase, times, torchCases } from './torch-cases.ts';

const inputsFile = new URL('torch-inputs.json', import.meta.url);
const goldensFile = new URL('torch-goldens.json', import.meta.url);
const pack = (x: Float32Array): string => Buffer.from(x.buffer, x.byteOffset, x.byteLength).toString('base64');
const bytes = (text: string): ArrayBuffer => new Uint8Array(Buffer.from(text, 'base64')).buffer;
const floats = (text: string): Float32Array => new Float32Array(bytes(text));
const doubles = (text: string): Float64Array => new Float64Array(bytes(text));

interface Step {
  readonly x0: string;
  readonly x1: string;
  readonly t: string;
  readonly condition: string | null;
}
interface Input {
  readonly parameters: string;
  readonly steps: readonly Step[];
}
interface Golden {
  readonly losses32: readonly number[];
  readonly losses64: readonly number[];
  readonly weights32: string;
  readonly weights64: string;
}

/** Draws and takes each step through the slow lane, in the drawn order. */
async function record(test: TorchCase): Promise<{ input: Input; losses: number[]; weights: Float32Array }> {
  const { trainer, parameters, dispose } = prepare(test);
  const taken: Step[] = [];
  const losses: number[] = [];
  for (let k = 0; k < steps; k++) {
    const { x0, x1, condition } = await trainer.draw().done;
    taken.push({ x0: pack(x0), x1: pack(x1), t: pack(times(test, k)), condition: condition && pack(condition) });
    const slice = await trainer.runPaired(
      Int32Array.from({ length: test.batch }, (_, i) => i),
      test.lr,
    ).done;
    losses.push(slice.losses[0] as number);
  }
  const weights = trainer.state('parameters');
  dispose();
  return { input: { parameters: pack(parameters), steps: taken }, losses, weights };
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    size += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / size);
};

/** AdamW in float64 with the oracle's gradients, on the recorded batches. */
function oracleTrain(test: TorchCase, input: Input): { losses: number[]; weights: Float64Array } {
  const program = lower(specOf(test), test.dimension, test.condition);
  const theta = Float64Array.from(floats(input.parameters));
  const [m, v] = [new Float64Array(theta.length), new Float64Array(theta.length)];
  const losses: number[] = [];
  input.steps.forEach((step, k) => {
    const [x0, x1, t] = [floats(step.x0), floats(step.x1), floats(step.t)];
    const point = {
      x: Float64Array.from(x1, (a, i) => a * (t[Math.floor(i / test.dimension)] as number) + (x0[i] as number) * (1 - (t[Math.floor(i / test.dimension)] as number))),
      t,
      condition: step.condition === null ? null : floats(step.condition),
    };
    const delta = evaluate(program, theta, point).map((out, i) => out - ((x1[i] as number) - (x0[i] as number)));
    losses.push(delta.reduce((sum, d) => sum + d * d, 0) / delta.length);
    const g = gradient(
      program,
      theta,
      point,
      delta.map((d) => (2 * d) / delta.length),
    ).parameters;
    const norm = Math.hypot(...g);
    const clip = test.clip > 0 ? Math.min(1, test.clip / (norm + 1e-6)) : 1;
    theta.forEach((p, i) => {
      const gi = (g[i] as number) * clip;
      m[i] = 0.9 * (m[i] as number) + 0.1 * gi;
      v[i] = 0.999 * (v[i] as number) + 0.001 * gi * gi;
      const update = (m[i] as number) / (1 - 0.9 ** (k + 1)) / (Math.sqrt((v[i] as number) / (1 - 0.999 ** (k + 1))) + 1e-8);
      theta[i] = p * (1 - test.lr * test.weightDecay) - test.lr * update;
    });
  });
  return { losses, weights: theta };
}

if (process.env['FLOWMATCH_WRITE_GOLDEN']) {
  it('writes the inputs', async () => {
    const cases = [];
    for (const test of torchCases) {
      const program = lower(specOf(test), test.dimension, test.condition);
      const { input } = await record(test);
      cases.push({ ...test, spec: specOf(test), conditionWidth: conditionWidth(test.condition), layout: program.parameters, ...input });
    }
    writeFileSync(inputsFile, `${JSON.stringify({ cases })}\n`);
  });
} else {
  const inputs: Record<string, Input> = Object.fromEntries(JSON.parse(readFileSync(inputsFile, 'utf8')).cases.map((c: TorchCase & Input) => [c.name, c]));
  const goldens: { cases: Record<string, Golden> } = existsSync(goldensFile) ? JSON.parse(readFileSync(goldensFile, 'utf8')) : { cases: {} };

  describe.each(torchCases.map((test) => [test.name, test] as const))('%s', (name, test) => {
    const [input, golden] = [inputs[name] as Input, goldens.cases[name] as Golden];

    it('the float64 oracle with AdamW equals torch.float64', () => {
      const { losses, weights } = oracleTrain(test, input);
      losses.forEach((loss, k) => {
        expect(Math.abs(loss / (golden.losses64[k] as number) - 1), `loss ${k}`).toBeLessThan(1e-12);
      });
      expect(distance(weights, doubles(golden.weights64))).toBeLessThan(1e-10);
    });

    it('the native trainer draws the recorded batches and equals torch.float32 to 1e-5', async () => {
      const { input: drawn, losses, weights } = await record(test);
      expect(drawn.parameters).toBe(input.parameters);
      drawn.steps.forEach((step, k) => {
        for (const key of ['x0', 'x1', 't'] as const) expect(distance(floats(step[key]), floats(input.steps[k]?.[key] as string)), `${key} ${k}`).toBeLessThan(1e-6);
      });
      for (const exact of [golden.losses32, golden.losses64]) {
        losses.forEach((loss, k) => {
          expect(Math.abs(loss / (exact[k] as number) - 1), `loss ${k}`).toBeLessThan(1e-5);
        });
      }
      expect(distance(weights, floats(golden.weights32)), 'weights, float32').toBeLessThan(1e-5);
      expect(distance(weights, doubles(golden.weights64)), 'weights, float64').toBeLessThan(1e-5);
    });

    it('a slice of ten steps gives the same bits as ten single ones', async () => {
      const { trainer, dispose } = prepare(test);
      const slice = await trainer.run(new Float64Array(steps).fill(test.lr), 0).done;
      const single = await record(test);
      expect(slice.status).toBe('done');
      expect(Array.from(slice.losses)).toEqual(single.losses);
      expect(trainer.state('parameters')).toEqual(single.weights);
      dispose();
    });
  });
}
