// Why a run cannot go on from its checkpoint, in flags. The learning rates follow from --lr and --steps together; the file says how many steps it was begun with, and
// what it learns.

import { type ModelFile, readModelFile } from '../checkpoint/model-file.ts';
import { FlowError } from '../errors.ts';
import type { Objective } from '../losses/objective.ts';
import { tableDefaults } from '../table/defaults.ts';
import type { FitSettings } from './config.ts';
import { objectiveName } from './flags.ts';

/** The error of trainTable as a user of `fit --checkpoint` reads it; others pass as they are. */
export async function resumeError(error: unknown, { checkpoint: file, objective, steps = tableDefaults.steps }: FitSettings): Promise<unknown> {
  const place = error instanceof FlowError && error.path !== undefined ? error.path : '';
  if (file === undefined || !/^options\.(optimiser\.lr$|network\.span$|path\b|objective\b)/.test(place)) return error;
  const found = await readModelFile(file);
  const [learned, now] = [learnedBy(found), objective ?? 'velocity'];
  if (learned !== now) {
    const was = objectiveName(learned);
    return refuse('--objective', file, `begun with --objective ${was}`, `Use --objective ${was}`, {
      expected: was,
      received: objectiveName(now),
      cause: error,
    });
  }
  if (place !== 'options.optimiser.lr') return error;
  const begun = (found.trainer as { readonly steps?: unknown } | null)?.steps;
  if (typeof begun !== 'number' || begun === steps) return refuse('--lr', file, 'begun with another --lr', 'Use the same --lr', { cause: error });
  const was = `begun with --steps ${begun}, on which its learning rates depend`;
  return refuse('--steps', file, was, `Use --steps ${begun}`, { expected: String(begun), received: String(steps), cause: error });
}

function learnedBy({ record: { network, score } }: ModelFile): Objective['name'] {
  if (score !== undefined) return 'scoreAndFlow';
  return network.span === undefined ? 'velocity' : network.span === true ? 'meanFlow' : 'shortcut';
}

interface Difference {
  readonly expected?: string;
  readonly received?: string;
  readonly cause: unknown;
}

function refuse(flag: string, file: string, was: string, use: string, { expected, received, cause }: Difference): FlowError {
  const hint = `${use}, or another --checkpoint file.`;
  const now = received === undefined ? '' : `; now ${received}`;
  return new FlowError('ERR_FLOW_CHECKPOINT', `${flag}: the run in ${file} was ${was}${now}. ${hint}`, { path: flag, expected, received, hint, cause });
}
