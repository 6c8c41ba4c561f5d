// `npm run bench -- --render` writes docs/performance.md from the results that it names; with `--check` it only says whether the document agrees with them.

import { readFileSync, writeFileSync } from 'node:fs';
import { type Results, render } from './render.ts';

const file = 'docs/performance.md';
const document = readFileSync(file, 'utf8');
const source = /<!-- bench results: (bench\/results\/[\w-]+\.json) -->/.exec(document)?.[1];
if (source === undefined) throw new Error(`${file}: no line <!-- bench results: bench/results/NAME.json -->`);
const text = render(document, JSON.parse(readFileSync(source, 'utf8')) as Results);
if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (text !== document) {
  console.error(`${file} does not agree with ${source}: run npm run bench -- --render`);
  process.exit(1);
}
console.log(`${file}: ${text === document ? 'as' : 'written from'} ${source}`);
