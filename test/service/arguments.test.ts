// Any argument whatever to any public function: a result, a FlowError, or the caller's own error (from a getter of theirs, or their signal's reason).
// Nothing else is thrown, nothing hangs, nothing aborts. FLOWMATCH_CALLS sets the number of calls (10,000 by default).

import { chdir, cwd } from 'node:process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as api from '../../lib/index.ts';
import { temporaryFolder } from '../support/folder.ts';
import { untrained } from '../support/models.ts';

const calls = Number(process.env['FLOWMATCH_CALLS'] ?? 10_000);
const place = temporaryFolder();
const home = cwd();
beforeAll(() => chdir(place('.'))); // file names are arguments too
afterAll(() => chdir(home));

class Theirs extends Error {}
const theirs = new Theirs('thrown by a getter of the caller');

/** What fc.anything() does not think of. */
const nasty = fc.constantFrom<unknown[]>(
  -0,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  2 ** 53,
  1.5,
  -1n,
  2n ** 64n,
  '',
  '\0',
  'a'.repeat(300),
  JSON.parse('{"__proto__": {"steps": 3}, "constructor": 1}'),
  Object.create(null),
  { length: 2 ** 32 },
  { length: -1, 0: 1 },
  new Array(1e6),
  [[1, 2], [3]],
  [[Number.NaN, 1]],
  new Float32Array(0),
  Float32Array.of(1, Number.NaN),
  new Float32Array(new SharedArrayBuffer(8)),
  new BigInt64Array(2),
  new DataView(new ArrayBuffer(4)),
  new Map([['n', 1]]),
  Symbol('s'),
  () => Number.NaN,
  () => {
    throw theirs;
  },
  Promise.reject(theirs).catch(() => theirs),
  { toString: null, valueOf: null },
  new Proxy(
    {},
    {
      get: () => {
        throw theirs;
      },
      ownKeys: () => {
        throw theirs;
      },
    },
  ),
  new Proxy([1, 2], { get: (target, key) => (key === 'length' ? 3 : Reflect.get(target, key)) }),
  { [Symbol.iterator]: () => 1 },
);
const anything = fc.oneof(
  { weight: 3, arbitrary: nasty },
  {
    weight: 4,
    arbitrary: fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
      withBoxedValues: true,
    }),
  },
  // Throws when it is read.
  {
    weight: 1,
    arbitrary: fc.constantFrom('data', 'n', 'solver', 'steps', 'hidden', 'seed', 'graph', 'grid').map((key) =>
      Object.defineProperty({}, key, {
        enumerable: true,
        get: () => {
          throw theirs;
        },
      }),
    ),
  },
);

const rows = Array.from({ length: 8 }, (_, i) => [i / 8, 1 - i / 8]);
const network = api.mlp({ hidden: [4] });
const model = api.Model.fromRecord(untrained(2));
const guided = api.Model.fromRecord(untrained(2, { hidden: [3] }, { condition: { numbers: 1, classes: [2], drop: 0.1 } }));
const dataset = new api.Dataset({ columns: 2 }).append(rows);
let patience = 1; // raised where the arguments are right and the call must end by itself, on a busy machine too
/** Ends whatever runs long. */
const soon = (milliseconds = 20): AbortSignal => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(theirs), milliseconds * patience).unref();
  return abort.signal;
};
const training = () => ({
  data: rows,
  network,
  steps: 2,
  batchSize: 4,
  validation: 0,
  seed: 1,
  ema: 0.5,
  clip: 1,
  normalise: true,
  condition: { labels: rows.map((_, i) => i % 2) },
  dropCondition: 0.2,
  precision: 'bf16',
  threads: 1,
  signal: soon(),
});
const small = { n: 4, seed: 1, firstRow: 0, solver: api.euler({ steps: 2 }), saveAt: 2, threads: 1, precision: 'bf16' };
const titled = { title: 't', subtitle: 's', width: 200, height: 150 };
const flat = [0, 1, 1, 0, 0.5, 0.5];
const picture = Object.freeze(api.scatter({ ...titled, series: [{ name: 'a', rows: flat }] })); // whole or not at all: what the factories make is trusted
const at = (t: number) => ({ alpha: t, sigma: 1 - t, gamma: 0, dAlpha: 1, dSigma: -1, dGamma: 0 });

const { euler, heun, midpoint, ralston, rk4, rk4ThreeEighths, bosh3, dopri5, tsit5, dopri8 } = api;
const solvers = { euler, heun, midpoint, ralston, rk4, rk4ThreeEighths };
const pairs = { bosh3, dopri5, tsit5, dopri8 };
const control = { rtol: 1e-3, atol: 1e-4, maxSteps: 50, minStep: 0, controller: 'integral', control: 'batch' } as const;

/** Every public function and method: how it is called, and arguments that are right (made anew for each call). */
// biome-ignore lint/suspicious/noExplicitAny: that is the point
const targets: Record<string, { call: (...args: any[]) => unknown; right: () => unknown[] }> = {
  Dataset: { call: (...args) => new api.Dataset(...(args as [never])), right: () => [{ columns: 2 }] },
  'Dataset.append': { call: (...args) => new api.Dataset({ columns: 2 }).append(...(args as [never])), right: () => [rows] },
  'Model.load': { call: api.Model.load, right: () => ['none.safetensors'] },
  'Model.fromRecord': { call: api.Model.fromRecord, right: () => [untrained(2)] },
  'Model.save': { call: (...args) => model.save(...(args as [never])), right: () => ['model.safetensors'] },
  'Model.sample': { call: (...args) => model.sample(...(args as [never])), right: () => [{ ...small, signal: soon() }] },
  'Model.sample, guided': {
    call: (...args) => guided.sample(...(args as [never])),
    right: () => [{ ...small, condition: { numbers: [0.5], labels: [1] }, guidance: { scale: 2, interval: [0.1, 0.9] } }],
  },
  'Model.sample, with error control': {
    call: (...args) => model.sample(...(args as [never])),
    right: () => [{ ...small, solver: dopri5(control), saveAt: [0.1, 0.5] }],
  },
  'Model.sampleSync': { call: (...args) => model.sampleSync(...(args as [never])), right: () => [{ solver: 'euler' }] },
  'Model.sampleBatches': { call: (...args) => model.sampleBatches(...(args as [never])).next(), right: () => [{ ...small, batchRows: 3, signal: soon() }] },
  'Model.logDensity': {
    call: (...args) => model.logDensity(...(args as [never])),
    right: () => [rows, { method: 'hutchinson', probes: 2, seed: 1, solver: 'euler', threads: 1, signal: soon() }],
  },
  'Model.logDensity, with error control': {
    call: (...args) => model.logDensity(...(args as [never])),
    right: () => [rows, { method: 'hutchinson', probes: 2, seed: 1, solver: dopri5(control), traceWeight: 0.5, precision: 'bf16x3', signal: soon() }],
  },
  'Model.logDensity, guided': {
    call: (...args) => guided.logDensity(...(args as [never])),
    right: () => [rows, { condition: { numbers: [0.5], labels: [1] }, guidance: { scale: 2, interval: [0.1, 0.9] }, solver: dopri5(control), signal: soon() }],
  },
  'Model.score': { call: (...args) => model.score(...(args as [never, never])), right: () => [rows, { t: 0.5, threads: 1, signal: soon() }] },
  'Model.encode': { call: (...args) => model.encode(...(args as [never])), right: () => [rows, { solver: 'euler', seed: 1, signal: soon() }] },
  Trainer: { call: (...args) => new api.Trainer(...(args as [never])), right: () => [training()] },
  'Trainer.resume': { call: (...args) => api.Trainer.resume(...(args as [never, never])), right: () => ['none.safetensors', training()] },
  train: { call: api.train, right: () => [training()] },
  reflow: {
    call: (one, options) => api.reflow(one, bare(options) ? { signal: soon(200) } : options), // its defaults train for a minute
    right: () => [model, { pairs: 8, rounds: 1, solver: 'euler', steps: 2, batchSize: 4, seed: 1, guidance: 1, signal: soon(2000) }],
  },
  distil: {
    call: (one, options) => api.distil(one, bare(options) ? { signal: soon(200) } : options),
    right: () => [model, { pairs: 8, samplingSteps: 2, steps: 2, batchSize: 4, signal: soon(2000) }],
  },
  exportOnnx: { call: api.exportOnnx, right: () => [model, 'model.onnx', { graph: 'sampler', guidance: 1, solver: api.euler({ steps: 2 }) }] },
  inspectOnnx: { call: api.inspectOnnx, right: () => [new Uint8Array([8, 8])] },
  loadOnnx: { call: api.loadOnnx, right: () => [new Uint8Array([8, 8]), { threads: 1 }] },
  mlp: { call: api.mlp, right: () => [{ hidden: [4, 4], activation: 'silu', time: { kind: 'fourier', frequencies: 3 }, residual: true, norm: false }] },
  adamw: { call: api.adamw, right: () => [{ lr: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 }] },
  constant: { call: api.constant, right: () => [1e-3] },
  linear: { call: api.linear, right: () => [{ peak: 1e-3, warmup: 2, steps: 10, floor: 0 }] },
  warmupCosine: { call: api.warmupCosine, right: () => [{ peak: 1e-3, warmup: 10, steps: 100 }] },
  condOT: { call: api.condOT, right: () => [{ sigmaMin: 0, sigma: 0.1 }] },
  polynomial: { call: api.polynomial, right: () => [{ power: 3 }] },
  linearVP: { call: api.linearVP, right: () => [] },
  cosine: { call: api.cosine, right: () => [{ sigma: 0.1 }] },
  interpolant: { call: api.interpolant, right: () => [{ shape: 'trigonometric', gamma: 'brownian', scale: 0.5 }] },
  'interpolant, of functions': {
    call: api.interpolant,
    right: () => [{ alpha: (t: number) => t, sigma: (t: number) => 1 - t, gamma: (t: number) => t - t * t, dAlpha: () => 1, tMin: 0, tMax: 1, name: 'mine' }],
  },
  vp: { call: api.vp, right: () => [{ betaMin: 0.1, betaMax: 20 }] },
  ve: { call: api.ve, right: () => [{ sigmaMin: 0.01, sigmaMax: 50 }] },
  conversion: { call: api.conversion, right: () => [api.cosine(), 0.5, 'velocity', 'score'] },
  convert: { call: api.convert, right: () => [{ path: api.vp(), t: 0.5, from: 'velocity', to: 'x1', x: Float32Array.of(1, 2), value: [0.5, 1] }] },
  definePath: { call: api.definePath, right: () => [{ name: 'mine', tMin: 0, tMax: 1, at }] },
  defineCoupling: { call: api.defineCoupling, right: () => [{ name: 'mine', pair: () => new Int32Array(4) }] },
  minibatchOT: { call: api.minibatchOT, right: () => [{ ignoreCondition: true, batch: 8 }] },
  sinkhorn: { call: api.sinkhorn, right: () => [{ regularisation: { absolute: 2 }, rounding: 'permutation', batch: 8 }] },
  unbalancedOT: { call: api.unbalancedOT, right: () => [{ regularisation: 0.1, marginal: 2, iterations: 9, tolerance: 0.1 }] },
  partialOT: { call: api.partialOT, right: () => [{ mass: 0.5, ignoreCondition: true }] },
  independent: { call: api.independent, right: () => [] },
  energyDistance: { call: api.energyDistance, right: () => [Float32Array.of(0, 1, 2, 3), Float64Array.of(3, 2, 1, 0), 2, { statistic: 'U' }] },
  mmdSquared: { call: api.mmdSquared, right: () => [Float32Array.of(0, 1, 2, 3), Float64Array.of(3, 2, 1, 0), 2, { sigmas: [1, 2] }] },
  c2st: {
    call: api.c2st,
    right: () => [Float32Array.of(0, 1, 2, 3), Float64Array.of(3, 2, 1, 0), 2, { folds: 2, hidden: [2], epochs: 2, seed: 1, threads: 1 }],
  },
  slicedWasserstein: { call: api.slicedWasserstein, right: () => [Float32Array.of(0, 1, 2, 3), Float64Array.of(3, 2), 2, { p: 1, directions: 3, seed: 1 }] },
  pathEnergy: { call: api.pathEnergy, right: () => [Float32Array.of(0, 1, 2, 3), [0, 1], 2] },
  straightness: { call: api.straightness, right: () => [Float32Array.of(0, 1, 2, 3), [0, 1], 2] },
  normalisedPathEnergy: { call: api.normalisedPathEnergy, right: () => [1.5, 1] },
  optimalPairs: { call: api.optimalPairs, right: () => [Float32Array.of(0, 1, 2, 3), Float32Array.of(3, 2, 1, 0), 2, { p: 1, threads: 1, signal: soon() }] },
  ...Object.fromEntries(
    Object.entries({ wasserstein1: api.wasserstein1, wasserstein2: api.wasserstein2, wasserstein2Squared: api.wasserstein2Squared }).map(([name, call]) => [
      name,
      { call, right: () => [Float32Array.of(0, 1, 2, 3), Float64Array.of(3, 2, 1, 0, 1, 1), 2, { threads: 1, signal: soon() }] },
    ]),
  ),
  eulerMaruyama: { call: api.eulerMaruyama, right: () => [{ steps: 3, noise: api.proportional({ eta: 0.5 }) }] },
  stochasticHeun: { call: api.stochasticHeun, right: () => [{ steps: 3, noise: (t: number) => 1 - t }] },
  proportional: { call: api.proportional, right: () => [{ eta: 1 }] },
  fading: { call: api.fading, right: () => [{ eta: 1 }] },
  memoryless: { call: api.memoryless, right: () => [] },
  'Model.sample, stirred': {
    call: (...args) => model.sample(...(args as [never])),
    right: () => [{ ...small, solver: api.stochasticHeun({ steps: 2, noise: 'memoryless' }) }],
  },
  schrodingerBridge: { call: api.schrodingerBridge, right: () => [{ sigma: 0.5 }] },
  'schrodingerBridge, of sigma(t)': { call: api.schrodingerBridge, right: () => [{ sigma: (t: number) => 1 + t }] },
  'schrodingerBridge, of values': { call: api.schrodingerBridge, right: () => [{ sigma: [0.5, 1, 0.7] }] },
  scoreAndFlow: { call: api.scoreAndFlow, right: () => [{ sigma: 0.5 }] },
  'scoreAndFlow, of values': { call: api.scoreAndFlow, right: () => [{ sigma: [0.5, 1, 0.7] }] },
  defineSolver: { call: api.defineSolver, right: () => [{ name: 'mine', order: 1, a: [[]], b: [1], c: [0] }] },
  defineTime: { call: api.defineTime, right: () => [{ name: 'mine', quantile: (u: number) => u }] },
  shift: { call: api.shift, right: () => [{ factor: 2, law: api.logitNormal(), importance: true }] },
  mse: { call: api.mse, right: () => [{}] },
  pseudoHuber: { call: api.pseudoHuber, right: () => [{ c: 0.1 }] },
  meanFlow: { call: api.meanFlow, right: () => [{ instant: 0.5 }] },
  shortcut: { call: api.shortcut, right: () => [{ instant: 0.5, mostSteps: 8, teacher: 'current', limit: 4 }] },
  adaptive: { call: api.adaptive, right: () => [{ power: 0.5, c: 0.1 }] },
  minSNR: { call: api.minSNR, right: () => [{ gamma: 3 }] },
  edm: { call: api.edm, right: () => [{ dataStd: 0.5 }] },
  power: { call: api.power, right: () => [{ exponent: 2 }] },
  beta: { call: api.beta, right: () => [{ a: 2, b: 1.5 }] },
  uShaped: { call: api.uShaped, right: () => [{ steepness: 4 }] },
  edmSkew: { call: api.edmSkew, right: () => [{ mean: -1.2, std: 1.2 }] },
  logitNormal: { call: api.logitNormal, right: () => [{ mean: 0, std: 1 }] },
  stratified: { call: api.stratified, right: () => [] },
  uniform: { call: api.uniform, right: () => [] },
  edmGrid: { call: api.edmGrid, right: () => [6, { sigmaMin: 0.01, sigmaMax: 50, rho: 5 }] },
  powerGrid: { call: api.powerGrid, right: () => [6, { power: 3 }] },
  uniformGrid: { call: api.uniformGrid, right: () => [6] },
  ...Object.fromEntries(Object.entries(pairs).map(([name, call]) => [name, { call, right: () => [control] }])),
  ...Object.fromEntries(Object.entries(solvers).map(([name, call]) => [name, { call, right: () => [{ steps: 3 }] }])),
  info: { call: api.info, right: () => [] },
  fitTable: {
    call: (one, options) => api.fitTable(one, bare(options) ? { signal: soon(500) } : options), // its defaults train for a minute
    right: () => [
      table,
      {
        nulls: ['-'],
        dropCondition: 0,
        keep: ['a'],
        drop: [],
        columns: { b: 'number' },
        hidden: [4],
        steps: 2,
        batchSize: 4,
        lr: 1e-3,
        seed: 1,
        signal: soon(2000),
      },
    ],
  },
  sampleTable: { call: (...args) => api.sampleTable(...(args as [never, never])).next(), right: () => [fitted, { n: 3, seed: 1, signal: soon() }] },
  syntheticDensity: { call: api.syntheticDensity, right: () => ['moons', { version: 'runner' }] },
  'syntheticDensity, of rows': {
    call: (...args) => api.syntheticDensity('checkerboard')?.logDensity(...(args as [never])),
    right: () => [Float64Array.of(0.5, 0.5, 1e200, -1)],
  },
  syntheticVersions: { call: api.syntheticVersions, right: () => ['moons'] },
  synthetic: { call: api.synthetic, right: () => ['moons', { n: 5, seed: 1 }] },
  scatter: { call: api.scatter, right: () => [{ ...titled, series: [{ name: 'a', rows: flat, dimension: 2, axes: [0, 1] }], equal: true, most: 9 }] },
  trajectories: { call: api.trajectories, right: () => [{ ...titled, times: [0, 1], frames: [flat, flat], dimension: 2, axes: [0, 1], most: 9 }] },
  frames: { call: api.frames, right: () => [{ ...titled, times: [0, 1], frames: [flat, flat], dimension: 2, axes: [0, 1], group: [0, 1, 1] }] },
  lossCurve: { call: api.lossCurve, right: () => [{ ...titled, training: { step: [1, 2], loss: [2, 1] }, validation: { step: [2], loss: [1] } }] },
  histogram: { call: api.histogram, right: () => [{ ...titled, series: [{ name: 'a', values: [1, 2, 3] }], label: 'x', scale: 'number', bins: 4 }] },
  bars: { call: api.bars, right: () => [{ ...titled, series: [{ name: 'a', values: ['p', 'q', null] }], label: 'x', most: 3 }] },
  pairs: { call: api.pairs, right: () => [{ ...titled, columns: [{ name: 'p', scale: 'number' }], series: [{ name: 'a', values: [[1, 2]] }] }] },
  heatMap: {
    call: api.heatMap,
    right: () => [
      {
        ...titled,
        names: ['p', 'q'],
        matrices: [
          {
            name: 'a',
            values: [
              [1, 0],
              [0, 1],
            ],
          },
        ],
      },
    ],
  },
  toHtml: { call: api.toHtml, right: () => [picture] },
  toSvg: { call: (one, options) => api.toSvg(one, options), right: () => [picture, { theme: 'dark' }] },
  toPng: { call: (one, options) => api.toPng(one, options), right: () => [picture, { pixelRatio: 0.25 }] },
  writePicture: { call: api.writePicture, right: () => [picture, 'picture.html', { theme: 'dark' }] },
};
/** Whether options say nothing. */
function bare(options: unknown): boolean {
  try {
    return options === undefined || (typeof options === 'object' && options !== null && Object.keys(options).length === 0);
  } catch {
    return false;
  }
}
const table = Array.from({ length: 12 }, (_, i) => ({ a: Math.sin(i), b: i * i, c: i % 2 ? 'x' : 'y' }));
const fitted = await api.fitTable(table, { hidden: [4], steps: 2 });
const names = Object.keys(targets);

/** Puts `value` at a place of the arguments that `picks` leads to: an argument, an option, an element ... */
function mutate(args: unknown[], picks: readonly number[], value: unknown): unknown[] {
  const copy = (from: unknown): unknown => {
    if (Array.isArray(from)) return [...from];
    return from && Object.getPrototypeOf(from) === Object.prototype ? { ...from } : from;
  };
  const result = [...args];
  let holder: Record<string | number, unknown> = result as never;
  for (const [depth, pick] of picks.entries()) {
    const keys = Object.keys(holder);
    if (keys.length === 0) break;
    const key = keys[pick % keys.length] as string;
    const inner = copy(holder[key]);
    const plain = Array.isArray(inner) || (inner && Object.getPrototypeOf(inner) === Object.prototype && !Object.isFrozen(holder[key]));
    const leaf = !plain || typeof inner !== 'object' || inner === null || ArrayBuffer.isView(inner) || Object.keys(inner).length === 0;
    if (leaf || depth === picks.length - 1) {
      holder[key] = value;
      break;
    }
    holder[key] = inner;
    holder = inner as never;
  }
  return result;
}

let flowErrors = 0;
async function attempt(name: string, args: unknown[]): Promise<void> {
  const { call } = targets[name] as (typeof targets)[string];
  let timer: NodeJS.Timeout | undefined;
  try {
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('hangs')), 10_000);
    });
    const value = call(...args);
    if (value instanceof Promise) {
      const settled = await Promise.race([value, late]);
      (settled as { dispose?: () => void } | undefined)?.dispose?.();
    }
  } catch (error) {
    if (error instanceof api.FlowError) {
      flowErrors++;
      expect(error.code).toMatch(/^(ERR_FLOW_[A-Z_]+|ABORT_ERR)$/);
      expect(error.message.length).toBeLessThan(2000);
      return;
    }
    if (error instanceof Theirs) return;
    throw new Error(`${name} threw ${String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

describe('any argument', () => {
  it('is thought of for every public function', () => {
    const functions = Object.entries(api).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    const covered = new Set(names.map((name) => name.split('.')[0]));
    const reached = new Set(['FlowError', 'OnnxSampler']); // made by this library, not by its users
    expect(functions.filter((name) => !covered.has(name) && !reached.has(name))).toEqual([]);
  });

  it('that is right gives no error but a missing file or a bad graph', async () => {
    for (const name of names) {
      const { call, right } = targets[name] as (typeof targets)[string];
      let code: string | undefined;
      try {
        patience = 1000;
        await call(...right());
      } catch (error) {
        code = (error as { code?: string }).code ?? String(error);
      } finally {
        patience = 1;
      }
      expect([undefined, 'ERR_FLOW_IO', 'ERR_FLOW_ONNX'], `${name}: ${code}`).toContain(code);
    }
  });

  // What a call answers, before any promise of it is awaited: its error, or undefined.
  const atOnce = (name: string, args: unknown[]): { code?: string } | undefined => {
    const { call } = targets[name] as (typeof targets)[string];
    try {
      const value = call(...args);
      if (value instanceof Promise) value.catch(() => undefined);
    } catch (error) {
      return error as { code?: string };
    }
    return undefined;
  };
  const takes = names.filter((name) => (targets[name] as (typeof targets)[string]).right().length > 0);

  it('that alone is wrong is thrown at once, not rejected: the first, and an option of an unknown name', () => {
    expect(takes.length).toBeGreaterThan(80);
    for (const name of takes) expect([name, atOnce(name, [Symbol('wrong')])?.code]).toEqual([name, expect.stringMatching(/^ERR_FLOW_/)]);
    const isOptions = (value: unknown) => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
    const open = new Set(['defineCoupling']); // an object of the user's own, which may hold more
    let options = 0;
    for (const name of takes) {
      const args = (targets[name] as (typeof targets)[string]).right();
      if (!isOptions(args.at(-1)) || Object.isFrozen(args.at(-1)) || open.has(name)) continue;
      options++;
      const wrong = [...args.slice(0, -1), { ...(args.at(-1) as object), nonsense: 1 }];
      expect([name, atOnce(name, wrong)?.code]).toEqual([name, 'ERR_FLOW_CONFIG']);
    }
    expect(options).toBeGreaterThan(60);
  });

  it('that goes wrong only with time is rejected: a file that is not there, a folder that is not, a signal', async () => {
    const aborted = { signal: AbortSignal.abort(theirs) };
    const calls: [string, () => Promise<unknown>][] = [
      ['load', () => api.Model.load('none.safetensors')],
      ['resume', () => api.Trainer.resume('none.safetensors', { data: rows })],
      ['loadOnnx', () => api.loadOnnx('none.onnx')],
      ['fitTable', () => api.fitTable('none.csv')],
      ['save', () => model.save('none/a.safetensors')],
      ['exportOnnx', () => api.exportOnnx(model, 'none/a.onnx')],
      ['writePicture', () => api.writePicture(picture, 'none/a.html')],
      ['exportOnnx', () => api.exportOnnx(model, 'a.onnx', aborted)],
      ['sample', () => model.sample({ n: 4, ...aborted })],
      ['logDensity', () => model.logDensity(rows, aborted)],
      ['score', () => model.score(rows, { t: 0.5, ...aborted })],
      ['c2st', () => api.c2st(Float32Array.of(0, 1, 2, 3), Float32Array.of(0, 1, 2, 3), 1, { folds: 2, ...aborted })],
      ['wasserstein1', () => api.wasserstein1(Float32Array.of(0, 1), Float32Array.of(0, 1), 1, aborted)],
    ];
    for (const [name, call] of calls) {
      const promise = call();
      expect([name, promise instanceof Promise]).toEqual([name, true]);
      await expect(promise, name).rejects.toSatisfy((error) => error === theirs || (error as api.FlowError).code === 'ERR_FLOW_IO');
    }
  });

  it(`gives typed errors only, over ${calls} calls`, { timeout: 120_000 + calls * 20 }, async () => {
    const half = Math.ceil(calls / 2);
    const name = fc.constantFrom(...names);
    await fc.assert(fc.asyncProperty(name, fc.array(anything, { maxLength: 3 }), attempt), { numRuns: half, endOnFailure: true });
    const changed = fc.tuple(name, fc.array(fc.nat(20), { minLength: 1, maxLength: 4 }), anything);
    await fc.assert(
      fc.asyncProperty(changed, async ([one, picks, value]) => {
        const { right } = targets[one] as (typeof targets)[string];
        await attempt(one, mutate(right(), picks, value));
      }),
      { numRuns: half, endOnFailure: true },
    );
    expect(flowErrors).toBeGreaterThan(calls / 2);
    expect(({} as { steps?: number }).steps).toBeUndefined(); // no prototype was polluted
  });

  it('after which everything still works', async () => {
    expect((await model.sample({ n: 3, solver: 'euler' })).rows).toBe(3);
    expect(dataset.rows).toBe(8);
  });
});
