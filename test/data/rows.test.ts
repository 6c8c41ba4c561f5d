import { describe, expect, it } from 'vitest';
import { samplingCondition, trainingCondition } from '../../lib/data/condition.ts';
import { checkColumns, pieces, toMatrix } from '../../lib/data/rows.ts';
import { caught } from '../support/models.ts';

const two = { width: 2, names: ['a', 'b'] };

describe('rows', () => {
  it('takes number[][], typed rows and flat arrays', () => {
    const expected = Float32Array.of(1, 2, 3, 4);
    expect(toMatrix([[1, 2], [3, 4]], 'data')).toEqual({ values: expected, rows: 2, width: 2 }); // biome-ignore format: a matrix
    expect(toMatrix([Float32Array.of(1, 2), Float64Array.of(3, 4)], 'data').values).toEqual(expected);
    expect(toMatrix(Float32Array.of(1, 2, 3, 4), 'data', two).values).toEqual(expected);
    expect(toMatrix(Float64Array.of(1, 2, 3, 4), 'data', two).rows).toBe(2);
  });

  it('copies: the caller keeps the own array, and a view reads at its own offset', () => {
    const mine = Float32Array.of(9, 1, 2);
    const { values } = toMatrix(mine.subarray(1), 'data', two);
    mine.fill(0);
    expect(values).toEqual(Float32Array.of(1, 2));
  });

  const cases: readonly (readonly [string, () => unknown, string, string])[] = [
    ['objects', () => toMatrix([{ x: 1, y: 2, z: 3 }], 'points'), 'ERR_FLOW_TYPE', 'points[0]: expected a row: number[] or Float32Array, got an object {x, y, z}. Use points.map((p) => [p.x, p.y, p.z]).'],
    ['one column as numbers', () => toMatrix([1, 2], 'data'), 'ERR_FLOW_TYPE', 'data[0]: expected a row: number[] or Float32Array, got 1. For one column write data.map((x) => [x]).'],
    ['ragged rows', () => toMatrix([[1, 2], [3]], 'data'), 'ERR_FLOW_SHAPE', 'data[1]: expected a row of 2 numbers, as the rows before, got 1 number.'],
    ['a NaN', () => toMatrix([[1, 2], [3, Number.NaN]], 'batch', two), 'ERR_FLOW_NONFINITE', 'batch[1][1] ("b") is NaN: expected a finite number. Leave the row out, or put a number there.'],
    ['an infinity', () => toMatrix(Float32Array.of(1, 2, -1 / 0, 4), 'batch', two), 'ERR_FLOW_NONFINITE', 'batch[1][0] ("a") is -Infinity: expected a finite number. Leave the row out, or put a number there.'],
    ['what float32 cannot hold', () => toMatrix([[1, 1e39]], 'batch', two), 'ERR_FLOW_NONFINITE', 'batch[0][1] ("b") is 1e+39: expected a number that float32 can hold. Give the column in a smaller unit.'],
    ['text', () => toMatrix([[1, '2']], 'data'), 'ERR_FLOW_TYPE', 'data[0][1]: expected a number, got "2".'],
    ['another width', () => toMatrix([[1, 2, 3]], 'batch', two), 'ERR_FLOW_SHAPE', 'batch: expected [n, 2], got [n, 3].'],
    ['half a row', () => toMatrix(new Float32Array(5), 'data', two), 'ERR_FLOW_SHAPE', 'data: expected a multiple of 2 values, got 5 values.'],
    ['a flat array without columns', () => toMatrix(new Float32Array(4), 'data'), 'ERR_FLOW_TYPE', 'data: expected rows of numbers, got Float32Array(4). Of a flat array the width is not known: give columns (names or a count) as well.'],
    ['no rows at all', () => toMatrix('csv', 'data'), 'ERR_FLOW_TYPE', 'data: expected rows of numbers: number[][], or a Float32Array with columns, got "csv".'],
    ['empty rows', () => toMatrix([[]], 'data'), 'ERR_FLOW_SHAPE', 'data[0]: expected at least one number, got an array of 0.'],
    ['unnamed columns', () => checkColumns(['a', ''], 'columns'), 'ERR_FLOW_TYPE', 'columns[1]: expected a column name, got "".'],
  ]; // biome-ignore format: one case a line

  it.each(cases)('refuses %s by place', async (_, work, code, message) => {
    expect(await caught(work)).toMatchObject({ name: 'FlowError', code, message });
  });

  it('notices an array that is transferred while it is read in pieces', async () => {
    const big = new Float32Array(1 << 20);
    const work = async () => {
      for await (const _ of pieces(big, 1 << 20, 1, 'data', null)) structuredClone(0, { transfer: [big.buffer] });
    };
    expect(await caught(work)).toMatchObject({ code: 'ERR_FLOW_STATE', path: 'data' });
  });
});

describe('conditions', () => {
  it('training: numbers, labels and both, classes counted', () => {
    expect(trainingCondition([[1, 2], [3, 4]], 'c', 2)).toEqual({ spec: { numbers: 2, classes: [] }, values: Float32Array.of(1, 2, 3, 4), warnings: [] });
    const warnings = [expect.stringContaining('c.labels: no row has class 1 of 0 .. 2.')];
    expect(trainingCondition({ labels: [0, 2] }, 'c', 2)).toEqual({ spec: { numbers: 0, classes: [3] }, values: Float32Array.of(0, 2), warnings });
    expect(trainingCondition({ numbers: [[5], [6]], labels: [Int32Array.of(1, 0), [1, 1]], classes: [4, 2] }, 'c', 2)).toEqual({
      spec: { numbers: 1, classes: [4, 2] },
      values: Float32Array.of(5, 1, 1, 6, 0, 1),
      warnings: [],
    });
    expect(trainingCondition(undefined, 'c', 2)).toBeNull();
  }); // biome-ignore format: matrices

  it('sampling: one row for all, or a row each', () => {
    const spec = { numbers: 2, classes: [3] };
    const one = (...values: number[]) => ({ rows: 1, values: Float32Array.from(values), perSample: false });
    expect(samplingCondition({ numbers: [1, 2], labels: 2 }, 'c', spec)).toEqual(one(1, 2, 2));
    expect(samplingCondition([1, 2, 0], 'c', spec)).toEqual(one(1, 2, 0));
    expect(samplingCondition(Float32Array.of(1, 2, 0), 'c', spec)).toEqual(one(1, 2, 0));
    expect(samplingCondition(7, 'c', { numbers: 1, classes: [] })).toEqual(one(7));
    expect(samplingCondition({ labels: [1, 0] }, 'c', { numbers: 0, classes: [2, 2] })).toEqual(one(1, 0));
    const two = { rows: 2, values: Float32Array.of(1, 2, 0, 1, 2, 1), perSample: true };
    expect(samplingCondition({ numbers: [1, 2], labels: [0, 1] }, 'c', spec)).toEqual(two);
    for (const form of [[[1, 2, 0]], { numbers: [[1, 2]], labels: 0 }, { numbers: [1, 2], labels: [0] }, { numbers: [1, 2], labels: Uint8Array.of(0) }]) {
      expect(samplingCondition(form, 'c', spec)).toEqual({ ...one(1, 2, 0), perSample: true });
    }
    expect(samplingCondition({ labels: [[1], [0]] }, 'c', { numbers: 0, classes: [2, 2] })).toEqual({ ...one(1, 0), perSample: true });
    expect(samplingCondition(Float32Array.of(1, 2, 3, 4), 'c', { numbers: 2, classes: [] })?.rows).toBe(2);
  });

  const four = { numbers: 4, classes: [] };
  const cases: readonly (readonly [string, () => unknown, string, RegExp])[] = [
    ['a wrong width', () => samplingCondition([[1, 2, 3]], 'cond', four), 'ERR_FLOW_SHAPE', /^cond: expected \[n, 4\], got \[n, 3\]/],
    ['a wrong single row', () => samplingCondition([1, 2, 3], 'cond', four), 'ERR_FLOW_SHAPE', /^cond: expected \[n, 4\], got \[n, 3\]/],
    ['none where one is needed', () => samplingCondition(undefined, 'cond', four), 'ERR_FLOW_CONFIG', /4 condition values: 4 numbers/],
    ['one where none is known', () => samplingCondition([1], 'cond', null), 'ERR_FLOW_CONFIG', /this model has no condition/],
    ['a class that does not exist', () => samplingCondition(3, 'cond', { numbers: 0, classes: [3] }), 'ERR_FLOW_RANGE', /\[0, 2\], got 3/],
    ['half a class', () => trainingCondition({ labels: [0.5, 1] }, 'cond', 2), 'ERR_FLOW_RANGE', /cond\.labels\[0\]/],
    ['a NaN', () => samplingCondition([1, 2, Number.NaN, 4], 'cond', four), 'ERR_FLOW_NONFINITE', /cond\[0\]\[2\] is NaN/],
    ['too few labels', () => trainingCondition({ labels: [1] }, 'cond', 2), 'ERR_FLOW_SHAPE', /expected 2 rows, one per data row, got 1/],
    ['too few rows', () => trainingCondition([[1]], 'cond', 2), 'ERR_FLOW_SHAPE', /expected 2 rows/],
    ['words for labels', () => trainingCondition({ labels: ['a', 'b'] }, 'cond', 2), 'ERR_FLOW_TYPE', /Number your classes/],
    ['a typo', () => trainingCondition({ label: [1, 0] }, 'cond', 2), 'ERR_FLOW_CONFIG', /Did you mean "labels"\?/],
    ['counts without labels', () => trainingCondition({ classes: 3 }, 'cond', 2), 'ERR_FLOW_SHAPE', /^cond\.classes: .*goes into labels: \{ labels:/],
    ['labels called classes', () => trainingCondition({ classes: [1, 0] }, 'cond', 2), 'ERR_FLOW_SHAPE', /goes into labels: \{ labels:/],
    ['classes when sampling', () => samplingCondition({ classes: 1 }, 'cond', { numbers: 0, classes: [3] }), 'ERR_FLOW_CONFIG', /Write labels: the class/],
    ['nothing at all', () => trainingCondition({}, 'cond', 2), 'ERR_FLOW_CONFIG', /numbers or labels/],
  ]; // biome-ignore format: one case a line

  it.each(cases)('refuses %s', async (_, work, code, message) => {
    const error = await caught(work);
    expect(error).toMatchObject({ name: 'FlowError', code });
    expect(error.message).toMatch(message);
  });
});
