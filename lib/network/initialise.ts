// Initial parameters, a pure function of (Program, seed): the same bits on every machine.
// PyTorch's default for a linear layer: weight and bias ~ U(-1/sqrt(fanIn), 1/sqrt(fanIn)); layer norm 1 and 0; embeddings N(0, 1).

import { Random } from '../random.ts';
import type { Parameter, Program } from './ops.ts';
import type { NetworkSpec } from './spec.ts';

const stream = 0x696e6974; // 'init'

/** Flat parameters in the logical layout of `program`; tensor k is drawn from row k of the stream, so it does not depend on the others. */
export function initialiseParameters(program: Program, seed: number | bigint, spec?: Pick<NetworkSpec, 'zeroOutput'>): Float32Array {
  const turns = initialiseInTurns(program, seed, spec);
  for (;;) {
    const { done, value } = turns.next();
    if (done) return value;
  }
}

/** Values drawn between two turns: a fraction of a millisecond. */
const turn = 1024;

/** The same, pausing after every `turn` values, so that the caller can look after other things. */
export function* initialiseInTurns(
  program: Program,
  seed: number | bigint,
  spec: Pick<NetworkSpec, 'zeroOutput'> = { zeroOutput: false },
): Generator<void, Float32Array> {
  const flat = new Float32Array(program.parameterCount);
  const bound = new Map<number, number>();
  for (const op of program.ops) {
    if (op.kind !== 'dense') continue;
    const zero = spec.zeroOutput && op.output === program.output;
    const limit = zero ? 0 : 1 / Math.sqrt((program.parameters[op.weight] as Parameter).shape[1] as number);
    bound.set(op.weight, limit);
    bound.set(op.bias, limit);
  }
  for (const [index, p] of program.parameters.entries()) {
    const slice = flat.subarray(p.offset, p.offset + p.shape.reduce((a, b) => a * b, 1));
    const random = new Random(seed, stream, index);
    const limit = bound.get(index) ?? 0;
    if (p.role === 'scale') slice.fill(1);
    else if (p.role === 'table' || (p.role !== 'shift' && limit > 0)) {
      for (let i = 0; i < slice.length; i++) {
        slice[i] = p.role === 'table' ? random.normal() : (2 * random.uniform() - 1) * limit;
        if (i % turn === turn - 1) yield;
      }
    }
  }
  return flat;
}
