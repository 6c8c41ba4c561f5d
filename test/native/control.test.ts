// Nothing here may change how JavaScript computes: the thread's rounding, flushing and traps are the same before and after native work on it.
import { describe, expect, it } from 'vitest';
import { network, rates, sampleRequest, trainer } from '../native-binding/support.ts';
import { table } from './table.ts';

describe('the floating-point unit of the JavaScript thread', () => {
  it('is left as it was by sampling on it, and computes subnormals', async () => {
    const before = table.control();
    const net = network({ d: 2, width: 40, depth: 2, batch: 1 });
    for (const n of [1, 3, 500]) net.sampleSync(sampleRequest(n, 3));
    net.dispose();
    const run = trainer({ d: 2, width: 40, depth: 2, batch: 300 });
    await run.run(rates(3), 1e9).done;
    run.dispose();
    expect(table.control()).toBe(before);
    if (process.arch === 'x64') expect(before).toBe(0x1f80); // to nearest, nothing flushed, every trap masked
    expect(Number.MIN_VALUE * 3).toBe(1.5e-323);
    expect(Math.fround(1e-40) > 0).toBe(true);
  });
});
