// Classifier two-sample test: how well a small network tells samples from a reference; 1/2 = not at all (Lopez-Paz and Oquab, arXiv 1610.06545).
// As the benchmark of simulation-based inference defines it (Lueckmann et al., arXiv 2101.04653): z-scored by the reference, two hidden layers of 10 d ReLU units,
// mean accuracy over 5 folds, here of equally many rows of both sides. A good score says that this classifier finds no difference, and the more rows, the finer the differences that it finds.

import { argumentError } from '../errors.ts';
import { native } from '../native/load.ts';
import { checkSeed, checkSignal, integer, record } from '../options.ts';
import { Random, shuffled } from '../random.ts';
import { classify, type FitOptions } from './classifier.ts';
import { rowCount, type Values } from './rows.ts';

export interface C2stOptions {
  /** Parts, 2 .. 100: each is tested by a network fitted to the others. @default 5 */
  readonly folds?: number;
  /** Widths of the hidden layers, each 1 .. 16384. @default [10 * columns, 10 * columns] */
  readonly hidden?: readonly number[];
  /** Passes over the rows of a fit at most, >= 1; it ends earlier once its loss stands still for 10 of them. @default 1000 */
  readonly epochs?: number;
  /** Of the folds, the initial weights and the batches. @default 0 */
  readonly seed?: number | bigint;
  /** Threads, 1 .. 1024; 0 = the physical cores. The answer does not depend on them. @default 0 */
  readonly threads?: number;
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}
export interface C2stResult {
  /** Mean accuracy over the folds, in [0, 1]: 0.5 = nothing to tell them by, 1 = told apart always. */
  readonly accuracy: number;
  /** Of that mean, by the deviation between the folds, std / sqrt(folds); what all folds share of the rows widens it, by half and more for small samples. */
  readonly standardError: number;
  /** (folds): accuracy on each part. */
  readonly folds: Float64Array;
}

const stream = 0x63327374; // 'c2st'
/** Rows of each sample at most. */
const mostRows = 2 ** 22;

/**
 * The accuracy with which a classifier tells the rows of `samples` (m, columns) from those of `reference` (n, columns), on rows that it was not fitted to.
 * Of the larger sample as many rows are taken, at random, as the smaller has. Fits by least squares off the JavaScript thread; seconds for 10,000 rows of 2 columns.
 * @throws FlowError at once: ERR_FLOW_TYPE, ERR_FLOW_SHAPE, ERR_FLOW_NONFINITE for what is no sample or has fewer rows than folds; ERR_FLOW_RANGE; ERR_FLOW_LIMIT above 2^22
 * rows; ERR_FLOW_PLATFORM without the addon.
 * @example const { accuracy, standardError } = await c2st(fresh, samples, 2);
 */
export function c2st(reference: Values, samples: Values, columns: number, options: C2stOptions = {}): Promise<C2stResult> {
  const given = record(options, 'options', ['folds', 'hidden', 'epochs', 'seed', 'threads', 'signal']);
  const folds = integer(given.folds ?? 5, 'options.folds', 2, 100);
  const [n, m] = [rowCount(reference, columns, 'reference', folds), rowCount(samples, columns, 'samples', folds)];
  const each = Math.min(n, m);
  if (each > mostRows) throw argumentError('ERR_FLOW_LIMIT', 'reference', `at most ${mostRows} rows`, each);
  const fit = {
    hidden: widths(given.hidden ?? [10 * columns, 10 * columns]),
    epochs: integer(given.epochs ?? 1000, 'options.epochs', 1),
    threads: integer(given.threads ?? 0, 'options.threads', 0, 1024),
    signal: checkSignal(given.signal),
  };
  return test(reference, samples, columns, { each, folds, seed: checkSeed(given.seed, 'options.seed'), fit });
}

interface Test {
  /** Rows of each side. */
  readonly each: number;
  readonly folds: number;
  readonly seed: bigint;
  readonly fit: Omit<FitOptions, 'seed'>;
}

async function test(reference: Values, samples: Values, columns: number, { each, folds, seed, fit }: Test): Promise<C2stResult> {
  fit.signal?.throwIfAborted();
  const rows = standardised(reference, [drawn(reference, columns, each, seed, 0), drawn(samples, columns, each, seed, 1)], columns);
  const binding = native();
  const [features, labels] = [new binding.Dataset(columns), new binding.Dataset(1)];
  try {
    features.append(rows);
    labels.append(Float32Array.from({ length: 2 * each }, (_, i) => (i < each ? -1 : 1)));
    const accuracies = new Float64Array(folds);
    for (let k = 0; k < folds; k++) {
      // Equally many rows of both sides: what is left would otherwise lean to the side that lacks rows here, and score below 1/2 where there is nothing to find.
      const [from, to] = [Math.floor((each * k) / folds), Math.floor((each * (k + 1)) / folds)];
      const train = Uint32Array.from({ length: 2 * (each - (to - from)) }, (_, i) => {
        const [side, at] = i < each - (to - from) ? [0, i] : [1, i - (each - (to - from))];
        return side * each + (at < from ? at : at + (to - from));
      });
      const test = new Float32Array(2 * (to - from) * columns);
      for (const side of [0, 1]) test.set(rows.subarray((side * each + from) * columns, (side * each + to) * columns), side * (to - from) * columns);
      const said = await classify(binding, { features, labels }, train, test, { ...fit, seed: BigInt.asUintN(64, seed + BigInt(k)) });
      accuracies[k] = said.reduce((right, v, i) => right + (v > 0 === i >= to - from ? 1 : 0), 0) / said.length;
    }
    const accuracy = accuracies.reduce((sum, a) => sum + a, 0) / folds;
    const variance = accuracies.reduce((sum, a) => sum + (a - accuracy) ** 2, 0) / (folds - 1);
    return { accuracy, standardError: Math.sqrt(variance / folds), folds: accuracies };
  } finally {
    features.dispose();
    labels.dispose();
  }
}

function widths(value: unknown): number[] {
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', 'options.hidden', 'an array of widths', value);
  return Array.from(value, (width, i) => integer(width, `options.hidden[${i}]`, 1, 16_384));
}

/** `count` rows of a sample, drawn without replacement, in the order of the draw. */
function drawn(x: Values, columns: number, count: number, seed: bigint, side: number): Values {
  const out = new Float64Array(count * columns);
  shuffled(new Random(seed, stream, side), x.length / columns)
    .subarray(0, count)
    .forEach((r, i) => {
      out.set(x.subarray(r * columns, (r + 1) * columns), i * columns);
    });
  return out;
}

/**
 * The parts below one another, (x - mean) / std by column, of the whole reference; a constant column is only centred. Columns are first divided by a power of two
 * near their largest value, which rounds nothing, so that squares of neither 1e200 nor 1e-200 leave the range of numbers.
 */
function standardised(reference: Values, parts: readonly Values[], columns: number): Float32Array {
  const rows = reference.length / columns;
  const [mean, variance, unit] = [new Float64Array(columns), new Float64Array(columns), new Float64Array(columns)];
  reference.forEach((v: number, i: number) => {
    unit[i % columns] = Math.max(unit[i % columns] as number, Math.abs(v));
  });
  unit.forEach((largest, c) => {
    unit[c] = largest === 0 ? 1 : 2 ** Math.min(Math.floor(Math.log2(largest)), 1023);
  });
  const scaled = (v: number, c: number): number => v / (unit[c] as number);
  reference.forEach((v: number, i: number) => {
    mean[i % columns] = (mean[i % columns] as number) + scaled(v, i % columns) / rows;
  });
  reference.forEach((v: number, i: number) => {
    variance[i % columns] = (variance[i % columns] as number) + (scaled(v, i % columns) - (mean[i % columns] as number)) ** 2 / rows;
  });
  const out = new Float32Array(parts.reduce((sum, x) => sum + x.length, 0));
  let at = 0;
  for (const x of parts)
    for (let i = 0; i < x.length; i++) {
      const c = i % columns;
      // Far beyond the reference any value tells as much as this one.
      const z = (scaled(x[i] as number, c) - (mean[c] as number)) / (Math.sqrt(variance[c] as number) || 1);
      out[at++] = Math.max(-farthest, Math.min(farthest, z));
    }
  return out;
}
const farthest = 100;
