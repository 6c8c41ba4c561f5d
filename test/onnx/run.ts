// onnxruntime-node without the worker, for tests.

import { InferenceSession, Tensor } from 'onnxruntime-node';

export type Feeds = Readonly<Record<string, { readonly data: Float32Array | Float64Array; readonly dims: readonly number[] }>>;

export const sessionOf = (bytes: Uint8Array): Promise<InferenceSession> =>
  InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1, interOpNumThreads: 1 });

/** The only output. */
export async function run(session: InferenceSession, feeds: Feeds): Promise<Float32Array> {
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, { data, dims }]) => [name, new Tensor(data instanceof Float64Array ? 'float64' : 'float32', data, dims)]),
  );
  const output = session.outputNames[0] as string;
  return (await session.run(tensors))[output]?.data as Float32Array;
}
