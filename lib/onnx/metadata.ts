// What an exported file says about itself in metadata_props: strings under `flowmatch.*`, JSON where structured. Written by export, read by inspect.

import type { ModelRecord } from '../model/record.ts';
import type { Solver } from '../solvers/solver.ts';

export const timeConvention = 't=0 is noise (source), t=1 is data; dx/dt = v(x, t)';
/** Raised when a key changes its meaning. */
export const metadataFormat = 1;

/** The part of a ModelRecord that a user of the exported file needs, parsed and checked. */
export interface FlowMetadata {
  readonly graph: 'velocity' | 'sampler' | 'log-density';
  /** Library version that wrote the file. */
  readonly version: string;
  readonly dimension: number;
  readonly columns: readonly string[] | null;
  readonly condition: { readonly numbers: number; readonly classes: readonly number[]; readonly drop?: number } | null;
  readonly source: 'gaussian' | 'rows';
  readonly path: {
    readonly name: string;
    readonly tMin: number;
    readonly tMax: number;
    readonly sourceScale: number;
    /** Where the path ends before 1: in network coordinates x(1) = x * state + v * velocity, both at tMax. A sampler graph holds this step. */
    readonly closing?: { readonly x: number; readonly v: number };
  };
  /** Data = shift + scale * z; null = raw coordinates. A velocity graph starts at shift + scale * sourceScale * noise. */
  readonly normaliser: { readonly shift: readonly number[]; readonly scale: readonly number[] } | null;
  /** Of the solver inside a sampler or log-density graph; null for velocity graphs. */
  readonly solver: {
    readonly name: string;
    readonly order: number;
    readonly stages: number;
    readonly steps: number;
    readonly grid: readonly number[];
    readonly noise?: string;
  } | null;
  /** How the graph guides: a constant scale or an input, on an interval of t; null = the plain condition. A scale of 0 for all t leaves no condition input. */
  readonly guidance: { readonly scale: number | 'input'; readonly from: number; readonly to: number } | null;
  /** Table codec, to be read by the table room; null for plain matrices. */
  readonly table: unknown;
}

/** The entries in the order in which they are written. */
export function writeMetadata(
  record: ModelRecord,
  graph: FlowMetadata['graph'],
  solver: (Solver & { readonly grid: readonly number[] }) | null,
  path: FlowMetadata['path'],
  guidance: FlowMetadata['guidance'] = null,
): Record<string, string> {
  const { normaliser } = record;
  const json = (value: unknown): string => JSON.stringify(value ?? null);
  return {
    'flowmatch.format': String(metadataFormat),
    'flowmatch.graph': graph,
    'flowmatch.version': record.version,
    'flowmatch.time': timeConvention,
    'flowmatch.coordinates': 'data units at every input and output',
    'flowmatch.dimension': String(record.dimension),
    'flowmatch.columns': json(record.columns),
    'flowmatch.condition': json(record.condition),
    'flowmatch.source': record.source,
    'flowmatch.path': json(path),
    'flowmatch.normaliser': json(normaliser && { shift: Array.from(normaliser.shift), scale: Array.from(normaliser.scale) }),
    'flowmatch.solver': json(
      solver && {
        name: solver.name,
        order: solver.order,
        stages: solver.b.length,
        steps: solver.grid.length - 1,
        grid: solver.grid,
        ...(solver.noise ? { noise: solver.noise.name } : {}),
      },
    ),
    ...(guidance ? { 'flowmatch.guidance': json({ scale: guidance.scale, from: guidance.from, to: guidance.to }) } : {}),
    'flowmatch.network': json(record.network),
    'flowmatch.table': json(record.table),
  };
}

type Json = Record<string, unknown>;
const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((v) => typeof v === 'number' && Number.isFinite(v));
const count = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** JSON without prototypes: `__proto__` and `constructor` in a file stay plain data. */
function parse(text: string): unknown {
  return JSON.parse(text, (_, value) => (isRecord(value) ? Object.assign(Object.create(null), value) : value));
}

/** The metadata of a file of ours; null when there is none. Throws SyntaxError or TypeError on entries that are not as written: the caller names the file. */
export function readMetadata(entries: ReadonlyMap<string, string>): FlowMetadata | null {
  const format = entries.get('flowmatch.format');
  if (format === undefined) return null;
  const wrong = (key: string, expected: string): TypeError => new TypeError(`flowmatch.${key}: expected ${expected}`);
  if (format !== String(metadataFormat)) throw wrong('format', `${metadataFormat}, the newest this version reads`);
  const text = (key: string): string => {
    const value = entries.get(`flowmatch.${key}`);
    if (value === undefined) throw wrong(key, 'an entry');
    return value;
  };
  const json = (key: string): unknown => parse(text(key));
  const graph = text('graph');
  if (graph !== 'velocity' && graph !== 'sampler' && graph !== 'log-density') throw wrong('graph', '"velocity", "sampler" or "log-density"');
  const source = text('source');
  if (source !== 'gaussian' && source !== 'rows') throw wrong('source', '"gaussian" or "rows"');
  const dimension = Number(text('dimension'));
  if (!count(dimension) || dimension === 0) throw wrong('dimension', 'a positive integer');
  const columns = json('columns');
  if (columns !== null && !(Array.isArray(columns) && columns.length === dimension && columns.every((c) => typeof c === 'string')))
    throw wrong('columns', `null or ${dimension} names`);
  const path = json('path');
  if (!isRecord(path) || typeof path.name !== 'string' || !isNumbers([path.tMin, path.tMax, path.sourceScale]))
    throw wrong('path', 'name, tMin, tMax and sourceScale');
  const { closing } = path;
  if (closing !== undefined && !(isRecord(closing) && isNumbers([closing.x, closing.v]))) throw wrong('path', 'closing to hold the numbers x and v');
  const condition = json('condition');
  if (condition !== null && !(isRecord(condition) && count(condition.numbers) && Array.isArray(condition.classes) && condition.classes.every(count)))
    throw wrong('condition', 'null, or numbers and classes');
  const normaliser = json('normaliser');
  const fits = (value: unknown): boolean => isNumbers(value) && value.length === dimension;
  if (normaliser !== null && !(isRecord(normaliser) && fits(normaliser.shift) && fits(normaliser.scale)))
    throw wrong('normaliser', `null, or ${dimension} shifts and scales`);
  const solver = json('solver');
  if (
    solver !== null &&
    !(
      isRecord(solver) &&
      typeof solver.name === 'string' &&
      count(solver.stages) &&
      count(solver.steps) &&
      isNumbers(solver.grid) &&
      solver.grid.length === solver.steps + 1
    )
  )
    throw wrong('solver', 'name, stages, steps and grid');
  const guidance = entries.has('flowmatch.guidance') ? json('guidance') : null;
  if (guidance !== null && !(isRecord(guidance) && isNumbers([guidance.from, guidance.to]) && (guidance.scale === 'input' || isNumbers([guidance.scale]))))
    throw wrong('guidance', 'scale, from and to');
  return {
    graph,
    version: text('version'),
    dimension,
    columns: columns as string[] | null,
    condition: condition as FlowMetadata['condition'],
    source,
    path: path as unknown as FlowMetadata['path'],
    normaliser: normaliser as FlowMetadata['normaliser'],
    solver: solver as FlowMetadata['solver'],
    guidance: guidance as FlowMetadata['guidance'],
    table: json('table'),
  };
}
