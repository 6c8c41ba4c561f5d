// `--config fit.json`: the flags of fit as strict JSON; a flag on the command line wins. Unknown keys are refused with the nearest known one.

import { readFileSync } from 'node:fs';
import type { CouplingName } from '../couplings/couplings.ts';
import { argumentError, FlowError } from '../errors.ts';
import type { Objective } from '../losses/objective.ts';
import { finite, integer, record } from '../options.ts';
import { type TrainingPrecision, trainingPrecision } from '../precision.ts';
import { checkCoupling, checkObjective, secondsFlag } from './flags.ts';

/** What fit can be told, by flags or by a file. */
export interface FitSettings {
  steps?: number;
  batch?: number;
  lr?: number;
  hidden?: number[];
  coupling?: CouplingName;
  objective?: Objective['name'];
  ema?: number;
  validation?: number;
  seed?: number;
  threads?: number;
  precision?: TrainingPrecision;
  checkpoint?: string;
  every?: number;
  null?: string[];
  keep?: string[];
  drop?: string[];
  target?: string;
  dropCondition?: number;
  columns?: Record<string, string>;
}

const keys = [
  'steps',
  'batch',
  'lr',
  'hidden',
  'coupling',
  'objective',
  'ema',
  'validation',
  'seed',
  'threads',
  'precision',
  'checkpoint',
  'every',
  'null',
  'keep',
  'drop',
  'target',
  'dropCondition',
  'columns',
] as const;
type Check = (value: unknown, path: string) => unknown;

const text: Check = (value, path) => {
  if (typeof value === 'string' && value !== '') return value;
  throw argumentError('ERR_FLOW_TYPE', path, 'a text', value);
};
const texts: Check = (value, path) => {
  const list = typeof value === 'string' ? [value] : value;
  if (Array.isArray(list) && list.every((one) => typeof one === 'string')) return list;
  throw argumentError('ERR_FLOW_TYPE', path, 'a list of texts', value);
};
const checks: Record<(typeof keys)[number], Check> = {
  steps: (value, path) => integer(value, path, 1),
  batch: (value, path) => integer(value, path, 1, 1 << 20),
  lr: (value, path) => finite(value, path, 0, 10),
  hidden: (value, path) => {
    if (!Array.isArray(value) || value.length === 0) throw argumentError('ERR_FLOW_TYPE', path, 'a list of widths, e.g. [256, 256]', value);
    return value.map((width: unknown, i) => integer(width, `${path}[${i}]`, 1, 16_384));
  },
  coupling: checkCoupling,
  objective: checkObjective,
  ema: (value, path) => finite(value, path, 0, 0.999999),
  validation: (value, path) => finite(value, path, 0, 0.9),
  seed: (value, path) => integer(value, path, 0),
  threads: (value, path) => integer(value, path, 1, 1024),
  precision: trainingPrecision,
  checkpoint: text,
  every: (value, path) => (typeof value === 'string' ? secondsFlag(path)(value) : finite(value, path, 0, 1e7)),
  null: texts,
  keep: texts,
  drop: texts,
  target: text,
  dropCondition: (value, path) => finite(value, path, 0, 0.99),
  columns: (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw argumentError('ERR_FLOW_TYPE', path, 'kinds by column, e.g. {"zip": "category"}', value);
    return Object.fromEntries(Object.entries(value).map(([name, kind]) => [name, text(kind, `${path}.${name}`) as string]));
  },
};

/** Reads and checks a settings file. */
export function readConfig(file: string): FitSettings {
  let parsed: unknown;
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FlowError('ERR_FLOW_IO', `${file}: cannot be read (${code}).`, { path: file, received: code, cause: error });
  }
  try {
    parsed = JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new FlowError('ERR_FLOW_CONFIG', `${file}: not valid JSON (${(error as Error).message.slice(0, 80)}).`, {
      path: file,
      expected: 'JSON',
      cause: error,
    });
  }
  const given = record(parsed, 'config', keys);
  const out: Record<string, unknown> = {};
  for (const key of keys) if (given[key] !== undefined) out[key] = checks[key](given[key], `config.${key}`);
  return out as FitSettings;
}
