// `npm run bench -- --render` writes the measured tables of docs/performance*.md and docs/choosing.md from the results that each names; with `--check` it only says whether they agree.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type Results, render } from './render.ts';

const check = process.argv.includes('--check');
let behind = 0;
for (const file of readdirSync('docs')
  .filter((name) => /^(performance[\w-]*|choosing)\.md$/.test(name))
  .map((name) => `docs/${name}`)) {
  const document = readFileSync(file, 'utf8');
  const source = /<!-- bench results: (bench\/results\/[\w-]+\.json) -->/.exec(document)?.[1];
  if (source === undefined) throw new Error(`${file}: no line <!-- bench results: bench/results/NAME.json -->`);
  const text = render(document, JSON.parse(readFileSync(source, 'utf8')) as Results, file);
  if (!check) writeFileSync(file, text);
  else if (text !== document) {
    behind++;
    console.error(`${file} does not agree with ${source}: run npm run bench -- --render`);
    continue;
  }
  console.log(`${file}: ${text === document ? 'as' : 'written from'} ${source}`);
}
process.exit(behind > 0 ? 1 : 0);
