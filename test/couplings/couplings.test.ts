// Couplings: a sorted 1-D coupling (the optimal one) under the contract, and the checks of what a user returns.

import { describe, expect, it } from 'vitest';
import { builtInCoupling, checkPairs, defineCoupling, independent, minibatchOT, resolveCoupling } from '../../lib/couplings/couplings.ts';
import { couplingContract } from '../contracts/coupling.ts';

const order = (x: Float32Array): number[] => Array.from(x.keys()).sort((i, j) => (x[i] as number) - (x[j] as number));
const sorted = defineCoupling({
  name: 'sorted',
  pair: (x0, x1) => {
    const pairs = new Int32Array(x1.length);
    const [from, to] = [order(x0), order(x1)];
    to.forEach((i, rank) => {
      pairs[i] = from[rank] as number;
    });
    return pairs;
  },
});

describe('sorted 1-D coupling', () => couplingContract(sorted, 1, { permutation: true, cost: (a, b) => ((a[0] as number) - (b[0] as number)) ** 2 }));

describe('couplings', () => {
  it('resolves options', () => {
    expect(resolveCoupling(undefined)).toEqual(independent());
    expect(resolveCoupling('independent')).toEqual({ name: 'independent' });
    expect(resolveCoupling(sorted).name).toBe('sorted');
    class Own {
      readonly name = 'own';
      #base = 1;
      pair(_x0: Float32Array, x1: Float32Array): Int32Array {
        return Int32Array.from(x1, (_, i) => i * this.#base);
      }
    }
    const own = resolveCoupling(new Own());
    expect('pair' in own && Array.from(own.pair(new Float32Array(2), new Float32Array(2), null))).toEqual([0, 1]);
    expect(resolveCoupling('minibatchOT')).toEqual(minibatchOT());
    expect(resolveCoupling(minibatchOT({ ignoreCondition: true }))).toEqual({
      name: 'minibatchOT ignoring the condition',
      optimal: { ignoreCondition: true, batch: null },
    });
    const wide = minibatchOT({ batch: 1024 });
    expect(wide).toEqual({ name: 'minibatchOT of 1024', optimal: { ignoreCondition: false, batch: 1024 } });
    for (const coupling of [wide, minibatchOT({ batch: 4096, ignoreCondition: true }), minibatchOT()]) expect(builtInCoupling(coupling.name)).toEqual(coupling);
    for (const name of ['minibatchOT of 4097', 'minibatchOT of 0', 'minibatchOT of 1e3', 'minibatchOT of']) expect(builtInCoupling(name)).toBeNull();
    expect(() => minibatchOT({ batch: 4097 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'options.batch' }));
    expect(() => minibatchOT({ ignorecondition: true } as never)).toThrow(/Did you mean "ignoreCondition"/);
    expect(() => minibatchOT({ ignoreCondition: 1 } as never)).toThrow(/true or false/);
    expect(() => defineCoupling({ name: 'minibatchOT', pair: () => new Int32Array(1) })).toThrow(/a name of its own/);
    expect(() => resolveCoupling('independant')).toThrow(/Did you mean "independent"/);
    expect(() => resolveCoupling({ name: 'x', piar: 1 })).toThrow(/coupling.pair/);
    expect(() => resolveCoupling(4)).toThrow(/independent\(\)/);
  });

  it.each<[unknown, string, RegExp]>([
    [[0, 1], 'ERR_FLOW_TYPE', /Int32Array of 2 row indices/],
    [new Int32Array(3), 'ERR_FLOW_SHAPE', /2 indices/],
    [Int32Array.of(0, 2), 'ERR_FLOW_RANGE', /\[1\]: expected an index in \[0, 2\), got 2/],
    [Int32Array.of(-1, 0), 'ERR_FLOW_RANGE', /got -1/],
    [undefined, 'ERR_FLOW_TYPE', /undefined/],
  ])('refuses %s', (pairs, code, message) => {
    expect(() => checkPairs(pairs, 2)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
