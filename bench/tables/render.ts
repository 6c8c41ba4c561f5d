// docs/tables.md from the stored cells: published value, ours, the noise floor, evaluations and seconds side by side, each cell marked inside or outside its band.

import { head, line, mine, number, theirs } from './markdown.ts';
import { idealEnergy, type Task, t1b, t1Energy, t1W2, t3, tasks } from './published.ts';
import { renderFew } from './render-few.ts';
import { type Cell, load, summary } from './store.ts';

/** Inside or outside, or null where the table sets no bar. */
export function t1Verdict(cells: readonly Cell[], method: string, task: Task): { readonly inside: boolean; readonly bar: string } | null {
  const w2 = summary(cells, method, task, 'w2');
  const npe = summary(cells, method, task, 'npe');
  if (w2 === null || npe === null) return null;
  if (method === 'OT-CFM') {
    const bound = 1.5 * (t1W2['OT-CFM']?.[task]?.mean as number);
    return { inside: w2.mean <= bound && npe.mean < 0.15, bar: `W2 <= ${number(bound)}, NPE < .150` };
  }
  const ideal = idealEnergy[task];
  if (method === 'I-CFM' && ideal !== undefined) return { inside: Math.abs(npe.mean - ideal) <= 0.3, bar: `NPE ${number(ideal)} ± .300` };
  if (method === 'ours' && (task === 'N->moons' || task === 'N->scurve')) {
    const best = Math.min(...Object.values(t1W2).map((row) => row[task]?.mean ?? Number.POSITIVE_INFINITY));
    return { inside: w2.mean < best, bar: `W2 < ${number(best)}, the best published` };
  }
  return null;
}

export function renderT1(cells: readonly Cell[]): string[] {
  const out: string[] = [];
  for (const task of tasks) {
    const floor = summary(cells, 'reference', task, 'floor');
    const cost = summary(cells, 'reference', task, 'w2Squared');
    if (floor === null || cost === null) continue;
    out.push(
      `### ${task.replace('->', ' → ')}`,
      '',
      `W2 of two draws of the target (the noise floor): ${mine(floor)}. Squared W2 between source and target: ${number(cost.mean)}.`,
      '',
    );
    const balanced = task.endsWith('8gaussians');
    out.push(
      ...head([
        'method',
        'W2 published',
        'second source',
        'W2 ours',
        ...(balanced ? ['balanced'] : []),
        'NPE published',
        'NPE ours',
        'NFE',
        'seeds',
        'train, s',
        'bar',
        '',
      ]),
    );
    for (const method of [...new Set(cells.map((cell) => cell.method))].filter((m) => m !== 'reference')) {
      const w2 = summary(cells, method, task, 'w2');
      if (w2 === null) continue;
      const some = cells.filter((cell) => cell.method === method && cell.task === task);
      const seconds = some.reduce((sum, cell) => sum + cell.seconds, 0) / some.length;
      const verdict = t1Verdict(cells, method, task);
      out.push(
        line([
          method,
          theirs(t1W2[method]?.[task]),
          theirs(t1b[method]?.[task]),
          mine(w2),
          ...(balanced ? [mine(summary(cells, method, task, 'w2Balanced'))] : []),
          theirs(t1Energy[method]?.[task]),
          mine(summary(cells, method, task, 'npe')),
          String(some[0]?.nfe ?? ''),
          String(some.length),
          seconds.toFixed(0),
          verdict?.bar ?? '',
          verdict === null ? '' : verdict.inside ? 'inside' : '**outside**',
        ]),
      );
    }
    out.push('');
  }
  return out;
}

const t3Bars: Readonly<Record<string, number>> = { 'C2OT, class': 0.06, 'C2OT, x': 0.1 };

export function t3Verdict(cells: readonly Cell[], column: string): { readonly inside: boolean; readonly bar: string } | null {
  const bound = t3Bars[column];
  const ours = summary(cells, column, '8gaussians->moons', 'euler1');
  return bound === undefined || ours === null ? null : { inside: ours.mean < bound, bar: `one step < ${number(bound)}` };
}

export function renderT3(cells: readonly Cell[]): string[] {
  const floor = summary(cells, 'reference', '8gaussians->moons', 'floor');
  const out = [`Squared W2 of two draws of the target (the noise floor): ${mine(floor) || 'not measured'}.`, ''];
  out.push(
    ...head(['coupling, condition', 'one step, published', 'one step, ours', 'adaptive, published', 'adaptive, ours', 'NFE', 'seeds', 'train, s', 'bar', '']),
  );
  for (const [column, published] of Object.entries(t3)) {
    const some = cells.filter((cell) => cell.method === column);
    if (some.length === 0) continue;
    const seconds = some.reduce((sum, cell) => sum + cell.seconds, 0) / some.length;
    const verdict = t3Verdict(cells, column);
    const figure = (which: string): string => mine(summary(cells, column, '8gaussians->moons', which));
    const nfe = some.reduce((sum, cell) => sum + cell.nfe, 0) / some.length;
    out.push(
      line([
        column,
        theirs(published.euler1),
        figure('euler1'),
        theirs(published.adaptive),
        figure('adaptive'),
        nfe.toFixed(0),
        String(some.length),
        seconds.toFixed(0),
        verdict?.bar ?? '',
        verdict === null ? '' : verdict.inside ? 'inside' : '**outside**',
      ]),
    );
  }
  return out;
}

/** The gap to the law, nats per dimension, and the integral of the density. */
export function nllVerdict(cells: readonly Cell[], task: string): { readonly inside: boolean; readonly bar: string } | null {
  const gap = summary(cells, 'flow', task, 'gap');
  const integral = summary(cells, 'flow', task, 'integral');
  if (gap === null || integral === null) return null;
  return { inside: gap.mean < 0.02 && Math.abs(integral.mean - 1) <= 0.005, bar: 'gap < .020, integral 1 ± .005' };
}

export function renderNll(cells: readonly Cell[]): string[] {
  const out = head(['data', 'NLL of fresh rows, nats', 'of the law itself', 'gap per dimension', 'integral', 'NFE', 'seeds', 'steps', 'train, s', 'bar', '']);
  for (const task of [...new Set(cells.map((cell) => cell.task))]) {
    const some = cells.filter((cell) => cell.task === task);
    const verdict = nllVerdict(cells, task);
    const figure = (which: string): string => mine(summary(cells, 'flow', task, which));
    out.push(
      line([
        task,
        figure('nll'),
        figure('floor'),
        summary(cells, 'flow', task, 'gap')?.mean.toFixed(4).replace('0.', '.') ?? '',
        summary(cells, 'flow', task, 'integral')?.mean.toFixed(4) ?? '',
        String(some[0]?.nfe ?? ''),
        String(some.length),
        String(some[0]?.steps ?? ''),
        (some.reduce((sum, cell) => sum + cell.seconds, 0) / some.length).toFixed(0),
        verdict?.bar ?? '',
        verdict === null ? '' : verdict.inside ? 'inside' : '**outside**',
      ]),
    );
  }
  return out;
}

/** The whole document. */
export function render(): string {
  return [
    '# Published tables, measured again',
    '',
    'Written by `npm run bench:tables -- render` from the cells in `bench/results/tables`, which `npm run bench:tables -- t1`, `t3`, `few` and `nll` measure (what is stored is not measured again).',
    'Means and deviations over seeds. W2 is the exact 2-Wasserstein distance of 10,000 samples to 10,000 fresh rows; NPE the normalised path energy |E − W2²| / W2². Seconds: training on one thread of a',
    'machine that did other work as well, for which some trainings had to wait; they tell orders, not speed ([performance.md](performance.md) does).',
    '',
    '## Flows in the plane',
    '',
    'Published: table 2 of arXiv 2307.03672; second source: table 2 of arXiv 2303.16852. The methods as in the papers: SELU 3×64, AdamW 1e-3, batch 512, 20,000 steps, 10,000 rows, 100 Euler steps. `ours` has the same rows, steps, batch and',
    'evaluations, and trains better: layers of 128 with residuals and norm, exact OT, z-scored rows, stratified times, a learning rate warmed up to 2e-3 and let down to 0, mean weights, midpoint steps. From `N` its noise has the mean and the deviations of the data: its path energy is that of another pair of laws.',
    'SB-CFM and [SF]2M, whose targets vary without bound towards both ends, take mean weights (0.999): the last ones at a constant rate are as noisy, and the published code tests those of the least validation loss.',
    'Sigma of SB-CFM and [SF]2M is 1 where no other is named; the papers do not print that of [SF]2M. On the moons and the curve, as wide as the noise of sigma 1, the path energy published for [SF]2M-Exact lies between those of 1 and 0.5.',
    'FM, I-CFM, OT-CFM: conditional flow matching with a small sigma, independent pairs, minibatch optimal transport; RF: rectified flow, once straightened; SB-CFM: the Schroedinger bridge; [SF]2M: score and flow of a bridge, -I with',
    'independent and -Exact with optimal pairs. A bar is what a cell has to keep: 1.5 times the published W2 for OT-CFM, .3 around the ideal path energy of independent pairs, the best published W2 for `ours`. A result can lie below the noise',
    'floor: that is one draw against another, and a model may be nearer to the law than a draw is. The papers have one row for the moons and the 8 gaussians, which stands beside both directions here.',
    '`balanced`: against equally many rows of each of the 8 modes, which takes out the chance of their counts.',
    '',
    ...renderT1(load('t1')),
    '## Conditions and one step',
    '',
    'Published: figure 1 of arXiv 2503.10636, 8 gaussians → moons; squared W2. OT without regard to the condition skews what each condition learns; C2OT does not.',
    '',
    ...renderT3(load('t3')),
    '',
    '## Few steps',
    '',
    'Tasks of table 2 of arXiv 2307.03672 (above). W2 in 1, 4 and many Euler steps (NFE) of one network of three layers of 128, rates up to 3e-3, f32; `two draws` is the noise floor. With a teacher: a flow with `minibatchOT()`, 10,000 steps',
    'of 256 rows, makes 50,000 pairs of start and sample by 40 steps of midpoint, on which the network learns for 12,000 steps of 512 rows. Transport: no teacher, 8000 steps of 512 rows under `minibatchOT()`. Mean flow and shortcuts:',
    '`instant: 0.5`. Seconds here are processor time of one thread, teacher and pairs included. Towards 8 gaussians W2 is mostly the chance of how many rows fall to each mode, on both sides of the ratio.',
    'The bar is on the recipes with a teacher, which [choosing.md](choosing.md#one-evaluation-mean-flow-on-the-pairs-of-a-teacher) advises; of the others the ratio is shown and no bar is set.',
    '',
    ...renderFew(load('few')),
    '',
    '## Likelihood and the law behind it',
    '',
    'The mean negative log-likelihood of 8000 fresh rows under a flow, beside that under the law that drew them (the entropy but for the chance of the draw): what the flow gives away. The entropies are',
    '1.676 nats for the moons and ln(8 / .45²) = 3.676 nats for the checkerboard. Exact divergence, 30 steps of rk4; the integral of the density is taken over 150 × 150 points. 200,000 rows, batches of 512, f32.',
    'Moons: layers of 3×128. Checkerboard: 6×128 with residuals and norm, rates up to 4e-3, times with density 2t; three layers at 2e-3 with uniform times are at .11 after 20,000 steps, six at .038;',
    'six with late times at .030 (rates up to 6e-3), and after 40,000 steps at .022 (up to 4e-3).',
    '',
    ...renderNll(load('nll')),
    '',
  ].join('\n');
}
