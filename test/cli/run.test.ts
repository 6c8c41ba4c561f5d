// The verbs at work on small runs: the same bytes for the same seed, clean pipes, whole files or none, interruption, and what inspect says.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { mlp, shortcut, train } from '../../lib/index.ts';
import { Model } from '../../lib/model/model.ts';
import { initialiseParameters } from '../../lib/network/initialise.ts';
import { lower } from '../../lib/network/lower.ts';
import { openTable } from '../../lib/table/source.ts';
import { untrained } from '../support/models.ts';
import { readAll } from '../table/helpers.ts';
import { folder, inFolder, type Ran, run, start } from './helpers.ts';

const penguins = 'examples/data/penguins.csv';
const model = inFolder('p.safetensors');
const small = ['--null', '.', '--steps', '60', '--hidden', '32,32'];
const bytes = (file: string) => new Uint8Array(readFileSync(file));
const sha = (file: string) => createHash('sha256').update(bytes(file)).digest('hex');
let fitted: Ran;

beforeAll(async () => {
  fitted = await run('fit', penguins, '-o', model, ...small);
}, 120_000);

describe('score', () => {
  const lines = (text: string) => text.trim().split('\n');

  test('gives each whole row its log-density, and the least likely rows with their cells', async () => {
    const all = await run('score', model, penguins, '--null', '.', '--steps', '8');
    expect([all.code, lines(all.stdout)[0]]).toEqual([0, 'row,logDensity']);
    const scores = lines(all.stdout)
      .slice(1)
      .map((line) => line.split(',').map(Number) as [number, number]);
    expect(scores.length).toBe(333);
    expect(all.stderr).toMatch(/333 rows, mean log-density -?\d+\.\d{3} nats; 11 with a missing cell left out/);
    const top = await run('score', model, penguins, '--null', '.', '--steps', '8', '--top', '5');
    const sorted = [...scores].sort((a, b) => a[1] - b[1]).slice(0, 5);
    expect(
      lines(top.stdout)
        .slice(1)
        .map((line) => Number(line.split(',')[0])),
    ).toEqual(sorted.map(([row]) => row));
    expect(lines(top.stdout)[0]).toMatch(/^row,logDensity,.*Species.*Sex/);
  });

  test('estimates with --probes, as JSON lines with --json, and refuses --exact beside them', async () => {
    const file = inFolder('scores.jsonl');
    const made = await run('score', model, penguins, '--null', '.', '--steps', '2', '--probes', '3', '--json', '-o', file);
    expect(made.code).toBe(0);
    const [first] = lines(readFileSync(file, 'utf8')).map((line) => JSON.parse(line));
    expect(first).toMatchObject({ row: 1, logDensity: expect.any(Number), standardError: expect.any(Number) });
    const wrong = await run('score', model, penguins, '--exact', '--probes', '2');
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toMatch(/either --exact or --probes/);
  });
});

describe('fit', () => {
  test('prints the schema, progress and the report card on stderr, nothing on stdout', () => {
    expect([fitted.code, fitted.stdout]).toEqual([0, '']);
    expect(fitted.stderr.startsWith(`reading ${penguins}`)).toBe(true);
    for (const part of [
      /344 rows, 7 columns/,
      /Sex +category +11 missing +FEMALE, MALE/,
      /11 of 344 rows have a missing cell and are left out/,
      /steps\/s +loss \d+\.\d{4}.* ETA 0:00/,
      /largest correlation error 0\.\d{3}/,
      /rows equal to a real one: \d+/,
      /C2ST/,
    ])
      expect(fitted.stderr).toMatch(part);
  });

  test('the same command gives the same file; another seed another one; threads do not matter', async () => {
    const again = async (...flags: string[]) => {
      const file = inFolder('again.safetensors');
      expect((await run('fit', penguins, '-o', file, ...small, '--quiet', ...flags)).code).toBe(0);
      return sha(file);
    };
    const first = sha(model);
    expect(await again('--threads', '2')).toBe(first);
    expect(await again('--seed', '1')).not.toBe(first);
  });

  test('--json: JSON lines on stderr, the outcome on stdout', async () => {
    const { code, stdout, stderr } = await run('fit', penguins, '-o', inFolder('j.safetensors'), ...small, '--json');
    const events = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(events.map((e) => e.event)).toEqual(expect.arrayContaining(['start', 'schema', 'progress']));
    expect(JSON.parse(stdout)).toMatchObject({
      event: 'done',
      file: inFolder('j.safetensors'),
      card: { exactCopies: expect.any(Number), unseenValues: 0, c2st: { accuracy: expect.any(Number) } },
    });
  });

  test('a typed --seed wins over the settings file, its default does not', async () => {
    const config = inFolder('seed.json');
    writeFileSync(config, '{"seed": 5}');
    const seeds = async (...flags: string[]) => {
      const file = inFolder('seed.safetensors');
      await run('fit', penguins, '-o', file, ...small, '--steps', '2', '--config', config, '--quiet', ...flags);
      return (await run('inspect', file)).stdout.match(/seed (\d+)/)?.[1];
    };
    expect([await seeds(), await seeds('--seed', '0'), await seeds('--seed', '7')]).toEqual(['5', '0', '7']);
  });

  test('--dry-run writes nothing and says what it would take', async () => {
    const { code, stderr } = await run('fit', penguins, '-o', inFolder('dry.safetensors'), '--null', '.', '--dry-run');
    expect(code).toBe(0);
    for (const part of [/256-256-256 silu, 142,\d{3} parameters/, /memory +about/, /time +about .* steps\/s measured here/]) expect(stderr).toMatch(part);
    expect(existsSync(inFolder('dry.safetensors'))).toBe(false);
  });

  test('Ctrl-C saves the checkpoint and exits 130; the same command goes on and ends with the same model', async () => {
    const flags = ['fit', penguins, '--null', '.', '--hidden', '32,32', '--batch', '64', '--steps', '8000', '--checkpoint', inFolder('run.safetensors')];
    const { child, done } = start(...flags, '-o', inFolder('cut.safetensors'));
    let stopped = false; // a second signal would leave at once
    child.stderr?.on('data', (chunk: Buffer) => {
      if (stopped || !/step \d/.test(chunk.toString())) return;
      stopped = child.kill('SIGINT');
    });
    const cut = await done;
    expect(cut.code).toBe(130);
    expect(cut.stderr).toMatch(/interrupted at step [\d,]+: saved .*run\.safetensors; the same command goes on/);
    expect(existsSync(inFolder('cut.safetensors'))).toBe(false);
    const rest = await run(...flags, '-o', inFolder('cut.safetensors'));
    expect([rest.code, rest.stderr]).toEqual([0, expect.stringMatching(/resumed at step [\d,]+ \(checkpoint/)]);
    await run(...flags.slice(0, -2), '-o', inFolder('whole.safetensors'), '--quiet');
    expect(sha(inFolder('cut.safetensors'))).toBe(sha(inFolder('whole.safetensors')));
  });
});

describe('sample', () => {
  test('five rows on stdout, believable and the same bytes every time', async () => {
    const five = ['sample', model, '-n', '5', '--seed', '1'];
    const [a, b, more] = await Promise.all([run(...five), run(...five, '--threads', '2'), run('sample', model, '-n', '9', '--seed', '1')]);
    expect(a.code).toBe(0);
    expect(a.stdout.split('\n').length).toBe(7);
    expect(b.stdout).toBe(a.stdout);
    expect(more.stdout.startsWith(a.stdout)).toBe(true);
    const [head, first] = a.stdout.split('\n');
    expect(head).toBe('Species,Island,Beak Length (mm),Beak Depth (mm),Flipper Length (mm),Body Mass (g),Sex');
    expect(first).toMatch(/^(Adelie|Chinstrap|Gentoo),(Biscoe|Dream|Torgersen),\d\d(\.\d)?,\d\d(\.\d)?,\d{3},\d{4},(FE)?MALE$/);
    const rest = await run('sample', model, '-n', '3', '--seed', '1', '--first-row', '2');
    expect(rest.stdout.split('\n').slice(1)).toEqual(a.stdout.split('\n').slice(3));
  });

  test('formats by the name of the file', async () => {
    for (const name of ['r.csv', 'r.jsonl', 'r.npy']) {
      expect((await run('sample', model, '-n', '700', '-o', inFolder(name), '--quiet')).code).toBe(0);
      if (name === 'r.npy') expect(readFileSync(inFolder(name)).subarray(0, 6).toString('latin1')).toBe('\x93NUMPY');
      else expect((await readAll(await openTable(inFolder(name)))).length).toBe(700);
    }
    const { code, stderr } = await run('sample', model, '--format', 'xml');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/--format: expected one of csv, jsonl, npy/)]);
  });

  test('what cannot be done leaves stdout empty; unknown endings are refused; --json writes JSON lines', async () => {
    for (const wrong of [
      ['--solver', 'rk5'],
      ['--given', 'Sex=MALE'],
      ['-o', inFolder('r.parquet')],
      ['-o', inFolder('r.json')],
    ]) {
      const { code, stdout, stderr } = await run('sample', model, ...wrong);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/ERR_FLOW_CONFIG --(solver|given|output): /);
    }
    const json = (await run('sample', model, '-n', '2', '--json')).stdout.trim().split('\n');
    expect(json.map((line) => Object.keys(JSON.parse(line)).length)).toEqual([7, 7]);
    expect((await run('sample', model, '-n', '0')).stdout).toMatch(/^Species,.*\n$/);
  });

  test('a pipe is written, not replaced', async () => {
    const pipe = inFolder('pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = readFile(pipe, 'utf8');
    expect((await run('sample', model, '-n', '3', '--quiet', '-o', pipe)).code).toBe(0);
    expect((await reader).split('\n')).toHaveLength(5);
    expect(statSync(pipe).isFIFO()).toBe(true);
  });

  test('a reader that leaves ends the run quietly', async () => {
    const { child, done } = start('sample', model, '-n', '1e6', '--quiet');
    child.stdout?.once('data', () => child.stdout?.destroy());
    const { code, stderr } = await done;
    expect([code, stderr]).toEqual([0, '']);
  });

  test('Ctrl-C leaves no half file', async () => {
    const { child, done } = start('sample', model, '-n', '1e7', '-o', inFolder('big.csv'));
    let stopped = false;
    child.stderr?.on('data', (chunk: Buffer) => {
      if (!stopped && /rows\/s/.test(chunk.toString())) stopped = child.kill('SIGINT');
    });
    expect((await done).code).toBe(130);
    expect(readdirSync(folder).filter((name) => name.includes('big.csv'))).toEqual([]);
  });
});

describe('inspect', () => {
  test('a model: columns, sizes, steps, hash, versions', async () => {
    const { code, stdout, stderr } = await run('inspect', model);
    expect([code, stderr]).toEqual([0, '']);
    for (const part of [/sha256 [0-9a-f]{64}/, /mlp 32-32 silu/, /steps 60/, /written by \d/, /Body Mass \(g\) +integer +2700 \.\. 6300, step 25/])
      expect(stdout).toMatch(part);
    expect(JSON.parse((await run('inspect', model, '--json')).stdout)).toMatchObject({ kind: 'model', dimension: 12 });
  });

  test('a model of average velocities: over which spans of time it says them', async () => {
    for (const [objective, says] of [
      ['meanFlow', 'predicts average velocities over any span, source'],
      [shortcut({ mostSteps: 16 }), 'predicts average velocities over 1/1, 1/2, ... 1/16 of the time, source'],
    ] as const) {
      const few = await train({ data: [[1], [2], [3]], objective, network: mlp({ hidden: [4] }), steps: 2, validation: 0 });
      await few.save(inFolder('few.safetensors'));
      expect((await run('inspect', inFolder('few.safetensors'))).stdout).toContain(says);
    }
  });

  test('a damaged file: what is wrong and where, exit 3', async () => {
    const whole = bytes(model);
    const flipped = Uint8Array.from(whole);
    flipped[whole.length - 9] = (flipped[whole.length - 9] as number) ^ 4;
    for (const [name, message] of [
      ['table.csv', /ERR_FLOW_CHECKPOINT .*table\.csv: is neither a model file nor an ONNX file\. `flowmatch fit` writes model files/],
      ['empty', /ERR_FLOW_CHECKPOINT .*empty: is empty\. `flowmatch fit` writes model files/],
    ] as const) {
      writeFileSync(inFolder(name), name === 'empty' ? '' : 'a,b\n1,2\n3,4\n');
      const { code, stderr, stdout } = await run('inspect', inFolder(name));
      expect([code, stdout, stderr]).toEqual([3, '', expect.stringMatching(message)]);
    }
    for (const [name, content, message] of [
      ['short.safetensors', whole.subarray(0, whole.length - 7), /ERR_FLOW_(CHECKPOINT|CHECKSUM) .*byte/],
      ['flip.safetensors', flipped, /ERR_FLOW_CHECKSUM .*parameters/],
      ['text.safetensors', new TextEncoder().encode('hello, this is no model'), /ERR_FLOW_CHECKPOINT/],
      ['text.onnx', new TextEncoder().encode('hello, this is no model'), /ERR_FLOW_ONNX/],
    ] as const) {
      writeFileSync(inFolder(name), content);
      const { code, stderr, stdout } = await run('inspect', inFolder(name));
      expect(stderr, name).toMatch(message);
      expect(stderr).toContain(`${inFolder(name)}: `);
      expect([code, stdout]).toEqual([3, '']);
    }
  });
});

describe('the other verbs', () => {
  test('export --check: the file runs in onnxruntime and gives the native rows; inspect names its runtimes', async () => {
    const file = inFolder('p.onnx');
    const { code, stdout } = await run('export', model, '-o', file, '--check', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).parity.maxDifference).toBeLessThan(1e-5);
    expect((await run('inspect', file)).stdout).toMatch(/runs in +onnxruntime-node, onnxruntime-web/);
  });

  test('report and plot write whole files', async () => {
    expect((await run('report', model, penguins, '--null', '.', '-o', inFolder('r.html'), '--quiet')).code).toBe(0);
    expect(readFileSync(inFolder('r.html'), 'utf8')).toMatch(/<\/html>\s*$/);
    for (const kind of ['pairs', 'scatter', 'trajectories', 'loss']) {
      const { code, stderr } = await run('plot', model, '-n', '50', '--kind', kind, '-o', inFolder(`${kind}.html`));
      expect([kind, code, stderr.includes(`${kind}.html`)]).toEqual([kind, 0, true]);
    }
  });

  test('a target is given when sampling, or drawn as often as it was seen', async () => {
    const file = inFolder('t.safetensors');
    expect((await run('fit', penguins, '-o', file, ...small, '--target', 'Species', '--quiet')).code).toBe(0);
    const lines = async (...flags: string[]) => (await run('sample', file, '--quiet', ...flags)).stdout.trim().split('\n').slice(1);
    expect((await lines('-n', '50', '--given', 'Species=Gentoo')).every((line) => line.startsWith('Gentoo,'))).toBe(true);
    const share = (await lines('-n', '3000')).filter((line) => line.startsWith('Adelie,')).length / 3000;
    expect(Math.abs(share - 146 / 333)).toBeLessThan(4.5 * Math.sqrt((0.44 * 0.56) / 3000));
    expect((await run('sample', file, '--given', 'Species=Dodo')).stderr).toMatch(/has the values Adelie, Chinstrap, Gentoo; got "Dodo"/);
    expect((await run('sample', file, '--given', 'Sex=MALE')).stderr).toMatch(/takes --given "Species=Adelie"/);
    expect((await run('sample', model, '--given', 'Species=Gentoo')).stderr).toMatch(/fit it with --target "Species"/);
    for (const verb of [
      ['sample', file],
      ['export', file, '-o', inFolder('t.onnx')],
    ]) {
      const { code, stdout, stderr } = await run(...verb, '--guidance', '2');
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/ERR_FLOW_CONFIG --guidance: expected 1, as this model was trained without dropping its condition, got .*--drop-condition 0\.1/);
    }
  });

  test('a target that was dropped now and then can be followed more strongly, here and in an exported graph', async () => {
    const [file, onnx] = [inFolder('g.safetensors'), inFolder('g.onnx')];
    expect((await run('fit', penguins, '-o', file, ...small, '--target', 'Species', '--drop-condition', '0.2', '--quiet')).code).toBe(0);
    const rows = async (...flags: string[]) => (await run('sample', file, '-n', '20', '--given', 'Species=Gentoo', '--quiet', ...flags)).stdout;
    expect(await rows('--guidance', '1')).toBe(await rows());
    expect(await rows('--guidance', '3')).not.toBe(await rows());
    expect(await rows('--guidance', '3:0.2-0.6')).not.toBe(await rows('--guidance', '3'));
    expect((await run('sample', file, '--guidance', '0')).stderr).toMatch(/a weight other than 0/);
    expect((await run('sample', 'absent.safetensors', '--guidance', '0:0.1-0.2')).stderr).not.toMatch(/--guidance/); // unguided at those times alone
    expect(await rows('--noise', 'proportional:0.5')).toBe(await rows('--solver', 'stochasticHeun', '--noise', 'proportional:0.5'));
    expect(await rows('--noise', 'memoryless')).not.toBe(await rows('--noise', 'proportional:0.5'));
    expect((await run('sample', file, '--solver', 'heun', '--noise', 'memoryless')).stderr).toMatch(/--noise: expected a stochastic solver/);
    for (const guidance of ['input', '2', '1.5:0.1-0.9']) {
      const { code, stderr } = await run('export', file, '-o', onnx, '--guidance', guidance, '--check', '--steps', '5');
      expect([guidance, code, stderr]).toEqual([guidance, 0, expect.stringMatching(/largest difference \d\.\d\de-[6-9]/)]);
    }
  });

  test('a model of average velocities takes --steps alone, when sampled and when exported', async () => {
    const file = inFolder('mean.safetensors');
    const network = { ...mlp({ hidden: [8] }), span: true as const };
    await Model.fromRecord(untrained(2, {}, { network, parameters: initialiseParameters(lower(network, 2, null), 1) })).save(file);
    const rows = async (...flags: string[]) => (await run('sample', file, '-n', '5', ...flags)).stdout;
    expect(await rows('--steps', '3')).toBe(await rows('--solver', 'euler', '--steps', '3'));
    expect(await rows('--steps', '3')).not.toBe(await rows());
    expect(await rows()).toBe(await rows('--steps', '1'));
    expect((await run('sample', file, '--solver', 'midpoint', '--steps', '3')).stderr).toMatch(/--solver: expected euler, got "midpoint"/);
    for (const [flags, said] of [
      [[], /euler in 1 step,/],
      [['--steps', '4'], /euler in 4 steps/],
    ] as const)
      expect((await run('export', file, '-o', inFolder('mean.onnx'), ...flags)).stderr).toMatch(said);
    expect((await run('export', model, '-o', inFolder('p.onnx'), '--steps', '7')).stderr).toMatch(/midpoint in 7 steps/);
  });

  test('demo draws, measures and leaves files', async () => {
    const { code, stderr, stdout } = await run('demo', 'moons', '--steps', '40', '-o', folder);
    expect([code, stdout]).toEqual([0, '']);
    for (const part of [
      /[\u2801-\u28ff]/,
      /energy distance to fresh points: \d/,
      /C2ST: 0\.5/,
      /negative log-likelihood of fresh points: \d\.\d{3} nats \(the best possible: 1\.\d{3}\)/,
      /npx flowmatch sample/,
      /import \{ mlp/,
    ])
      expect(stderr).toMatch(part);
    expect(existsSync(inFolder('moons.html')) && existsSync(inFolder('moons.safetensors'))).toBe(true);
    expect((await run('sample', inFolder('moons.safetensors'), '-n', '2', '--quiet')).stdout).toMatch(/^x,y\n-?\d/);
  });
});
