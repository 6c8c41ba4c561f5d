// argv: JSON list of [d, width, depth, rows]. Prints, per shape, max |u - u64| / max |u64| of each precision, likewise of the divergence (above 64 columns of an
// estimate of it), the relative errors of the gradients, and whether the values in one call are those row by row.

import { native } from '../../../lib/native/load.ts';
import { encodeProgram } from '../../../lib/network/encode.ts';
import { withDivergence, withEstimates } from '../../../lib/network/tangent.ts';
import { evaluateTangent } from '../../../lib/sampling/reference/evaluate.ts';
import { gradient } from '../../../lib/sampling/reference/gradient.ts';
import { encoded, numbers } from '../../native-binding/support.ts';

const { Network, info } = native();
const precisions = ['f32', 'f32-amx', 'bf16x3', 'bf16'] as const;
const largest = (a: ArrayLike<number>, b?: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b?.[i] ?? 0)));
  return most;
};
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference += ((a[i] as number) - (b[i] as number)) ** 2;
    size += (b[i] as number) ** 2;
  }
  return Math.sqrt(difference / size);
};

const results = (JSON.parse(process.argv[2] as string) as [number, number, number, number][]).map(([d, width, depth, rows]) => {
  const { words, constants, parameters, program } = encoded({ d, width, depth, batch: rows });
  const net = new Network(words, constants, parameters);
  const x = numbers(rows * d, 5).map((v) => 2 * v);
  const t = numbers(rows, 6).map((v) => (v + 1) / 2);
  const cotangent = numbers(rows * d, 7);
  const oracle = gradient(program, parameters, { x, t, condition: null }, cotangent);
  const errors = precisions.map((precision) => largest(net.evaluateSync(x, t, null, precision), oracle.v) / largest(oracle.v));
  const gradients = (['f32', 'bf16'] as const).map((precision) => {
    const g = net.gradientSync(x, t, null, cotangent, precision);
    return [distance(g.parameters, oracle.parameters), distance(g.x, oracle.x)];
  });
  const alone = precisions.every((precision) => {
    const whole = net.evaluateSync(x, t, null, precision);
    return t.every((time, r) => {
      if (r > 1 && r < rows - 1) return true;
      const v = net.evaluateSync(x.slice(r * d, (r + 1) * d), Float32Array.of(time), null, precision);
      return v.every((value, c) => Object.is(value, whole[r * d + c]));
    });
  });
  net.dispose();
  const traced = d > 64 ? withEstimates(program, 1) : withDivergence(program);
  const seeds = d > 64 ? numbers(rows * d, 8).map((v) => (v < 0 ? -1 : 1)) : new Float32Array(0);
  const given = new Map(d > 64 ? [[traced.values.findIndex(({ name }) => name === 'x.seed'), seeds]] : []);
  const trace = evaluateTangent(traced, parameters, { x, t, condition: null, seeds: given });
  const code = encodeProgram(traced);
  const derived = new Network(code.words, code.constants, parameters);
  const divergences = precisions.map((precision) => largest(derived.tangentSync(x, t, null, seeds, precision).tangent, trace) / largest(trace));
  derived.dispose();
  return { shape: [d, width, depth], errors, divergences, gradients, alone };
});
process.stdout.write(JSON.stringify({ bf16: info().bf16, results }));
