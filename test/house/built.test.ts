// The built library against its source: what loads late there (scripts/late-rooms.mjs) is the same to its user. `npm test` builds it first.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, it } from 'vitest';
import * as source from '../../lib/index.ts';

const entry = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const built = createRequire(import.meta.url)(entry) as typeof source; // an import would be the test runner's: other copies than those that the library loads
const folder = mkdtempSync(join(tmpdir(), 'flowmatch-built-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** Exports in the order of their names. */
const exportsOf = (of: typeof source) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
const rows = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * 12.9898));

/** What a program prints that has the built library as `flow`. */
function printed(program: string): string {
  const opened = `import * as flow from ${JSON.stringify(pathToFileURL(entry).href)};\n${program}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', opened], { encoding: 'utf8', cwd: folder });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.trim();
}

it('exports the same names, each a function, a class or a value as in the source', () => {
  const own = (name: string) => name.replace(/^_|\d+$/g, ''); // the bundler tells equal names apart
  const kinds = (of: typeof source) => exportsOf(of).map(([name, value]) => [name, typeof value === 'function' ? own(value.name) : typeof value]);
  expect(kinds(built)).toEqual(kinds(source));
});

it('calls a factory by its name in messages, before and after its room is loaded', async () => {
  const said = async (of: typeof source) => {
    const all: string[] = [];
    for (const [, value] of exportsOf(of)) {
      if (typeof value !== 'function') continue;
      const refused = (async () => of.Model.load(value as never))(); // thrown at once: a rejection here
      all.push(((await refused.catch((error: unknown) => error)) as Error).message);
      for (const option of ['path', 'coupling', 'solver', 'time', 'loss', 'objective', 'weight', 'optimiser', 'lr', 'network'])
        try {
          new of.Trainer({ data: rows, columns: 2, steps: 1, [option]: value } as never).dispose();
          all.push('');
        } catch (error) {
          all.push((error as Error).message);
        }
    }
    return all;
  };
  const expected = await said(source);
  expect(expected.filter((message) => message.includes('Call it: ')).length).toBeGreaterThan(20);
  expect(await said(built)).toEqual(expected);
  expect(printed("try { flow.Model.load(flow.sinkhorn); } catch (error) { console.log(error.message.includes('the function sinkhorn')); }")).toBe('true');
});

it('trains, saves, loads and samples the bits of the source', async () => {
  const run = async (of: typeof source, file: string) => {
    const model = await of.train({ data: rows, columns: 2, steps: 12, batchSize: 64, seed: 1, coupling: of.minibatchOT(), path: of.vp() });
    await model.save(join(folder, file));
    const again = await of.Model.load(join(folder, file));
    const { logDensity } = await again.logDensity(rows.slice(0, 8));
    return [again.sampleSync({ n: 4, seed: 2, solver: of.dopri5() }).x, again.withPath(of.condOT()).sampleSync({ n: 4, seed: 2 }).x, logDensity];
  };
  expect(await run(built, 'built.safetensors')).toEqual(await run(source, 'source.safetensors'));
});

it('throws FlowErrors of its own from what is loaded late and from the addon', async () => {
  expect(() => built.train({ data: rows, columns: 2, steps: -1 })).toThrow(built.FlowError);
  const model = built.Model.fromRecord((await source.train({ data: rows, columns: 2, steps: 2, batchSize: 32, seed: 1 })).record);
  expect(() => model.sampleSync({ n: 1, solver: 'dopri6' as never })).toThrow(built.FlowError);
});

it('reads neither training nor anything late to load a model and sample it', async () => {
  const labels = Array.from({ length: 200 }, (_, i) => i % 2);
  const model = await source.train({ data: rows, columns: 2, steps: 2, batchSize: 32, seed: 1, condition: { labels } });
  await model.save(join(folder, 'classes.safetensors'));
  const loaded = `
    const { createRequire } = await import('node:module');
    const late = []; const load = createRequire(import.meta.url)('node:module');
    const first = load._load; load._load = function (file, ...rest) { late.push(String(file)); return first.call(this, file, ...rest); };
    const model = await flow.Model.load('classes.safetensors');
    model.sampleSync({ n: 1, seed: 1, condition: { labels: 1 }, solver: flow.euler({ steps: 10 }) }); await model.sample({ n: 2, condition: { labels: [0, 1] } });
    console.log(late.filter((file) => file.includes('late/')).join());
    flow.condOT; flow.vp(); console.log(late.filter((file) => file.includes('late/')).join());`;
  expect(printed(loaded)).toBe('../late/sampling.js');
});

it('trains, samples and draws pictures in a program that a bundler made', async () => {
  const packages = join(folder, 'node_modules');
  mkdirSync(packages);
  symlinkSync(fileURLToPath(new URL('../..', import.meta.url)), join(packages, 'flowmatch'), 'junction');
  const program = `import { histogram, Model, toHtml, train, vp } from 'flowmatch';
    const data = Float32Array.from({ length: 400 }, (_, i) => Math.sin(i * 12.9898));
    const model = await train({ data, columns: 2, steps: 5, batchSize: 64, seed: 1, path: vp() });
    console.log(model instanceof Model, model.sampleSync({ n: 3, seed: 1 }).x.length, typeof toHtml, typeof histogram({ series: [{ name: 'x', values: [...data] }] }));`;
  writeFileSync(join(folder, 'program.mjs'), program);
  const external = ['@observablehq/plot', '@resvg/resvg-js', 'linkedom', 'onnxruntime-node'];
  const outfile = join(folder, 'out', 'program.mjs');
  await build({ entryPoints: [join(folder, 'program.mjs')], outfile, bundle: true, format: 'esm', platform: 'node', external, logLevel: 'silent' });
  rmSync(packages, { recursive: true });
  const addon = fileURLToPath(new URL('../../build/Release/flowmatch.node', import.meta.url));
  const { stdout, stderr } = spawnSync(process.execPath, [outfile], { encoding: 'utf8', env: { ...process.env, FLOWMATCH_ADDON: addon } });
  expect([stdout, stderr]).toEqual(['true 6 function object\n', '']);
});
