// Handles in every state: disposed, busy, in use by another; jobs in order, stopped, on two queues at once.

import { describe, expect, it } from 'vitest';
import { FlowError } from '../../lib/errors.ts';
import type { NativeDataset, NativeNetwork, NativeSolve, NativeTrainer } from '../../lib/native/binding.ts';
import { native } from '../../lib/native/load.ts';
import { encodeProgram } from '../../lib/network/encode.ts';
import { withDivergence } from '../../lib/network/tangent.ts';
import { dataset, encoded, failure, network, numbers, rates, sampleRequest, small, tiny, trainer } from './support.ts';

const stateOf = (t: NativeTrainer) => ({
  parameters: t.state('parameters'),
  ema: t.state('ema'),
  firstMoment: t.state('firstMoment'),
  secondMoment: t.state('secondMoment'),
});

/** A network that does everything a network can do. */
function traced(): NativeNetwork {
  const { program, parameters } = encoded(tiny);
  const { words, constants } = encodeProgram(withDivergence(program));
  return new (native().Network)(words, constants, parameters);
}

/** Every member of every class, each with arguments that would be right. */
const members: Record<string, { make: () => { dispose(): void }; calls: Record<string, (self: never) => unknown> }> = {
  Dataset: {
    make: () => dataset(2, 8),
    calls: {
      columns: (self: NativeDataset) => self.columns,
      rows: (self: NativeDataset) => self.rows,
      append: (self: NativeDataset) => self.append(numbers(4)),
      moments: (self: NativeDataset) => self.moments().done,
      normalise: (self: NativeDataset) => self.normalise(new Float32Array(2), new Float32Array(2).fill(2)).done,
      hash: (self: NativeDataset) => self.hash().done,
      read: (self: NativeDataset) => self.read(0, 1),
      dispose: (self: NativeDataset) => self.dispose(),
    },
  },
  Network: {
    make: traced,
    calls: {
      evaluateSync: (self: NativeNetwork) => self.evaluateSync(new Float32Array(2), new Float32Array(1), null),
      gradientSync: (self: NativeNetwork) => self.gradientSync(new Float32Array(2), new Float32Array(1), null, new Float32Array(2)),
      sample: (self: NativeNetwork) => self.sample(sampleRequest(4, 2)).done,
      sampleSync: (self: NativeNetwork) => self.sampleSync(sampleRequest(4, 2)),
      prepare: (self: NativeNetwork) => self.prepare(sampleRequest(4, 2)),
      logDensity: (self: NativeNetwork) =>
        self.logDensity({ ...sampleRequest(4, 2, { initial: numbers(8), save: new Int32Array(0) }), probes: 0, columns: null, constant: 0 }).done,
      tangentSync: (self: NativeNetwork) => self.tangentSync(new Float32Array(2), new Float32Array(1), null, null),
      dispose: (self: NativeNetwork) => self.dispose(),
    },
  },
  Solve: {
    make: () => traced().prepare(sampleRequest(4, 2)),
    calls: {
      nfe: (self: NativeSolve) => self.nfe,
      sampleSync: (self: NativeSolve) => self.sampleSync(4, 0, 3n, null, null),
      dispose: (self: NativeSolve) => self.dispose(),
    },
  },
  Trainer: {
    make: () => trainer(tiny),
    calls: {
      step: (self: NativeTrainer) => self.step,
      run: (self: NativeTrainer) => self.run(rates(2), 0).done,
      draw: (self: NativeTrainer) => self.draw().done,
      runPaired: (self: NativeTrainer) => self.runPaired(new Int32Array(tiny.batch), 1e-3).done,
      evaluate: (self: NativeTrainer) => self.evaluate('ema', 1n, 1).done,
      state: (self: NativeTrainer) => self.state('ema'),
      copy: (self: NativeTrainer) => self.copy('ema').done,
      restore: (self: NativeTrainer) => self.restore({ parameters: paramsOf(), ema: paramsOf(), firstMoment: paramsOf(), secondMoment: paramsOf() }, 0),
      dispose: (self: NativeTrainer) => self.dispose(),
    },
  },
};
function paramsOf(): Float32Array {
  const t = trainer(tiny);
  const copy = t.state('parameters');
  t.dispose();
  return copy;
}

describe.each(Object.entries(members))('%s', (className, { make, calls }) => {
  it('has exactly the members this matrix knows', () => {
    const found = Object.getOwnPropertyNames(Object.getPrototypeOf(make())).filter((name) => name !== 'constructor');
    expect(found.sort()).toEqual(Object.keys(calls).sort());
  });

  it.each(Object.entries(calls))('%s works when idle; ERR_FLOW_DISPOSED after dispose()', async (name, call) => {
    expect(await failure(() => call(make() as never))).toBeUndefined();
    const self = make();
    self.dispose();
    const error = await failure(() => call(self as never));
    if (name === 'dispose') expect(error).toBeUndefined();
    else {
      expect(error).toBeInstanceOf(FlowError);
      expect(error?.code).toBe('ERR_FLOW_DISPOSED');
    }
  });

  it.each(Object.keys(calls))('%s refuses a this of another kind', (name) => {
    const self = make();
    const { get, value } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(self), name) as { get?: () => unknown; value?: () => unknown };
    const body = (get ?? value) as () => unknown;
    const others = Object.entries(members).flatMap(([other, kind]) => (other === className ? [] : [kind.make()]));
    for (const stranger of [undefined, null, 1, {}, Object.create(self), new Proxy(self, {}), Object.getPrototypeOf(self), ...others]) {
      expect(() => body.call(stranger)).toThrow(/Illegal invocation|expected (Dataset|Solve|Trainer)/);
    }
  });
});

describe('a busy trainer', () => {
  it('refuses state() and restore(), and answers step', async () => {
    const t = trainer(small);
    const saved = stateOf(t);
    const job = t.run(rates(1e6), 0);
    expect((await failure(() => t.state('ema')))?.code).toBe('ERR_FLOW_STATE');
    expect((await failure(() => t.restore(saved, 0)))?.code).toBe('ERR_FLOW_STATE');
    expect(t.step).toBeGreaterThanOrEqual(0);
    job.stop();
    job.stop();
    const { steps, status, losses } = await job.done;
    expect(status).toBe('stopped');
    expect(losses.length).toBe(steps);
    expect(t.step).toBe(steps);
    t.restore(saved, 0);
    expect(t.step).toBe(0);
    expect(stateOf(t)).toEqual(saved);
  });

  it('runs its jobs in the order they came, evaluation too', async () => {
    const t = trainer(tiny);
    const order: string[] = [];
    const seen = (name: string) => (result: unknown) => {
      order.push(name);
      return result;
    };
    const first = t.run(rates(20), 0).done.then(seen('run 1'));
    const loss = t.evaluate('parameters', 5n, 2).done;
    const second = t.run(rates(20), 0).done.then(seen('run 2'));
    await Promise.all([first, loss.then(seen('evaluate')), second]);
    expect(order).toEqual(['run 1', 'evaluate', 'run 2']);
    const other = trainer(tiny);
    await other.run(rates(20), 0).done;
    expect((await loss).loss).toBe((await other.evaluate('parameters', 5n, 2).done).loss);
  });

  it('can be disposed: its jobs end as stopped', async () => {
    const t = trainer(small);
    const jobs = [t.run(rates(1e6), 0), t.run(rates(1e6), 0)];
    t.dispose();
    for (const job of jobs) expect((await job.done).status).toBe('stopped');
  });

  it('holds its dataset: no append, no normalise, until it is disposed', async () => {
    const data = dataset(2, 64);
    const t = trainer(tiny, 64, { data });
    expect((await failure(() => data.append(numbers(2))))?.code).toBe('ERR_FLOW_STATE');
    expect((await failure(() => data.normalise(new Float32Array(2), new Float32Array(2).fill(1))))?.code).toBe('ERR_FLOW_STATE');
    expect(data.read(0, 1).length).toBe(2);
    data.dispose(); // the trainer keeps what it needs
    expect((await t.run(rates(3), 0).done).steps).toBe(3);
  });
});

describe('a busy dataset', () => {
  it('runs its jobs in order and refuses changes meanwhile', async () => {
    const data = dataset(3, 50_000);
    const before = data.hash().done;
    const scaled = data.normalise(new Float32Array(3), new Float32Array(3).fill(2)).done;
    const after = data.hash().done;
    expect((await failure(() => data.append(numbers(3))))?.code).toBe('ERR_FLOW_STATE');
    expect((await failure(() => data.read(0, 1)))?.code).toBe('ERR_FLOW_STATE');
    expect((await failure(() => trainer({ ...tiny, d: 3 }, 64, { data })))?.code).toBe('ERR_FLOW_STATE');
    await scaled;
    expect(await before).not.toBe(await after);
    expect(await before).toBe(await dataset(3, 50_000).hash().done);
    data.append(numbers(3));
  });
});

describe('jobs', () => {
  it('of sampling do not wait for training slices', async () => {
    const t = trainer(small);
    const n = network(tiny);
    const slices = [t.run(rates(1e6), 0), t.run(rates(1e6), 0)]; // without a budget: they end when they are stopped
    for (let i = 0; i < 5; i++) expect((await n.sample(sampleRequest(8, 2)).done).status).toBe('done');
    for (const slice of slices) slice.stop();
    for (const slice of slices) expect((await slice.done).status).toBe('stopped');
  });

  it('of training go on under a flood of sampling', async () => {
    const t = trainer(tiny);
    const n = network(small);
    let flooding = true;
    const flood = async (): Promise<void> => {
      while (flooding) await n.sample(sampleRequest(512, 20)).done;
    };
    const floods = [flood(), flood(), flood(), flood()];
    for (let i = 0; i < 5; i++) expect((await t.run(rates(3), 0).done).steps).toBe(3);
    flooding = false;
    await Promise.all(floods);
  });

  it('stopped before they begin settle as stopped, and stop() works without its object', async () => {
    const t = trainer(tiny);
    const { done, stop } = t.run(rates(1e6), 0);
    const queued = t.run(rates(10), 0);
    queued.stop();
    stop();
    expect((await done).status).toBe('stopped');
    expect(await queued.done).toMatchObject({ steps: 0, status: 'stopped' });
    stop();
  });

  it('many at once all settle', async () => {
    const n = network(tiny);
    const results = await Promise.all(Array.from({ length: 300 }, (_, i) => n.sample(sampleRequest(3, 2, { firstRow: 3 * i })).done));
    const whole = n.sampleSync(sampleRequest(900, 2)).x;
    expect(Float32Array.from(results.flatMap(({ x }) => [...x]))).toEqual(whole);
  });
});

describe('a request with getters', () => {
  it('that dispose the handle it is for is refused, not obeyed', async () => {
    const t = trainer(tiny);
    const state = { ...stateOf(t) };
    const trap = Object.defineProperty(state, 'ema', {
      get: () => {
        t.dispose();
        return state.parameters;
      },
    });
    expect(await failure(() => t.restore(trap, 1))).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    for (const call of ['sample', 'sampleSync'] as const) {
      const n = network(tiny);
      const request = Object.defineProperty(sampleRequest(3, 2), 'threads', {
        get: () => {
          n.dispose();
          return 1;
        },
      });
      expect(await failure(() => n[call](request))).toMatchObject({ code: 'ERR_FLOW_DISPOSED' });
    }
  });
});

describe('threads', () => {
  it('up to the 1024 that the options promise are taken, as many as the pool has', () => {
    const n = network(tiny);
    const [few, many] = [1, 1024].map((threads) => n.sampleSync(sampleRequest(5000, 2, { threads })).x);
    expect(many).toEqual(few);
    expect(() => trainer(tiny, 64, { threads: 1024 }).dispose()).not.toThrow();
  });
});

describe('jobs over much data', () => {
  it('hash() and normalise() obey stop(): the rows stand as they were, or are all gone', async () => {
    const data = dataset(64, 100_000);
    const whole = await data.hash().done;
    const begun = performance.now();
    await data.hash().done;
    const full = performance.now() - begun;
    const hashing = data.hash();
    hashing.stop();
    expect((await failure(() => hashing.done))?.code).toBe('ABORT_ERR');
    for (let i = 0; i < 4; i++) {
      const each = dataset(64, 100_000);
      const job = each.normalise(new Float32Array(64), new Float32Array(64).fill(2));
      await new Promise((resolve) => setTimeout(resolve, (i * full) / 12));
      job.stop();
      const error = await failure(() => job.done);
      if (error === undefined) continue; // it had finished
      expect(error.code).toBe('ABORT_ERR');
      if (each.rows > 0) expect(await each.hash().done).toBe(whole);
    }
  });

  it('copies of a trainer are those of the moment they were asked for, and let state() read beside them', async () => {
    const t = trainer(tiny);
    await t.run(rates(3), 0).done;
    const names = ['parameters', 'ema', 'firstMoment', 'secondMoment'] as const;
    const copies = names.map((name) => t.copy(name).done);
    const now = names.map((name) => t.state(name));
    const later = t.run(rates(3), 0).done;
    expect(await Promise.all(copies)).toEqual(now);
    await later;
    expect(t.state('parameters')).not.toEqual(now[0]);
    const refused = t.copy('parameters').done;
    expect((await failure(() => t.restore({ parameters: paramsOf(), ema: paramsOf(), firstMoment: paramsOf(), secondMoment: paramsOf() }, 0)))?.code).toBe(
      'ERR_FLOW_STATE',
    );
    await refused;
  });
});
