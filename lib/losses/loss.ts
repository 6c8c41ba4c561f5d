// How a row is counted in the loss. With q = |v - target|^2 over its d columns, a row adds w(t) times q / d (mse), sqrt(q + c^2) - c (pseudoHuber) or
// q / (q + c)^power (adaptive, no gradient through the divisor); the loss is the mean over the rows of a batch.

import { argumentError, callIt, nameFactories } from '../errors.ts';
import { choice, finite, record } from '../options.ts';

export interface Loss {
  readonly name: 'mse' | 'pseudoHuber' | 'adaptive';
  readonly c: number;
  readonly power: number;
}

/** Mean squared error per element. @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE */
export function mse(options: Readonly<Record<never, never>> = {}): Loss {
  record(options, 'mse', []);
  return Object.freeze({ name: 'mse', c: 0, power: 0 });
}

/**
 * sqrt(q + c^2) - c: squares for rows that are off by less than c, distances beyond, so that outliers pull less. Source: arXiv 2310.14189, section 3.
 * @param options.c In [1e-6, 1e6], in units of the length of a row's error. @default 0.01
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, loss: pseudoHuber({ c: 0.05 }) })
 */
export function pseudoHuber(options: { readonly c?: number } = {}): Loss {
  const c = finite(record(options, 'pseudoHuber', ['c'], {}, ['c', pseudoHuber]).c ?? 0.01, 'pseudoHuber.c', 1e-6, 1e6);
  return Object.freeze({ name: 'pseudoHuber', c, power: 0 });
}

/**
 * q / (q + c)^power with no gradient through the divisor: rows that are far off count less, by a weight that follows the error. Source: arXiv 2505.13447, section 4.3.
 * @param options.power In [0, 2]; 0 is the squared length itself. @default 1
 * @param options.c In [1e-9, 1e6]. @default 0.01
 * @throws FlowError ERR_FLOW_CONFIG, ERR_FLOW_TYPE, ERR_FLOW_RANGE
 * @example train({ data, loss: adaptive({ power: 0.5 }) })
 */
export function adaptive(options: { readonly power?: number; readonly c?: number } = {}): Loss {
  const given = record(options, 'adaptive', ['power', 'c']);
  const power = finite(given.power ?? 1, 'adaptive.power', 0, 2);
  return Object.freeze({ name: 'adaptive', c: finite(given.c ?? 0.01, 'adaptive.c', 1e-9, 1e6), power });
}

nameFactories('loss', { mse, pseudoHuber, adaptive });
const makers = { mse: () => mse(), pseudoHuber: ({ c }: Partial<Loss>) => pseudoHuber(c === undefined ? {} : { c }), adaptive: adaptiveOf } as const;

function adaptiveOf({ c, power }: Partial<Loss>): Loss {
  return adaptive({ ...(c === undefined ? {} : { c }), ...(power === undefined ? {} : { power }) });
}

/** The value of a `loss` option: a name, or what mse(), pseudoHuber() and adaptive() make. Undefined means mse(). */
export function resolveLoss(value: unknown, path = 'loss'): Loss {
  if (value === undefined) return mse();
  if (typeof value === 'string') return makers[choice(value, path, ['mse', 'pseudoHuber', 'adaptive'])]({});
  if (typeof value !== 'object' || value === null)
    throw argumentError('ERR_FLOW_TYPE', path, 'a loss such as mse() or pseudoHuber()', value, callIt(value, 'loss'));
  const { name, c, power } = record(value, path, ['name', 'c', 'power']) as Partial<Loss>;
  return makers[choice(name, `${path}.name`, ['mse', 'pseudoHuber', 'adaptive'])]({
    ...(c === undefined ? {} : { c }),
    ...(power === undefined ? {} : { power }),
  });
}
