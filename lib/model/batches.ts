// Rows of a model in batches, of which two are in memory at a time.

import { following } from '../abort.ts';
import { amount, argumentError } from '../errors.ts';
import { integer, record } from '../options.ts';
import { type SampleOptions, type SampleResult, sampleKeys, samplingElsewhere } from '../sampling/options.ts';
import { planSample } from '../sampling/plan.ts';
import type { ModelRecord } from './record.ts';

export interface BatchOptions extends SampleOptions {
  /** Rows per batch, 1 .. 2^24. @default 65536 */
  readonly batchRows?: number;
}

/** The batches of `sample`, each asked for while the one before is used. @throws FlowError naming the option, before anything is drawn */
export function batchesOf(
  model: ModelRecord,
  options: BatchOptions,
  sample: (options: SampleOptions) => Promise<SampleResult>,
): AsyncGenerator<SampleResult, void, undefined> {
  const { batchRows, ...rest } = record(options, 'options', [...sampleKeys, 'batchRows'], samplingElsewhere);
  const each = integer(batchRows ?? 65_536, 'options.batchRows', 1, 2 ** 24);
  const given = rest as SampleOptions;
  const n = integer(given.n ?? 1, 'options.n', 0);
  if (given.source !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', 'options.source', 'drawn noise', given.source, 'Call sample() for each batch of your start rows.');
  const rowsOf = planSample(model, { ...given, n: undefined }).n; // every other option is wrong now or never; rows of the condition, else 1
  if (rowsOf !== 1)
    throw argumentError(
      'ERR_FLOW_SHAPE',
      'options.condition',
      '1 row, for all batches',
      amount(rowsOf, 'row'),
      'Call sample() for each batch of your conditions.',
    );
  const firstRow = given.firstRow ?? 0;
  const batch = (first: number, signal: AbortSignal): Promise<SampleResult> => {
    const promise = sample({ ...given, n: Math.min(each, n - first), firstRow: firstRow + first, signal });
    promise.catch(() => undefined); // seen when it is awaited
    return promise;
  };
  return (async function* () {
    const { signal, end } = following(given.signal);
    try {
      let next = n > 0 ? batch(0, signal) : null;
      for (let first = 0; next !== null; first += each) {
        const current: SampleResult = await next;
        next = first + each < n ? batch(first + each, signal) : null;
        yield current;
      }
    } finally {
      end(); // a caller who leaves early does not pay for the batch ahead
    }
  })();
}
