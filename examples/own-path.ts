// A path of your own: the cosine (variance-preserving) path is an object literal, checked once, and then native like the built-in one.
import { condOT, definePath, Model, mlp, type Path, synthetic, train } from 'flowmatch';

const h = Math.PI / 2;
const cosine = definePath({
  name: 'cosine',
  at: (t) => ({ alpha: Math.sin(h * t), sigma: Math.cos(h * t), dAlpha: h * Math.cos(h * t), dSigma: -h * Math.sin(h * t) }),
});

const { x: data } = synthetic('moons', { n: 6000, seed: 1 });
const network = mlp({ hidden: [128, 128, 128] });
const moments = (x: Float32Array, axis: number) => {
  const values = x.filter((_, i) => i % 2 === axis);
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)] as const;
};

for (const path of [condOT(), cosine] satisfies Path[]) {
  const model = await train({ data, columns: 2, path, network, steps: 3000, seed: 7 });
  // The path travels with the model: a file is all that is needed.
  await model.save(`${path.name}.safetensors`);
  const { x } = await (await Model.load(`${path.name}.safetensors`)).sample({ n: 5000, seed: 1 });
  for (const axis of [0, 1]) {
    const [mean, std] = moments(x, axis);
    const [wantedMean, wantedStd] = moments(data, axis);
    console.log(
      `${path.name}, column ${axis}: mean ${mean.toFixed(3)} (data ${wantedMean.toFixed(3)}), deviation ${std.toFixed(3)} (data ${wantedStd.toFixed(3)})`,
    );
    if (Math.abs(mean - wantedMean) > 0.1 * wantedStd || Math.abs(std / wantedStd - 1) > 0.1) throw new Error(`${path.name}: moments are off`);
  }
}
