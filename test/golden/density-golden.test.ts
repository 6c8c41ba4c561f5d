// Log-densities against JAX: reverse-mode derivatives in float64 (jax.jacrev) and SciPy's DOP853 at a tolerance of 1e-10. To make the golden anew:
//   FLOWMATCH_WRITE_GOLDEN=1 npx vitest run test/golden/density-golden.test.ts     writes density-inputs.json (weights and rows)
//   python3 scripts/golden/make-density-goldens.py                                 reads it, writes density-goldens.json (needs jax, scipy)

import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { condOT, Model, mlp, rk4, synthetic, train } from '../../lib/index.ts';
import { untrained } from '../support/models.ts';

const inputs = new URL('density-inputs.json', import.meta.url);
const goldens = new URL('density-goldens.json', import.meta.url);
const network = { hidden: [24, 24, 24], activation: 'silu', time: 'raw', residual: true, norm: false } as const;

it('a trained network has the log-densities that JAX and SciPy give it, to 1e-4 nats', async () => {
  if (process.env['FLOWMATCH_WRITE_GOLDEN']) {
    const data = synthetic('moons', { n: 5000, seed: 1 }).x;
    const trained = await train({ data, columns: 2, path: condOT(), normalise: false, network: mlp(network), steps: 1500, seed: 1 });
    const rows = Array.from({ length: 24 }, (_, i) => (i < 16 ? (data[i] as number) : 1.5 * Math.sin(i)));
    writeFileSync(inputs, JSON.stringify({ parameters: Array.from(trained.record.parameters), rows }));
  }
  const { parameters, rows } = JSON.parse(readFileSync(inputs, 'utf8')) as { parameters: number[]; rows: number[] };
  const model = Model.fromRecord(untrained(2, network, { parameters: Float32Array.from(parameters) }));
  const { logDensity } = await model.logDensity(Float32Array.from(rows), { solver: rk4({ steps: 200 }) });
  const { logDensity: want } = JSON.parse(readFileSync(goldens, 'utf8')) as { logDensity: number[] };
  expect(want.length).toBe(12);
  want.forEach((value, r) => {
    expect(Math.abs((logDensity[r] as number) - value), `row ${r}: ${logDensity[r]}, ${value}`).toBeLessThan(1e-4);
  });
});
