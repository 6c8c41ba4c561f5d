// The loader: what it reports when the addon is missing, too new, of another version or broken; what loading must not change.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { treaty } from '../../lib/native/binding.ts';
import { info } from '../../lib/native/info.ts';
import { native } from '../../lib/native/load.ts';
import { temporaryFolder } from '../support/folder.ts';
import { bundled, run } from './child.ts';
import { network, rates, sampleRequest, tiny, trainer } from './support.ts';

const place = temporaryFolder();

/** info() of a fresh process that is told to load `addon`, after `prelude`. */
async function report(addon: string, prelude = ''): Promise<ReturnType<typeof info> & { thrown: { code: string; message: string; same: boolean } | null }> {
  const file = await bundled('report');
  const flags = prelude ? ['--import', `data:text/javascript,${encodeURIComponent(prelude)}`] : [];
  const child = spawnSync(process.execPath, [...flags, file], { encoding: 'utf8', env: { ...process.env, FLOWMATCH_ADDON: addon } });
  expect(child.stderr).toBe('');
  return JSON.parse(child.stdout);
}

describe('info()', () => {
  it('describes the loaded addon', () => {
    const { backend, isa, available, threads, versions, error, onnxruntime } = info();
    expect(backend).toBe('native');
    expect(available).toContain(isa);
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(versions).toMatchObject({ node: process.versions.node, treaty });
    expect(error).toBeNull();
    expect(onnxruntime).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('a loader that fails', () => {
  it('names the file that is not there, the platform and the remedy', async () => {
    const { backend, error, attempts, thrown } = await report('/nowhere/flowmatch.node');
    expect(backend).toBe('none');
    expect(attempts).toHaveLength(1);
    expect(attempts[0]?.reason).toMatch(/Cannot find module/);
    expect(error?.code).toBe('ERR_FLOW_PLATFORM');
    expect(error?.message).toContain(`${process.platform}-${process.arch}`);
    expect(error?.message).toContain(`Node ${process.versions.node}`);
    expect(error?.hint).toMatch(/npm install @flowmatch\/.* From a clone: npm run ready in the package's folder builds it\.$/);
    expect(thrown).toMatchObject({ code: 'ERR_FLOW_PLATFORM', same: true });
  });

  it('reports a file that is no addon', async () => {
    const file = place('broken.node');
    writeFileSync(file, 'not an ELF file');
    const { attempts } = await report(file);
    expect(attempts[0]?.reason).toMatch(/invalid ELF header|too short|file/);
  });

  it('refuses an addon of another treaty', async () => {
    const file = place('other.cjs');
    writeFileSync(file, 'module.exports = { info: () => ({ treaty: 999 }) };');
    const { attempts, error } = await report(file);
    expect(attempts[0]?.reason).toContain('treaty 999');
    expect(error?.code).toBe('ERR_FLOW_PLATFORM');
  });

  it('checks the Node-API version before it loads anything', async () => {
    const file = place('crash.cjs');
    writeFileSync(file, 'process.abort();');
    const old = 'Object.defineProperty(process.versions, "napi", { value: "7" })';
    const { attempts, error } = await report(file, old);
    expect(attempts).toEqual([{ from: 'Node-API', reason: 'this runtime offers version 7, version 8 is needed' }]);
    expect(error?.hint).toContain('Node.js 20.19');
  });
});

describe('the addon', () => {
  it('leaves the floating-point environment of JavaScript as it is', async () => {
    const probe = new Float64Array([Number.MIN_VALUE, 2 ** -1022, 1, 2 ** -53]);
    const environment = () => [
      (probe[0] as number) * (probe[2] as number), // 0 under denormals-are-zero
      (probe[1] as number) / 2, // 0 under flush-to-zero
      (probe[2] as number) + (probe[3] as number), // above 1 when rounding up
      -(probe[2] as number) - (probe[3] as number), // below -1 when rounding down
    ];
    const before = [Number.MIN_VALUE, 2 ** -1023, 1, -1];
    expect(environment()).toEqual(before);
    const n = network(tiny);
    const t = trainer(tiny);
    native().normal(1n, 0, 10, 3);
    n.evaluateSync(new Float32Array(2), new Float32Array(1), null);
    n.gradientSync(new Float32Array(2), new Float32Array(1), null, new Float32Array(2));
    n.sampleSync(sampleRequest(100, 3));
    expect(environment()).toEqual(before);
    await Promise.all([n.sample(sampleRequest(100, 3)).done, t.run(rates(3), 0).done, t.evaluate('ema', 1n, 1).done]);
    t.state('ema');
    expect(environment()).toEqual(before);
  });

  it('does not use the pool of libuv', async () => {
    const { out, err } = await run(await bundled('pool'));
    expect(err).toBe('');
    expect(JSON.parse(out)).toEqual({ order: ['sample', 'train', 'pool'] });
  });
});
