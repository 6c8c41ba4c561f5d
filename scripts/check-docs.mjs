// The documents say what is so: every ```ts block of README.md, CONTRIBUTING.md, CHANGELOG.md and docs/ is type-checked against lib/, and every block marked
// ```ts run or ```sh run is executed (in an empty folder, against the built package); links to files and headings must lead somewhere.
// Seeded mistakes are checked first, so that the checks are known to see.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ensure, root } from './ensure.mjs';
import { bundleProgram, scratch } from './flowmatch-alias.mjs';

const limitSeconds = process.env.CI ? 180 : 60;

/** Fenced blocks with their language, words after it, and first line. */
export function blocksOf(text) {
  const blocks = [];
  let open = null;
  for (const [i, line] of text.split('\n').entries()) {
    const fence = /^```(\w*) ?(.*)$/.exec(line);
    if (fence && open === null) open = { language: fence[1], words: fence[2].split(' ').filter(Boolean), line: i + 2, code: [] };
    else if (open !== null && line === '```') {
      blocks.push({ ...open, code: `${open.code.join('\n')}\n` });
      open = null;
    } else open?.code.push(line);
  }
  if (open !== null) throw new Error(`a fence opened at line ${open.line - 1} is not closed`);
  return blocks;
}

const slug = (heading) =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
const headings = (text) => [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading));

/** Relative links of one document that lead nowhere. */
export function brokenLinks(file, text) {
  const broken = [];
  for (const [, target] of text.replace(/```[\s\S]*?```/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path, anchor] = target.split('#');
    const there = path ? resolve(dirname(file), path) : file;
    if (!existsSync(there)) broken.push(`${target}: no such file`);
    else if (anchor && there.endsWith('.md') && !headings(readFileSync(there, 'utf8')).includes(anchor)) broken.push(`${target}: no such heading`);
  }
  return broken;
}

/** Type-checks programs given as [name, code]; returns the compiler's lines. */
function typeCheck(programs) {
  const folder = join(scratch, 'docs-types');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of programs) writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {};\n`);
  const compilerOptions = { paths: { flowmatch: ['../../lib/index.ts'] } };
  const options = { extends: '../../tsconfig.json', compilerOptions, include: ['.'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
  const run = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
  return run.stdout.split('\n').filter(Boolean);
}

/** A folder with `flowmatch` and an `npx` that knows it, first in PATH. */
function commands() {
  const bin = mkdtempSync(join(tmpdir(), 'flowmatch-bin-'));
  const cli = join(root, 'dist/cli.js');
  writeFileSync(join(bin, 'flowmatch'), `#!/bin/sh\nexec "${process.execPath}" "${cli}" "$@"\n`, { mode: 0o755 });
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\n[ "$1" = flowmatch ] || { echo "npx $1: only flowmatch" >&2; exit 1; }\nshift\nexec flowmatch "$@"\n`, {
    mode: 0o755,
  });
  return bin;
}

function execute(command, args) {
  const folder = mkdtempSync(join(tmpdir(), 'flowmatch-docs-'));
  // Commands of the documents name files of the repository, e.g. examples/data/penguins.csv.
  symlinkSync(join(root, 'examples'), join(folder, 'examples'));
  const bin = commands();
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const run = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', timeout: limitSeconds * 1000 });
  for (const path of [folder, bin]) rmSync(path, { recursive: true, force: true });
  return run.status === 0 ? null : `${run.error?.message ?? ''}${run.stdout}${run.stderr}`.trim().split('\n').slice(-12).join('\n');
}

async function runBlock(block, name) {
  if (block.language === 'sh') return execute('sh', ['-e', '-c', block.code]);
  const source = join(scratch, 'docs', `${name}.ts`);
  mkdirSync(dirname(source), { recursive: true });
  writeFileSync(source, block.code);
  return execute(process.execPath, ['--unhandled-rejections=strict', await bundleProgram(source, 'docs', name)]);
}

async function selfTest() {
  const seen = [
    typeCheck([['bad', "import { train } from 'flowmatch';\nconst n: number = train;"]]).length > 0,
    (await runBlock({ language: 'ts', code: "throw new Error('seeded');\n" }, 'self-test')) !== null,
    (await runBlock({ language: 'sh', code: 'npx flowmatch no-such-verb\n' }, 'self-test')) !== null,
    brokenLinks(join(root, 'README.md'), '[x](no/such/file.md)').length === 1,
    blocksOf('```ts run\n1\n```\n')[0]?.words[0] === 'run',
  ];
  if (seen.includes(false)) {
    console.error(`docs: the self-test failed: a seeded mistake was not seen (${seen.join(', ')})`);
    process.exit(1);
  }
}

if (!existsSync(join(root, 'dist/index.js'))) ensure();
mkdirSync(scratch, { recursive: true });
// A block in docs/ may import '../lib/...': it is checked and run two folders down, beside a link.
if (!existsSync(join(scratch, 'lib'))) symlinkSync(join(root, 'lib'), join(scratch, 'lib'), 'junction');
await selfTest();
const walk = (folder) => readdirSync(join(root, folder), { recursive: true }).map((file) => join(folder, String(file)));
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...walk('docs')].filter((file) => file.endsWith('.md') && existsSync(join(root, file)));
const problems = [];
const programs = [];
const runnable = [];
for (const file of documents) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const problem of brokenLinks(join(root, file), text)) problems.push(`${file}: ${problem}`);
  for (const block of blocksOf(text)) {
    const name = `${file.replace(/[^\w]/g, '-')}-${block.line}`;
    if (block.language === 'ts' && !block.words.includes('sketch')) programs.push([name, block.code]);
    if (block.words.includes('run')) runnable.push({ block, name, place: `${file}:${block.line}` });
  }
}
problems.push(...typeCheck(programs));
// The architecture names every room there is.
const architecture = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
for (const side of ['lib', 'native']) {
  for (const entry of readdirSync(join(root, side), { withFileTypes: true })) {
    if (entry.isDirectory() && !architecture.includes(`${entry.name}/`)) problems.push(`docs/architecture.md: no word about ${side}/${entry.name}/`);
  }
}
// Tables of measured numbers are those of the results they name.
const tables = spawnSync(process.execPath, [join(root, 'bench/run.mjs'), '--render', '--check'], { cwd: root, encoding: 'utf8' });
const published = spawnSync(process.execPath, [join(root, 'bench/tables/run.mjs'), 'tables', 'render', '--verify'], { cwd: root, encoding: 'utf8' });
if (published.status !== 0) problems.push(published.stderr.trim().split('\n').at(-1) ?? 'bench:tables -- render --verify failed');
if (tables.status !== 0) problems.push(tables.stderr.trim().split('\n').at(-1) ?? 'bench --render --check failed');
for (const { block, name, place } of runnable) {
  const failure = await runBlock(block, name);
  console.log(`${failure === null ? 'ok  ' : 'FAIL'} ${place} (${block.language})`);
  if (failure !== null) problems.push(`${place}:\n${failure}`);
}
for (const problem of problems) console.error(problem);
console.log(`docs: ${documents.length} documents, ${programs.length} blocks type-checked, ${runnable.length} executed, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
