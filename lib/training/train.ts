// train(): the one verb. Every option has a default.

import type { Model } from '../model/model.ts';
import type { TrainOptions } from './options.ts';
import { Trainer } from './trainer.ts';

/**
 * Trains a flow-matching model on rows of numbers and returns it; the event loop stays free. With `checkpoint`, the same call after a crash goes on where it was.
 * @throws FlowError naming the option that is wrong (at once), or the row and column of bad data (rejected); ERR_FLOW_DIVERGED with the step.
 * @returns rejects with signal.reason when aborted, after saving the checkpoint if one is asked for.
 * @example const model = await train({ data: [[0, 1], [1, 0]], steps: 2000, seed: 7 });
 */
export function train(options: TrainOptions): Promise<Model> {
  const trainer = new Trainer(options);
  return trainer.run().finally(() => trainer.dispose());
}
