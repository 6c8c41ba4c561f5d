// Writes penguins.csv beside this file from the npm package vega-datasets (Palmer penguins: 344 birds, Gorman, Williams and Fraser 2014, CC0).
// Cells are as in the source: missing ones stay empty, and the one "." in Sex stays too. Run: node examples/data/make-penguins.mjs

import { readFileSync, writeFileSync } from 'node:fs';

const rows = JSON.parse(readFileSync(new URL('../../node_modules/vega-datasets/data/penguins.json', import.meta.url), 'utf8'));
const columns = Object.keys(rows[0]);
const cell = (value) => (value === null ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
const lines = [columns.map(cell).join(','), ...rows.map((row) => columns.map((name) => cell(row[name])).join(','))];
writeFileSync(new URL('penguins.csv', import.meta.url), `${lines.join('\n')}\n`);
