// The rooms of the built library that load on their first use, and the plugin of esbuild that makes them: an import reads what loading and sampling a model run.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

// Rooms that load on their first use: in the built library a function of theirs is a stub that loads its file with require(), which shares every module that
// import already knows. Only functions can be late: a class or a constant that an early file takes from a late one ends the build. A folder stands for its files.
export const late = {
  onnx: ['onnx/inspect.ts'],
  plot: ['plot/index.ts'],
  // What some calls on a model need: error control, densities and scores, other paths, user-made solvers, writing files.
  sampling: [
    ...['checkpoint/atomic.ts', 'data/endings.ts', 'model/batches.ts', 'model/export-onnx.ts', 'model/info.ts', 'model/onnx-options.ts'],
    ...['native/build.ts', 'native/info.ts', 'network/tangent.ts', 'paths/affine.ts', 'paths/convert.ts', 'paths/cosine.ts', 'paths/custom.ts'],
    ...['paths/diffusion.ts', 'paths/interpolant.ts', 'paths/linear-vp.ts', 'paths/mix.ts', 'paths/paths.ts', 'paths/polynomial.ts', 'paths/scalar.ts'],
    ...['paths/schrodinger-bridge.ts', 'paths/stirring.ts', 'paths/table.ts', 'paths/tabulate.ts', 'paths/ve.ts', 'paths/vp.ts', 'sampling/adaptive.ts'],
    ...['sampling/density.ts', 'sampling/score.ts', 'solvers/check-tableau.ts', 'solvers/grids.ts', 'solvers/order.ts', 'solvers/pairs.ts', 'solvers/spans.ts'],
  ],
  training: [
    ...['checkpoint/checkpoint.ts', 'couplings/', 'data/densities.ts', 'data/shapes.ts', 'data/synthetic.ts', 'losses/', 'metrics/', 'network/initialise.ts'],
    ...['optimisers/', 'sampling/noise.ts', 'sampling/onnx-arguments.ts', 'sampling/onnx-calls.ts', 'sampling/onnx-inputs.ts', 'sampling/onnx-load.ts'],
    ...['sampling/onnx-plan.ts', 'times/', 'training/'],
  ],
  table: ['table/fit.ts', 'table/sample.ts'],
};
/** Rooms whose files a room needs as well. */
const needs = { training: ['sampling'], table: ['sampling', 'training'] };
/** What is early in those folders: classes and constants, and what every sample asks. */
const kept = ['times/euler-times.ts', 'training/options.ts', 'training/trainer.ts'];
const lib = join(root, 'lib');
export const roomOf = (file) => {
  const name = relative(lib, file).replaceAll('\\', '/');
  if (kept.includes(name)) return undefined;
  return Object.keys(late).find((room) => late[room].some((part) => (part.endsWith('/') ? name.startsWith(part) : name === part)));
};
/** Whether a file is never early: what it imports is there when it runs. */
const isLate = (file) => roomOf(file) !== undefined || /^(onnx|plot|report|table)[\\/](?!defaults)/.test(relative(lib, file));
/** The files of a room. */
const filesOf = (room) =>
  readdirSync(lib, { recursive: true })
    .map((name) => join(lib, name))
    .filter((file) => file.endsWith('.ts') && roomOf(file) === room);
/** The functions that a file exports; plot/index.ts passes them on from others. */
export const functionsOf = (file) => {
  const text = readFileSync(file, 'utf8');
  const own = [...text.matchAll(/^export (?:async )?function\*? (\w+)|^export const (\w+)(?:: \w+)? = (?:async )?\(.*=>/gm)].map(
    (match) => match[1] ?? match[2],
  );
  const passed = [...text.matchAll(/^export \{([^}]*)\} from/gm)].flatMap((match) => match[1].split(',').map((name) => name.trim()));
  return [...new Set([...own, ...passed])].filter((name) => name && !name.startsWith('type '));
};
/** What the room of a file calls a function of the file: two files may have functions of one name. */
export const inRoom = (file, name) => `${relative(lib, file).replace(/\.ts$/, '').replaceAll(/\W/g, '_')}_${name}`;
/** The statements by which a file names its factories to messages: they hold for its stubs, which are what a user passes. */
const namingOf = (file) => readFileSync(file, 'utf8').match(/^nameFactories\((?:.*|\n[\s\S]*?\n)\);$/gm) ?? [];
const indexFile = join(lib, 'index.ts');
/** What index.ts exports but types. */
const indexNames = [...readFileSync(indexFile, 'utf8').matchAll(/export \{([^}]*)\} from/g)]
  .flatMap((match) => match[1].split(','))
  .map((name) => name.trim())
  .filter((name) => name && !name.startsWith('type '));
// Each late file, and each that is imported dynamically, also holds on to the whole of index.ts and to the rooms it needs: what is shared is then one chunk for each
// of them, and not one for each set of users. Names are held one by one, as a namespace would be an object that every import builds.
const holding = (exported, rooms) => {
  const held = [[indexFile, indexNames], ...rooms.flatMap(filesOf).map((file) => [file, functionsOf(file)])];
  return {
    contents: [
      ...exported,
      ...held.map(([file], i) => `import * as held${i} from '${file}';`),
      `export const held = () => [${held.flatMap(([, names], i) => names.map((name) => `held${i}.${name}`))}];`,
    ].join('\n'),
    resolveDir: root,
    loader: 'ts',
  };
};
export const lateRooms = {
  name: 'late-rooms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^late:/ }, ({ path }) => ({ path: path.slice(5), namespace: 'room' }));
    onLoad({ filter: /.*/, namespace: 'room' }, ({ path: room }) => {
      const exported = filesOf(room).map((file) => `export { ${functionsOf(file).map((name) => `${name} as ${inRoom(file, name)}`)} } from '${file}';`);
      return holding(exported, needs[room] ?? []);
    });
    onResolve({ filter: /^csv-parse$/ }, ({ path, kind }) => (kind === 'dynamic-import' ? { path, namespace: 'dynamic' } : undefined));
    onResolve({ filter: /^\.\.?\// }, ({ path, importer, kind, resolveDir }) => {
      const file = join(resolveDir, path);
      if (kind === 'dynamic-import') return { path: file, namespace: 'dynamic' };
      const room = roomOf(file);
      return room && importer.startsWith(lib) && !isLate(importer) ? { path: file, namespace: 'late', pluginData: room } : undefined;
    });
    onLoad({ filter: /.*/, namespace: 'dynamic' }, ({ path }) => holding([`export * from '${path}';`], []));
    onResolve({ filter: /^door:/ }, ({ path }) => ({ path: path.slice(5), namespace: 'door' }));
    onLoad({ filter: /.*/, namespace: 'door' }, ({ path }) => ({
      contents: `import { createRequire } from 'node:module'; let room; export const ${path} = () => (room ??= createRequire(import.meta.url)('../late/${path}.js'));`,
    }));
    onLoad({ filter: /.*/, namespace: 'late' }, ({ path, pluginData: room }) => ({
      contents: [
        `import { ${room} } from 'door:${room}'; import { nameFactories } from '${join(lib, 'errors.ts')}';`,
        ...functionsOf(path).map((name) => `export function ${name}(...args) { return ${room}().${inRoom(path, name)}(...args); }`),
        ...namingOf(path),
      ].join('\n'),
      resolveDir: root,
      loader: 'ts',
    }));
  },
};
