import { describe, expect, it } from 'vitest';
import { removeStale, writeAtomically } from '../../lib/checkpoint/atomic.ts';
import { readModelFile, saveModel } from '../../lib/checkpoint/model-file.ts';
import { MemoryFiles } from '../support/memory-files.ts';
import { caught, untrained } from '../support/models.ts';

const codes = ['EIO', 'ENOSPC', 'EACCES', 'EROFS', 'EMFILE', 'EDQUOT', 'EPERM', 'ENOENT'];
const names = (fs: MemoryFiles) => [...fs.files.keys()];

describe('writeAtomically', () => {
  it('writes, syncs the file, renames, then syncs the directory', async () => {
    const fs = new MemoryFiles();
    await writeAtomically('/d/x', [Uint8Array.of(1, 2), Uint8Array.of(3)], fs);
    expect(fs.node('/d/x').bytes).toEqual(Uint8Array.of(1, 2, 3));
    expect(fs.calls).toEqual(['realpath', 'stat', 'open wx', 'write', 'write', 'sync file', 'close', 'rename', 'open r', 'sync directory', 'close']);
    expect(fs.open_).toBe(0);
  });

  it('goes on after short writes', async () => {
    const fs = new MemoryFiles();
    fs.shortWrites = 3;
    await writeAtomically('/d/x', [Uint8Array.from({ length: 10 }, (_, i) => i)], fs);
    expect(fs.node('/d/x').bytes).toEqual(Uint8Array.from({ length: 10 }, (_, i) => i));
  });

  it('loses no checkpoint, whichever call fails with whichever errno, once or for good', async () => {
    const old = untrained(1, { hidden: [2] }, { training: { step: 1 } });
    const next = untrained(1, { hidden: [2] }, { training: { step: 2 } });
    const plain = new MemoryFiles();
    await saveModel('/d/m', old, plain);
    const before = plain.calls.length;
    await saveModel('/d/m', next, plain);
    const calls = plain.calls.slice(before);
    expect(calls).toContain('chmod');
    let errors = 0;
    for (const sticky of [false, true]) {
      for (const code of codes) {
        for (let k = 0; k < calls.length; k++) {
          const fs = new MemoryFiles();
          await saveModel('/d/m', old, fs);
          Object.assign(fs, { failAt: fs.calls.length + k, code, sticky });
          const error = await saveModel('/d/m', next, fs).then(
            () => null,
            (e) => e,
          );
          fs.failAt = Number.POSITIVE_INFINITY;
          fs.sticky = false;
          const { record } = await readModelFile('/d/m', fs);
          const where = `${calls[k]} ${code}${sticky ? ' sticky' : ''}`;
          if (error === null) expect(record.training, where).toEqual({ step: 2 });
          else {
            errors++;
            expect(error, where).toMatchObject({ name: 'FlowError', code: 'ERR_FLOW_IO', path: '/d/m', received: code });
          }
          expect([1, 2], where).toContain((record.training as { step: number }).step);
          if (!sticky) expect(names(fs), where).toEqual(['/d/m']); // a temporary stays only where nothing can be removed
          expect(fs.open_, where).toBe(0);
        }
      }
    }
    expect(errors).toBeGreaterThan(100);
  });

  it('tells how much was needed and how much is free', async () => {
    const fs = new MemoryFiles();
    Object.assign(fs, { failAt: 3, code: 'ENOSPC' });
    const error = await caught(() => writeAtomically('/d/run', [new Uint8Array(4_200_000)], fs));
    expect(error.message).toBe('ENOSPC while writing /d/run (needs 4.2 MB, 0.3 MB free). Free some space or choose another place.');
  });

  it("removes dead processes' temporaries, and no one else's", async () => {
    const { hostname } = await import('node:os');
    const fs = new MemoryFiles();
    const host = hostname().replace(/[^A-Za-z0-9-]/g, '_');
    const dead = `/d/.x.${host}.4194999.0123456789ab.tmp`;
    const own = `/d/.x.${host}.${process.pid}.0123456789ab.tmp`;
    for (const path of ['/d/x', dead, own, '/d/.x.other.1.0123456789ab.tmp', '/d/.y.tmp']) fs.files.set(path, { bytes: new Uint8Array(0), mode: 0 });
    await removeStale('/d/x', fs);
    expect(names(fs)).toEqual(['/d/x', own, '/d/.x.other.1.0123456789ab.tmp', '/d/.y.tmp']);
  });
});
