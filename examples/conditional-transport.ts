// Optimal transport with a condition: aware of it (C2OT, what minibatchOT() does by itself) the flow of each class is straight and right; blind to it, it is wrong however
// many steps are taken. The condition is the moon, the source is eight gaussians.
import { type Coupling, energyDistance, euler, independent, midpoint, minibatchOT, mlp, type Solver, synthetic, train } from 'flowmatch';

const version = 'torchcfm';
const rows = (flat: Float32Array): number[][] => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!]);
const { x: data, labels } = synthetic('moons', { n: 6000, seed: 1, version });
const source = rows(synthetic('8gaussians', { n: 6000, seed: 2, version }).x);
const start = rows(synthetic('8gaussians', { n: 1500, seed: 3, version }).x);
const fresh = synthetic('moons', { n: 6000, seed: 4, version });
const moon = (label: number): Float32Array => fresh.x.filter((_, i) => fresh.labels[i >> 1] === label).subarray(0, 3000);

const measured: Record<string, [one: number, many: number]> = {};
const couplings: Record<string, Coupling> = {
  independent: independent(),
  blind: minibatchOT({ ignoreCondition: true }), // has to be asked for by name, and warns
  C2OT: minibatchOT(),
};
process.on('warning', ({ message }) => console.log(`warned: ${message.split('.')[0]}`));
for (const [name, coupling] of Object.entries(couplings)) {
  const network = mlp({ hidden: [64, 64, 64] });
  const model = await train({ data, columns: 2, source, condition: { labels, classes: 2 }, coupling, network, steps: 2000, seed: 1 });
  const away = async (solver: Solver): Promise<number> => {
    let sum = 0;
    for (const label of [0, 1]) {
      const { x } = await model.sample({ source: start, condition: { labels: label }, solver });
      sum += energyDistance(x, moon(label), 2, { statistic: 'U' }) / 2;
    }
    return sum;
  };
  const [one, many] = [await away(euler({ steps: 1 })), await away(midpoint({ steps: 50 }))];
  measured[name] = [one, many];
  console.log(`${name}: energy distance to the moon asked for ${one.toFixed(3)} by one step, ${many.toFixed(3)} by fifty`);
}
const { independent: apart, blind, C2OT: aware } = measured as Record<'independent' | 'blind' | 'C2OT', [number, number]>;
if (aware[0] > 0.3 * apart[0]) throw new Error('C2OT did not straighten the flow');
if (aware[1] > 0.5 * blind[1]) throw new Error('C2OT is no nearer to its class than transport that ignores it');
