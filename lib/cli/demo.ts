// `flowmatch demo`: a synthetic set, a model in seconds, and the picture of both in the terminal and as HTML (and SVG where its packages are installed).

import { join } from 'node:path';
import { type SyntheticDensity, syntheticDensity } from '../data/densities.ts';
import { synthetic } from '../data/synthetic.ts';
import { syntheticNames } from '../data/synthetic-names.ts';
import { FlowError } from '../errors.ts';
import { c2st } from '../metrics/c2st.ts';
import { energyDistance } from '../metrics/energy-distance.ts';
import type { Model } from '../model/model.ts';
import { mlp } from '../network/mlp.ts';
import { adamw } from '../optimisers/adamw.ts';
import { warmupCosine } from '../optimisers/schedules.ts';
import { choice } from '../options.ts';
import { scatter, writePicture } from '../plot/index.ts';
import { rk4 } from '../solvers/solvers.ts';
import { train } from '../training/train.ts';
import { brailleScatter, sideBySide, square } from './braille.ts';
import { makeFolder } from './place.ts';
import type { Session } from './session.ts';
import { c2stText, count, duration } from './terminal.ts';

export interface DemoFlags {
  readonly output: string;
  readonly steps?: number;
  readonly seed: number;
  readonly threads?: number;
}

const rows = 10_000;
const defaults = { steps: 5000, hidden: [128, 128, 128], batchSize: 512, lr: 4e-3 };

export async function demo(given: string | undefined, flags: DemoFlags, { terminal, signal }: Session): Promise<void> {
  const name = choice(given ?? 'moons', 'demo', syntheticNames);
  const steps = flags.steps ?? defaults.steps;
  makeFolder(flags.output);
  terminal.progress({ event: 'start', name }, () => `training on ${count(rows)} points of ${name} ...`, true);
  const { x: data } = synthetic(name, { n: rows, seed: flags.seed });
  const started = performance.now();
  const model = await train({
    data,
    columns: ['x', 'y'],
    network: mlp({ hidden: defaults.hidden }),
    optimiser: adamw({ lr: warmupCosine({ peak: defaults.lr, warmup: Math.ceil(steps / 50), steps }) }),
    batchSize: defaults.batchSize,
    steps,
    seed: flags.seed,
    signal,
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    onProgress: ({ step, loss, stepsPerSecond, eta }) =>
      terminal.progress(
        { event: 'progress', step, steps, loss, stepsPerSecond, eta },
        () => `step ${count(step)} of ${count(steps)}  ${count(stepsPerSecond)} steps/s  loss ${loss.toFixed(4)}  ETA ${duration(eta)}`,
      ),
  });
  terminal.endProgress();
  const seconds = (performance.now() - started) / 1000;
  const { x } = await model.sample({ n: rows, seed: flags.seed + 1, signal });
  const fresh = synthetic(name, { n: rows, seed: flags.seed + 1 }).x;
  const frame = square(data);
  terminal.note(
    sideBySide([
      { title: `${name}: data`, lines: brailleScatter(data, frame, 36) },
      { title: `model, ${steps} steps in ${seconds.toFixed(1)} s`, lines: brailleScatter(x, frame, 36) },
    ]),
  );
  const part = (points: Float32Array) => points.subarray(0, 2 * 3000);
  const distance = energyDistance(part(x), part(fresh), 2);
  const floor = energyDistance(part(data), part(fresh), 2);
  const threads = flags.threads === undefined ? {} : { threads: flags.threads };
  const apart = await c2st(part(fresh), part(x), 2, { seed: flags.seed, signal, ...threads });
  const density = syntheticDensity(name);
  const likelihood = density && (await surprise(model, fresh.subarray(0, 2 * likelihoodRows), density, { signal, ...threads }));
  const files = await write(name, data, x, flags.output, terminal.json ? undefined : (text) => terminal.note(text));
  const saved = join(flags.output, `${name}.safetensors`);
  await model.save(saved);
  model.dispose();
  const text = [
    `energy distance to fresh points: ${distance.toFixed(4)} (two sets of real points: ${floor.toFixed(4)})`,
    c2stText(apart),
    ...(likelihood ? [`negative log-likelihood of fresh points: ${likelihood.nll.toFixed(3)} nats (the best possible: ${likelihood.floor.toFixed(3)})`] : []),
    `wrote ${[...files, saved].join(', ')}`,
    '',
    'Go on with:',
    `  npx flowmatch sample ${saved} -n 5 --seed 1`,
    `  npx flowmatch plot ${saved} --kind trajectories -o ${join(flags.output, 'flow.html')}`,
    `  npx flowmatch export ${saved} -o ${join(flags.output, `${name}.onnx`)} --check`,
    '',
    'The same in code:',
    "  import { mlp, synthetic, train } from 'flowmatch';",
    `  const { x: data } = synthetic('${name}', { n: ${rows}, seed: ${flags.seed} });`,
    `  const model = await train({ data, columns: 2, network: mlp({ hidden: [${defaults.hidden.join(', ')}] }), batchSize: ${defaults.batchSize}, steps: ${steps}, seed: ${flags.seed} });`,
    '  const { x } = await model.sample({ n: 10_000, seed: 1 });',
  ].join('\n');
  terminal.result(
    { event: 'done', name, steps, seconds, energyDistance: distance, energyDistanceOfData: floor, c2st: apart, likelihood, files: [...files, saved] },
    text,
  );
}

const likelihoodRows = 500;

/** Mean of -ln density over rows (n, 2), by the model and by the law that they were drawn from, in nats. */
async function surprise(
  model: Model,
  rows: Float32Array,
  { logDensity }: SyntheticDensity,
  options: { readonly signal: AbortSignal; readonly threads?: number },
): Promise<{ readonly nll: number; readonly floor: number }> {
  const mean = (ln: Float64Array): number => -ln.reduce((sum, v) => sum + v, 0) / ln.length;
  return { nll: mean((await model.logDensity(rows, { solver: rk4({ steps: 25 }), ...options })).logDensity), floor: mean(logDensity(rows)) };
}

/** The picture as HTML, and as SVG when the packages that draw it are there. */
async function write(name: string, data: Float32Array, x: Float32Array, folder: string, note: ((text: string) => void) | undefined): Promise<string[]> {
  const picture = scatter({
    title: name,
    series: [
      { name: 'data', rows: data, dimension: 2 },
      { name: 'model', rows: x, dimension: 2 },
    ],
  });
  const html = join(folder, `${name}.html`);
  await writePicture(picture, html);
  try {
    const svg = join(folder, `${name}.svg`);
    await writePicture(picture, svg);
    return [html, svg];
  } catch (error) {
    if (!(error instanceof FlowError) || error.code !== 'ERR_FLOW_PLATFORM') throw error;
    note?.(`no SVG: ${error.hint ?? error.message}`);
    return [html];
  }
}
