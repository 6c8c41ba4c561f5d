// A small training set, and the FlowError that a call ends with.

import { expect } from 'vitest';
import { FlowError, mlp, train } from '../../lib/index.ts';

export const data = Array.from({ length: 20 }, (_, i) => [i % 5, (i * i) % 7]);
export const labels = data.map((_, i) => i % 2);
export const small = { data, steps: 2, validation: 0, network: mlp({ hidden: [4] }) };

/** What a call throws, or its promise rejects with; a failure of the test where that is no FlowError, or nothing. */
export async function failing(call: () => unknown): Promise<FlowError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(FlowError);
    return error as FlowError;
  }
  throw new Error('it did not fail');
}
export const training = (options: object): Promise<FlowError> => failing(() => train({ ...small, ...options } as never));
