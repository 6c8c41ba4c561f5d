// What a verb refuses before it works: an output over its own input, a wrong ending, a folder that is not there, a file that is no model; and that its words can be typed.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { exportOnnx, mlp, shortcut, train } from '../../lib/index.ts';
import { folder, inFolder, run } from './helpers.ts';

const table = inFolder('mine.csv');
const model = inFolder('p.safetensors');
const given = inFolder('t.safetensors');
const plain = inFolder('plain.safetensors');
const mean = inFolder('mean.safetensors');
const onnx = inFolder('p.onnx');
const small = ['--null', '.', '--steps', '4', '--hidden', '8', '--quiet'];

beforeAll(async () => {
  copyFileSync('examples/data/penguins.csv', table);
  await run('fit', table, '-o', model, ...small);
  await run('fit', table, '-o', given, ...small, '--target', 'Species');
  const rows = { data: [[1], [2], [3]], network: mlp({ hidden: [4] }), steps: 2, validation: 0 };
  const flow = await train(rows);
  await flow.save(plain);
  await exportOnnx(flow, onnx);
  await (await train({ ...rows, data: [[1, 2], [2, 1], [3, 3]], objective: shortcut({ mostSteps: 8 }) })).save(mean); // biome-ignore format: rows of two
}, 120_000);

/** Runs it, expects the exit code and the words on stderr, and nothing on stdout. */
async function refused(code: number, says: RegExp, ...args: string[]): Promise<void> {
  const ran = await run(...args);
  expect(ran.stderr).toMatch(says);
  expect([ran.code, ran.stdout]).toEqual([code, '']);
  expect(ran.stderr).not.toMatch(/\.tmp|steps\/s/);
}

describe('the place of the output', () => {
  test('an input is never overwritten, under whatever name', async () => {
    const bare = inFolder('bare');
    copyFileSync(table, bare);
    const [link, hard] = [inFolder('link.csv'), inFolder('hard.safetensors')];
    symlinkSync(table, link);
    linkSync(model, hard);
    const before = [bare, table, model].map((file) => readFileSync(file, 'latin1'));
    await refused(
      2,
      /ERR_FLOW_CONFIG --output: expected another file than the table, got .*bare"\. It would overwrite the table/,
      'fit',
      bare,
      '-o',
      bare,
      ...small,
    );
    await refused(2, /--checkpoint: expected another file than the table/, 'fit', table, '-o', inFolder('x.safetensors'), '--checkpoint', table, ...small);
    await refused(2, /--output: expected another file than the model/, 'score', model, table, '-o', hard);
    await refused(2, /--output: expected another file than the table/, 'score', model, table, '--null', '.', '-o', link);
    await refused(2, /--output: expected another file than the model/, 'sample', model, '--format', 'csv', '-o', `${folder}/./p.safetensors`);
    expect([bare, table, model].map((file) => readFileSync(file, 'latin1'))).toEqual(before);
  });

  test.each([
    ['fit', () => [table, '-o', table, ...small], /--output: expected a name that ends in \.safetensors, got/],
    ['report', () => [model, table, '-o', table], /--output: expected a name that ends in \.html or \.htm, got/],
    ['export', () => [model, '-o', model], /--output: expected a name that ends in \.onnx, got/],
    ['plot', () => [model, '-o', table], /--output: expected a name that ends in \.html, \.htm, \.svg or \.png, got/],
    ['plot', () => [model, '-o', inFolder('picture')], /--output: expected a name that ends in/],
  ])('%s refuses the ending of another format', async (verb, args, says) => {
    const before = readFileSync(table, 'latin1');
    await refused(2, says, verb, ...args());
    expect(readFileSync(table, 'latin1')).toBe(before);
  });

  test('a folder that is not there is said before the work; demo makes its own', async () => {
    const nowhere = inFolder('nowhere/x');
    for (const args of [
      ['fit', table, '-o', `${nowhere}.safetensors`, ...small],
      ['export', model, '-o', `${nowhere}.onnx`],
      ['report', model, table, '-o', `${nowhere}.html`],
      ['plot', model, '-o', `${nowhere}.html`],
      ['sample', model, '-o', `${nowhere}.csv`],
    ])
      await refused(4, /ERR_FLOW_IO .*nowhere.x\.\w+: The folder .*nowhere does not exist; make it first/, ...args);
    mkdirSync(inFolder('dir.html'));
    await refused(4, /It is a folder; name a file/, 'plot', model, '-o', inFolder('dir.html'));
    await refused(4, /It is a device or a pipe; name a file/, 'export', model, '-o', '/dev/null');
    await refused(4, /ERR_FLOW_IO .*: The folder cannot be made/, 'demo', '-o', `${table}/new`, '--steps', '4');
    const made = await run('demo', '-o', inFolder('new/deep'), '--steps', '4', '--quiet');
    expect([made.code, readdirSync(inFolder('new/deep'))]).toEqual([0, expect.arrayContaining(['moons.html', 'moons.safetensors'])]);
  });
});

test('what is no model file is named', async () => {
  const others = inFolder('o.html');
  await refused(3, /ERR_FLOW_CHECKPOINT .*p\.onnx: is an ONNX file, not a model file\. `flowmatch inspect` tells/, 'sample', onnx);
  await refused(3, /p\.onnx: is an ONNX file/, 'report', onnx, table, '-o', others);
  for (const verb of [['sample'], ['plot', '-o', others], ['export', '-o', inFolder('o.onnx')]])
    await refused(3, /ERR_FLOW_CHECKPOINT .*mine\.csv: is not a model file\. `flowmatch fit` writes/, verb[0] as string, table, ...verb.slice(1));
  await refused(
    2,
    /ERR_FLOW_CONFIG .*plain\.safetensors: was trained on rows without a table, .* flowmatch fit TABLE -o MODEL/,
    'report',
    plain,
    table,
    '-o',
    others,
  );
});

describe('words that can be typed', () => {
  test.each([
    [['--solver', 'rk4'], /--solver: expected euler, got "rk4"\. .* such as --solver euler --steps 4\./],
    [['--steps', '3'], /--steps: expected 1, 2, \.\.\. or 8 equal steps .* such as --solver euler --steps 4\./],
    [['--solver', 'heun', '--noise', 'memoryless'], /--noise: expected nothing, as the model says average velocities, .* It takes --steps alone\./],
    [['--solver', 'rk4', '--rtol', '1e-3'], /--rtol: expected nothing, as the model says average velocities, .* It takes --steps alone\./],
  ])('sample %j of a model of average velocities', async (flags, says) => refused(2, says, 'sample', mean, ...flags));

  test.each([
    [['--solver', 'heun', '--noise', 'memoryless'], /--noise: expected a stochastic solver beside it: eulerMaruyama or stochasticHeun, got "heun"/],
    [['--solver', 'rk4', '--rtol', '1e-3'], /--rtol: expected steps or a grid .*\. Use --solver dopri5\./],
  ])('sample %j of a model of velocities', async (flags, says) => refused(2, says, 'sample', model, ...flags));

  test('export', async () => {
    const to = ['-o', inFolder('e.onnx')];
    await refused(
      2,
      /--solver: expected fixed steps, .*dopri5 with error control.*\. Write --solver dopri5 --steps 20\./,
      'export',
      model,
      ...to,
      '--solver',
      'dopri5',
    );
    for (const [flag, value] of [
      ['--solver', 'rk4'],
      ['--steps', '4'],
    ] as const)
      await refused(
        2,
        new RegExp(`${flag}: expected nothing, as a velocity graph holds no solver`),
        'export',
        model,
        ...to,
        '--graph',
        'velocity',
        flag,
        value,
      );
    expect(existsSync(inFolder('e.onnx'))).toBe(false);
    expect((await run('export', model, ...to, '--graph', 'velocity', '--check', '--solver', 'rk4')).code).toBe(0);
  });

  test('plot follows average velocities in the steps that they know', async () => {
    const ran = await run('plot', mean, '--kind', 'trajectories', '-n', '10', '-o', inFolder('mean.html'));
    expect([ran.code, existsSync(inFolder('mean.html'))]).toEqual([0, true]);
  });

  test('--given', async () => {
    const none = 'ERR_FLOW_CONFIG --given: expected nothing, as this model has no condition, got';
    await refused(2, new RegExp(`${none} "Island=Dream"\\. To give a column, fit it with --target "Island"`), 'sample', model, '--given', 'Island=Dream');
    await refused(
      2,
      new RegExp(`${none} "Isle=Dream"\\. There is no column "Isle" among Species, Island, .* --target COLUMN`),
      'sample',
      model,
      '--given',
      'Isle=Dream',
    );
    await refused(
      2,
      /--given: expected a value of "Species", the condition of this model, got "Sex=MALE"\. This model takes --given "Species=Adelie"/,
      'sample',
      given,
      '--given',
      'Sex=MALE',
    );
    await refused(2, /There is no column "Specis" among .*This model takes --given "Species=Adelie"/, 'sample', given, '--given', 'Specis=Adelie');
    await refused(2, /--given: expected column=value, got "Adelie"/, 'sample', given, '--given', 'Adelie');
  });

  test('fit', async () => {
    const to = ['-o', inFolder('f.safetensors'), ...small];
    await refused(2, /"Body Mass \(g\)" is an integer column/, 'fit', table, ...to, '--target', 'Body Mass (g)');
    await refused(2, /--drop-condition: expected --target COLUMN beside it, got 0\.1/, 'fit', table, ...to, '--drop-condition', '0.1');
    const checkpoint = ['--checkpoint', inFolder('run.ck')];
    expect((await run('fit', table, ...to, ...checkpoint)).code).toBe(0);
    for (const [flags, says] of [
      [
        ['--steps', '8'],
        /--steps: the run in .*run\.ck was begun with --steps 4, on which its learning rates depend; now 8\. Use --steps 4, or another --checkpoint file/,
      ],
      [['--lr', '0.1'], /--lr: the run in .*run\.ck was begun with another --lr\. Use the same --lr, or another --checkpoint file/],
      [['--hidden', '16'], /ERR_FLOW_CHECKPOINT --hidden: 8 in .*run\.ck, 16 now/],
      [['--batch', '64'], /ERR_FLOW_CHECKPOINT --batch: 512 in .*run\.ck, 64 now/],
      [['--ema', '0.5'], /ERR_FLOW_CHECKPOINT --ema: 0\.999 in .*run\.ck, 0\.5 now/],
    ] as const)
      await refused(3, says, 'fit', table, ...to, ...checkpoint, ...flags);
  });
});

test('an example that is not there fails and lists those that are', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, ['scripts/run-examples.mjs', 'zzz'], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/none has "zzz" in its name\. There are: .*few-steps.*shortcut/);
});
