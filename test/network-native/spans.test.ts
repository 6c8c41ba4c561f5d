// A step of average velocities against its parts: time and span of each row from the words of its Philox streams, the target of mean flow or of a shortcut from the float64
// oracle, the loss and its gradient from theirs. With beta1 = 0 and no clipping the first moment after a step is the gradient. Both schemes of the step, with and
// without conditions; a shortcut's targets by the mean weights, or by those at hand.

import { expect, it } from 'vitest';
import type { TrainerRequest } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { conditionWidth, withSpan } from '../../lib/network/condition.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { lower } from '../../lib/network/lower.ts';
import { mlp } from '../../lib/network/mlp.ts';
import type { ConditionSpec } from '../../lib/network/spec.ts';
import { withDerivative } from '../../lib/network/tangent.ts';
import { Random } from '../../lib/random.ts';
import { evaluate } from '../../lib/sampling/reference/evaluate.ts';

import { objective } from '../../lib/sampling/reference/objective.ts';
import { meanTarget, shortcutTarget } from '../../lib/sampling/reference/spans.ts';
import { dataset, numbers, rates, trainerRequest } from '../native-binding/support.ts';

const seed = 7n;
const [timeStream, spanStream] = [3, 15];
const uniform = (random: Random): number => ((random.word() >>> 9) + 0.5) * 2 ** -23;

interface Case {
  readonly width: number;
  readonly batch: number;
  readonly condition: ConditionSpec | null;
  readonly instant: number;
  readonly shortcut?: { readonly mostSteps: number; readonly limit?: number; readonly ema?: boolean };
  readonly fields?: Partial<TrainerRequest>;
}

function bench({ width, batch, condition, instant, shortcut, fields }: Case) {
  const d = 3;
  const spec = { ...mlp({ hidden: [width, width], activation: 'tanh', norm: width < 100, classEmbedding: condition?.numbers ? 4 : 0 }), span: true as const };
  const program = lower(spec, d, condition);
  const parameters = numbers(program.parameterCount).map((v) => v * Math.sqrt(3 / width));
  const { words, constants } = encodeProgram(program);
  const derivative = encodeProgram(withDerivative(program, true));
  const rows = 2 * batch;
  const c = conditionWidth(condition);
  let given = null;
  if (condition !== null) {
    given = dataset(c, 0);
    given.append(numbers(rows * c, 5).map((v, i) => (i % c >= condition.numbers ? Math.floor((v + 1) * 1.5) : v)));
  }
  const request = { ...trainerRequest({ d, width, depth: 2, batch }, rows, { seed, replacement: true, beta1: 0, clip: 0, threads: 3, ...fields }) };
  const span = shortcut ? { instant, limit: 0, ema: false, ...shortcut } : { instant, program: derivative.words, constants: derivative.constants };
  const own = { program: words, constants, parameters, condition: given, span };
  return { d, c, program, parameters, words, constants, trainer: new (native().Trainer)({ ...request, ...own }) };
}

/** t and s of the rows of step 0, as native/train/batch.cc draws them. */
function times({ batch, instant, shortcut }: Case): { t: Float32Array; span: Float32Array } {
  const [t, span] = [new Float32Array(batch), new Float32Array(batch)];
  for (let i = 0; i < batch; i++) {
    const first = uniform(new Random(seed, timeStream, i));
    const second = new Random(seed, spanStream, i);
    const still = uniform(second) < instant;
    const other = uniform(second);
    if (shortcut) {
      const steps = 2 ** Math.floor(other * (Math.log2(shortcut.mostSteps) + 1));
      span[i] = still ? 0 : 1 / steps;
      t[i] = still ? first : Math.floor(uniform(second) * steps) / steps;
      continue;
    }
    t[i] = still ? first : Math.min(first, other);
    span[i] = still ? 0 : Math.abs(other - first);
  }
  return { t, span };
}

const distance = (got: Float32Array, want: ArrayLike<number>): number => {
  let [difference, size] = [0, 0];
  for (let i = 0; i < got.length; i++) {
    difference += ((got[i] as number) - (want[i] as number)) ** 2;
    size += (want[i] as number) ** 2;
  }
  return Math.sqrt(difference / size);
};

const both: ConditionSpec = { numbers: 2, classes: [3] };
it.each([
  ['tiles, no condition, every row with a span', { width: 16, batch: 131, condition: null, instant: 0 }],
  ['tiles, numbers and classes, three rows in four without', { width: 24, batch: 260, condition: both, instant: 0.75 }],
  ['tiles, classes alone', { width: 16, batch: 40, condition: { numbers: 0, classes: [3] }, instant: 0.5 }],
  ['tiles, numbers alone, one row', { width: 16, batch: 1, condition: { numbers: 31, classes: [] }, instant: 0 }],
  ['layers, no condition', { width: 540, batch: 70, condition: null, instant: 0.5 }],
  ['shortcuts in tiles, no condition, every row with a span', { width: 16, batch: 131, condition: null, instant: 0, shortcut: { mostSteps: 128 } }],
  ['shortcuts in tiles, numbers and classes', { width: 24, batch: 260, condition: both, instant: 0.5, shortcut: { mostSteps: 8, ema: true } }],
  ['shortcuts in tiles, one length, within a limit', { width: 16, batch: 40, condition: null, instant: 0.25, shortcut: { mostSteps: 1, limit: 0.3 } }],
  ['shortcuts in layers', { width: 540, batch: 70, condition: { numbers: 0, classes: [3] }, instant: 0.5, shortcut: { mostSteps: 4, ema: true } }],
] as const satisfies (readonly [string, Case])[])("%s: target, loss and gradient are the oracle's", async (_, shape) => {
  for (const loss of [{ name: 'mse', c: 0, power: 0 } as const, { name: 'adaptive', c: 0.01, power: 1 } as const]) {
    const objectiveOf = { target: 'velocity', loss: loss.name, c: loss.c, power: loss.power, weights: null, importance: false } as const;
    const { d, c, program, parameters, words, constants, trainer } = bench({ ...shape, fields: { objective: objectiveOf } });
    const { x0, x1, condition } = await trainer.draw().done;
    expect(condition === null ? 0 : condition.length).toBe(shape.batch * c); // without the span
    const ema = parameters.map((p, i) => 0.9 * p + 0.1 * Math.sin(i));
    const none = new Float32Array(parameters.length);
    trainer.restore({ parameters, ema, firstMoment: none, secondMoment: none }, 0);
    const { losses } = await trainer.run(rates(1), 0).done;
    const { t, span } = times(shape);
    const x = x1.map((v, i) => Math.fround((t[Math.floor(i / d)] as number) * v) + Math.fround(1 - (t[Math.floor(i / d)] as number)) * (x0[i] as number));
    const v = x1.map((to, i) => to - (x0[i] as number));
    const rows = Float32Array.from({ length: shape.batch }, (_, i) => i).reduce(
      (all, i) => {
        all.set(withSpan(condition?.slice(i * c, (i + 1) * c) ?? null, c, span[i] as number), i * (c + 1));
        return all;
      },
      new Float32Array(shape.batch * (c + 1)),
    );
    const point = { x, t, condition: rows };
    const { shortcut }: Case = shape;
    const target = shortcut ? shortcutTarget(program, shortcut.ema ? ema : parameters, point, v, shortcut) : meanTarget(program, parameters, point, v);
    const wanted = objective(loss, evaluate(program, parameters, point), target, new Float64Array(shape.batch).fill(1));
    expect(Math.abs((losses[0] as number) - wanted.loss) / wanted.loss).toBeLessThan(3e-5);
    const network = new (native().Network)(words, constants, parameters);
    const expected = network.gradientSync(x, t, rows, Float32Array.from(wanted.gradient));
    network.dispose();
    expect(distance(trainer.state('firstMoment'), expected.parameters)).toBeLessThan(3e-5);
    trainer.dispose();
  }
});

it.each([
  ['mean flow', undefined],
  ['shortcuts', { mostSteps: 128, ema: true }],
] as const)('%s: the same steps with any number of threads and in any slices, validated to the same loss', async (_, shortcut) => {
  const results = [];
  for (const [threads, slice] of [
    [1, 12],
    [3, 5],
    [2, 1],
  ] as const) {
    const objectiveOf = { target: 'velocity', loss: 'adaptive', c: 0.01, power: 1, weights: null, importance: false } as const;
    const { trainer } = bench({
      width: 16,
      batch: 300,
      condition: both,
      instant: 0.75,
      ...(shortcut ? { shortcut } : {}),
      fields: { threads, objective: objectiveOf },
    });
    const losses: number[] = [];
    while (trainer.step < 12) losses.push(...(await trainer.run(rates(Math.min(slice, 12 - trainer.step)), 0).done).losses);
    const { loss } = await trainer.evaluate('parameters', 3n, 16).done; // 64 rows, 16 draws each: several tiles for each thread
    expect(loss).toBeGreaterThan(0);
    expect(loss).toBeLessThan(1); // q / (q + c)
    results.push({ losses, loss, parameters: trainer.state('parameters') });
    trainer.dispose();
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

it('refuses lengths that do not halve to one another, and limits that are none', () => {
  const shape = { width: 16, batch: 8, condition: null, instant: 0.5 } as const;
  for (const [shortcut, path] of [
    [{ mostSteps: 12 }, 'request.span.mostSteps'],
    [{ mostSteps: 2048 }, 'request.span.mostSteps'],
    [{ mostSteps: 0 }, 'request.span.mostSteps'],
    [{ mostSteps: 4, limit: -1 }, 'request.span.limit'],
    [{ mostSteps: 4, limit: Number.NaN }, 'request.span.limit'],
    [{ mostSteps: 4, ema: 1 as unknown as boolean }, 'request.span.ema'],
  ] as const)
    expect(() => bench({ ...shape, shortcut })).toThrow(expect.objectContaining({ path }));
});

it('refuses a derivative of another network', () => {
  const shape = { width: 16, batch: 8, condition: null, instant: 0.5 } as const;
  const other = encodeProgram(withDerivative(lower({ ...mlp({ hidden: [8] }), span: true }, 3, null), true));
  const { program, constants, span: _, ...rest } = { ...trainerRequest({ d: 3, width: 16, depth: 2, batch: 8 }), span: null };
  const network = lower({ ...mlp({ hidden: [shape.width] }), span: true }, 3, null);
  const own = encodeProgram(network);
  const parameters = numbers(network.parameterCount);
  const request = { ...rest, program: own.words, constants: own.constants, parameters };
  expect(program.length + constants.length).toBeGreaterThan(0);
  expect(() => new (native().Trainer)({ ...request, span: { program: other.words, constants: other.constants, instant: 0.5 } })).toThrow(/derivative/);
  expect(() => new (native().Trainer)({ ...request, span: { program: own.words, constants: own.constants, instant: 0.5 } })).toThrow(/derivative/);
});
