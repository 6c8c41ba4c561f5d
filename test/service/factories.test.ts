// Factories where others are wanted, not called, or called with a bare value: what to write instead, and that this is taken.

import { expect, test } from 'vitest';
import * as library from '../../lib/index.ts';
import { type FlowError, mlp, train } from '../../lib/index.ts';
import { solvers as builtIn, stochasticSolvers } from '../../lib/solvers/solvers.ts';
import { data, failing, small, training } from './failing.ts';

const { adamw, condOT, cosine, interpolant, minibatchOT, independent, logitNormal, beta, pseudoHuber, meanFlow, edm } = library;
const { constant, linear, warmupCosine, fading, midpoint, dopri5, eulerMaruyama } = library;

test.each([
  ['optimiser', { adamw }],
  ['path', { condOT }],
  ['path', { interpolant }],
  ['coupling', { minibatchOT }],
  ['coupling', { independent }],
  ['time', { logitNormal }],
  ['time', { beta }],
  ['loss', { pseudoHuber }],
  ['objective', { meanFlow }],
  ['weight', { edm }],
  ['network', { mlp }],
])('%s: a factory that was not called', async (option, table) => {
  const [[name, factory]] = Object.entries(table) as [[string, () => unknown]];
  const error = await training({ [option]: factory });
  expect(error.path).toBe(`options.${option}`);
  expect(error.message).toMatch(new RegExp(`got the function ${name}\\. Call it: ${name}\\(\\)\\.$`));
  await train({ ...small, [option]: factory() } as never);
});

test('solver: a factory that was not called, natively and in export; one of the user', async () => {
  const model = await train(small);
  const own = library.defineSolver({ name: 'my heun', order: 2, a: [[], [1]], b: [0.5, 0.5], c: [0, 1] });
  for (const call of [
    (solver: never) => model.sample({ n: 1, solver }),
    (solver: never) => model.encode(data, { solver }),
    (solver: never) => model.logDensity(data, { solver }),
    (solver: never) => library.exportOnnx(model, 'never.onnx', { solver }),
  ]) {
    const said = async (solver: unknown) => (await failing(() => call(solver as never))).message;
    const expected = 'options.solver: expected a solver such as midpoint({ steps: 50 }), got';
    for (const [name, factory] of Object.entries({ midpoint, dopri5, eulerMaruyama }))
      expect(await said(factory)).toBe(`${expected} the function ${name}. Call it: ${name}().`);
    expect(await said(own)).toBe(`${expected} a function. Call it, with { steps: 20 } say.`);
    expect(await said(() => 1)).toMatch(/got a function\. A factory makes it/);
  }
  await model.sample({ n: 1, solver: own({ steps: 20 }) });
});

test('a solver with error control where steps must be fixed: what to write is a call that can be made', async () => {
  const model = await train(small);
  const embedded = { order: 2, a: [[], [1]], b: [0.5, 0.5], c: [0, 1], error: [-0.5, 0.5], errorOrder: 1 };
  const told = async (solver: library.Solver) => (await failing(() => library.exportOnnx(model, 'never.onnx', { solver }))).message;
  const start = 'options.solver: expected fixed steps, as an ONNX graph takes the same steps for all rows, got';
  expect(await told(library.dopri5())).toBe(`${start} dopri5 with error control. Write dopri5({ steps: 20 }).`);
  for (const name of ['my pair', 'dopri5'])
    expect(await told(library.defineSolver({ name, ...embedded })())).toBe(`${start} ${name} with error control. Give its factory { steps: 20 }.`);
});

test('a schedule of rates or noise that was not called, in a form that can be', async () => {
  const told = async (call: () => unknown): Promise<string | undefined> => (await failing(call)).hint;
  expect(await told(() => adamw({ lr: warmupCosine as never }))).toBe('Call it: warmupCosine({ peak: 1e-3, steps }).');
  expect(await told(() => adamw({ lr: linear as never }))).toBe('Call it: linear({ peak: 1e-3, steps }).');
  expect(await told(() => adamw({ lr: constant as never }))).toBe('Call it: constant(1e-3).');
  expect(await told(() => library.eulerMaruyama({ noise: fading as never }))).toBe('Call it: fading().');
  const steps = 100;
  for (const lr of [warmupCosine({ peak: 1e-3, steps }), linear({ peak: 1e-3, steps }), constant(1e-3)]) adamw({ lr });
  library.eulerMaruyama({ noise: fading() });
});

test.each([
  ['steps', constant],
  ['batchSize', mlp],
  ['columns', mlp],
  ['data', mlp],
  ['signal', mlp],
  ['weight', cosine],
  ['path', edm],
  ['coupling', condOT],
  ['time', adamw],
  ['network', adamw],
  ['optimiser', constant],
  ['loss', edm],
  ['objective', condOT],
])('%s: a factory of something else is not to be called', async (option, factory) => {
  const error = await training({ [option]: factory });
  expect(error.message).toContain(`got the function ${factory.name}.`);
  expect(error.message).not.toContain('Call it');
});

test('a factory of something else as a rate, a solver, a diffusion; functions of the user', async () => {
  const model = await train(small);
  for (const call of [
    () => adamw({ lr: cosine as never }),
    () => model.sample({ n: 1, solver: mlp as never }),
    () => library.eulerMaruyama({ noise: cosine as never }),
    () => library.scoreAndFlow({ sigma: fading as never }),
  ]) {
    const error = await failing(call);
    expect(error.code).toBe('ERR_FLOW_TYPE');
    expect(error.message).toMatch(/got the function (cosine|mlp|fading)\./);
    expect(error.message).not.toContain('Call it');
  }
  expect((await training({ path: () => ({}) })).message).toMatch(/got a function\. Write condOT\(\), or an object/);
  expect((await training({ coupling: () => 1 })).message).toMatch(/give your own function as \{ name, pair \}\.$/);
});

test("a user's own path or coupling without a name: the name is what is asked for", async () => {
  const error = await training({ coupling: { pair: () => 1 } });
  expect([error.path, error.message]).toEqual(['coupling.name', expect.stringContaining('coupling.name: expected a name, got undefined')]);
  const path = await training({ path: { at: () => 1 } });
  expect([path.path, path.message]).toEqual(['path.name', expect.stringContaining('path.name: expected a name')]);
});

test('what is no solver is named with its option', async () => {
  const model = await train(small);
  for (const solver of [{}, [], 50, { steps: 5 }]) {
    const error = await failing(() => model.sample({ n: 1, solver: solver as never }));
    expect([error.code, error.path]).toEqual(['ERR_FLOW_TYPE', 'options.solver']);
    expect(error.message).toContain('such as midpoint({ steps: 50 })');
    expect(error.hint).toMatch(/^A factory makes it/);
  }
  const wrong = { name: 'mine', order: 1, a: [[]], b: [2], c: [0], steps: 2 };
  expect((await failing(() => model.sample({ n: 1, solver: wrong }))).path).toBe('options.solver.order');
});

/** Exported functions by what one number gets from them: the number under a name, the names alone, or something else. */
async function told(value: number): Promise<{ shown: Record<string, string>; listed: string[]; other: string[] }> {
  const [shown, listed, other]: [Record<string, string>, string[], string[]] = [{}, [], []];
  for (const [name, factory] of Object.entries(library) as [string, (options: unknown) => unknown][]) {
    if (typeof factory !== 'function' || /^[A-Z]/.test(name) || name === 'info') continue;
    const message = await Promise.resolve()
      .then(() => factory(value))
      .then(
        () => '',
        (error: FlowError) => error.message,
      );
    const [, option, text] = /Options have names: \{ (\w+): (\S+) \}\.$/.exec(message) ?? [];
    if (option === undefined) (message.includes('Options have names: { ') ? listed : other).push(name);
    else {
      expect([name, text]).toEqual([name, String(value)]);
      expect(() => factory({ [option]: Number(text) })).not.toThrow();
      shown[name] = option;
    }
  }
  return { shown, listed, other };
}
const named = {
  ...{ sinkhorn: 'regularisation', minibatchOT: 'batch', partialOT: 'mass', pseudoHuber: 'c', scoreAndFlow: 'sigma', shortcut: 'mostSteps' },
  ...{ meanFlow: 'instant', edm: 'dataStd', minSNR: 'gamma', adamw: 'lr', cosine: 'sigma', interpolant: 'scale', polynomial: 'power' },
  ...{ schrodingerBridge: 'sigma', fading: 'eta', proportional: 'eta', power: 'exponent', uShaped: 'steepness', shift: 'factor' },
};
const solvers = [...Object.keys(builtIn), ...Object.keys(stochasticSolvers)];
const steps = Object.fromEntries(solvers.map((name) => [name, 'steps']));
const never = ['unbalancedOT', 'adaptive', 'linear', 'warmupCosine', 'condOT', 've', 'vp', 'beta', 'edmSkew', 'logitNormal', 'uniform', 'train', 'convert'];
const pictures = ['bars', 'frames', 'heatMap', 'histogram', 'lossCurve', 'pairs', 'scatter', 'trajectories'];
const definitions = ['definePath', 'defineSolver', 'defineTime'];
const less = <T>(table: Record<string, T>, names: readonly string[]) => Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));

test('a number where a factory has options: its name, where the factory takes it, else the names alone', async () => {
  const one = await told(1);
  expect(one.shown).toEqual({ ...less(named, ['meanFlow']), ...steps });
  expect(one.listed.sort()).toEqual([...never, ...pictures, ...definitions, 'meanFlow'].sort());
  expect(one.other.sort()).toEqual(
    [
      ...['constant', 'defineCoupling', 'independent', 'memoryless', 'mlp', 'mse', 'linearVP', 'stratified', 'edmGrid', 'powerGrid', 'uniformGrid'],
      ...['synthetic', 'syntheticDensity', 'syntheticVersions', 'conversion', 'exportOnnx', 'inspectOnnx', 'loadOnnx', 'distil', 'reflow'],
      ...['c2st', 'energyDistance', 'mmdSquared', 'normalisedPathEnergy', 'pathEnergy', 'straightness', 'slicedWasserstein', 'optimalPairs'],
      ...['wasserstein1', 'wasserstein2', 'wasserstein2Squared', 'toHtml', 'toPng', 'toSvg', 'writePicture', 'fitTable', 'sampleTable'],
    ].sort(),
  );
  const half = await told(0.5);
  const adaptive = Object.keys(builtIn).filter((name) => builtIn[name as keyof typeof builtIn].tableau.error);
  expect(half.shown).toEqual({ ...less(named, ['minibatchOT', 'shortcut', 'polynomial']), ...Object.fromEntries(adaptive.map((name) => [name, 'rtol'])) });
});

test('the whole message, what takes nothing, and a network', async () => {
  const message = async (call: () => unknown): Promise<string> => (await failing(call)).message;
  expect(await message(() => library.midpoint(50 as never))).toBe('midpoint: expected an options object, got 50. Options have names: { steps: 50 }.');
  expect(await message(() => library.dopri5(1e-5 as never))).toMatch(/Options have names: \{ rtol: 0\.00001 \}\.$/);
  expect(await message(() => library.midpoint(2.5 as never))).toMatch(/Options have names: \{ steps, grid, rtol, atol, \.\.\. \}\.$/);
  expect((await failing(() => library.mse(50 as never))).hint).toBe('It takes none.');
  expect((await failing(() => mlp(50 as never))).hint).toBe('Write the widths of the layers: mlp({ hidden: [256, 256] }).');
  expect((await failing(() => train(data as never))).hint).toBe('Options have names: { data, columns, condition, dropCondition, ... }.');
});

test("solvers of the user's are no factories of the library", async () => {
  const tableau = { order: 1, a: [[]], b: [1], c: [0] };
  const own = library.defineSolver({ name: 'options', ...tableau });
  expect((await failing(() => train(5 as never))).hint).toBe('Options have names: { data, columns, condition, dropCondition, ... }.');
  const spaced = library.defineSolver({ name: 'my solver', ...tableau });
  expect((await failing(() => spaced(3 as never))).message).toBe('my solver: expected an options object, got 3. Options have names: { steps: 3 }.');
  expect((await training({ steps: own })).message).toContain('got a function.');
});
