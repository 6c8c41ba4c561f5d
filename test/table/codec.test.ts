// Schema inference and the codec: kinds, reasons, bad cells, and decode(encode(row)) = row.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backward, Codec, codecOf, type ValueColumn } from '../../lib/table/codec.ts';
import { parseCodec } from '../../lib/table/codec-parse.ts';
import { dateFormats } from '../../lib/table/dates.ts';
import { rowsSource } from '../../lib/table/json.ts';
import { inferSchema } from '../../lib/table/schema.ts';
import { openTable } from '../../lib/table/source.ts';
import { errorOf, file, readAll, roundTrip } from './helpers.ts';

const table = async (text: string) => openTable(file(text));
const kinds = async (columns: Record<string, unknown[]>, options = {}) => {
  const names = Object.keys(columns);
  const rows = (columns[names[0] as string] as unknown[]).map((_, i) => Object.fromEntries(names.map((name) => [name, (columns[name] as unknown[])[i]])));
  const { schema } = await roundTrip(rows, options);
  return Object.fromEntries(schema.columns.map((c) => [c.name, c.kind === 'left out' ? `left out: ${c.note}` : c.kind]));
};
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('schema', () => {
  test('the penguins', async () => {
    const source = await openTable('examples/data/penguins.csv');
    const { schema, missing, decoded, codec } = await roundTrip(source, { nulls: ['.'] });
    expect(schema.columns.map((c) => `${c.name}: ${c.kind}`)).toEqual([
      'Species: category',
      'Island: category',
      'Beak Length (mm): number',
      'Beak Depth (mm): number',
      'Flipper Length (mm): integer',
      'Body Mass (g): integer',
      'Sex: category',
    ]);
    expect(schema.rows).toBe(344);
    expect(missing.rows).toBe(11);
    expect(missing.byColumn.get('Sex')).toBe(11);
    expect(codec.width).toBe(3 + 3 + 4 + 2);
    const whole = (await readAll(source)).filter((row) => row.every((cell) => cell !== '' && cell !== '.'));
    expect(decoded.map((row) => row.map(String))).toEqual(whole.map((row) => row.map((c) => (Number.isNaN(Number(c)) ? c : String(Number(c))))));
    const mass = codec.record.columns[5] as ValueColumn;
    expect([mass.min, mass.max, mass.grid]).toEqual([2700, 6300, { decimals: 0, step: 25 }]);
  });

  test('kinds and reasons', async () => {
    const n = range(60);
    expect(
      await kinds({
        id: n,
        customerId: n.map((i) => (i * 7919) % 1009),
        email: n.map((i) => `p${i}@example.org`),
        price: n.map((i) => `${i}.50`),
        count: n.map((i) => (i * 37) % 53),
        flag: n.map((i) => (i % 3 === 0 ? 'TRUE' : 'false')),
        typed: n.map((i) => i % 2 === 0),
        cylinders: n.map((i) => [3, 4, 6, 8][i % 4]),
        zip: n.map((i) => `0${1000 + (i % 5)}`),
        born: n.map((i) => `20${10 + (i % 10)}-0${1 + (i % 9)}-15`),
        us: n.map((i) => `${1 + (i % 12)}/${1 + ((i * 7) % 28)}/2021`),
        same: n.map(() => 'x'),
        void: n.map(() => null),
        nested: n.map((i) => ({ i })),
        colour: n.map((i) => ['red', 'blue'][i % 2]),
      }),
    ).toEqual({
      id: 'left out: counts the rows; use --keep id to learn it',
      customerId: 'left out: looks like an identifier; use --keep customerId or fill it with faker',
      email: 'left out: looks like an identifier; use --keep email or fill it with faker',
      price: 'number',
      count: 'integer',
      flag: 'boolean',
      typed: 'boolean',
      cylinders: 'integer',
      zip: 'category',
      born: 'date',
      us: 'date',
      same: 'constant',
      void: 'left out: every cell is missing',
      nested: 'left out: looks like an identifier; use --keep nested or fill it with faker',
      colour: 'category',
    });
  });

  test('many texts are left out, unless kept; too many cannot be', async () => {
    const texts = (k: number) => ({ a: range(6000).map((i) => `t${(i * 7919) % k}`), x: range(6000).map((i) => (i * 31) % 997) });
    expect((await kinds(texts(150)))['a']).toBe('left out: 150 different texts; use --keep a to learn them');
    expect((await kinds(texts(150), { keep: ['a'] }))['a']).toBe('category');
    await errorOf(kinds(texts(1500), { keep: ['a'] }), 'ERR_FLOW_LIMIT');
    expect((await kinds(texts(150), { drop: ['a'] }))['a']).toBe('left out: left out as asked');
  });

  test('a bad cell is named by row, column and line, with the remedy', async () => {
    const cells = range(5000).map((i) => (i === 4181 ? '?' : String((i * 7) % 31)));
    const text = `name,hp\n${cells.map((hp, i) => `n${i % 5},${hp}`).join('\n')}\n`;
    const error = await errorOf(inferSchema(await table(text)), 'ERR_FLOW_CSV_CELL');
    expect(error.message).toMatch(/^row 4182, column "hp": expected a number, got "\?". Treat it as missing with --null "\?" \(line 4183 of /);
    expect(error).toMatchObject({ path: 'row 4182, column "hp"', expected: 'a number', received: '"?"', hint: 'Treat it as missing with --null "?"' });
    const { missing } = await roundTrip(await table(text), { nulls: ['?'] });
    expect(missing.rows).toBe(1);
  });

  test.each(['1e999', 'inf', '0x1F', '1,5', 'twelve'])('%s is no number', async (bad) => {
    const rows = range(50).map((i) => ({ x: i === 20 ? bad : i * 3.7 }));
    const error = await errorOf(roundTrip(rows), 'ERR_FLOW_CSV_CELL');
    expect(error.path).toBe('row 21, column "x"');
  });

  test('31 February is no date', async () => {
    const rows = range(50).map((i) => ({ d: i === 7 ? '2023-02-31' : `2023-03-${10 + (i % 20)}` }));
    expect((await errorOf(roundTrip(rows), 'ERR_FLOW_CSV_CELL')).message).toMatch(/row 8, column "d": expected a date like 1970-01-01, got "2023-02-31"/);
  });

  test('unknown column names are refused with the nearest', async () => {
    const rows = [{ price: 1 }, { price: 2.5 }];
    for (const options of [{ drop: ['prize'] }, { keep: ['prize'] }, { columns: { prize: 'number' } }, { target: 'prize' }]) {
      expect((await errorOf(roundTrip(rows, options), 'ERR_FLOW_CONFIG')).message).toMatch(/no column "prize". Did you mean "price"\?/);
    }
    expect((await errorOf(roundTrip(rows, { columns: { price: 'numbr' } }), 'ERR_FLOW_CONFIG')).message).toMatch(/Did you mean "number"/);
    expect((await errorOf(roundTrip(rows, { target: 'price' }), 'ERR_FLOW_CONFIG')).message).toMatch(/is a number column; a target is a category/);
  });

  test('no rows, and nothing to learn', async () => {
    await errorOf(inferSchema(await table('a,b\n')), 'ERR_FLOW_CSV_SHAPE');
    await errorOf(roundTrip([{ a: 'x' }, { a: 'x' }]), 'ERR_FLOW_CSV_SHAPE');
  });

  test('texts that were meant as numbers are pointed out', async () => {
    const note = async (cells: readonly string[], options = {}) =>
      (await inferSchema(rowsSource(cells.map((a, b) => ({ a, b: b * b }))), options)).columns.find(({ name }) => name === 'a')?.note;
    expect(await note(['1,5', '2,5', '1,5'])).toBe('read as text, as "1,5" has a comma; write numbers like 1234.5');
    expect(await note(Array.from({ length: 30 }, (_, i) => `${i},25`))).toMatch(/^read as text, as "0,25" has a comma/); // otherwise: looks like an identifier
    expect(await note(['1', '2', '4', 'inf'])).toMatch(/^read as text, as row 4 is "inf"; treat that as missing with --null inf to learn numbers$/);
    expect(await note(['1', '2', '4', 'inf'], { nulls: ['inf'] })).toBe('');
    expect(await note(['x,1', '2,5', 'x,1'])).toBe('');
  });

  test('the one value of a column of texts that has no letter or digit may stand for a missing cell', async () => {
    const note = async (cells: readonly string[], nulls: readonly string[] = []) =>
      (await inferSchema(rowsSource(cells.map((a, b) => ({ a, b: b * b }))), { nulls })).columns.find(({ name }) => name === 'a')?.note;
    expect(await note(['m', '.', 'f', 'm'])).toBe('"." is learnt as a value; if it stands for a missing cell, say --null .');
    expect(await note(['m', '?', 'f', 'm'])).toBe('"?" is learnt as a value; if it stands for a missing cell, say --null "?"');
    expect(await note(['m', '.', 'f', 'm'], ['.'])).toBe('');
    for (const labels of [
      ['+', '-'],
      ['+', '-', 'none'],
      ['A+', 'B-', 'ü'],
      ['x', '-'],
    ])
      expect(await note([...labels, ...labels])).toBe(''); // signs that say something
    const sex = (await inferSchema(await openTable('examples/data/penguins.csv'))).columns.find(({ name }) => name === 'Sex');
    expect(sex?.note).toContain('--null .');
  });

  test('columns may be named like members of every object', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => Object.fromEntries([['__proto__', i * i], ['constructor', 0.7 * i], ['a', i % 3]])); // biome-ignore format: short
    const { columns } = await inferSchema(rowsSource(rows), { columns: { a: 'number' } });
    expect(columns.map(({ name, kind }) => [name, kind])).toEqual([['__proto__', 'integer'], ['constructor', 'number'], ['a', 'number']]); // biome-ignore format: short
  });
});

describe('codec', () => {
  test('decode(encode(row)) = row for numbers on a lattice, integers, dates, labels, booleans and constants', async () => {
    const format = fc.constantFrom(...dateFormats.slice(0, 10));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        format,
        fc.array(
          fc.tuple(
            fc.integer({ min: 0, max: 100_000 }),
            fc.integer({ min: -5000, max: 5000 }),
            fc.integer({ min: 0, max: 20_000 }),
            fc.constantFrom('a', 'b', 'c,"'),
            fc.boolean(),
          ),
          {
            minLength: 3,
            maxLength: 30,
          },
        ),
        async (decimals, origin, dates, cells) => {
          const rows = cells.map(([a, b, c, d, e]) => ({ x: (origin + a) / 10 ** decimals, n: b, when: dates.format(c), label: d, flag: e, fixed: 7 }));
          const kept = { keep: ['x', 'n', 'when', 'label'], columns: { when: `date:${dates.pattern}`, label: 'category', n: 'integer', x: 'number' } };
          const { decoded } = await roundTrip(rows, kept);
          decoded.forEach((row, i) => {
            expect(row).toEqual(Object.values(rows[i] as object));
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('whatever comes out of a network decodes to values seen, inside the ranges seen, on the lattice', async () => {
    const rows = range(80).map((i) => ({
      x: 10 + ((i * 37) % 100) / 4,
      n: (i * 13) % 41,
      c: ['u', 'v', 'w'][i % 3],
      b: i % 2 === 0,
      d: `2020-01-${String(1 + (i % 28)).padStart(2, '0')}`,
    }));
    const { codec } = await roundTrip(rows);
    const float = fc.oneof(fc.float({ min: -40, max: 80 }), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38));
    fc.assert(
      fc.property(fc.array(float, { minLength: codec.width, maxLength: codec.width }), (z) => {
        const [x, n, c, b, d] = codec.decodeRow(Float32Array.from(z), 0) as [number, number, string, boolean, string];
        expect(x >= 10 && x <= 34.75 && Number.isInteger(x * 4)).toBe(true);
        expect(n >= 0 && n <= 40 && Number.isInteger(n)).toBe(true);
        expect(['u', 'v', 'w']).toContain(c);
        expect(typeof b).toBe('boolean');
        expect(d >= '2020-01-01' && d <= '2020-01-28' && d.length === 10).toBe(true);
      }),
    );
  });

  test('heavy tails are learnt as logarithms or asinh, light ones as they are', async () => {
    const normal = (i: number) => Math.sqrt(-2 * Math.log((((i * 7919) % 401) + 0.5) / 401)) * Math.cos((2 * Math.PI * ((i * 104_729) % 1009)) / 1009);
    const rows = range(400).map((i) => {
      const z = normal(i);
      return { income: Math.round(Math.exp(8 + z) * 100) / 100, profit: Math.round(Math.sinh(2.5 * z + 1) * 10), height: Math.round(1700 + 70 * z) / 10 };
    });
    const { codec, decoded } = await roundTrip(rows);
    expect(codec.record.columns.map((c) => (c as ValueColumn).transform)).toEqual(['log', 'asinh', 'none']);
    decoded.forEach((row, i) => {
      Object.values(rows[i] as object).forEach((want, c) => {
        expect(Math.abs((row[c] as number) - want)).toBeLessThanOrEqual(Math.max(0.01, 4e-6 * Math.abs(want)));
      });
    });
  });

  test('numbers far from zero keep their digits', async () => {
    const rows = range(50).map((i) => ({ t: 1_700_000_000 + i * i, u: 1_000_000.25 + i * 0.5 }));
    const { decoded } = await roundTrip(rows);
    expect(decoded).toEqual(rows.map((row) => Object.values(row)));
  });

  test('a target becomes the class of the condition', async () => {
    const rows = range(40).map((i) => ({ x: i * 1.7, kind: ['a', 'b', 'b'][i % 3] }));
    const { codec, decoded } = await roundTrip(rows, { target: 'kind' });
    expect(codec.width).toBe(1);
    expect(codec.target).toMatchObject({ values: ['a', 'b'], counts: [14, 26] });
    expect(decoded.map((row) => row[1])).toEqual(rows.map((row) => row.kind));
    expect(codec.classOf(' b ')).toBe(1);
    expect(() => codec.classOf('c')).toThrow(/has the values a, b; got "c"/);
  });

  test('the record is plain JSON without rows, and its reader refuses anything else', async () => {
    const rows = range(60).map((i) => ({ x: i * 1.7, kind: ['a', 'b', 'b'][i % 3], k: 5, d: `2020-01-${10 + (i % 20)}` }));
    const { schema } = await roundTrip(rows);
    const record = codecOf(schema, 'kind');
    const copy = JSON.parse(JSON.stringify(record));
    expect(copy).toEqual(record);
    expect(new Codec(parseCodec(copy)).names).toEqual(['x', 'kind', 'k', 'd']);
    const breaks: [string[], unknown][] = [
      [['version'], 2],
      [['width'], 9],
      [['columns', '0', 'min'], 1e9],
      [['columns', '0', 'first'], 1],
      [['columns', '0', 'grid'], { decimals: -1, step: 1 }],
      [['columns', '0', 'transform'], 'exp'],
      [['columns', '1', 'values'], ['a']],
      [['columns', '1', 'counts'], null],
      [['columns', '2', 'value'], {}],
      [['columns', '3', 'format'], 'YY'],
      [['columns', '3', 'max'], 1e12],
      [['columns', '0'], null],
      [['columns'], {}],
    ];
    for (const [path, value] of breaks) {
      const broken = structuredClone(copy);
      let at = broken;
      for (const key of path.slice(0, -1)) at = at[key];
      at[path.at(-1) as string] = value;
      expect(() => parseCodec(broken), path.join('.')).toThrow(/^table\./);
    }
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        expect(() => parseCodec(value)).toThrow(/table\./);
      }),
      { numRuns: 200 },
    );
  });

  test('every date format reads what it writes', () => {
    fc.assert(
      fc.property(fc.constantFrom(...dateFormats), fc.integer({ min: -700_000, max: 900_000 }), fc.integer({ min: 0, max: 86_399_999 }), (format, day, ms) => {
        const value = Math.floor((day * 86_400_000 + ms) / format.unit);
        expect(format.parse(format.format(value))).toBe(value);
      }),
    );
  });

  test('rounding works in decimals, not in binary', () => {
    const column = { kind: 'number', min: 32.1, max: 59.6, transform: 'none', scale: 1, offset: 0, grid: { decimals: 1, step: 1 } } as ValueColumn;
    expect(backward(column, Math.fround(39.1))).toBe(39.1);
    expect(backward(column, 39.149)).toBe(39.1);
    expect(backward(column, 70)).toBe(59.6);
  });
});
