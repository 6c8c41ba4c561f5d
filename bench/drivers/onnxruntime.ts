// onnxruntime-node on the graphs that exportOnnx writes: `graph` is the sampler graph, one call for the whole solve; `loop` calls the velocity graph from a
// loop in JavaScript. Sampling only: onnxruntime-node cannot train.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { euler } from '../../lib/index.ts';
import { onnxBytes } from '../../lib/onnx/export.ts';
import { eulerSteps } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import { serve, type Work } from '../serve.ts';
import { record } from './model.ts';

const require = createRequire(import.meta.url);
const { InferenceSession, Tensor } = require('onnxruntime-node') as typeof import('onnxruntime-node');

function version(): string {
  for (let folder = dirname(require.resolve('onnxruntime-node')); ; folder = dirname(folder)) {
    try {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string };
      if (manifest.name === 'onnxruntime-node') return manifest.version ?? '?';
    } catch {
      // No manifest here: one level up.
    }
  }
}

async function prepare({ shape, variant, threads, kind }: Prepare): Promise<Work> {
  const inGraph = variant === 'graph';
  const model = record(shape);
  const bytes = onnxBytes(model, inGraph ? { graph: 'sampler', solver: euler({ steps: eulerSteps }), grid: 'required' } : { graph: 'velocity' });
  const session = await InferenceSession.create(bytes, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  const { N, d } = shape;
  const start = Float32Array.from({ length: N * d }, (_, i) => Math.sin(12.9898 * i) * 1.5);
  const [output] = session.outputNames as [string];
  const solve = async (k: number): Promise<void> => {
    if (inGraph) {
      const grid = Float64Array.from({ length: k + 1 }, (_, i) => i / k);
      await session.run({ noise: new Tensor('float32', start, [N, d]), grid: new Tensor('float64', grid, [k + 1]) });
      return;
    }
    const x = start.slice();
    const t = new Float32Array(N);
    for (let i = 0; i < k; i++) {
      t.fill(i / k);
      const result = await session.run({ x: new Tensor('float32', x, [N, d]), t: new Tensor('float32', t, [N, 1]) });
      const v = (result[output] as import('onnxruntime-node').Tensor).data as Float32Array;
      for (let j = 0; j < x.length; j++) x[j] = (x[j] as number) + (v[j] as number) / k;
    }
  };
  const whole = kind === 'latency';
  return {
    unit: whole ? 1 : eulerSteps,
    most: whole ? 4096 : eulerSteps,
    async run(k) {
      if (!whole) return solve(k);
      for (let i = 0; i < k; i++) await solve(eulerSteps);
    },
    dispose: () => void session.release(),
  };
}

await serve(() => ({ name: 'onnxruntime-node', version: version(), variants: { sample: ['graph', 'loop'], latency: ['graph', 'loop'] } }), prepare);
