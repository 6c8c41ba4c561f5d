// Couplings: a sorted 1-D coupling (the optimal one) under the contract, and the checks of what a user returns.

import { describe, expect, it } from 'vitest';
import { checkPairs, defineCoupling, independent, resolveCoupling } from '../../lib/couplings/couplings.ts';
import { sinkhorn, unbalancedOT } from '../../lib/couplings/entropic.ts';
import { minibatchOT, partialOT } from '../../lib/couplings/optimal.ts';
import { builtInCoupling } from '../../lib/couplings/stored.ts';
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
    expect(() => minibatchOT({ batch: 4097 })).toThrow(expect.objectContaining({ code: 'ERR_FLOW_RANGE', path: 'minibatchOT.batch' }));
    expect(() => minibatchOT({ ignorecondition: true } as never)).toThrow(/Did you mean "ignoreCondition"/);
    expect(() => minibatchOT({ ignoreCondition: 1 } as never)).toThrow(/true or false/);
    expect(() => defineCoupling({ name: 'minibatchOT', pair: () => new Int32Array(1) })).toThrow(/a name of its own/);
    expect(() => resolveCoupling('independant')).toThrow(/Did you mean "independent"/);
    expect(() => resolveCoupling({ name: 'x', piar: 1 })).toThrow(/coupling.pair/);
    expect(() => resolveCoupling(4)).toThrow(/such as minibatchOT\(\), got 4\. Call the factory/);
  });

  it('keeps the whole description of a plan in its name, and reads it back', () => {
    expect(resolveCoupling('sinkhorn')).toEqual(sinkhorn());
    expect(resolveCoupling('unbalancedOT')).toEqual(unbalancedOT());
    expect(resolveCoupling('partialOT')).toEqual(partialOT());
    const made: [ReturnType<typeof sinkhorn>, string][] = [
      [sinkhorn(), 'sinkhorn 0.05 within 0.001 in 1000'],
      [sinkhorn({ regularisation: { absolute: 2 }, tolerance: 1e-7, iterations: 50 }), 'sinkhorn absolute 2 within 1e-7 in 50'],
      [
        sinkhorn({ regularisation: 0.1 + 0.2, rounding: 'permutation', batch: 512, ignoreCondition: true }),
        'sinkhorn 0.30000000000000004 as a permutation of 512 ignoring the condition',
      ],
      [unbalancedOT({ marginal: { absolute: 0.5 }, batch: 64 }), 'unbalancedOT 0.05 marginal absolute 0.5 within 0.001 in 1000 of 64'],
      [unbalancedOT({ regularisation: { absolute: 1e-12 }, marginal: 1e6 }), 'unbalancedOT absolute 1e-12 marginal 1000000 within 0.001 in 1000'],
      [partialOT({ mass: 0.75, ignoreCondition: true }), 'partialOT 0.75 ignoring the condition'],
      [partialOT({ batch: 4096 }), 'partialOT 0.9 of 4096'],
    ];
    for (const [coupling, name] of made) {
      expect(coupling.name).toBe(name);
      expect(builtInCoupling(name)).toEqual(coupling);
      expect(resolveCoupling(coupling)).toEqual(coupling);
    }
    const plan = { kind: 'entropic', regularisation: { value: 2, absolute: true }, permutation: false, iterations: 50, tolerance: 1e-7 };
    expect(made[1]?.[0].optimal).toEqual({ ignoreCondition: false, batch: null, plan });
  });

  it.each([
    'sinkhorn',
    'sinkhorn 0.05',
    'sinkhorn 5e-2 within 0.001 in 1000', // not the name that it makes
    'sinkhorn 0 within 0.001 in 1000',
    'sinkhorn 0.05 within 0.001 in 0',
    'sinkhorn 0.05 within 2 in 1000',
    'sinkhorn absolute Infinity within 0.001 in 1000',
    'sinkhorn 0.05 within 0.001 in 1000 of 5000',
    'unbalancedOT 0.05 within 0.001 in 1000',
    'unbalancedOT 0.05 marginal 0 within 0.001 in 1000',
    'partialOT',
    'partialOT 0',
    'partialOT 1.5',
    `partialOT 0.${'9'.repeat(300)}`,
  ])('takes no other name for a built-in one: %s', (name) => expect(builtInCoupling(name)).toBeNull());

  it.each<[() => unknown, string, string, RegExp?]>([
    [() => sinkhorn({ regularisation: 0 }), 'ERR_FLOW_RANGE', 'sinkhorn.regularisation'],
    [() => sinkhorn({ regularisation: '0.05' } as never), 'ERR_FLOW_TYPE', 'sinkhorn.regularisation', /\{ absolute: 2 \}/],
    [() => sinkhorn({ regularisation: { absolut: 2 } } as never), 'ERR_FLOW_CONFIG', 'sinkhorn.regularisation.absolut', /Did you mean "absolute"/],
    [() => sinkhorn({ regularisation: { absolute: -1 } }), 'ERR_FLOW_RANGE', 'sinkhorn.regularisation.absolute'],
    [() => sinkhorn({ rounding: 'permute' } as never), 'ERR_FLOW_CONFIG', 'sinkhorn.rounding'],
    [() => sinkhorn({ iterations: 0 }), 'ERR_FLOW_RANGE', 'sinkhorn.iterations'],
    [() => sinkhorn({ tolerance: Number.NaN }), 'ERR_FLOW_RANGE', 'sinkhorn.tolerance'],
    [() => sinkhorn({ regularization: 1 } as never), 'ERR_FLOW_CONFIG', 'sinkhorn.regularization', /Did you mean "regularisation"/],
    [() => sinkhorn({ epsilon: 0.1 } as never), 'ERR_FLOW_CONFIG', 'sinkhorn.epsilon', /Write regularisation/],
    [() => unbalancedOT({ reg_m: 1 } as never), 'ERR_FLOW_CONFIG', 'unbalancedOT.reg_m', /Write marginal/],
    [() => sinkhorn({ rounding: 'permutation', iterations: 5 }), 'ERR_FLOW_CONFIG', 'sinkhorn.iterations', /without iteration/],
    [() => sinkhorn({ rounding: 'permutation', tolerance: 0.1 }), 'ERR_FLOW_CONFIG', 'sinkhorn.tolerance', /without iteration/],
    [() => sinkhorn({ batch: 5000 }), 'ERR_FLOW_RANGE', 'sinkhorn.batch'],
    [() => unbalancedOT({ marginal: 0 }), 'ERR_FLOW_RANGE', 'unbalancedOT.marginal'],
    [() => unbalancedOT({ rounding: 'sample' } as never), 'ERR_FLOW_CONFIG', 'unbalancedOT.rounding'],
    [() => partialOT({ mass: 0 }), 'ERR_FLOW_RANGE', 'partialOT.mass'],
    [() => partialOT({ mass: 1.1 }), 'ERR_FLOW_RANGE', 'partialOT.mass'],
    [() => defineCoupling({ name: 'sinkhorn', pair: () => new Int32Array(1) }), 'ERR_FLOW_TYPE', 'coupling.name', /a name of its own/],
    [() => defineCoupling({ name: 'partialOT 0.9', pair: () => new Int32Array(1) }), 'ERR_FLOW_TYPE', 'coupling.name'],
    [() => resolveCoupling('sinkhorm'), 'ERR_FLOW_CONFIG', 'coupling', /Did you mean "sinkhorn"/],
  ])('refuses what is out of range: %s', (call, code, path, message = /./) => {
    expect(call).toThrow(expect.objectContaining({ code, path, message: expect.stringMatching(message) }));
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
