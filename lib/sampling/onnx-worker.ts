// The program of the worker thread that runs onnxruntime-node: session.run() blocks its thread, so it never runs on the event loop of the caller.
// It is text, run with `eval`, so that one bundled file needs no second one beside it. Plain CommonJS, no imports but Node's and the runtime's.
// The same text also serves as a child process (see onnx-host.ts): then messages come by IPC and nothing is shared.
//
//   -> { id, kind: 'run', feeds: [{ name, type, data, dims }], output }                    one call of the graph
//   -> { id, kind: 'solve', x, n, d, a, b, c, grid, close, stop, bind }                    dx/dt = v(x, t) by an explicit tableau, state in float64
//   <- { id, data, dims, nfe } | { id, error }
//   workerData.gate: Int32Array over shared memory [closing, busy]. A thread that is torn down inside the runtime's native code aborts the whole process
//   (its addon throws where nothing can be thrown), so `busy` is 1 around every native call, none begins once `closing` is set, and the owner waits for it.
//   `bind`: { x: { name, type, dims }, t: { name, type, dims }, rest: feeds, output }; a dim -1 stands for the rows. `stop`: Int32Array over shared memory.

export const workerSource = `'use strict';
const { parentPort, workerData: given } = require('node:worker_threads');
const port = parentPort || { postMessage: (message) => process.connected && process.send(message, () => undefined), on: (name, work) => process.on(name, work), close: () => process.exit(0) };
let workerData = given;
let begin;
const opened = parentPort ? Promise.resolve() : new Promise((resolve) => (begin = resolve));
if (!parentPort) process.on('disconnect', () => process.exit(0));
const arrays = { float32: Float32Array, float64: Float64Array, int64: BigInt64Array, int32: Int32Array };
let ort;
let session;
const tensor = ({ type, data, dims }) => new ort.Tensor(type, data, dims);
const describe = (error) => String((error && error.message) || error).slice(0, 2000);
const sized = (dims, n) => dims.map((dim) => (dim < 0 ? n : dim));
const product = (dims) => dims.reduce((a, b) => a * b, 1);

async function guarded(work) {
  const gate = workerData.gate;
  if (!gate) return work();
  Atomics.store(gate, 1, 1);
  try {
    if (Atomics.load(gate, 0) !== 0) throw new Error('closing');
    return await work();
  } finally {
    Atomics.store(gate, 1, 0);
    Atomics.notify(gate, 1);
  }
}

async function start() {
  session = await guarded(open);
  workerData.bytes = null;
  return { inputs: session.inputNames, outputs: session.outputNames };
}

async function open() {
  ort = require(workerData.runtime);
  return ort.InferenceSession.create(workerData.bytes, {
    executionProviders: ['cpu'],
    logSeverityLevel: 4,
    intraOpNumThreads: workerData.threads,
    interOpNumThreads: 1,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

async function call(feeds, output) {
  const result = (await guarded(() => session.run(feeds, [output], { logSeverityLevel: 4 })))[output];
  return { data: result.data, dims: Array.from(result.dims) };
}

async function run({ feeds, output }) {
  const named = {};
  for (const feed of feeds) named[feed.name] = tensor(feed);
  const { data, dims } = await call(named, output);
  return { data: data instanceof Float32Array ? data.slice() : Float32Array.from(data, Number), dims };
}

async function solve({ x, n, d, a, b, c, grid, close, stop, bind }) {
  const state = Float64Array.from(x);
  const stage = new arrays[bind.x.type](n * d);
  const feeds = {};
  for (const feed of bind.rest) feeds[feed.name] = tensor(feed);
  const xDims = sized(bind.x.dims, n);
  const tDims = sized(bind.t.dims, n);
  let nfe = 0;
  const slope = async (t) => {
    if (stop && Atomics.load(stop, 0) !== 0) throw new Error('stopped');
    feeds[bind.x.name] = new ort.Tensor(bind.x.type, stage, xDims);
    feeds[bind.t.name] = new ort.Tensor(bind.t.type, new arrays[bind.t.type](product(tDims)).fill(t), tDims);
    const { data } = await call(feeds, bind.output);
    if (data.length !== state.length) throw new Error('the output has ' + data.length + ' numbers, expected ' + state.length);
    nfe++;
    return Float64Array.from(data);
  };
  for (let k = 0; k + 1 < grid.length; k++) {
    const h = grid[k + 1] - grid[k];
    const slopes = [];
    for (let i = 0; i < b.length; i++) {
      for (let at = 0; at < state.length; at++) {
        let sum = state[at];
        for (let j = 0; j < i; j++) if (a[i][j]) sum += h * a[i][j] * slopes[j][at];
        stage[at] = sum;
      }
      slopes.push(await slope(grid[k] + c[i] * h));
    }
    for (let at = 0; at < state.length; at++) {
      let sum = 0;
      for (let i = 0; i < b.length; i++) sum += b[i] * slopes[i][at];
      state[at] += h * sum;
    }
  }
  if (close) {
    stage.set(state);
    const v = await slope(grid[grid.length - 1]);
    for (let at = 0; at < state.length; at++) state[at] = close.shift[at % d] + close.x * state[at] + close.v * v[at];
  }
  return { data: Float32Array.from(state), dims: [n, d], nfe };
}

const started = opened.then(start);
started.then(
  (names) => port.postMessage({ id: 0, ...names }),
  (error) => port.postMessage({ id: 0, error: describe(error) }),
);
let queue = started.then(() => undefined, () => undefined);
port.on('message', (message) => {
  if (message.kind === 'open') {
    workerData = message;
    begin();
    return;
  }
  queue = queue.then(async () => {
    if (message.kind === 'close') {
      if (session) await guarded(() => session.release()).catch(() => undefined);
      port.close();
      return;
    }
    try {
      if (message.stop && Atomics.load(message.stop, 0) !== 0) throw new Error('stopped');
      const reply = await (message.kind === 'solve' ? solve(message) : run(message));
      port.postMessage({ id: message.id, ...reply }, [reply.data.buffer]);
    } catch (error) {
      port.postMessage({ id: message.id, error: describe(error) });
    }
  });
});
`;
