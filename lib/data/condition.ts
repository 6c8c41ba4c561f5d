// Conditions: rows beside the data. A row holds `numbers` continuous columns, then one class index per label column.

import { argumentError, counted, FlowError } from '../errors.ts';
import { integer, record } from '../options.ts';
import { checkColumns, type Matrix, measure, shapeError, toMatrix } from './rows.ts';

/** What a condition row holds; the same shape as in the Model record. */
export interface ConditionSpec {
  readonly numbers: number;
  readonly classes: readonly number[];
  /** How often training dropped the condition, in (0, 1); absent = never. */
  readonly drop?: number;
}

/** Class indices 0 .. K - 1, one per row. */
export type Labels = readonly number[] | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Conditions of a training set: rows of numbers, or numbers and class labels by name. */
export type TrainingCondition =
  | Matrix
  | {
      /** Continuous columns, one row per data row; z-scored like the data. */
      readonly numbers?: Matrix;
      /** One label column, or several. */
      readonly labels?: Labels | readonly Labels[];
      /** Class counts of the label columns, each in [2, 65536] and above its labels; one class is refused (ERR_FLOW_RANGE), as it tells nothing apart. @default the largest label + 1 */
      readonly classes?: number | readonly number[];
    };

/** Condition of a sampling call: one row for all samples, or one per sample. A sample of a given seed and row is the same in any request of the same form. */
export type SamplingCondition =
  | number
  | readonly number[]
  | Matrix
  | {
      /** One row of numbers, or one per sample. */
      readonly numbers?: readonly number[] | Matrix;
      /** One label per label column, or one per sample (for several label columns an array of such arrays). */
      readonly labels?: number | Labels | readonly (number | Labels)[];
    };

/** (rows, width) condition rows in users' units. */
export interface ConditionRows {
  readonly spec: ConditionSpec;
  readonly values: Float32Array;
  /** One sentence for each label column whose classes were counted here and have some without a row. */
  readonly warnings: readonly string[];
}

const isNumbers = (value: unknown): value is ArrayLike<number> =>
  ArrayBuffer.isView(value) || (Array.isArray(value) && (value.length === 0 || typeof value[0] === 'number'));

const labelsHint = 'The class of each row goes into labels: { labels: [0, 2, 1, ...] }; classes only says how many there are.';

/** One value per row, where rows are read: class labels most likely. */
const isBare = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && (typeof value[0] !== 'object' || value[0] === null)
    : ArrayBuffer.isView(value) && !(value instanceof Float32Array || value instanceof Float64Array);
const bareHint = 'Of class labels write condition: { labels }, indices 0, 1, 2, ...; of one number per row condition: { numbers: values.map((x) => [x]) }.';

/** The most classes of a label column. */
const mostClasses = 65_536;

/** The `condition` option of training, or null; `drop` is how often it will be dropped. A run that is `resumed` may have a label column of one class, as older ones had. */
export function trainingCondition(value: unknown, path: string, rows: number, drop = 0, resumed = false): ConditionRows | null {
  if (value === undefined || value === null) return null;
  const plain = Array.isArray(value) || ArrayBuffer.isView(value);
  if (isBare(value)) throw argumentError('ERR_FLOW_TYPE', path, 'rows of numbers, or { labels }', value, bareHint);
  const given = plain ? { numbers: value, labels: undefined, classes: undefined } : record(value, path, ['numbers', 'labels', 'classes']);
  const at = plain ? path : `${path}.numbers`;
  if (isBare(given.numbers)) throw argumentError('ERR_FLOW_TYPE', at, 'rows of numbers', given.numbers, bareHint);
  const flat = ArrayBuffer.isView(given.numbers) ? checkColumns(Math.max(1, Math.floor((given.numbers as Float32Array).length / rows)), at) : undefined;
  const numbers = given.numbers === undefined ? { values: new Float32Array(0), rows, width: 0 } : toMatrix(given.numbers, at, flat);
  if (numbers.rows !== rows) throw rowsError(at, rows, numbers.rows);
  const labels = labelColumns(given.labels, `${path}.labels`);
  const counts = given.classes === undefined || Array.isArray(given.classes) ? (given.classes as unknown[] | undefined) : [given.classes];
  if (counts !== undefined && counts.length !== labels.length)
    throw argumentError('ERR_FLOW_SHAPE', `${path}.classes`, `${labels.length} class counts`, given.classes, labels.length === 0 ? labelsHint : undefined);
  const warnings: string[] = [];
  const classes = labels.map((column, k) => {
    if (column.length !== rows) throw rowsError(`${path}.labels`, rows, column.length);
    const stated = counts?.[k] === undefined ? undefined : integer(counts[k], `${path}.classes[${k}]`, 1, mostClasses);
    const above = stated === undefined || stated === 1 ? mostClasses : stated; // 1 is refused below, with the number that the labels hold
    const place = `${path}.labels${labels.length > 1 ? `[${k}]` : ''}`;
    const seen = new Uint8Array(above);
    for (let i = 0; i < rows; i++) seen[integer(column[i], `${place}[${i}]`, 0, above - 1)] = 1;
    const found = Math.max(1, 1 + seen.lastIndexOf(1));
    const empty = Array.from(seen.subarray(0, found).keys()).filter((label) => seen[label] === 0);
    if (stated === undefined && empty.length > 0) warnings.push(emptyClasses(place, empty, found, labels.length > 1));
    const count = stated ?? found;
    if (count === 1 && !(resumed && found === 1)) throw oneClass(`${path}.classes[${k}]`, found, labels.length, numbers.width === 0);
    return count;
  });
  if (numbers.width + classes.length === 0) throw argumentError('ERR_FLOW_CONFIG', path, 'numbers or labels', value, 'Leave the condition out instead.');
  const spec: ConditionSpec = { numbers: numbers.width, classes, ...(drop > 0 ? { drop } : {}) };
  return { spec, values: join(spec, rows, numbers.values, labels), warnings };
}

/** Most classes that a warning lists. */
const mostListed = 8;

/** Of `count` classes, as many as the largest label says, some are `empty`. */
function emptyClasses(place: string, empty: readonly number[], count: number, several: boolean): string {
  const listed = `${empty.slice(0, mostListed).join(', ')}${empty.length > mostListed ? ', ...' : ''}`;
  const stated = several ? 'say in classes how many each label column has' : `say classes: ${count}`;
  return `${place}: no row has ${empty.length === 1 ? 'class' : 'classes'} ${listed} of 0 .. ${count - 1}. Number your classes 0, 1, 2, ..., or ${stated} if they are meant.`;
}

/** The `condition` option of sampling in users' units: (rows, c), where a single row may stand for all samples. */
export interface GivenCondition {
  readonly values: Float32Array;
  readonly rows: number;
  /** Written as one row per sample, if of one sample: a row so given meets the same sums in a request alone as among others. */
  readonly perSample: boolean;
}

/** The `condition` option of sampling, or null for an unconditional model. */
export function samplingCondition(value: unknown, path: string, spec: ConditionSpec | null): GivenCondition | null {
  if (spec === null) {
    if (value === undefined || value === null) return null;
    throw argumentError('ERR_FLOW_CONFIG', path, 'nothing: this model has no condition', value, 'Train with a condition to sample with one.');
  }
  const width = spec.numbers + spec.classes.length;
  if (value === undefined || value === null) {
    throw argumentError(
      'ERR_FLOW_CONFIG',
      path,
      `${counted(width, 'condition value')}: ${describe(spec)}`,
      value,
      `This model was trained with a condition: write condition: ${example(spec)}.`,
    );
  }
  if (typeof value === 'number') return check({ values: one(value, path, width), rows: 1 }, spec, path, false);
  if (isBare(value)) {
    const { length } = value as { length?: unknown }; // a DataView has none
    if (typeof length === 'number' && length !== width) throw shapeError(path, width, length, bareForm(spec));
  }
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return check(loose(value, path, width), spec, path, holdsRows(value));
  const given = record(value, path, ['numbers', 'labels'], { classes: 'labels: the class of each row, or one for all' });
  const numbers = spec.numbers === 0 ? { values: new Float32Array(0), rows: 1 } : loose(given.numbers, `${path}.numbers`, spec.numbers);
  if (spec.numbers === 0 && given.numbers !== undefined)
    throw argumentError('ERR_FLOW_CONFIG', `${path}.numbers`, 'nothing: the condition has labels only', given.numbers);
  const columns = spec.classes.length === 0 && given.labels === undefined ? [] : labelColumns(given.labels, `${path}.labels`, spec.classes.length);
  if (columns.length !== spec.classes.length) throw argumentError('ERR_FLOW_SHAPE', `${path}.labels`, `${spec.classes.length} label columns`, given.labels);
  const rows = Math.max(numbers.rows, ...columns.map((column) => column.length));
  for (const count of [numbers.rows, ...columns.map((column) => column.length)]) if (count !== rows && count !== 1) throw rowsError(path, rows, count);
  const repeated = new Float32Array(rows * spec.numbers);
  for (let i = 0; i < rows; i++) repeated.set(numbers.values.subarray((numbers.rows === 1 ? 0 : i) * spec.numbers).subarray(0, spec.numbers), i * spec.numbers);
  const labels = columns.map((column) => (column.length === rows ? column : Array.from({ length: rows }, () => column[0] as number)));
  const labelRows = spec.classes.length === 1 ? typeof given.labels !== 'number' : holdsRows(given.labels);
  return check({ values: join(spec, rows, repeated, labels), rows }, spec, path, holdsRows(given.numbers) || labelRows);
}

/** Rows, not the values of one. */
const holdsRows = (value: unknown): boolean => Array.isArray(value) && value.some((row) => typeof row === 'object');

/** One row as a flat array, or rows. */
function loose(value: unknown, path: string, width: number): { values: Float32Array; rows: number } {
  if (isNumbers(value) && Array.isArray(value)) {
    if (value.length !== width) throw shapeError(path, width, value.length);
    return toMatrix([value], path);
  }
  const columns = { width, names: null };
  if (ArrayBuffer.isView(value) && (value as Float32Array).length % width !== 0) throw shapeError(path, width, (value as Float32Array).length);
  const { width: found } = measure(value, path, ArrayBuffer.isView(value) ? columns : undefined);
  if (found !== width) throw shapeError(path, width, found);
  return toMatrix(value, path, columns);
}

function one(value: number, path: string, width: number): Float32Array {
  if (width !== 1) throw shapeError(path, width, 1);
  return toMatrix([[value]], path).values;
}

function labelColumns(value: unknown, path: string, columns = 1): ArrayLike<number>[] {
  if (value === undefined) return [];
  if (typeof value === 'number') return [[value]];
  if (columns > 1 && isNumbers(value) && value.length === columns) return Array.from(value, (label) => [label]);
  if (isNumbers(value)) return [value];
  if (!Array.isArray(value)) throw argumentError('ERR_FLOW_TYPE', path, 'class indices, one per row', value, 'Number your classes 0, 1, 2, ...');
  return value.map((column: unknown, k) => {
    if (typeof column === 'number') return [column];
    if (!isNumbers(column)) throw argumentError('ERR_FLOW_TYPE', `${path}[${k}]`, 'class indices, one per row', column, 'Number your classes 0, 1, 2, ...');
    return column;
  });
}

function check(rows: { values: Float32Array; rows: number }, spec: ConditionSpec, path: string, perSample: boolean): GivenCondition {
  const width = spec.numbers + spec.classes.length;
  spec.classes.forEach((count, k) => {
    for (let i = 0; i < rows.rows; i++) integer(rows.values[i * width + spec.numbers + k], `${path}.labels[${i}]`, 0, count - 1);
  });
  return { values: rows.values, rows: rows.rows, perSample: perSample || rows.rows > 1 };
}

function join(spec: ConditionSpec, rows: number, numbers: Float32Array, labels: readonly ArrayLike<number>[]): Float32Array {
  const width = spec.numbers + labels.length;
  const values = new Float32Array(rows * width);
  for (let i = 0; i < rows; i++) {
    values.set(numbers.subarray(i * spec.numbers, (i + 1) * spec.numbers), i * width);
    labels.forEach((column, k) => {
      values[i * width + spec.numbers + k] = column[i] as number;
    });
  }
  return values;
}

/** One condition for all rows, as it is written for such a model. */
function example({ numbers, classes }: ConditionSpec): string {
  const row = numbers > 4 ? '[...]' : `[${Array(numbers).fill(0).join(', ')}]`;
  const labels = classes.length === 1 ? '0' : classes.length > 4 ? '[...]' : `[${classes.map(() => 0).join(', ')}]`;
  return `{ ${[numbers > 0 ? `numbers: ${row}` : '', classes.length > 0 ? `labels: ${labels}` : ''].filter(Boolean).join(', ')} }`;
}

/** What to write instead of one bare value per row. */
function bareForm({ numbers, classes }: ConditionSpec): string | undefined {
  if (classes.length > 0) {
    const labels = classes.length > 1 ? 'labels: [one array for each label column]' : 'labels: [0, 1, ...]';
    return `Of class labels write condition: { ${numbers > 0 ? `numbers, ${labels}` : labels} }.`;
  }
  return numbers === 1 ? 'Of one number per row write condition: { numbers: values.map((x) => [x]) }.' : undefined;
}

function describe({ numbers, classes }: ConditionSpec): string {
  const parts = [numbers > 0 ? `${numbers} number${numbers > 1 ? 's' : ''}` : '', classes.length > 0 ? `labels of ${classes.join(', ')} classes` : ''];
  return parts.filter(Boolean).join(' and ');
}

/** `found` classes stand in one of `columns` label columns, which are the condition `alone` or stand beside numbers. */
function oneClass(path: string, found: number, columns: number, alone: boolean): FlowError {
  const several = columns > 1;
  const leave = several || !alone ? 'Leave this label column out' : 'Leave the condition out';
  const hint =
    found > 1
      ? `The labels hold ${found}: write ${several ? `${found} for this column` : `classes: ${found}`}, or leave classes out.`
      : `${leave}, or say how many classes there are${several ? ' in classes, a count for each label column' : ': classes: 2'}.`;
  return argumentError('ERR_FLOW_RANGE', path, 'at least 2 classes, as one class tells nothing apart', 1, hint);
}

function rowsError(path: string, expected: number, received: number): FlowError {
  return new FlowError('ERR_FLOW_SHAPE', `${path}: expected ${expected} rows, one per data row, got ${received}.`, {
    path,
    expected: `${expected} rows`,
    received: `${received} rows`,
  });
}
