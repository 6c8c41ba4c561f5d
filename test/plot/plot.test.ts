// Pictures: structure, safety of what users name, determinism, and the errors of missing packages.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { parseHTML } from 'linkedom';
import { afterAll, describe, expect, it } from 'vitest';
import { FlowError } from '../../lib/errors.ts';
import {
  bars,
  frames,
  heatMap,
  histogram,
  lossCurve,
  type Picture,
  pairs,
  scatter,
  toHtml,
  toPng,
  toSvg,
  trajectories,
  writePicture,
} from '../../lib/plot/index.ts';
import { toPng as pngWith, toSvg as svgWith } from '../../lib/plot/render.ts';

const wave = (n: number, shift = 0) => Float64Array.from({ length: n }, (_, i) => Math.sin(i * 12.9898 + shift) * 2);
const hostile = `</title></style></script></script x><!--<script><script>alert(1)</script>"'><img src=x onerror=alert(2)>&amp;\u2028\u0000]]>`;
const rows = wave(60);
const square = [
  [1, -0.4],
  [-0.4, 1],
];

/** One picture of each kind, every name of it `name`. */
function gallery(name: string): Picture[] {
  const label = { title: name, subtitle: name };
  return [
    scatter({ ...label, xLabel: name, yLabel: name, series: ['', '2'].map((end) => ({ name: name + end, rows })) }),
    trajectories({ ...label, xLabel: name, yLabel: name, times: [0, 0.5, 1], frames: [rows, wave(60, 1), wave(60, 2)] }),
    frames({ ...label, times: [0, 1], frames: [rows, wave(60, 1)], group: Array.from({ length: 30 }, (_, i) => i % 2) }),
    lossCurve({ ...label, training: { step: [1, 2, 3], loss: [3, 2, 1] }, validation: { step: [1, 3], loss: [2, 1] } }),
    histogram({ ...label, label: name, series: [{ name, values: rows }] }),
    histogram({ ...label, scale: 'date', series: [{ name, values: [0, 864e5, 9e8] }] }),
    bars({ ...label, label: name, series: [{ name, values: [name, 'b', null] }] }),
    pairs({ ...label, columns: [{ name }, { name: 'b' }], series: [{ name, values: [wave(30), wave(30, 1)] }] }),
    heatMap({ ...label, names: [name, 'b'], matrices: [{ name, values: square }] }),
  ];
}

describe('every kind of picture', () => {
  for (const picture of gallery('a plain name')) {
    it(`${picture.kind}: an SVG with a heading, charts and no NaN, the same twice`, async () => {
      const svg = await toSvg(picture);
      expect(svg.startsWith('<svg ')).toBe(true);
      expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
      expect(svg).toContain('a plain name');
      expect(svg).not.toMatch(/NaN|undefined|Infinity|<style|figure/);
      expect(svg.match(/<(circle|path|rect|line)\b/g)!.length).toBeGreaterThan(3);
      expect(await toSvg(picture)).toBe(svg);
      expect(await toSvg(picture, { theme: 'dark' })).not.toBe(svg);
    });
  }

  it('PNG: right size, text painted, the same twice', async () => {
    const picture = scatter({ title: 'Two moons', series: [{ name: 'a', rows }], width: 200, height: 150 });
    const [png, again] = [await toPng(picture, { pixelRatio: 1.5 }), await toPng(picture, { pixelRatio: 1.5 })];
    const view = new DataView(png.buffer);
    expect([view.getUint32(0), view.getUint32(16), view.getUint32(20)]).toEqual([0x89504e47, 300, 225]);
    expect(Buffer.compare(png, again)).toBe(0);
    const untitled = await toPng({ ...picture, title: '' }, { pixelRatio: 1.5 });
    expect(png.length).toBeGreaterThan(untitled.length);
  });
});

describe('hostile names', () => {
  for (const picture of gallery(hostile)) {
    it(`${picture.kind}: stay text in SVG and inert in HTML`, async () => {
      const svg = await toSvg(picture);
      expect(svg).not.toMatch(/<script|<img/);
      expect(svg.includes(String.fromCharCode(0))).toBe(false);
      const { document } = parseHTML(toHtml(picture));
      expect(document.querySelectorAll('script').length).toBe(2);
      expect(document.querySelectorAll('img').length).toBe(0);
      // Not left to the parser's mercy: no `<` at all between the tags of the data.
      expect(/<script type="application\/json"[^>]*>([^<]*)<\/script>\n<noscript>/.test(toHtml(picture))).toBe(true);
      const json = document.querySelector('script[type="application/json"]')!;
      expect(JSON.parse(json.textContent!)).toEqual(JSON.parse(JSON.stringify(picture)));
      expect(document.querySelector('title')!.textContent).toContain('<script>');
    });
  }

  it('XML stays well formed: resvg paints it', async () => {
    for (const picture of gallery(hostile)) expect((await toPng(picture, { pixelRatio: 0.5 })).length).toBeGreaterThan(100);
  });
});

/** Runs the page's script as a browser would, on linkedom's document. */
function open(html: string) {
  const { document } = parseHTML(html);
  const scripts = [...document.querySelectorAll('script')].filter((script) => script.getAttribute('type') === null);
  for (const script of scripts) runInNewContext(script.textContent!, { document, Node: Object, performance, console });
  return document;
}

describe('HTML', () => {
  for (const picture of gallery(hostile)) {
    it(`${picture.kind}: the inlined script draws it, in the page's own colours`, () => {
      const document = open(toHtml(picture));
      const figure = document.querySelector('figure')!;
      expect(figure.textContent.includes('could not be drawn') ? figure.textContent : '').toBe('');
      expect(figure.querySelectorAll('svg').length).toBeGreaterThan(0);
      expect(figure.querySelectorAll('circle,path,rect,line').length).toBeGreaterThan(3);
      expect(figure.innerHTML).toContain('var(--');
      expect(document.querySelectorAll('img').length).toBe(0);
    });
  }

  it('asks nothing of the network and closes its script once', () => {
    const html = toHtml(gallery('x')[0]!);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=/);
    expect(html.match(/<\/script>/g)!.length).toBe(2);
    expect(html).toContain('prefers-color-scheme');
  });
});

describe('large data', () => {
  const many = wave(400_000);
  it('is thinned evenly and always to the same rows', () => {
    const one = scatter({ series: [{ name: 'a', rows: many }], most: 1000 });
    expect(one.series[0]!.x.length).toBe(1000);
    expect(scatter({ series: [{ name: 'a', rows: many }], most: 1000 })).toEqual(one);
    const ramp = scatter({ series: [{ name: 'a', x: Float64Array.from({ length: 50_000 }, (_, i) => i), y: new Float64Array(50_000) }], most: 500 });
    const gaps = ramp.series[0]!.x.map((x, i) => x - (ramp.series[0]!.x[i - 1] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(200);
  });
  it('a long loss curve becomes 600 means', () => {
    const step = Float64Array.from({ length: 20_000 }, (_, i) => i);
    const picture = lossCurve({ training: { step, loss: step.map((s) => 1 + 9 * Math.exp(-s / 2000)) } });
    expect(picture.training.x.length).toBe(600);
    expect(picture.logarithmic).toBe(true);
  });
});

describe('bins and shares', () => {
  it('shares add up to one and whole numbers get a bin each', () => {
    const picture = histogram({ series: [{ name: 'a', values: [1, 2, 2, 3, 3, 3, Number.NaN] }] });
    expect(picture.edges).toEqual([0.5, 1.5, 2.5, 3.5]);
    expect(picture.series[0]!.share).toEqual([0.166667, 0.333333, 0.5]);
  });
  it('wide whole columns get bins of whole width', () => {
    const picture = histogram({ series: [{ name: 'a', values: wave(2000).map((v) => Math.round(v * 500)) }] });
    const width = picture.edges[1]! - picture.edges[0]!;
    expect(Number.isInteger(width)).toBe(true);
    expect(picture.series[0]!.share.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
  });
  it('bars: the most frequent first, the rest summed', () => {
    const values = ['a', 'b', 'b', 'c', 'c', 'c', 'd'];
    const picture = bars({ series: [{ name: 'x', values }], most: 3 });
    expect(picture.categories).toEqual(['c', 'b', 'other (2)']);
    expect(picture.series[0]!.share).toEqual([0.428571, 0.285714, 0.285714]);
  });
  it('one constant column, no rows at all: still a picture', async () => {
    for (const values of [[], [2.5, 2.5], [Number.NaN]]) {
      expect(await toSvg(histogram({ series: [{ name: 'a', values }] }))).not.toContain('NaN');
      expect(await toSvg(scatter({ series: [{ name: 'a', x: values, y: values }] }))).not.toContain('NaN');
    }
    expect(await toSvg(bars({ series: [{ name: 'a', values: [] }] }))).not.toContain('NaN');
    expect(await toSvg(lossCurve({ training: { step: [], loss: [] } }))).not.toContain('NaN');
  });
});

describe('errors', () => {
  const code = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(FlowError);
      return `${(error as FlowError).code} ${(error as FlowError).path}`;
    }
    return 'no error';
  };
  it('name the argument', () => {
    expect(code(() => scatter({ series: [] }))).toBe('ERR_FLOW_SHAPE options.series');
    expect(code(() => scatter({ serie: [] } as never))).toBe('ERR_FLOW_CONFIG options.serie');
    expect(code(() => scatter({ series: [{ name: 'a', x: [1], y: [] }] }))).toBe('ERR_FLOW_SHAPE options.series[0].y');
    expect(code(() => scatter({ series: [{ name: 'a', rows: [1, 2, 3] }] }))).toBe('ERR_FLOW_SHAPE options.series[0].rows');
    expect(code(() => scatter({ series: [{ name: 'a', rows: [1, 'x'] as never }] }))).toBe('ERR_FLOW_TYPE options.series[0].rows[1]');
    expect(code(() => trajectories({ times: [0, 1], frames: [[1, 2]] }))).toBe('ERR_FLOW_SHAPE options.frames');
    expect(code(() => histogram({ series: [{ name: 'a', values: [1] }], bins: 0 }))).toBe('ERR_FLOW_RANGE options.bins');
    expect(code(() => heatMap({ names: ['a', 'b'], matrices: [{ name: 'm', values: [[1]] }] }))).toBe('ERR_FLOW_SHAPE options.matrices[0].values');
    expect(code(() => scatter({ title: 3 as never, series: [{ name: 'a', rows }] }))).toBe('ERR_FLOW_TYPE options.title');
    expect(code(() => pairs({ columns: new Array(3), series: [{ name: 'a', values: [rows, rows, rows] }] }))).toBe('ERR_FLOW_TYPE options.columns[0]');
  });
  it('a missing package: the command that installs it', async () => {
    const picture = gallery('x')[0]!;
    for (const name of ['@observablehq/plot', 'linkedom', '@resvg/resvg-js']) {
      const load = (wanted: string) => (wanted === name ? Promise.reject(new Error(`Cannot find package '${name}'`)) : import(wanted));
      const png = pngWith(picture, {}, load);
      await expect(png).rejects.toMatchObject({ code: 'ERR_FLOW_PLATFORM', path: name });
      await expect(png).rejects.toThrow('npm install @observablehq/plot linkedom @resvg/resvg-js');
      if (name !== '@resvg/resvg-js') await expect(svgWith(picture, {}, load)).rejects.toThrow('npm install @observablehq/plot linkedom`');
    }
  });
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-plot-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  it('the ending says the format; other endings and places are refused', async () => {
    const picture = gallery('x')[0]!;
    for (const [ending, start] of [
      ['svg', '<svg'],
      ['html', '<!doctype'],
      ['png', '\u0089PNG'],
    ] as const) {
      await writePicture(picture, join(folder, `a.${ending}`));
      expect(readFileSync(join(folder, `a.${ending}`), 'latin1').startsWith(start)).toBe(true);
    }
    expect(() => writePicture(picture, join(folder, 'a.gif'))).toThrow(expect.objectContaining({ code: 'ERR_FLOW_CONFIG' }));
    await expect(writePicture(picture, join(folder, 'no/such/a.svg'))).rejects.toMatchObject({ code: 'ERR_FLOW_IO' });
  });
});
