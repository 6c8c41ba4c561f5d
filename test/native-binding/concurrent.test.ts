// Many Workers at once in any order of operations, inputs in a SharedArrayBuffer that another thread writes to: only typed errors, no race in our code
// (scripts/check-sanitizers.sh runs this under ThreadSanitizer and AddressSanitizer).

import { expect, it } from 'vitest';
import { bundled, run } from './child.ts';

const operations = Number(process.env['FLOWMATCH_OPERATIONS'] ?? 600);

it(`three Workers take ${operations} random operations each`, { timeout: 240_000 }, async () => {
  const { code, signal, out, err } = await run(await bundled('random-ops'), [3, operations, 11]);
  expect({ code, signal, err }).toEqual({ code: 0, signal: null, err: '' });
  const codes = JSON.parse(out) as Record<string, number>;
  const expected = ['ERR_FLOW_DISPOSED', 'ERR_FLOW_NONFINITE', 'ERR_FLOW_STATE'];
  for (const one of expected) expect(codes[one], one).toBeGreaterThan(0);
  expect(
    Object.keys(codes).every((one) => [...expected, 'ABORT_ERR', 'ERR_FLOW_SHAPE'].includes(one)),
    JSON.stringify(codes),
  ).toBe(true);
});
