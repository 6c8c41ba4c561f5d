// The same files in onnxruntime-web (WebAssembly, here in Node): a sampler graph with its loop, every op of the case table, conditions and a given grid.

import * as web from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { heun } from '../../lib/solvers/solvers.ts';
import { caseInputs, networkCases } from '../cases/networks.ts';
import { modelOf, pointsOf } from './random-models.ts';
import { type Feeds, run, sessionOf } from './run.ts';

web.env.wasm.numThreads = 1;
web.env.logLevel = 'fatal';

async function runWeb(bytes: Uint8Array, feeds: Feeds): Promise<Float32Array> {
  const session = await web.InferenceSession.create(bytes, { executionProviders: ['wasm'], logSeverityLevel: 4 });
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [name, new web.Tensor(data instanceof Float64Array ? 'float64' : 'float32', data, dims)]),
  );
  const output = session.outputNames[0] as string;
  const { data } = (await session.run(tensors))[output] as web.Tensor;
  await session.release();
  return data as Float32Array;
}

test.each(networkCases.map((network, i) => [network.name, modelOf(network, i + 1)] as const))(
  '%s: the sampler gives the rows of onnxruntime-node',
  async (_, of) => {
    const { model, network } = of;
    const bytes = onnxBytes(model, { solver: heun({ steps: 3 }), grid: 'required' });
    const points = pointsOf(of, 5, 0, 3);
    const feeds: Feeds = {
      noise: { data: caseInputs(network, 5, 4).x, dims: [5, model.dimension] },
      grid: { data: Float64Array.of(0, 0.3, 0.5, 1), dims: [4] },
      ...(points.condition ? { condition: { data: points.condition, dims: [5, network.program.conditionWidth] } } : {}),
    };
    const [there, here] = [await runWeb(bytes, feeds), await run(await sessionOf(bytes), feeds)];
    const size = Math.max(...here.map(Math.abs));
    expect(there).toHaveLength(5 * model.dimension);
    expect(Math.max(...there.map((v, i) => Math.abs(v - (here[i] as number)))) / size).toBeLessThan(1e-5);
  },
);

test('a file with the default grid needs the noise only', async () => {
  const { model, network } = modelOf(networkCases[0] as (typeof networkCases)[number], 1);
  const noise = { data: caseInputs(network, 3, 4).x, dims: [3, model.dimension] };
  expect(await runWeb(onnxBytes(model), { noise })).toHaveLength(3 * model.dimension);
});
