// `fit --objective`: what the model learned, how it is sampled then, and what does not go with it.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { fitTable } from '../../lib/index.ts';
import { inFolder, run } from './helpers.ts';

const penguins = 'examples/data/penguins.csv';
const objectives = ['velocity', 'score-and-flow', 'mean-flow', 'shortcut'] as const;
const model = (objective: string) => inFolder(`${objective}.safetensors`);
const checkpoint = (objective: string) => inFolder(`run-${objective}.safetensors`);
const flags = ['fit', penguins, '--null', '.', '--hidden', '16,16', '--batch', '64', '--steps', '40', '--quiet'];

beforeAll(async () => {
  for (const objective of objectives) {
    const { code, stderr } = await run(...flags, '--objective', objective, '-o', model(objective), '--checkpoint', checkpoint(objective));
    expect([objective, code, stderr]).toEqual([objective, 0, '']);
  }
}, 120_000);

describe('fit --objective', () => {
  test('the model learned it, by a flag, a settings file or the library', async () => {
    for (const [objective, says] of [
      ['velocity', 'path condOT, predicts velocity, source'],
      ['score-and-flow', 'path schrodingerBridge, predicts velocity and score, source'],
      ['mean-flow', 'predicts average velocities over any span, source'],
      ['shortcut', 'predicts average velocities over 1/1, 1/2, ... 1/128 of the time, source'],
    ] as const)
      expect((await run('inspect', model(objective))).stdout).toContain(says);
    writeFileSync(inFolder('fit.json'), '{"objective": "mean-flow"}');
    expect((await run(...flags, '--config', inFolder('fit.json'), '-o', inFolder('config.safetensors'))).code).toBe(0);
    expect(readFileSync(inFolder('config.safetensors')).equals(readFileSync(model('mean-flow')))).toBe(true);
    const own = await fitTable(penguins, { nulls: ['.'], hidden: [16, 16], batchSize: 64, steps: 40, objective: 'meanFlow' });
    await own.save(inFolder('own.safetensors'));
    expect(readFileSync(inFolder('own.safetensors')).equals(readFileSync(model('mean-flow')))).toBe(true);
  });

  test('--dry-run counts the parameters of what is trained: a span more, a second head more', async () => {
    const parameters = async (objective: string) => {
      const { stdout } = await run(...flags, '--objective', objective, '-o', inFolder('dry.safetensors'), '--dry-run', '--json');
      const held = JSON.parse((await run('inspect', model(objective), '--json')).stdout).parameters;
      expect(JSON.parse(stdout).parameters).toBe(held);
      return held;
    };
    const [plain, score, mean, shortcut] = await Promise.all(objectives.map(parameters));
    expect([score - plain, mean - plain, shortcut - plain]).toEqual([12 * 17, 16, 16]);
  });

  test('sampling takes the steps that the objective is made for', async () => {
    const evaluations = async (objective: string) => {
      const { stdout } = await run('sample', model(objective), '-n', '3', '-o', inFolder('rows.csv'), '--json');
      return JSON.parse(stdout).nfe;
    };
    // midpoint in 50 steps, on a bridge with one more, to the end that its score does not reach; one step
    expect(await Promise.all(objectives.map(evaluations))).toEqual([100, 102, 1, 1]);
    expect((await run('sample', model('score-and-flow'), '-n', '3', '--solver', 'stochasticHeun')).code).toBe(0);
  });

  test.each([
    [['sample', 'mean-flow', '--rtol', '1e-3'], /--rtol: expected nothing, as the model says average velocities, got 0\.001\. It takes --steps alone/],
    [['sample', 'shortcut', '--noise', 'memoryless'], /--noise: expected nothing, as the model says average velocities/],
    [['sample', 'shortcut', '--steps', '3'], /--steps: expected 1, 2, ... or 128 equal steps/],
    [['sample', 'mean-flow', '--solver', 'rk4'], /--solver: expected euler, got "rk4"\. .*such as --solver euler --steps 4/],
    [
      ['sample', 'score-and-flow', '--noise', 'fading'],
      /--noise: expected nothing, as the model learned its score, got "fading 1"\. .*--solver stochasticHeun/,
    ],
    [['score', 'mean-flow', penguins], /model: expected a model of velocities, .*Fit one without --objective mean-flow or shortcut/],
  ])('%j is refused', async ([verb, objective, ...rest], message) => {
    const { code, stdout, stderr } = await run(verb as string, model(objective as string), ...rest);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });

  test('a run goes on with its objective alone', async () => {
    for (const [begun, now] of [
      ['velocity', 'mean-flow'],
      ['velocity', 'score-and-flow'],
      ['score-and-flow', 'velocity'],
      ['shortcut', 'mean-flow'],
    ] as const) {
      cpSync(checkpoint(begun), inFolder('begun.safetensors'));
      const { code, stderr } = await run(...flags, '--objective', now, '-o', inFolder('other.safetensors'), '--checkpoint', inFolder('begun.safetensors'));
      const message = `--objective: the run in ${inFolder('begun.safetensors')} was begun with --objective ${begun}; now ${now}. Use --objective ${begun}, or another --checkpoint file.`;
      expect([code, stderr]).toEqual([3, expect.stringContaining(message)]);
    }
    const { code } = await run(...flags, '--objective', 'shortcut', '-o', inFolder('other.safetensors'), '--checkpoint', checkpoint('shortcut'));
    expect([code, readFileSync(inFolder('other.safetensors')).equals(readFileSync(model('shortcut')))]).toEqual([0, true]);
  });

  test('steps that the tolerances do not allow: the flags that help', async () => {
    const { code, stdout, stderr } = await run('sample', model('velocity'), '--rtol', '0', '--atol', '1e-12');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/ERR_FLOW_SOLVER rows\[0\]: .* Raise --rtol or --atol, or take fixed steps: --solver rk4 --steps 100\.\n$/);
  });
});
