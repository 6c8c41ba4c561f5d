// Log-densities: how likely a model finds a row. Outliers of a data set, a density that integrates to one, and the same numbers from an ONNX file.
import { exportOnnx, loadOnnx, midpoint, mlp, rk4, synthetic, train } from 'flowmatch';

const { x: data } = synthetic('moons', { n: 10_000, seed: 1 });
const model = await train({ data, columns: 2, network: mlp({ hidden: [64, 64, 64] }), steps: 2000, seed: 1 });

// Ten rows of the moons, and one beside them where there is no data.
const rows = [...Array.from({ length: 10 }, (_, i) => [data[2 * i]!, data[2 * i + 1]!]), [-4, -4]];
const { logDensity } = await model.logDensity(rows);
const order = [...logDensity.keys()].sort((a, b) => logDensity[a]! - logDensity[b]!);
console.log(`the least likely row is ${order[0]} (${logDensity[order[0]!]!.toFixed(2)} nats), the next ${order[1]} (${logDensity[order[1]!]!.toFixed(2)})`);
if (order[0] !== 10) throw new Error('the row beside the moons is not the least likely');

// The density over the plane: it integrates to one.
const [side, from, step] = [161, -8, 0.1];
const grid = Float32Array.from({ length: side * side * 2 }, (_, i) => from + step * (i % 2 === 0 ? (i >> 1) % side : Math.floor((i >> 1) / side)));
const density = await model.logDensity(grid, { solver: midpoint({ steps: 30 }) });
const total = density.logDensity.reduce((sum, value) => sum + Math.exp(value) * step * step, 0);
console.log(`the density integrates to ${total.toFixed(4)}`);
if (Math.abs(total - 1) > 0.02) throw new Error('the density does not integrate to one');

// Estimated by random signs, as it has to be for hundreds of columns: each row comes with a standard error.
const estimate = await model.logDensity(rows, { method: 'hutchinson', probes: 64, seed: 1 });
const off = estimate.logDensity.map((value, i) => Math.abs(value - logDensity[i]!) / estimate.standardError[i]!);
console.log(`estimated: within ${Math.max(...off).toFixed(1)} standard errors`);

// The same from one ONNX file, solver inside.
const solver = rk4({ steps: 50 });
await exportOnnx(model, 'density.onnx', { graph: 'log-density', solver });
const onnx = await loadOnnx('density.onnx');
const same = await onnx.logDensity(rows);
const worst = same.logDensity.reduce((most, value, i) => Math.max(most, Math.abs(value - logDensity[i]!)), 0);
console.log(`onnxruntime: largest difference ${worst.toExponential(1)} nats`);
onnx.dispose();
if (worst > 1e-3) throw new Error('the graph gives other densities');
