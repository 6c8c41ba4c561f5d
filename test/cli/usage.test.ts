// Help, typos, exit codes and settings files: everything that ends before work begins.

import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorText, exitCode, Interrupted } from '../../lib/cli/exit.ts';
import { integerFlag, secondsFlag, widthsFlag } from '../../lib/cli/flags.ts';
import { inFlags } from '../../lib/cli/words.ts';
import { argumentError, errorCodes, FlowError } from '../../lib/errors.ts';
import { tableDefaults } from '../../lib/table/defaults.ts';
import { inFolder, run } from './helpers.ts';

const penguins = 'examples/data/penguins.csv';
const fitFlags =
  '--seed --threads --json --quiet --config --steps --batch --lr --hidden --coupling --objective --ema --checkpoint --every --null --keep --drop --target --drop-condition --precision --dry-run';

describe('usage', () => {
  test('help names every verb, on stdout, exit 0; each verb has its own', async () => {
    const { code, stdout, stderr } = await run('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const verb of ['fit', 'sample', 'report', 'export', 'inspect', 'plot', 'demo']) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'));
    const fit = await run('fit', '--help');
    for (const flag of fitFlags.split(' ')) expect(fit.stdout).toContain(flag);
    for (const value of [tableDefaults.steps, tableDefaults.batchSize, tableDefaults.lr, tableDefaults.hidden, tableDefaults.ema])
      expect(fit.stdout.replaceAll(/\s+/g, ' ')).toContain(`default: ${value})`);
    expect(fit.stdout.indexOf('--output')).toBeLessThan(fit.stdout.indexOf('--seed'));
    expect((await run('help', 'fit')).stdout).toBe(fit.stdout);
    expect((await run()).stdout).toContain('Usage: flowmatch');
    expect((await run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['sampel', 'x'], /Did you mean sample\?/],
    [['sample', 'x', '--sead', '1'], /Did you mean --seed\?/],
    [['sample', 'x', '-n', '-4'], /ERR_FLOW_RANGE --rows: expected an integer >= 0, got "-4"/],
    [['sample', 'x', '-n', 'ten'], /--rows: expected an integer/],
    [['fit', penguins], /required option '-o, --output <file>'/],
    [['fit', penguins, '-o', 'x', '--lr', 'fast'], /--lr: expected a number in \[0, 10\], got "fast"/],
    [['fit', penguins, '-o', 'x', '--every', '30s'], /--every: needs --checkpoint/],
    [['fit', penguins, '-o', 'x', '--drop', 'Specis'], /drop: there is no column "Specis". Did you mean "Species"\?/],
    [['fit', penguins, '-o', 'x', '--target', 'Body Mass (g)'], /a target is a category or boolean/],
    [['fit', penguins, '-o', 'x', '--drop-condition', '0.1'], /--drop-condition: expected --target COLUMN beside it/],
    [['sample', 'x', '--noise', 'proportinal'], /Did you mean "proportional"\?/],
    [['sample', 'x', '--noise', 'memoryless:2'], /--noise: expected memoryless, or proportional:0.5/],
    [['sample', 'x', '--precision', 'f16'], /--precision: expected one of f32, f32-amx, bf16x3, bf16/],
    [['fit', 'x', '-o', 'y', '--precision', 'bf16x3'], /--precision: expected one of f32, bf16/],
    [['sample', 'x', '--guidance', 'much'], /--guidance: expected a weight such as 2, or 2:0.1-0.8/],
    [['sample', 'x', '--guidance', '2:0.8-0.1'], /--guidance: expected a weight/],
    [['sample', 'x', '--guidance', 'input'], /--guidance: expected a weight/],
    [['sample', 'x', '--guidance', '0'], /--guidance: expected a weight other than 0, .*, got "0"\. For rows of all classes leave --given out/],
    [['sample', 'x', '--guidance', '2000:0.1-0.2'], /--guidance: expected a weight in \[-1000, 1000\], got "2000:0\.1-0\.2"/],
    [['fit', penguins, '-o', 'x', '--objective', 'meanflow'], /--objective: expected one of velocity, score-and-flow, .*Did you mean "mean-flow"\?/],
    [['fit', penguins, '-o', 'x.safetensors', '--checkpoint', './x.safetensors'], /--checkpoint: expected another file than --output, .*name two files/],
    [['demo', 'mons'], /Did you mean "moons"\?/],
    [['inspect'], /missing required argument/],
    [['fit', 'a', 'b', '-o', 'x'], /too many arguments/],
    [['fit', penguins, '-o', 'x', '--hidden', '12,x'], /--hidden: expected widths such as 256,256,256, got "12,x"/],
  ])('%j is a usage error: exit 2', async (args, message) => {
    const { code, stderr, stdout } = await run(...args);
    expect(stderr).toMatch(message);
    expect([code, stdout]).toEqual([2, '']);
  });

  test('I/O errors exit 4, data errors 3', async () => {
    expect((await run('fit', 'nowhere.csv', '-o', 'x')).code).toBe(4);
    expect((await run('fit', penguins, '-o', '/nowhere/x.safetensors')).code).toBe(4);
    const nowhere = await run('sample', 'nowhere.safetensors');
    expect([nowhere.code, nowhere.stdout]).toEqual([4, '']);
    expect(nowhere.stderr).toMatch(/ERR_FLOW_IO nowhere\.safetensors: there is no such file\. Check the path; `flowmatch fit` writes model files/);
    for (const [verb, name, message] of [
      ['inspect', 'nowhere.onnx', /nowhere\.onnx: there is no such file\. Check the path; `flowmatch fit` writes model files, `flowmatch export` ONNX files/],
      ['inspect', 'examples', /examples: is a folder\. Name a file in it/],
      ['sample', 'examples', /examples: is a folder\. Name a file in it/],
    ] as const) {
      const { code, stdout, stderr } = await run(verb, name);
      expect([code, stdout, stderr]).toEqual([4, '', expect.stringMatching(message)]);
    }
    writeFileSync(inFolder('bad.csv'), 'a,b\n1,2\n3\n');
    const { code, stderr } = await run('fit', inFolder('bad.csv'), '-o', inFolder('x.safetensors'));
    expect(stderr).toMatch(/ERR_FLOW_CSV_SHAPE row 2: 1 field, header has 2/);
    expect(code).toBe(3);
  });

  test('--json turns the error into one JSON line', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${i === 20 ? '?' : i * i},${i * 3.5 + (i % 3)}`);
    writeFileSync(inFolder('cell.csv'), `hp,x\n${rows.join('\n')}\n`);
    const { code, stderr } = await run('fit', inFolder('cell.csv'), '-o', inFolder('x.safetensors'), '--json');
    expect(code).toBe(3);
    const error = { event: 'error', code: 'ERR_FLOW_CSV_CELL', path: 'row 21, column "hp"', hint: 'Treat it as missing with --null "?"' };
    expect(JSON.parse(stderr.trim().split('\n').at(-1) as string)).toMatchObject(error);
  });

  test('--json does the same for typos and missing flags', async () => {
    for (const [args, message] of [
      [['sample', 'x', '--sead', '1'], /^unknown option '--sead' \(Did you mean --seed\?\)$/],
      [['fit', penguins], /^required option/],
    ] as const) {
      const { code, stderr } = await run(...args, '--json');
      expect(code).toBe(2);
      expect(JSON.parse(stderr)).toEqual({ event: 'error', code: 'ERR_FLOW_CONFIG', message: expect.stringMatching(message), path: 'command line' });
    }
  });

  test('a settings file is strict', async () => {
    const tries: [unknown, RegExp][] = [
      [{ stpes: 5 }, /config\.stpes: .*Did you mean "steps"\?/],
      [{ steps: 0 }, /config\.steps: expected an integer >= 1, got 0/],
      [{ hidden: [64, 'x'] }, /config\.hidden\[1\]/],
      [{ columns: { Species: 'kategory' } }, /columns\.Species: .*Did you mean "category"\?/],
      [[1], /config: expected an options object/],
    ];
    for (const [content, message] of tries) {
      writeFileSync(inFolder('fit.json'), JSON.stringify(content));
      const { code, stderr } = await run('fit', penguins, '-o', inFolder('x.safetensors'), '--config', inFolder('fit.json'));
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
    }
    writeFileSync(inFolder('fit.json'), '{');
    expect((await run('fit', penguins, '-o', 'x', '--config', inFolder('fit.json'))).code).toBe(2);
    expect((await run('fit', penguins, '-o', 'x', '--config', inFolder('none.json'))).code).toBe(4);
  });
});

test('every error code has one of the documented exit codes', () => {
  const by = (code: number) => errorCodes.filter((one) => exitCode(new FlowError(one, 'x')) === code);
  expect(by(2)).toEqual(['ERR_FLOW_TYPE', 'ERR_FLOW_RANGE', 'ERR_FLOW_CONFIG']);
  expect(by(4)).toEqual(['ERR_FLOW_IO']);
  expect(by(1)).toEqual(expect.arrayContaining(['ERR_FLOW_DIVERGED', 'ERR_FLOW_ORT_MISSING', 'ERR_FLOW_PLATFORM', 'ERR_FLOW_NOMEM']));
  expect(by(3)).toEqual(expect.arrayContaining(['ERR_FLOW_CSV_CELL', 'ERR_FLOW_CSV_SHAPE', 'ERR_FLOW_CHECKPOINT', 'ERR_FLOW_CHECKSUM', 'ERR_FLOW_VERSION']));
  expect(exitCode(new Interrupted())).toBe(130);
  expect(errorText('x')).toBe('x');
});

test('errors about options of the library speak of flags', () => {
  const flags = new Map([
    ['guidance', '--guidance'],
    ['dropCondition', '--drop-condition'],
  ]);
  const error = argumentError('ERR_FLOW_CONFIG', 'options.guidance', '1', 2, 'Train with dropCondition: 0.1 to guide.');
  expect(inFlags(error, flags)).toMatchObject({
    code: 'ERR_FLOW_CONFIG',
    path: '--guidance',
    message: '--guidance: expected 1, got 2. Train with --drop-condition 0.1 to guide.',
    hint: 'Train with --drop-condition 0.1 to guide.',
    cause: error,
  });
  for (const other of [
    argumentError('ERR_FLOW_CONFIG', 'options.coupling', 'x', 2),
    argumentError('ERR_FLOW_CONFIG', 'row 3', 'x', 2),
    new Error('options.guidance'),
  ])
    expect(inFlags(other, flags)).toBe(other);
});

test('objectives and couplings that an error recommends are flags', () => {
  const flags = new Map([
    ['solver', '--solver'],
    ['coupling', '--coupling'],
    ['objective', '--objective'],
  ]);
  const hint = 'Train with independent(), or with objective: scoreAndFlow(), or meanFlow().';
  const error = argumentError('ERR_FLOW_CONFIG', 'options.solver', 'x', 2, hint);
  expect(inFlags(error, flags)).toMatchObject({ hint: 'Train with --coupling independent, or with --objective score-and-flow, or --objective mean-flow.' });
  expect(inFlags(error, new Map([['solver', '--solver']]))).toMatchObject({ hint });
});

test('values of flags', () => {
  expect(integerFlag('-n', 0)('1e6')).toBe(1_000_000);
  expect(widthsFlag('--hidden')('64,32')).toEqual([64, 32]);
  expect(['30s', '2m', '500ms', '7', '.5h'].map(secondsFlag('--every'))).toEqual([30, 120, 0.5, 7, 1800]);
  for (const bad of ['', 'soon', '-3s', '5 days']) expect(() => secondsFlag('--every')(bad)).toThrow(/a time such as 30s/);
  for (const bad of ['', ' ', '1.5', '0x', '1e400']) expect(() => integerFlag('-n', 0)(bad)).toThrow(/expected an integer/);
});
