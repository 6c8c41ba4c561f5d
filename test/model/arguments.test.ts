// Any argument whatever to a public function of the library gives a typed error or works: never an abort, never an untyped throw.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as flowmatch from '../../lib/index.ts';
import { untrained } from '../support/models.ts';

const runs = Number(process.env['FLOWMATCH_FUZZ_RUNS'] ?? 1200);
const { Dataset, Model, Trainer, train } = flowmatch;
const model = Model.fromRecord(untrained(2));
const conditional = Model.fromRecord(untrained(2, {}, { condition: { numbers: 1, classes: [3] } }));

const throwing = Object.defineProperty({ [fc.toStringMethod]: () => 'throwing' }, 'x', {
  enumerable: true,
  get: () => {
    throw new Error('getter');
  },
});
const { proxy: revoked, revoke } = Proxy.revocable({}, {});
revoke();
const odd = fc.constantFrom<unknown>(null, undefined, Number.NaN, -0, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 31, 2 ** 53, 10n ** 30n, '', 'rk4', Symbol('s'), () => 1, throwing, new Proxy([], {}), new Date(Number.NaN), new Float32Array(3), new Float64Array(4), new SharedArrayBuffer(8), JSON.parse('{"__proto__":{"steps":1}}'), [[1, 2], [3, 4]], [[]], [[1], [2, 3]], [[throwing]], Array(3)); // biome-ignore format: a list
const anything = fc.oneof(
  odd,
  fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true, withTypedArray: true, withDate: true, withMap: true, withSet: true }),
);
/** Objects with some of the known keys, so that the deeper checks are reached. */
const having = (...keys: string[]) => fc.oneof(anything, fc.dictionary(fc.constantFrom(...keys), anything, { maxKeys: 4 }));
const trainKeys = ['columns', 'condition', 'source', 'normalise', 'network', 'path', 'coupling', 'time', 'optimiser', 'precision', 'batchSize', 'replacement', 'ema', 'clip', 'validation', 'evaluateEvery', 'patience', 'seed', 'threads', 'signal', 'onProgress', 'onResume', 'table']; // biome-ignore format: a list
const sampleKeys = ['n', 'solver', 'seed', 'firstRow', 'condition', 'source', 'saveAt', 'precision', 'threads', 'signal'];

/** Runs the call and whatever it promises; only FlowErrors may come out. Large requests are refused by the caller's `allow`. */
async function typed(call: () => unknown): Promise<void> {
  try {
    const value = await call();
    if (value instanceof Trainer || value instanceof Model) value.dispose();
  } catch (error) {
    if (!(error instanceof flowmatch.FlowError)) throw new Error(`an untyped error: ${String(error)}\n${(error as Error).stack}`);
  }
}

describe('any argument', () => {
  it('to train and Trainer', async () => {
    const data = [[1, 2], [3, 4], [5, 6]]; // biome-ignore format: a matrix
    await fc.assert(
      fc.asyncProperty(
        having(...trainKeys),
        fc.oneof({ weight: 3, arbitrary: fc.constant(data) }, { weight: 1, arbitrary: anything }),
        async (options, rows) => {
          const full =
            typeof options === 'object' &&
            options !== null &&
            !Array.isArray(options) &&
            Object.getPrototypeOf(options) === Object.prototype &&
            options !== throwing
              ? { ...options, data: rows, steps: 1 }
              : options;
          await typed(() => new Trainer(full as never));
          await typed(() => train(full as never));
        },
      ),
      { numRuns: runs },
    );
  });

  it('to sample, encode and the rest of a model', async () => {
    const fits = (options: unknown): boolean => {
      const n = (options as { n?: unknown } | null | undefined)?.n;
      return !(typeof n === 'number' && n > 1e6);
    };
    await fc.assert(
      fc.asyncProperty(having(...sampleKeys), anything, async (options, value) => {
        if (!fits(options)) return;
        for (const one of [model, conditional]) {
          await typed(() => one.sample(options as never));
          await typed(() => one.sampleSync(options as never));
          await typed(() => one.encode(value as never, options as never));
          await typed(() => one.sample({ condition: value as never }));
        }
        await typed(() => model.sampleBatches(options as never).next());
        await typed(() => Model.fromRecord(value as never));
        if (options !== throwing) await typed(() => Model.fromRecord({ ...untrained(1), ...(options as object) } as never));
        if (typeof value !== 'string') await typed(() => model.save(value as never));
        await typed(() => Model.load(value as never));
        await typed(() => Trainer.resume(value as never, options as never));
      }),
      { numRuns: runs },
    );
  });

  it('to Dataset and to every factory', async () => {
    const { adamw, condOT, constant, defineCoupling, definePath, defineSolver, defineTime, linear, logitNormal, midpoint, mlp, stratified, warmupCosine } =
      flowmatch;
    const factories = [
      adamw,
      condOT,
      constant,
      defineCoupling,
      definePath,
      defineSolver,
      defineTime,
      linear,
      logitNormal,
      midpoint,
      mlp,
      stratified,
      warmupCosine,
    ];
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        await typed(() => new Dataset(value as never));
        await typed(() => new Dataset({ columns: value as never }));
        const dataset = new Dataset({ columns: 2 });
        await typed(() => dataset.append(value as never));
        expect(dataset.rows === 0 || dataset.rows > 0).toBe(true);
        for (const factory of factories) await typed(() => (factory as (value: unknown) => unknown)(value));
      }),
      { numRuns: runs },
    );
  });

  it('also a revoked proxy', async () => {
    const calls = [
      train,
      (v: never) => new Trainer(v),
      (v: never) => model.sample(v),
      (v: never) => model.sampleBatches(v),
      (v: never) => new Dataset(v),
      flowmatch.mlp,
      flowmatch.adamw,
    ];
    for (const call of calls) await typed(() => (call as (value: unknown) => unknown)(revoked));
  });
});
