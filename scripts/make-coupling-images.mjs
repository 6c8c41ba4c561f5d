// Draws what the couplings do, from models trained here and now: docs/images/couplings*.png (a few minutes). Run after `npm run bundle`; an argument, `couplings` or
// `couplings-condition`, draws that picture alone.
// Paths of 8 gaussians to two moons, and the density of the rows that come out; without a condition in 4 Euler steps, with the moon as a condition in 50 steps.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Resvg } from '@resvg/resvg-js';

const root = fileURLToPath(new URL('..', import.meta.url));
const library = await import(join(root, 'dist/index.js'));
const { adamw, euler, independent, midpoint, minibatchOT, mlp, partialOT, sinkhorn, synthetic, train, unbalancedOT, warmupCosine } = library;
const images = join(root, 'docs/images');
mkdirSync(images, { recursive: true });

const steps = 4000;
const version = 'torchcfm';
const data = synthetic('moons', { n: 20_000, seed: 1, version });
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
const start = (n, seed) => pairs(synthetic('8gaussians', { n, seed, version }).x);
const common = {
  data: data.x,
  columns: 2,
  source: start(20_000, 2),
  network: mlp({ hidden: [128, 128, 128] }),
  optimiser: adamw({ lr: warmupCosine({ peak: 3e-3, steps }) }),
  steps,
  validation: 0,
  seed: 3,
};

const [many, few, frames] = [40_000, 150, 21];
/** Paths of a few rows, and many rows at the end; the class of each, where there is one. */
async function flow(options, solver) {
  const model = await train({ ...common, ...options });
  const classes = options.condition ? (n) => Array.from({ length: n }, (_, i) => i % 2) : () => null;
  const sample = (n, seed, more) => model.sample({ source: start(n, seed), ...(classes(n) ? { condition: { labels: classes(n) } } : {}), ...more });
  const way = await sample(few, 5, { solver: midpoint({ steps: 40 }), saveAt: frames });
  const { x } = await sample(many, 6, { solver });
  return { saved: way.saved, x, classes };
}

const themes = {
  light: { ink: '#1c2430', muted: '#667085', background: '#ffffff', panel: '#f7f8fa', source: '#98a2b3', classes: ['#d55e00', '#0072b2'] },
  dark: { ink: '#e6e9ef', muted: '#98a2b3', background: '#12161d', panel: '#181d26', source: '#667085', classes: ['#ff8f45', '#4db1ec'] },
};
/** A panel is drawn on 270 units and shown at 270 or 180 pixels: the 90 cells of a density are whole pixels. */
const [side, gap, margin, head, wide, cells, ratio] = [270, 14, 16, 46, 6.8, 90, 1];
const [centreX, centreY] = [0.5, 0];
const place = (x, y) => [side / 2 + ((x - centreX) / (2 * wide)) * side, side / 2 - ((y - centreY) / (2 * wide)) * side].map((v) => v.toFixed(1));
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

function paths({ saved, classes }, theme) {
  const label = classes(few);
  const colour = (i) => theme.classes[label ? label[i] : 0];
  const at = (k, i) => place(saved[2 * (k * few + i)], saved[2 * (k * few + i) + 1]);
  const drawn = label ? 76 : few;
  const out = [];
  for (let i = 0; i < drawn; i++) {
    const line = Array.from({ length: frames }, (_, k) => at(k, i).join(',')).join(' ');
    out.push(`<polyline points="${line}" fill="none" stroke="${colour(i)}" stroke-width=".8" stroke-opacity=".5"/>`);
  }
  for (let i = 0; i < drawn; i++) {
    const [[ax, ay], [bx, by]] = [at(0, i), at(frames - 1, i)];
    out.push(`<circle cx="${ax}" cy="${ay}" r="1.3" fill="${theme.source}"/><circle cx="${bx}" cy="${by}" r="1.7" fill="${colour(i)}"/>`);
  }
  return out.join('');
}

/** Opacity by the square root of the count, so that thin parts show, in a few levels, so that the file is small. */
function density({ x, classes }, theme) {
  const label = classes(many);
  const zoom = 5.3;
  const counts = theme.classes.map(() => new Float64Array(cells * cells));
  for (let i = 0; i < many; i++) {
    const [u, v] = [((x[2 * i] - centreX) / (2 * zoom) + 0.5) * cells, (0.5 - (x[2 * i + 1] - centreY) / (2 * zoom)) * cells].map(Math.floor);
    if (u >= 0 && u < cells && v >= 0 && v < cells) counts[label ? label[i] : 0][v * cells + u]++;
  }
  const size = side / cells;
  const [most, levels] = [many / 600 / (label ? 2 : 1), 5];
  return counts
    .flatMap((count, k) =>
      Array.from(count, (n, at) => {
        if (n < 3) return '';
        const [u, v] = [(at % cells) * size, Math.floor(at / cells) * size];
        const opacity = (Math.ceil(Math.min(1, Math.sqrt(n / most)) * levels) / levels).toFixed(3);
        return `<rect x="${u.toFixed(2)}" y="${v.toFixed(2)}" width="${size.toFixed(2)}" height="${size.toFixed(2)}" fill="${theme.classes[k]}" fill-opacity="${opacity}" shape-rendering="crispEdges"/>`;
      }),
    )
    .join('');
}

function write(name, columns, rowTitles, shown) {
  const [width, height] = [2 * margin + columns.length * shown + (columns.length - 1) * gap + 18, margin + head + 2 * shown + gap + margin];
  for (const [mode, theme] of Object.entries(themes)) {
    const panel = (x, y, content) =>
      `<svg x="${x}" y="${y}" width="${shown}" height="${shown}" viewBox="0 0 ${side} ${side}"><rect width="${side}" height="${side}" rx="8" fill="${theme.panel}"/>${content}</svg>`;
    const parts = columns.map(({ title, note, made }, k) => {
      const x = margin + 18 + k * (shown + gap);
      return [
        `<text x="${x}" y="${margin + 14}" font-size="13" font-weight="600" fill="${theme.ink}">${escaped(title)}</text>`,
        `<text x="${x}" y="${margin + 34}" font-size="12" fill="${theme.muted}">${escaped(note)}</text>`,
        panel(x, margin + head, paths(made, theme)),
        panel(x, margin + head + shown + gap, density(made, theme)),
      ].join('');
    });
    const titles = rowTitles.map((text, k) => {
      const y = margin + head + k * (shown + gap) + shown / 2;
      return `<text x="${margin}" y="${y}" font-size="12" fill="${theme.muted}" text-anchor="middle" transform="rotate(-90 ${margin} ${y})">${escaped(text)}</text>`;
    });
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="Inter"><rect width="100%" height="100%" fill="${theme.background}"/>${parts.join('')}${titles.join('')}</svg>`;
    const fonts = ['Regular', 'SemiBold'].map((weight) => join(root, `lib/plot/fonts/inter-${weight}.otf`));
    const font = { fontFiles: fonts, loadSystemFonts: false, defaultFontFamily: 'Inter' };
    const png = new Resvg(svg, { fitTo: { mode: 'width', value: Math.round(width * ratio) }, font }).render().asPng();
    writeFileSync(join(images, `${name}-${mode}.png`), png);
    console.log(`${name}-${mode}.png: ${png.length} bytes`);
  }
}

const wanted = (name) => process.argv[2] === undefined || process.argv[2] === name;
async function draw(name, columns, solver, rowTitles, shown) {
  if (!wanted(name)) return;
  for (const column of columns) column.made = await flow(column.options, solver);
  write(name, columns, rowTitles, shown);
}

const plain = [
  { title: 'independent()', note: 'paths cross, and bend', options: { coupling: independent() } },
  { title: 'sinkhorn()', note: 'a little less straight', options: { coupling: sinkhorn() } },
  { title: 'minibatchOT()', note: 'nearly straight', options: { coupling: minibatchOT() } },
  { title: 'unbalancedOT()', note: 'far rows train less', options: { coupling: unbalancedOT() } },
  { title: 'partialOT()', note: 'far rows train not at all', options: { coupling: partialOT() } },
];
await draw('couplings', plain, euler({ steps: 4 }), ['paths, 40 midpoint steps', 'what 4 Euler steps make'], 180);

const condition = { labels: data.labels, classes: 2 };
const given = [
  { title: 'independent()', note: 'right, but not straight', options: { condition, coupling: independent() } },
  {
    title: 'minibatchOT, ignoreCondition: true',
    note: 'straight in training, wrong in sampling',
    options: { condition, coupling: minibatchOT({ ignoreCondition: true }) },
  },
  { title: 'minibatchOT(): C2OT', note: 'right and straight', options: { condition, coupling: minibatchOT() } },
];
await draw('couplings-condition', given, midpoint({ steps: 50 }), ['paths, 40 midpoint steps', 'what 50 midpoint steps make'], 270);
process.exit(0);
