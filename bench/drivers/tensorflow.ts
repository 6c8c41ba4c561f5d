// TensorFlow.js on its wasm backend (SIMD, one thread), from the scratch folder of peers: the same network, loss and Adam in tfjs-core.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { eulerSteps, type Shape } from '../cases.ts';
import type { Prepare } from '../messages.ts';
import { serve, type Work } from '../serve.ts';

// biome-ignore lint/suspicious/noExplicitAny: installed outside the tree, so its types are not at hand
type Any = any;
const require = createRequire(join(process.env['FLOWMATCH_PEERS'] as string, 'node/package.json'));
const tf: Any = require('@tensorflow/tfjs'); // with the gradients, which tfjs-core leaves out
const wasm: Any = require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '/')}`);
await tf.setBackend('wasm');
await tf.ready();

const silu = (z: Any): Any => tf.mul(z, tf.sigmoid(z));
function network({ d, H, L }: Shape) {
  const widths = [d + 1, ...Array<number>(L).fill(H), d];
  const layers = widths.slice(1).map((out, i) => {
    const scale = Math.sqrt(1 / (widths[i] as number));
    return { w: tf.variable(tf.randomUniform([widths[i], out], -scale, scale)), b: tf.variable(tf.zeros([out])) };
  });
  const velocity = (x: Any, t: Any): Any => {
    let h = tf.concat([x, t], 1);
    for (const [i, { w, b }] of layers.entries()) {
      h = tf.add(tf.matMul(h, w), b);
      if (i < L) h = silu(h);
    }
    return h;
  };
  const variables = layers.flatMap(({ w, b }) => [w, b]);
  return { velocity, variables, dispose: () => tf.dispose(variables) };
}

function training({ shape, kind }: Prepare): Work {
  const { d, B } = shape;
  const rows = d >= 512 ? 4096 : 10_000;
  const data = tf.randomNormal([rows, d]);
  const net = network(shape);
  const optimiser = tf.train.adam(1e-3);
  const means: Any[] | null = kind === 'train+' ? net.variables.map((v: Any) => v.clone()) : null;
  const loss = (): Any => {
    const x1 = tf.gather(data, tf.randomUniform([B], 0, rows, 'int32'));
    const x0 = tf.randomNormal([B, d]);
    const t = tf.randomUniform([B, 1]);
    const xt = tf.add(tf.mul(t, x1), tf.mul(tf.sub(1, t), x0));
    return tf.mean(tf.square(tf.sub(net.velocity(xt, t), tf.sub(x1, x0))));
  };
  const clipped = (): void => {
    const { grads } = tf.variableGrads(loss, net.variables);
    const norm = tf.sqrt(Object.values(grads).reduce((sum: Any, g) => tf.add(sum, tf.sum(tf.square(g))), tf.scalar(0)));
    const scale = tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1);
    optimiser.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, tf.mul(g, scale)])));
    for (const [i, v] of net.variables.entries()) {
      const next = tf.keep(tf.add(tf.mul(means?.[i], 0.999), tf.mul(v, 0.001)));
      means?.[i].dispose();
      if (means) means[i] = next;
    }
  };
  return {
    unit: 1,
    most: 64,
    async run(k) {
      for (let i = 0; i < k; i++) tf.tidy(() => void (means ? clipped() : optimiser.minimize(loss, false, net.variables)));
      await (net.variables[0] as Any).data();
    },
    dispose() {
      net.dispose();
      tf.dispose([data, ...(means ?? [])]);
      optimiser.dispose();
    },
  };
}

function sampling({ shape, kind }: Prepare): Work {
  const { d, N } = shape;
  const net = network(shape);
  const solve = async (k: number): Promise<void> => {
    let x = tf.randomNormal([N, d]);
    for (let i = 0; i < k; i++) {
      const next = tf.tidy(() => tf.add(x, tf.mul(net.velocity(x, tf.fill([N, 1], i / k)), 1 / k)));
      x.dispose();
      x = next;
    }
    await x.data();
    x.dispose();
  };
  const whole = kind === 'latency';
  return {
    unit: whole ? 1 : eulerSteps,
    most: whole ? 64 : eulerSteps,
    async run(k) {
      if (!whole) return solve(k);
      for (let i = 0; i < k; i++) await solve(eulerSteps);
    },
    dispose: () => net.dispose(),
  };
}

await serve(
  () => ({
    name: 'TensorFlow.js',
    version: `${tf.version_core}, ${tf.getBackend()}`,
    variants: { train: ['wasm'], 'train+': ['wasm'], sample: ['wasm'], latency: ['wasm'] },
  }),
  (request) => (request.kind === 'train' || request.kind === 'train+' ? training(request) : sampling(request)),
);
