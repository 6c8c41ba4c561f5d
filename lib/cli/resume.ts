// Why a run cannot go on from its checkpoint, in flags. The learning rates follow from --lr and --steps together; the file says how many steps it was begun with.

import { readModelFile } from '../checkpoint/model-file.ts';
import { FlowError } from '../errors.ts';

/** The error of trainTable as a user of `fit --checkpoint` reads it; others pass as they are. */
export async function resumeError(error: unknown, file: string | undefined, steps: number): Promise<unknown> {
  if (!(error instanceof FlowError) || error.path !== 'options.optimiser.lr' || file === undefined) return error;
  const trainer = (await readModelFile(file)).trainer as { readonly steps?: unknown } | null;
  const begun = trainer?.steps;
  const other = typeof begun === 'number' && begun !== steps;
  const flag = other ? '--steps' : '--lr';
  const was = other ? `begun with --steps ${begun}, on which its learning rates depend` : 'begun with another --lr';
  const hint = `Use ${other ? `--steps ${begun}` : 'the same --lr'}, or another --checkpoint file.`;
  return new FlowError('ERR_FLOW_CHECKPOINT', `${flag}: the run in ${file} was ${was}${other ? `; now ${steps}` : ''}. ${hint}`, {
    path: flag,
    ...(other ? { expected: String(begun), received: String(steps) } : {}),
    hint,
    cause: error,
  });
}
