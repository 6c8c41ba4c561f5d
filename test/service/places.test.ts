// Where an option was wrong: a description names the factory that was to make it, as `sinkhorn.batch`, wherever the call stands; verbs name `options`.

import { describe, expect, test } from 'vitest';
import * as api from '../../lib/index.ts';

const before: Readonly<Record<string, readonly unknown[]>> = { edmGrid: [6], powerGrid: [6], synthetic: ['moons'] };
const factories =
  'adamw adaptive beta bosh3 condOT cosine dopri5 dopri8 edm edmGrid edmSkew euler eulerMaruyama fading heun interpolant linear linearVP logitNormal meanFlow midpoint minSNR minibatchOT mlp mse partialOT polynomial power powerGrid proportional pseudoHuber ralston rk4 rk4ThreeEighths schrodingerBridge scoreAndFlow shift shortcut sinkhorn stochasticHeun synthetic tsit5 uShaped unbalancedOT uniform ve vp warmupCosine'.split(
    ' ',
  );

describe('the place of an error', () => {
  test.each(factories)('%s() names itself', (name) => {
    const make = (api as unknown as Record<string, (...given: unknown[]) => unknown>)[name];
    const call = () => make?.(...(before[name] ?? []), { nonsense: 1 });
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG', path: `${name}.nonsense` }));
  });

  test('of a value, of a value inside, of what all couplings share', () => {
    const tries: [() => unknown, string][] = [
      [() => api.minibatchOT({ batch: 0 }), 'minibatchOT.batch'],
      [() => api.partialOT({ mass: 2 }), 'partialOT.mass'],
      [() => api.partialOT({ mass: 0.5, ignoreCondition: 1 as never }), 'partialOT.ignoreCondition'],
      [() => api.unbalancedOT({ regularisation: { absolute: -1 } }), 'unbalancedOT.regularisation.absolute'],
      [() => api.sinkhorn({ iterations: 0 }), 'sinkhorn.iterations'],
      [() => api.unbalancedOT({ tolerance: 2 }), 'unbalancedOT.tolerance'],
      [() => api.sinkhorn({ batch: 1e6 }), 'sinkhorn.batch'],
      [() => api.edmGrid(6, { rho: 0 }), 'edmGrid.rho'],
      [() => api.powerGrid(6, { power: 0 }), 'powerGrid.power'],
      [() => api.eulerMaruyama({ steps: 0 }), 'eulerMaruyama.steps'],
      [() => api.stochasticHeun({ rtol: 1e-3 }), 'stochasticHeun.rtol'],
      [() => api.stochasticHeun({ noise: 'much' as never }), 'stochasticHeun.noise'],
      [() => api.shortcut({ mostSteps: 3 }), 'shortcut.mostSteps'],
      [() => api.scoreAndFlow({ sigma: 0 }), 'scoreAndFlow.sigma'],
    ];
    for (const [call, path] of tries) expect(call, path).toThrow(expect.objectContaining({ path }));
    expect(() => api.eulerMaruyama({ nosie: 'fading' } as never)).toThrow(/Did you mean "noise"/);
  });
});
