// mlp(): the multilayer perceptron in users' words, checked strictly; lower() makes a Program of it.
// v = L_n(... act(L_1(act(L_0([x, time(t), condition])))) with optional pre-norm and residual additions between layers of equal width.

import { argumentError, callIt, nameFactories } from '../errors.ts';
import { choice, finite, integer, record } from '../options.ts';
import { activations } from './ops.ts';
import type { ConditionSpec, MlpSpec, NetworkSpec, TimeSpec } from './spec.ts';

const nonlinear = activations.filter((name) => name !== 'identity');
const timeKinds = ['raw', 'fourier', 'random', 'sinusoid'] as const;

/** How t enters, with the defaults left out: a kind alone, or a kind with its constants. */
export type TimeOptions =
  | (typeof timeKinds)[number]
  | { readonly kind: 'raw' }
  | { readonly kind: 'fourier'; readonly frequencies?: number }
  | { readonly kind: 'random'; readonly dim?: number; readonly scale?: number; readonly seed?: number }
  | { readonly kind: 'sinusoid'; readonly dim?: number; readonly maxPeriod?: number };

export interface MlpOptions {
  /** Widths of the hidden layers, each 1 .. 65536, at most 64 of them. @default [256, 256, 256] */
  readonly hidden?: readonly number[];
  /** silu, gelu (exact, erf), selu, elu, relu or tanh. @default 'silu' */
  readonly activation?: MlpSpec['activation'];
  /** 'fourier' (cos and sin of k pi t, k = 1 .. 8), 'raw', 'random' (32 features, scale 1, seed 0), 'sinusoid' (128 features, period 10^4). @default 'fourier' */
  readonly time?: TimeOptions;
  /** Adds the input of each hidden layer but the first to its output where the widths agree. @default true */
  readonly residual?: boolean;
  /** Layer norm before each hidden layer but the first: the largest single gain in quality per step (docs/decisions/0005-defaults.md). @default true */
  readonly norm?: boolean;
  /** Starts the output layer at zero, so that the untrained velocity is 0. @default false */
  readonly zeroOutput?: boolean;
  /** Width of the learned embedding of each class column, 0 .. 4096; 0 = one-hot. @default 0 */
  readonly classEmbedding?: number;
}

/**
 * A multilayer perceptron (x, t, condition) -> v, as plain frozen data.
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE or ERR_FLOW_RANGE naming the option.
 * @example mlp({ hidden: [64, 64, 64], activation: 'selu', time: 'raw', residual: false, norm: false })
 */
export function mlp(options: MlpOptions = {}): MlpSpec {
  if (typeof options === 'number')
    throw argumentError('ERR_FLOW_TYPE', 'mlp', 'an options object', options, 'Write the widths of the layers: mlp({ hidden: [256, 256] }).');
  return parseMlp(options, 'mlp', ['hidden', 'activation', 'time', 'residual', 'norm', 'zeroOutput', 'classEmbedding']);
}

nameFactories('network', { mlp });

/** A NetworkSpec from untrusted JSON (a model file, a user's object), checked as strictly as mlp(). */
export function checkNetwork(value: unknown, path: string): NetworkSpec {
  const kind = typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : undefined;
  if (kind !== 'mlp')
    throw argumentError('ERR_FLOW_CONFIG', path, 'a network such as mlp({ hidden: [256, 256] })', value, callIt(value, 'network') ?? 'Call mlp() to make one.');
  return parseMlp(value, path, ['kind', 'hidden', 'activation', 'time', 'residual', 'norm', 'zeroOutput', 'classEmbedding', 'span']);
}

/** A ConditionSpec from untrusted JSON; null stays null. */
export function checkCondition(value: unknown, path: string): ConditionSpec | null {
  if (value === null || value === undefined) return null;
  const given = record(value, path, ['numbers', 'classes', 'drop']);
  const classes = list(given.classes, `${path}.classes`, 256).map((count, i) => integer(count, `${path}.classes[${i}]`, 1, 65_536));
  const numbers = integer(given.numbers, `${path}.numbers`, 0, 65_536);
  if (numbers === 0 && classes.length === 0) {
    throw argumentError('ERR_FLOW_CONFIG', path, 'at least one condition column', value, 'Leave the condition out instead.');
  }
  const drop = given.drop === undefined ? {} : { drop: finite(given.drop, `${path}.drop`, Number.MIN_VALUE, 1 - 2 ** -53) };
  return Object.freeze({ numbers, classes: Object.freeze(classes), ...drop });
}

/** What other libraries call them. */
const elsewhere = { layers: 'hidden: [256, 256]', widths: 'hidden: [256, 256]', width: 'hidden: [256, 256]', units: 'hidden: [256, 256]' } as const;

function parseMlp(value: unknown, path: string, known: readonly (keyof MlpSpec)[]): MlpSpec {
  const given = record(value, path, known, elsewhere);
  const hidden = list(given.hidden ?? [256, 256, 256], `${path}.hidden`, 64).map((width, i) => integer(width, `${path}.hidden[${i}]`, 1, 65_536));
  return Object.freeze({
    kind: 'mlp',
    hidden: Object.freeze(hidden),
    activation: choice(given.activation ?? 'silu', `${path}.activation`, nonlinear) as MlpSpec['activation'],
    time: parseTime(given.time ?? 'fourier', `${path}.time`),
    residual: flag(given.residual, `${path}.residual`, true),
    norm: flag(given.norm, `${path}.norm`, true),
    zeroOutput: flag(given.zeroOutput, `${path}.zeroOutput`, false),
    classEmbedding: integer(given.classEmbedding ?? 0, `${path}.classEmbedding`, 0, 4096),
    ...spanOf(given.span, `${path}.span`),
  });
}

function parseTime(value: unknown, path: string): TimeSpec {
  const kind = choice(typeof value === 'object' && value !== null ? (value as { kind?: unknown }).kind : value, `${path}.kind`, timeKinds);
  const source = typeof value === 'object' ? value : {};
  switch (kind) {
    case 'raw':
      record(source, path, ['kind']);
      return Object.freeze({ kind });
    case 'fourier': {
      const given = record(source, path, ['kind', 'frequencies']);
      return Object.freeze({ kind, frequencies: integer(given.frequencies ?? 8, `${path}.frequencies`, 1, 4096) });
    }
    case 'random': {
      const given = record(source, path, ['kind', 'dim', 'scale', 'seed']);
      const scale = finite(given.scale ?? 1, `${path}.scale`, 1e-6, 1e6);
      return Object.freeze({ kind, dim: even(given.dim ?? 32, `${path}.dim`), scale, seed: integer(given.seed ?? 0, `${path}.seed`, 0) });
    }
    case 'sinusoid': {
      const given = record(source, path, ['kind', 'dim', 'maxPeriod']);
      return Object.freeze({ kind, dim: even(given.dim ?? 128, `${path}.dim`), maxPeriod: finite(given.maxPeriod ?? 10_000, `${path}.maxPeriod`, 2, 1e9) });
    }
  }
}

function spanOf(value: unknown, path: string): Pick<MlpSpec, 'span'> {
  if (value === undefined || value === false) return {};
  if (value === true) return { span: true };
  const most = integer(value, path, 1, 1024);
  if (!Number.isInteger(Math.log2(most))) throw argumentError('ERR_FLOW_RANGE', path, 'true, or a power of two', most);
  return { span: most };
}

function flag(value: unknown, path: string, preset: boolean): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw argumentError('ERR_FLOW_TYPE', path, 'true or false', value);
  return value ?? preset;
}

function even(value: unknown, path: string): number {
  const number = integer(value, path, 2, 8192);
  if (number % 2 !== 0) throw argumentError('ERR_FLOW_RANGE', path, 'an even integer', value, 'Half of the features are cosines, half sines.');
  return number;
}

function list(value: unknown, path: string, most: number): unknown[] {
  if (!Array.isArray(value))
    throw argumentError('ERR_FLOW_TYPE', path, 'an array of integers', value, typeof value === 'number' ? `Write [${value}].` : undefined);
  if (value.length > most) throw argumentError('ERR_FLOW_RANGE', path, `at most ${most} entries`, value);
  return Array.from(value);
}
