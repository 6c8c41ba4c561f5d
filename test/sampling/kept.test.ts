// Solves that a model keeps ready: the results of sample() in every field and bit, whatever changes from call to call; kept where calls repeat, and nowhere else.

import { describe, expect, it } from 'vitest';
import { eulerMaruyama, heun, Model, midpoint, rk4, type SampleOptions, type Solver, vp } from '../../lib/index.ts';
import type { ModelRecord } from '../../lib/model/record.ts';
import type { NativeNetwork, SampleRequest } from '../../lib/native/binding.ts';
import { resolvePath, storePath } from '../../lib/paths/paths.ts';
import { fewRows, KeptSolves } from '../../lib/sampling/kept.ts';
import { planSample } from '../../lib/sampling/plan.ts';
import { euler, resolveSolver } from '../../lib/solvers/solvers.ts';
import { spanSolver } from '../../lib/solvers/spans.ts';
import { network, numbers, sampleRequest, tiny } from '../native-binding/support.ts';
import { caught, untrained } from '../support/models.ts';

const louder = (record: ModelRecord): ModelRecord => ({ ...record, parameters: record.parameters.map((p, i) => p + 0.2 * Math.sin(7 * i + 1)) });
const scaled = { normaliser: { shift: Float32Array.of(5, -1), scale: Float32Array.of(2, 0.5) } };
const plain = louder(untrained(2, { hidden: [40, 24] }, scaled));
const wide = louder(untrained(2, { hidden: [40, 40], residual: true, norm: true, time: 'raw' }, scaled));
const curved = louder(untrained(2, { hidden: [24] }, { path: storePath(resolvePath(vp())), prediction: 'noise' }));
const given = louder(untrained(2, { hidden: [24, 40] }, { condition: { numbers: 1, classes: [3], drop: 0.1 }, ...scaled }));

/** Calls of a few rows on one model: every option that may change while a solve is kept. */
const varying: Partial<SampleOptions>[] = [
  { seed: 3 },
  { seed: 2 ** 40, firstRow: 2 ** 33 },
  { n: 3, firstRow: 7 },
  { n: fewRows },
  { n: fewRows + 1 },
  { n: 1 },
  { threads: 1 },
];
const starts: Partial<SampleOptions>[] = [{ source: [[0.5, -1]] }, { source: [[1, 2], [3, 4], [-5, 6]] }]; // biome-ignore format: rows
const conditions: Partial<SampleOptions>[] = [
  { condition: { numbers: [0.5], labels: 1 } },
  { condition: { numbers: [0.25], labels: 2 }, n: 4 },
  { condition: { numbers: [0.25], labels: 2 }, n: 4, seed: 1 },
  { condition: { numbers: [-3], labels: 0 }, n: 4 },
  { condition: { numbers: [[1], [2]], labels: [0, 1] } }, // a row of the condition for each
  { condition: { numbers: [[1]], labels: [2] } },
];
const cases: [string, ModelRecord, Solver, Partial<SampleOptions>[], SampleOptions][] = [
  ['euler in more stages than a window holds', plain, euler({ steps: 150 }), [...varying, ...starts], {}],
  ['more steps than are kept', plain, euler({ steps: 3000 }), [{ seed: 1 }, { seed: 2 }, { n: 2 }], {}],
  ['midpoint, residual and normalised', wide, midpoint({ steps: 9 }), [...varying, ...starts], {}],
  ['a grid, falling steps of rk4', plain, rk4({ grid: [0, 0.5, 0.75, 1] }), varying, {}],
  ['a frame', curved, heun({ steps: 12 }), [...varying, ...starts], {}],
  ['bf16', plain, euler({ steps: 5 }), varying, { precision: 'bf16' }],
  ['a condition', given, midpoint({ steps: 40 }), conditions, {}],
  ['noise', plain, eulerMaruyama({ steps: 20, noise: (t) => 1 - t }), [...varying, ...starts], {}],
  ['guidance', given, heun({ steps: 7 }), conditions, { guidance: { scale: 3, interval: [0.25, 0.75] } }],
  ['no condition, by guidance', given, heun({ steps: 7 }), [{ n: 2 }, { n: 2, seed: 1 }, {}], { guidance: 0 }],
];

describe.each(cases)('%s', (_name, record, solver, changes, options) => {
  it('gives what sample() gives, in every field', async () => {
    const [model, fresh] = [Model.fromRecord(record), Model.fromRecord(record)];
    for (const change of [...changes, ...changes, ...changes.toReversed()]) {
      const asked = { ...options, ...change, solver };
      expect(model.sampleSync(asked)).toEqual(await fresh.sample(asked));
    }
  });
});

describe('made ready on the native side', () => {
  const steps = 5;
  const frame = Float64Array.from({ length: 4 * steps }, (_, i) => [1.1, i / 30, -0.2, 0.9][i % 4] as number);
  const requests: [string, Partial<SampleRequest>][] = [
    ['noise', { noise: Float64Array.of(0.1, 0, 0.3, 0.2, 0) }],
    ['a frame, and the output mapped', { frame, shift: Float32Array.of(1, 2), scale: Float32Array.of(3, 0) }],
    ['noise in a frame, and noise of another scale', { frame, noise: new Float64Array(steps).fill(0.1), sourceScale: 4 }],
    ['states on the way', { save: Int32Array.of(0, 2, 3) }],
    ['nothing saved', { save: new Int32Array(0) }],
    ['start rows', { initial: numbers(2 * fewRows), normaliseInitial: true, shift: Float32Array.of(1, 2), scale: Float32Array.of(3, 4) }],
  ];

  it.each(requests)('a solve with %s gives what its request gives', (_what, fields) => {
    const net = network(tiny);
    const solve = net.prepare(sampleRequest(0, steps, { ...fields, initial: null }));
    for (const [n, seed] of [
      [1, 1n],
      [1, 2n],
      [fewRows, 2n],
      [5, 3n],
      [5, 4n],
      [1, 1n],
    ] as const) {
      const initial = fields.initial?.subarray(0, 2 * n) ?? null;
      const { x, nfe } = net.sampleSync(sampleRequest(n, steps, { ...fields, initial, seed, firstRow: 9 }));
      expect(solve.sampleSync(n, 9, seed, initial, null)).toEqual(x);
      expect(solve.nfe).toBe(nfe);
    }
    expect(solve.sampleSync(0, 0, 1n, null, null)).toEqual(new Float32Array(0));
  });
});

describe('a kept solve', () => {
  /** How often a native solve is made, used and disposed of while `work` runs on a model. */
  function counted() {
    const log: string[] = [];
    let made = 0;
    const network = {
      prepare: () => {
        const name = ++made;
        log.push(`make ${name}`);
        return { nfe: 1, sampleSync: () => new Float32Array(2), dispose: () => void log.push(`dispose ${name}`) };
      },
    } as unknown as NativeNetwork;
    const kept = new KeptSolves();
    const ask = (options: SampleOptions): boolean => {
      const { alike } = planSample(options.condition === undefined && options.guidance === undefined ? plain : given, options);
      return alike !== null && kept.find(alike, network) !== null;
    };
    return { log, kept, ask };
  }

  it('is made at the second of two calls alike, and never for a solver made for one call', () => {
    const { log, ask } = counted();
    const solver = euler({ steps: 3 });
    for (let i = 0; i < 20; i++) expect(ask({ solver: euler({ steps: 3 }) })).toBe(false);
    expect(log).toEqual([]);
    expect([ask({ solver }), ask({ solver, seed: 1 }), ask({ solver, n: 5 })]).toEqual([false, true, true]);
    expect(log).toEqual(['make 1']);
    expect([ask({ solver, precision: 'bf16' }), ask({ solver }), ask({ solver, precision: 'bf16' })]).toEqual([false, true, true]);
    expect(log).toEqual(['make 1', 'make 2']);
  });

  it('serves settings and solvers that take turns', () => {
    const { log, ask } = counted();
    const [solver, other] = [euler({ steps: 3 }), midpoint({ steps: 3 })];
    const turn = () => [ask({ solver }), ask({ solver, precision: 'bf16' }), ask({ solver: other }), ask({ solver: other, precision: 'bf16' })];
    expect(turn()).toEqual([false, false, false, false]);
    for (let i = 0; i < 5; i++) expect(turn()).toEqual([true, true, true, true]);
    expect(log).toEqual(['make 1', 'make 2', 'make 3', 'make 4']);
    // The one not asked for the longest gives way.
    ask({ solver });
    ask({ solver: 'heun' });
    expect(ask({ solver: 'heun' })).toBe(true);
    expect(log.slice(4)).toEqual(['make 5', 'dispose 2']);
    expect(ask({ solver })).toBe(true);
  });

  it('is made for each guidance anew', () => {
    const { log, ask } = counted();
    const [solver, condition] = [euler({ steps: 3 }), { numbers: [1], labels: 1 }];
    const all = [2, 2, 3, 3, { scale: 3, interval: [0, 0.5] as const }, { scale: 3, interval: [0, 0.5] as const }, 1, 1];
    expect(all.map((guidance) => ask({ solver, condition, guidance }))).toEqual([false, true, false, true, false, true, false, true]);
    expect(log.filter((line) => line.startsWith('make'))).toHaveLength(4);
  });

  it('gives way to the fifth, and goes with its model', () => {
    const { log, kept, ask } = counted();
    for (let steps = 1; steps <= 5; steps++) {
      const solver = euler({ steps });
      ask({ solver });
      expect(ask({ solver })).toBe(true);
    }
    expect(log.filter((line) => line.startsWith('dispose'))).toEqual(['dispose 1']);
    kept.dispose();
    expect(log.filter((line) => line.startsWith('dispose'))).toHaveLength(5);
  });

  it('serves solvers that are named, left out or stochastic, and none of frames, error control, rows of conditions, very many steps and tableaus as literals', () => {
    const { ask } = counted();
    const twice = (options: SampleOptions): boolean => {
      ask(options);
      return ask(options);
    };
    expect(resolveSolver(undefined)).toBe(resolveSolver(undefined));
    expect(spanSolver(undefined, '')).toBe(spanSolver(undefined, ''));
    expect([twice({}), twice({ solver: 'rk4' }), twice({ solver: 'eulerMaruyama' })]).toEqual([true, true, true]);
    expect(twice({ solver: eulerMaruyama({ steps: 3 }) })).toBe(true);
    const [many, tooMany] = [heun({ steps: 2 ** 13 }), heun({ steps: 2 ** 13 + 1 })];
    expect([twice({ solver: many }), twice({ solver: tooMany })]).toEqual([true, false]);
    const solver = euler({ steps: 4 });
    expect([twice({ solver, saveAt: 2 }), twice({ solver: 'dopri5' }), twice({ solver: { ...solver } })]).toEqual([false, false, false]);
    expect(twice({ solver, condition: { numbers: [[1], [2]], labels: [0, 1] } })).toBe(false);
  });

  it('names the row that is not finite as sample() does, and serves the next call', async () => {
    const record = { ...plain, normaliser: null, parameters: plain.parameters.map((p) => 40 * p) };
    const [model, solver] = [Model.fromRecord(record), euler({ steps: 3 })];
    const bad = { solver, source: [[0, 0], [3e38, -3e38], [1, 1]] }; // biome-ignore format: rows
    const good = { solver, source: [[0, 0], [1, -1], [1, 1]] }; // biome-ignore format: rows
    const { x } = await model.sample(good);
    for (let i = 0; i < 4; i++) {
      expect(model.sampleSync(good).x).toEqual(x);
      const [here, there] = [await caught(() => model.sampleSync(bad)), await caught(() => model.sample(bad))];
      expect(here).toMatchObject({ code: 'ERR_FLOW_NONFINITE', path: 'x[1]', message: there.message });
    }
  });

  it('ends with its model', async () => {
    const [model, solver] = [Model.fromRecord(plain), euler({ steps: 3 })];
    for (let i = 0; i < 3; i++) model.sampleSync({ solver });
    model.dispose();
    expect(await caught(() => model.sampleSync({ solver }))).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
  });

  it('obeys a signal that was aborted', async () => {
    const [model, solver] = [Model.fromRecord(plain), euler({ steps: 3 })];
    for (let i = 0; i < 3; i++) model.sampleSync({ solver });
    const reason = new Error('enough');
    expect(await caught(() => model.sampleSync({ solver, signal: AbortSignal.abort(reason) }))).toBe(reason);
  });
});
