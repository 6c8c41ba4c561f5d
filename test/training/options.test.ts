import { describe, expect, it } from 'vitest';
import { sinkhorn } from '../../lib/couplings/entropic.ts';
import { minibatchOT } from '../../lib/couplings/optimal.ts';
import { checkOptions } from '../../lib/training/check.ts';
import type { TrainOptions } from '../../lib/training/options.ts';
import { train } from '../../lib/training/train.ts';
import { Trainer } from '../../lib/training/trainer.ts';
import { caught } from '../support/models.ts';

const data = [
  [0, 1],
  [1, 0],
];

/** Option, value, code, path, and a part of the message. */
type Wrong = [options: Record<string, unknown>, code: string, path: string, message?: RegExp];
const wrong: Wrong[] = [
  [{ data: undefined }, 'ERR_FLOW_TYPE', 'options.data'],
  [{ steps: 0 }, 'ERR_FLOW_RANGE', 'options.steps', /^options\.steps: expected an integer >= 1, got 0/],
  [{ steps: 1.5 }, 'ERR_FLOW_RANGE', 'options.steps'],
  [{ steps: '100' }, 'ERR_FLOW_TYPE', 'options.steps', /got "100"/],
  [{ stps: 10 }, 'ERR_FLOW_CONFIG', 'options.stps', /Did you mean "steps"\?/],
  [{ lr: 1e-3 }, 'ERR_FLOW_CONFIG', 'options.lr', /Write optimiser: adamw\(\{ lr: 1e-3 \}\)\./],
  [{ dim: 2 }, 'ERR_FLOW_CONFIG', 'options.dim', /Write columns/],
  [{ epochs: 2 }, 'ERR_FLOW_CONFIG', 'options.epochs', /Write steps/],
  [{ clip: -1 }, 'ERR_FLOW_RANGE', 'options.clip', /expected a finite number >= 0, got -1/],
  [{ seeed: 1 }, 'ERR_FLOW_CONFIG', 'options.seeed', /Did you mean "seed"\?/],
  [{ batchsize: 1 }, 'ERR_FLOW_CONFIG', 'options.batchsize', /Did you mean "batchSize"\?/],
  [{ batchSize: 0 }, 'ERR_FLOW_RANGE', 'options.batchSize'],
  [{ batchSize: 2 ** 21 }, 'ERR_FLOW_RANGE', 'options.batchSize'],
  [{ ema: 1 }, 'ERR_FLOW_RANGE', 'options.ema'],
  [{ ema: Number.NaN }, 'ERR_FLOW_RANGE', 'options.ema'],
  [{ clip: -1 }, 'ERR_FLOW_RANGE', 'options.clip'],
  [{ validation: 0.95 }, 'ERR_FLOW_RANGE', 'options.validation'],
  [{ evaluateEvery: 0 }, 'ERR_FLOW_RANGE', 'options.evaluateEvery'],
  [{ patience: -1 }, 'ERR_FLOW_RANGE', 'options.patience'],
  [{ seed: -1 }, 'ERR_FLOW_RANGE', 'options.seed'],
  [{ seed: 2n ** 64n }, 'ERR_FLOW_RANGE', 'options.seed'],
  [{ seed: '7' }, 'ERR_FLOW_TYPE', 'options.seed'],
  [{ threads: 0 }, 'ERR_FLOW_RANGE', 'options.threads'],
  [{ precision: 'f16' }, 'ERR_FLOW_CONFIG', 'options.precision'],
  [{ normalise: 'yes' }, 'ERR_FLOW_TYPE', 'options.normalise'],
  [{ normalise: [true, 1] }, 'ERR_FLOW_TYPE', 'options.normalise[1]'],
  [{ columns: ['a', 'a'] }, 'ERR_FLOW_CONFIG', 'options.columns[1]'],
  [{ columns: [] }, 'ERR_FLOW_TYPE', 'options.columns'],
  [{ columns: 0 }, 'ERR_FLOW_RANGE', 'options.columns'],
  [{ network: { hidden: [3] } }, 'ERR_FLOW_CONFIG', 'options.network', /Call mlp\(\)/],
  [{ path: 3 }, 'ERR_FLOW_TYPE', 'options.path'],
  [{ coupling: 'independant' }, 'ERR_FLOW_CONFIG', 'options.coupling', /Did you mean "independent"\?/],
  [{ coupling: 'minibatchOt' }, 'ERR_FLOW_CONFIG', 'options.coupling', /Did you mean "minibatchOT"\?/],
  [{ coupling: 'minibatchOT', batchSize: 4097 }, 'ERR_FLOW_RANGE', 'options.batchSize', /at most 4096/],
  [{ coupling: minibatchOT({ batch: 1000 }), batchSize: 256 }, 'ERR_FLOW_RANGE', 'options.coupling.batch', /multiple of the batch size 256/],
  [{ coupling: 'minibatchOT', source: { rows: [[1, 2]], paired: true } }, 'ERR_FLOW_CONFIG', 'options.coupling', /paired/],
  [{ coupling: sinkhorn({ batch: 1000 }), batchSize: 256 }, 'ERR_FLOW_RANGE', 'options.coupling.batch', /multiple of the batch size 256/],
  [{ coupling: 'partialOT', batchSize: 4097 }, 'ERR_FLOW_RANGE', 'options.batchSize', /4096 with partialOT\(\)/],
  [{ objective: { name: 'velocity', instant: 0.5 } }, 'ERR_FLOW_CONFIG', 'objective.instant', /It takes none/],
  [{ coupling: { name: 'mine' } }, 'ERR_FLOW_TYPE', 'coupling.pair'],
  [{ time: 'uniforn' }, 'ERR_FLOW_CONFIG', 'options.time', /Did you mean "uniform"\?/],
  [{ optimiser: { name: 'sgd' } }, 'ERR_FLOW_CONFIG', 'options.optimiser.name'],
  [{ source: 'gausian' }, 'ERR_FLOW_CONFIG', 'options.source', /Did you mean "gaussian"\?/],
  [{ source: { row: [] } }, 'ERR_FLOW_CONFIG', 'options.source.row', /Did you mean "rows"\?/],
  [{ source: { rows: [[1, 2]], paired: 1 } }, 'ERR_FLOW_TYPE', 'options.source.paired'],
  [{ signal: {} }, 'ERR_FLOW_TYPE', 'options.signal'],
  [{ onProgress: 1 }, 'ERR_FLOW_TYPE', 'options.onProgress'],
  [{ onResume: 'x' }, 'ERR_FLOW_TYPE', 'options.onResume'],
  [{ checkpoint: '' }, 'ERR_FLOW_TYPE', 'options.checkpoint.file'],
  [{ checkpoint: 'rows.csv' }, 'ERR_FLOW_CONFIG', 'options.checkpoint.file'],
  [{ checkpoint: { file: 'model.onnx' } }, 'ERR_FLOW_CONFIG', 'options.checkpoint.file'],
  [{ checkpoint: { file: 'x', every: 3 } }, 'ERR_FLOW_CONFIG', 'options.checkpoint.every'],
  [{ checkpoint: { file: 'x', everySteps: 0 } }, 'ERR_FLOW_RANGE', 'options.checkpoint.everySteps'],
  [{ checkpoint: { file: 'x', everySeconds: -1 } }, 'ERR_FLOW_RANGE', 'options.checkpoint.everySeconds'],
  [{ checkpoint: { file: 'x', onError: 'panic' } }, 'ERR_FLOW_CONFIG', 'options.checkpoint.onError'],
  [{ table: 3n }, 'ERR_FLOW_TYPE', 'options.table'],
];

describe('the options of train', () => {
  it.each(wrong)('refuses %o', async (...[options, code, path, message]) => {
    const given = { data, ...options } as unknown as TrainOptions;
    for (const call of [() => checkOptions(given), () => new Trainer(given), () => train(given)]) {
      const error = await caught(call);
      expect(error).toMatchObject({ name: 'FlowError', code, path });
      if (message) expect(error.message).toMatch(message);
    }
    expect(() => train(given)).toThrow(); // at once: the arguments alone are wrong
  });

  it.each([null, undefined, 3, 'data', [], new Float32Array(2)])('refuses %o for the options', (value) => {
    expect(() => train(value as never)).toThrow(expect.objectContaining({ name: 'FlowError', code: 'ERR_FLOW_TYPE', path: 'options' }));
  });

  it('has a default for everything but the data', () => {
    const settings = checkOptions({ data });
    expect(settings).toMatchObject({
      batchSize: 256,
      steps: 20_000,
      ema: 0.999,
      clip: 1,
      validation: 0.1,
      evaluateEvery: 500,
      patience: 0,
      seed: 0n,
      threads: 0,
      normalise: true,
      source: null,
      checkpoint: null,
    });
    expect(settings.optimiser.lr).toBe(1e-3);
    expect(settings.path.name).toBe('condOT');
    expect(settings.coupling.name).toBe('independent');
  });

  it('reads each option once: a getter cannot change its mind', () => {
    let reads = 0;
    const options = {
      data,
      get steps() {
        return ++reads === 1 ? 10 : -1;
      },
    };
    expect(checkOptions(options).steps).toBe(10);
    expect(reads).toBe(1);
  });
});
