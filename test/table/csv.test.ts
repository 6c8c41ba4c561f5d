// CSV and JSON readers: what they accept, how they name what they refuse, and the bounds they keep.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectDelimiter } from '../../lib/table/csv.ts';
import { rowsSource } from '../../lib/table/json.ts';
import { openTable } from '../../lib/table/source.ts';
import { csvField } from '../../lib/table/write.ts';
import { errorOf, file, readAll } from './helpers.ts';

const csv = async (text: string | Uint8Array, extension = 'csv') => {
  const source = await openTable(file(text, extension));
  return { header: source.header, rows: await readAll(source) };
};

describe('csv', () => {
  test('reads quotes, a byte order mark, CRLF and empty lines', async () => {
    const { header, rows } = await csv('\uFEFFa,"b ""x""",c\r\n1,"two, three",\r\n\r\n4,"line\none",6\r\n');
    expect(header).toEqual(['a', 'b "x"', 'c']);
    expect(rows).toEqual([
      ['1', 'two, three', ''],
      ['4', 'line\none', '6'],
    ]);
  });

  test.each([',', ';', '\t', '|'])('detects the delimiter %j', async (d) => {
    const text = [`name${d}hp${d}note`, `x${d}1${d}"a,b;c"`, `y${d}2${d}plain`].join('\n');
    expect(detectDelimiter(text)).toBe(d);
    expect((await csv(text)).rows[0]).toEqual(['x', '1', 'a,b;c']);
  });

  test('one column needs no delimiter', async () => expect(await csv('a\n1\n2\n')).toEqual({ header: ['a'], rows: [['1'], ['2']] }));

  test('a short row is named by row, line and count', async () => {
    const rows = Array.from({ length: 976 }, (_, i) => `${i},2,3`).join('\n');
    const error = await errorOf(csv(`a,b,c\n${rows}\n1,2\n`), 'ERR_FLOW_CSV_SHAPE');
    expect(error.message).toMatch(/^row 977: 2 fields, header has 3 \(line 978 of /);
    expect(error.path).toBe('row 977');
  });

  test.each([
    ['an open quote', 'a,b\n1,"2\n3,4\n', /a quote is opened and never closed/],
    ['text after a quote', 'a,b\n1,"2"x\n', /row 1: a quoted field goes on/],
    ['an empty file', '', /no header line/],
    ['two columns of one name', 'a,b,a\n1,2,3\n', /columns 1 and 3 have the same name "a"/],
    ['a stray quote in the first row', 'a,b\n1,2"3\n3,4\n', /^row 1: a quote in the middle of an unquoted field.* \(line 2 of /],
    ['a stray quote far down', `a,b\n${'1,2\n'.repeat(5000)}\n1,2"3\n3,4\n`, /^row 500[12]: a quote in the middle.* \(line 5003 of /],
    ['Latin-1', Buffer.from('a,b\nx\xe9,1\n', 'latin1'), /^byte 5 of .*: not UTF-8 text, near "a,b xé,1 "\. Save the file as UTF-8/],
    ['Latin-1 in the last byte', Buffer.from('a,b\n1,\xe9', 'latin1'), /^byte 6 of /],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x61, 0, 0x2c, 0]), /zero bytes/],
  ])('refuses %s', async (_, text, message) => expect((await errorOf(csv(text), 'ERR_FLOW_CSV_SHAPE')).message).toMatch(message));

  test('characters may cross the chunks of the stream; a wrong byte behind them is found', async () => {
    for (const shift of ['', 'x', 'xy', 'xyz']) {
      const text = `a\n${shift}${'😀é東\n'.repeat(40_000)}`; // 10 bytes a line: 400 kB, in chunks of 256 kB
      expect((await csv(text)).rows.at(-1)).toEqual(['😀é東']);
      const error = await errorOf(csv(Buffer.concat([Buffer.from(text), Buffer.from([0xf0, 0x9f, 0x41])])), 'ERR_FLOW_CSV_SHAPE');
      expect(error.path).toMatch(`byte ${Buffer.byteLength(text)} of `);
      await errorOf(csv(Buffer.concat([Buffer.from(`["${text.replaceAll('\n', ' ')}`), Buffer.from([0xe9, 0x22, 0x5d])]), 'json'), 'ERR_FLOW_CSV_SHAPE');
    }
  });

  test.each([
    ['a field over 1 MB', `a,b\n1,${'x'.repeat((1 << 20) + 1)}\n`],
    ['a quoted field that never ends', `a,b\n1,"${'x\n'.repeat(3 << 20)}`],
    ['more than 10,000 columns', `${Array.from({ length: 10_001 }, (_, i) => `c${i}`).join(',')}\n`],
    ['a line of 5 MB of commas', `a,b\n${','.repeat(5 << 20)}\n`],
  ])('bounds %s', async (_, text) => {
    await errorOf(csv(text), 'ERR_FLOW_LIMIT');
  });

  test('a missing file and a folder are I/O errors', async () => {
    await errorOf(openTable('/nowhere/x.csv'), 'ERR_FLOW_IO');
    await errorOf(openTable('/tmp'), 'ERR_FLOW_IO');
  });

  test('any table of text survives writing and reading', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((s) => s.replaceAll('\0', '').replaceAll('\uFEFF', ''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 8 }), async (rows) => {
        const written = [['h1', 'h2', 'h3'], ...rows].map((row) => row.map(csvField).join(',')).join('\n');
        const source = await openTable(file(`${written}\n`), { delimiter: ',' });
        expect(await readAll(source)).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });

  test('arbitrary bytes give rows or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.string({ unit: fc.constantFrom('"', ',', '\n', 'a', '1', ';', '\r'), maxLength: 60 })),
        async (bytes) => {
          try {
            await csv(bytes);
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^ERR_FLOW_/);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('json', () => {
  const value = [
    { a: 1, b: 'x,[{"' },
    { b: 'ü"\\', c: true },
    { a: null, d: { deep: [1, 2] } },
  ];
  const want = [
    [1, 'x,[{"'],
    [null, 'ü"\\', true],
    [null, null, null, '{"deep":[1,2]}'],
  ];

  test('an array of objects; the header is the union of keys', async () => {
    for (const text of [JSON.stringify(value), `\uFEFF ${JSON.stringify(value, null, 2)}\n`]) {
      const { header, rows } = await csv(text, 'json');
      expect(header).toEqual(['a', 'b', 'c', 'd']);
      expect(rows).toEqual(want);
    }
  });

  test('lines', async () => expect((await csv(`${value.map((v) => JSON.stringify(v)).join('\n\n')}`, 'jsonl')).rows).toEqual(want));

  test('rows in memory', async () => expect(await readAll(rowsSource(value))).toEqual(want));

  test('long arrays cross the chunks of the stream', async () => {
    const many = Array.from({ length: 30_000 }, (_, i) => ({ i, text: `row "${i}"` }));
    const { rows } = await csv(JSON.stringify(many), 'json');
    expect(rows.length).toBe(many.length);
    expect(rows[29_999]).toEqual([29_999, 'row "29999"']);
  });

  test.each([
    ['an object at the top', '{"a": 1}', /expected an array of objects/],
    ['an early end', '[{"a": 1}', /the file ends early/],
    ['text after the array', '[{"a": 1}] x', /nothing after/],
    ['a broken element', '[{"a": 1}, {"a": }]', /line 1 of .* not valid JSON/],
    ['a number as a row', '[1]', /row 1: expected an object with a value per column, got 1/],
  ])('refuses %s', async (_, text, message) => expect((await errorOf(csv(text, 'json'), 'ERR_FLOW_CSV_SHAPE')).message).toMatch(message));

  test('a value that is no cell is named', async () => {
    expect((await errorOf(readAll(rowsSource([{ a: 1 }, { a: Number.NaN }])), 'ERR_FLOW_CSV_CELL')).path).toBe('row 2, column "a"');
    expect((await errorOf(readAll(rowsSource([{ a: () => 1 }])), 'ERR_FLOW_CSV_CELL')).path).toBe('row 1, column "a"');
  });

  test('arbitrary text gives rows or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom('[', ']', '{', '}', '"', ',', ':', '1', 'a', '\\', '\n'), maxLength: 40 }), async (text) => {
        try {
          await csv(text, 'json');
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^ERR_FLOW_/);
        }
      }),
      { numRuns: 300 },
    );
  });
});
