// The report as one HTML page: card of verdicts, columns, pairs, correlations, loss, privacy. Everything a user names is escaped.

import { bars, escapeHtml, figureHtml, heatMap, histogram, lossCurve, type Picture, pageHtml, pairs } from '../plot/index.ts';
import type { Codec } from '../table/codec.ts';
import { columnsOf, type NumericColumn, type ReportColumn, type Rows } from './columns.ts';
import type { LossHistory } from './history.ts';
import type { Measures } from './measures.ts';
import { count, type Standing, short, standingOf, type Verdict, verdicts } from './verdicts.ts';

export interface Page {
  readonly title: string;
  /** Facts under the title, e.g. ["seed", "7"]. */
  readonly facts: readonly (readonly [string, string])[];
  readonly codec: Codec;
  readonly real: Rows;
  readonly synthetic: Rows;
  readonly measures: Measures;
  readonly history: LossHistory | null;
  readonly leftOut: { readonly rows: number; readonly byColumn: ReadonlyMap<string, number> };
}

/** Columns beyond which a section shows the first ones only, and says so. */
const mostPairs = 6;
const mostMatrix = 24;
const mostColumns = 60;

export function reportPage(page: Page): string {
  const columns = columnsOf(page.codec, page.real, page.synthetic);
  const numeric = columns.filter((column): column is NumericColumn => column.numeric);
  let drawn = 0;
  const figure = (picture: Picture) => figureHtml(picture, `picture-${++drawn}`);
  const body = [
    header(page),
    section(
      'In short',
      'Every number beside what it means and what a good value is. Two samples of the same rows differ too: a bound is never tighter than chance.',
      [cards([...verdicts(page.measures), leftOutVerdict(page)]), columnsLeftOut(page)],
    ),
    section('Columns', 'Real and synthetic rows laid over each other. The nearer the outlines, the better.', [
      `<div class="grid">${columns
        .slice(0, mostColumns)
        .map((column) => `<div class="tile">${figure(columnPicture(column))}</div>`)
        .join('\n')}</div>`,
      more(columns.length, mostColumns, 'columns'),
      columnTable(page.measures),
    ]),
    numeric.length > 1
      ? section('Pairs', 'Do columns still go together? Points below the diagonal, distributions on it, correlations r above it (real over synthetic).', [
          figure(pairsPicture(numeric.slice(0, mostPairs))),
          more(numeric.length, mostPairs, 'numeric columns'),
        ])
      : '',
    numeric.length > 1
      ? section('Correlations', 'Pearson correlation of every pair of numeric columns; on the right, synthetic minus real: the paler, the better.', [
          figure(correlationPicture(page.measures)),
          more(numeric.length, mostMatrix, 'numeric columns'),
        ])
      : '',
    page.history
      ? section(
          'Training',
          'The loss is a mean squared error that cannot reach zero: noise stays unpredictable. Good: both curves flatten out, and validation does not turn upwards.',
          [figure(lossCurve({ ...page.history, width: 960, height: 320 }))],
        )
      : '',
    privacy(page.measures),
  ];
  return pageHtml(page.title, body.join('\n'), css);
}

const section = (title: string, lead: string, parts: readonly string[]): string =>
  `<section><h2>${title}</h2><p class="lead">${lead}</p>${parts.join('\n')}</section>`;

const more = (have: number, most: number, what: string): string => (have > most ? `<p class="note">The first ${most} of ${have} ${what} are drawn.</p>` : '');

function header(page: Page): string {
  const { rows } = page.measures;
  const facts = page.facts.map(([name, value]) => `<span><b>${escapeHtml(name)}</b> ${escapeHtml(value)}</span>`).join('');
  const lead = `${count(rows.synthetic)} synthetic rows held against ${count(rows.real)} real ones`;
  return `<header><h1>${escapeHtml(page.title)}</h1><p>${lead}</p><div class="facts">${facts}</div></header>`;
}

const words: Record<Standing, string> = { good: 'good', look: 'look at it', poor: 'poor' };
const badge = (standing: Standing): string => `<span class="badge ${standing}">${words[standing]}</span>`;

function cards(list: readonly Verdict[]): string {
  const card = (v: Verdict) =>
    `<div class="card"><div class="name">${v.name}${badge(v.standing)}</div><div class="value">${v.value}</div><p>${v.meaning}</p><p class="note">${v.good}</p></div>`;
  return `<div class="cards">${list.map(card).join('\n')}</div>`;
}

function leftOutVerdict(page: Page): Verdict {
  const { rows, byColumn } = page.leftOut;
  const total = rows + page.measures.rows.real;
  const causes = [...byColumn].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${escapeHtml(name)} (${count(n)})`);
  const share = rows / Math.max(1, total);
  return {
    name: 'Rows left out',
    value: `${count(rows)} of ${count(total)}`,
    standing: share <= 0.05 ? 'good' : share <= 0.2 ? 'look' : 'poor',
    meaning:
      rows > 0 ? `Real rows with a missing value in ${causes.slice(0, 6).join(', ')}: only whole rows are learnt.` : 'Every real row is whole and was used.',
    good: 'Good: at most 5 %. Rows with missing values may differ from the others; with many left out the model speaks for the rest only.',
  };
}

function columnsLeftOut(page: Page): string {
  const dropped = page.codec.record.leftOut.map(({ name, reason }) => `${escapeHtml(name)} (${escapeHtml(reason)})`);
  return dropped.length > 0 ? `<p class="note"><b>Columns left out:</b> ${dropped.join('; ')}.</p>` : '';
}

function columnPicture(column: ReportColumn): Picture {
  const size = { title: column.name, width: 470 };
  if (!column.numeric) {
    const series = [
      { name: 'real', values: column.real },
      { name: 'synthetic', values: column.synthetic },
    ];
    return bars({ ...size, series });
  }
  const series = [
    { name: 'real', values: column.real },
    { name: 'synthetic', values: column.synthetic },
  ];
  return histogram({ ...size, height: 260, scale: column.kind === 'date' ? 'date' : 'number', series });
}

function pairsPicture(columns: readonly NumericColumn[]): Picture {
  return pairs({
    width: 960,
    height: Math.min(1000, 70 + 220 * columns.length),
    columns: columns.map((column) => ({ name: column.name, scale: column.kind === 'date' ? ('date' as const) : ('number' as const) })),
    series: (['real', 'synthetic'] as const).map((side) => ({ name: side, values: columns.map((column) => column[side]) })),
    most: columns.length > 4 ? 300 : 500,
  });
}

function correlationPicture(m: Measures): Picture {
  const cut = (matrix: readonly (readonly number[])[]) => matrix.slice(0, mostMatrix).map((row) => row.slice(0, mostMatrix));
  const [real, synthetic] = [cut(m.correlation.real), cut(m.correlation.synthetic)];
  const difference = real.map((row, i) => row.map((value, j) => synthetic[i]![j]! - value));
  const matrices = [
    { name: 'real', values: real },
    { name: 'synthetic', values: synthetic },
    { name: 'synthetic − real', values: difference },
  ];
  return heatMap({ names: m.correlation.names.slice(0, mostMatrix), matrices, width: 960, height: 385 });
}

function columnTable(m: Measures): string {
  const row = (c: Measures['columns'][number]) => {
    const unit = c.kind === 'date' ? ' days' : '';
    const w1 = c.wasserstein === null ? '–' : `${short(c.wasserstein)}${unit}`;
    const relative = c.wassersteinRelative === null ? '–' : c.wassersteinRelative.toFixed(3);
    const similarity = (1 - c.distance).toFixed(3);
    return `<tr><th>${escapeHtml(c.name)}</th><td>${escapeHtml(c.kind)}</td><td>${c.measure}</td><td class="n">${c.distance.toFixed(3)}</td><td class="n">${c.chance.toFixed(3)}</td><td class="n">${similarity}</td><td class="n">${w1}</td><td class="n">${relative}</td><td>${badge(standingOf(c.distance, c.chance))}</td></tr>`;
  };
  const head =
    '<tr><th>column</th><th>kind</th><th>measure</th><th>distance</th><th>by chance</th><th>1 − distance</th><th>W1</th><th>W1 / s.d.</th><th></th></tr>';
  const text = `<p class="note"><b>KS</b> (numbers, dates): the largest gap between the two cumulative distributions. <b>TV</b> (categories): half the sum of the
differences of the shares. Both run from 0 (equal) to 1; <b>1 − distance</b> is the same number as a similarity. <b>By chance</b>: what two samples of one and the same
distribution reach at these row counts (95 % for KS, the average for TV). <b>W1</b>: how far the values lie apart on average, in the column's own unit and in standard deviations
of the real column; good is below 0.1 standard deviations.</p>`;
  return `<div class="scroll"><table>${head}${m.columns.map(row).join('\n')}</table></div>${text}`;
}

function privacy(m: Measures): string {
  const against =
    m.nearest?.reference === 'hold-out'
      ? 'The closest-record ratio compares with real rows that the model did not train on.'
      : 'No rows were kept apart from training here, so the closest-record ratio compares each real row with the other real rows.';
  return section('Privacy', 'Measured, not promised.', [
    `<p>No training row is stored in the model. Exact copies and the closest-record ratio above tell whether rows were learnt by heart. ${against}
They do not prove anonymity: a model can give away facts about rare or extreme people in the data without copying a row, and this method adds no noise
with a privacy guarantee. Whether these rows may be shared is your decision about your data; treat them with the care of the original where people could be harmed.</p>`,
  ]);
}

const css = `
header{border-bottom:1px solid var(--grid);padding-bottom:20px;margin-bottom:8px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 2px;letter-spacing:-.01em}
header p,.lead{margin:0;color:var(--muted)}
.lead{margin-bottom:18px;max-width:76ch}
p{max-width:90ch}
.facts{display:flex;flex-wrap:wrap;gap:4px 20px;margin-top:12px;font-size:13px;color:var(--muted)}
.facts b{color:var(--ink);font-weight:600}
.note{font-size:13px;color:var(--muted);margin:8px 0 0;overflow-wrap:anywhere}
.note b{color:var(--ink);font-weight:600}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(285px,1fr));gap:14px}
.card,.tile{border:1px solid var(--grid);border-radius:10px;min-width:0}
.card{padding:14px 16px}
.card p{margin:6px 0 0;font-size:13.5px;overflow-wrap:anywhere}
.card .name{display:flex;justify-content:space-between;align-items:center;font-weight:600;font-size:14px;gap:8px}
.card .value{font-size:28px;font-weight:600;letter-spacing:-.02em;line-height:1.3;font-variant-numeric:tabular-nums}
.badge{font-size:12px;font-weight:600;border-radius:99px;padding:1px 9px;white-space:nowrap;border:1px solid currentColor}
.badge.good{color:var(--good)}.badge.look{color:var(--look)}.badge.poor{color:var(--poor)}
:root{--good:#00724f;--look:#8a5a00;--poor:#b3261e}
@media (prefers-color-scheme:dark){:root{--good:#4fd0a5;--look:#e6b450;--poor:#ff8a80}}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,440px),1fr));gap:14px}
.tile{padding:4px 6px}
.scroll{overflow-x:auto;margin-top:18px}
table{border-collapse:collapse;font-size:13.5px;width:100%}
th,td{text-align:left;padding:6px 10px 6px 0;border-bottom:1px solid var(--grid);white-space:nowrap}
tr:first-child th{color:var(--muted);font-weight:500;font-size:12.5px}
td.n{font-variant-numeric:tabular-nums}
@media print{.card,.tile,figure{break-inside:avoid}}`;
